"""What two readers said about an image, in words: each alone, whether they agree, or why the second was silent."""

from __future__ import annotations

from qana_desktop.triage.diagnosis import FULL_NAMES
from qana_desktop.triage.outcome import Assessed, Reading, SecondAsked, SecondSilent, Triage
from qana_desktop.ui.presenters.measures import DetailRow, energy_line
from qana_desktop.ui.texts import milliseconds, said, tr, two_digits


def second_reader_lines(reading: Reading) -> tuple[str, ...]:
    """Return the lines for the reading panel, none where one reader was enough."""
    second = reading.second_reader
    if second is None:
        return ()
    if isinstance(second, SecondSilent):
        return (said(second.reason.sentence()),)
    return (
        tr(
            "Two readers were asked, because the network was uncertain ({doubt}, limit {limit}).",
            doubt=two_digits(second.uncertainty),
            limit=two_digits(second.limit),
        ),
        tr("The network: {answer}", answer=_answer(second.first)),
        tr("{reader}: {answer}", reader=second.reader, answer=_answer(second.second)),
        _verdict(second.first, second.second),
    )


def second_reader_rows(reading: Reading) -> tuple[DetailRow, ...]:
    """Return the second reader's own time and energy, for the rows behind the info button."""
    second = reading.second_reader
    if not isinstance(second, SecondAsked):
        return ()
    return (
        DetailRow(tr("Second reader"), milliseconds(second.latency_ms)),
        DetailRow(tr("Its energy"), energy_line(second.energy)),
        DetailRow(tr("Its runtime"), second.runtime),
    )


def _answer(reader: Assessed) -> str:
    return tr(
        "{name}, {word}, malignancy {number}",
        name=tr(FULL_NAMES[reader.predicted]),
        word=_word(reader.triage),
        number=two_digits(reader.malignancy),
    )


def _word(triage: Triage) -> str:
    return {
        Triage.REVIEW_NOW: tr("review now"),
        Triage.REVIEW: tr("review"),
        Triage.LOW_CONCERN: tr("low concern"),
    }[triage]


def _verdict(first: Assessed, second: Assessed) -> str:
    if first.triage is not second.triage:
        return tr("They differ in urgency: the more severe leads.")
    if first.predicted != second.predicted:
        return tr("They name different classes, and the same urgency.")
    return tr("They agree.")
