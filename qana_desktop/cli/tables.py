"""Readings as a table for people: the most urgent first, cannot-assess above all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from qana_desktop.cli.terminal import plain
from qana_desktop.triage.assess import RULES, worklist_key
from qana_desktop.triage.diagnosis import FULL_NAMES, LesionClass, class_named
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading, SecondAsked, SecondSilent, Triage
from qana_desktop.triage.policy import MALIGNANCY, Interval, ReadingPolicy

SIGNS: Final[dict[Triage, str]] = {
    Triage.REVIEW_NOW: "▲ review now",
    Triage.REVIEW: "■ review",
    Triage.LOW_CONCERN: "● low concern",
}
CANNOT: Final = "◆ cannot assess"
_STYLES: Final = {Triage.REVIEW_NOW: "bold red", Triage.REVIEW: "yellow", Triage.LOW_CONCERN: "green"}


def reading_table(readings: Iterable[Reading]) -> Table:
    """One row per reading, in the order of a worklist."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("image", overflow="fold", min_width=8)
    table.add_column("triage", no_wrap=True)
    table.add_column("answer", overflow="fold", min_width=10)
    table.add_column("malignant", justify="right", no_wrap=True)
    table.add_column("could be", overflow="fold")
    table.add_column("ms", justify="right", no_wrap=True)
    ordered = sorted(readings, key=lambda each: worklist_key(each.outcome))
    for name, reading in zip(short_names([each.source for each in ordered]), ordered, strict=True):
        table.add_row(plain(name), *_cells(reading), f"{reading.latency.total:.1f}")
    return table


def short_names(paths: Sequence[str]) -> list[str]:
    """The paths below the folder that all of them lie in; as they are where there is no such folder."""
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120 - may be no path at all
    except ValueError:
        return list(paths)
    return [path[len(folder) :].lstrip("/\\") if folder else path for path in paths]


def _cells(reading: Reading) -> tuple[Text, Text, Text, Text]:
    outcome = reading.outcome
    if isinstance(outcome, CannotAssess):
        return Text(CANNOT, "magenta"), plain(outcome.reason.sentence()), Text(""), Text("")
    sign = Text(SIGNS[outcome.triage], _STYLES[outcome.triage])
    could_be = " ".join(dx.value for dx in outcome.could_be)
    return sign, _answer(outcome, reading.second_reader), Text(two_digits(outcome.malignancy)), Text(could_be)


def _answer(outcome: Assessed, second: SecondAsked | SecondSilent | None) -> Text:
    notes = [FULL_NAMES[outcome.predicted], *(RULES[rule] for rule in outcome.raised_by)]
    if outcome.ignored:
        notes.append("Read although: " + " ".join(fault.message for fault in outcome.ignored))
    notes += second_lines(second)
    return Text("\n").join(plain(note) for note in notes)


def second_lines(second: SecondAsked | SecondSilent | None) -> list[str]:
    """What each of two readers said, or why the second was silent."""
    if second is None:
        return []
    if isinstance(second, SecondSilent):
        return [second.reason.message]
    return [
        f"{name}: {FULL_NAMES[said.predicted]}, {SIGNS[said.triage]}, malignant {two_digits(said.malignancy)}"
        for name, said in (("First reader", second.first), (f"Second reader ({second.reader})", second.second))
    ]


def two_digits(share: float) -> str:
    """A probability with the precision that the calibration carries."""
    if 0.0 < share < 0.005:
        return "<0.01"
    if 0.995 <= share < 1.0:
        return ">0.99"
    return f"{share:.2f}"


def policy_lines(policy: ReadingPolicy) -> list[str]:
    """The printed cuts with what was measured at them, and the population that the probabilities refer to."""
    lines = [
        f"{SIGNS[Triage(point.triage)]}: {_score_name(point.score, policy.classes)} at or above"
        f" {two_digits(point.threshold)}"
        f" (sensitivity {_percent(point.sensitivity)}, specificity {_percent(point.specificity)})"
        for point in policy.operating_points
    ]
    return [*lines, f"Probabilities are calibrated for {policy.calibration.prevalence_name}."]


def _score_name(score: str, classes: tuple[LesionClass, ...]) -> str:
    return "malignant" if score == MALIGNANCY else FULL_NAMES[class_named(score, classes)]


def _percent(interval: Interval) -> str:
    if interval.n == 0:
        return "not measured"
    low, value, high = (round(100 * share) for share in (interval.low, interval.value, interval.high))
    return f"{value} %, 95 % interval {low} to {high} %, n = {interval.n}"
