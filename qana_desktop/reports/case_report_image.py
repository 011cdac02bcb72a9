"""The part of a case report about one image: how it was taken, what the network read in it, and with what."""

from __future__ import annotations

from typing import Final

from qana_desktop.reports import words
from qana_desktop.reports.document import (
    Bar,
    Bars,
    Beside,
    Block,
    Facts,
    Headline,
    Paragraph,
    Picture,
    Scale,
    Section,
    Table,
    Tone,
    Urgency,
)
from qana_desktop.system.language import _, ngettext, said
from qana_desktop.triage.assess import RULES
from qana_desktop.triage.case import CaptureFacts, Filed, FiledImage
from qana_desktop.triage.diagnosis import FULL_NAMES, MALIGNANT, Diagnosis
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading, SecondSilent
from qana_desktop.triage.policy import MALIGNANCY, OperatingPoint, ReadingPolicy
from qana_desktop.triage.quality import QualityReport

_MOST_EARLIER: Final = 6
_NONE: Final = "-"


def image_section(
    filed: FiledImage, number: int, count: int, *, picture: Picture | None, policy: ReadingPolicy | None
) -> Section:
    """Return the section of image `number` of `count`. `policy` is that of the bundle of its latest reading."""
    reading = filed.readings[-1].value if filed.readings else None
    answer = _answer(reading, policy)
    blocks: list[Block] = []
    if picture is not None:
        blocks.append(Beside(picture, answer))
    else:
        blocks += [Paragraph(_("The image itself cannot be shown: its file is damaged or missing."), Tone.WARNS)]
        blocks += answer
    if reading is not None:
        blocks += _behind(reading, policy)
    blocks.append(Facts(_capture(filed.image.value.facts, filed.image.value.sha256)))
    blocks += _earlier(filed.readings[:-1])
    return Section(_("Image {number} of {count}").format(number=number, count=count), tuple(blocks))


def scale_words(facts: CaptureFacts) -> str:
    """Return the scale of an image, or that it has none."""
    if facts.mm_per_pixel is None:
        return _("no scale: the device was not calibrated, so nothing can be measured in millimetres")
    return _("{scale:.4g} mm per pixel, calibrated").format(scale=facts.mm_per_pixel)


# --- what the network read


def _answer(reading: Reading | None, policy: ReadingPolicy | None) -> tuple[Block, ...]:
    if reading is None:
        text = _("No network has read this image: nothing is known about it. This is no sign that it is harmless.")
        return (Headline(Urgency.UNREAD, words.urgency_word(Urgency.UNREAD)), Paragraph(text))
    if isinstance(reading.outcome, CannotAssess):
        fault = reading.outcome.reason
        return (
            Headline(Urgency.CANNOT_ASSESS, words.urgency_word(Urgency.CANNOT_ASSESS)),
            Paragraph(_("The network gave no answer. A person has to look at this image."), Tone.STRONG),
            Paragraph(fault.sentence()),
            Facts(((_("Quality"), quality_words(reading.quality)),)),
        )
    return _assessed(reading, reading.outcome, policy)


def _assessed(reading: Reading, outcome: Assessed, policy: ReadingPolicy | None) -> tuple[Block, ...]:
    urgency = words.urgency_of(outcome)
    beside = _("malignancy {number} (sum of the classes in bold)").format(number=words.two_digits(outcome.malignancy))
    points = _points(policy)
    cuts = tuple((point.threshold, words.two_digits(point.threshold)) for point in points)
    return (
        Headline(urgency, words.urgency_word(urgency), beside),
        *_against_the_check(outcome),
        Scale(outcome.malignancy, cuts),
        Bars(_bars(outcome)),
        Paragraph(_could_be(outcome)),
    )


def _against_the_check(outcome: Assessed) -> tuple[Block, ...]:
    if not outcome.ignored:
        return ()
    why = " ".join(said(fault.message) for fault in outcome.ignored)
    text = _("Read against the check: {why} The answer may not hold for this image.").format(why=why)
    return (Paragraph(text, Tone.WARNS),)


def _bars(outcome: Assessed) -> tuple[Bar, ...]:
    ordered = sorted(outcome.probabilities.items(), key=lambda item: -item[1])
    could_be = _("could be")
    return tuple(
        Bar(
            _(FULL_NAMES[dx]),
            share,
            words.two_digits(share),
            dx in MALIGNANT,
            could_be if dx in outcome.could_be else "",
        )
        for dx, share in ordered
    )


def _could_be(outcome: Assessed) -> str:
    answer = _("Answer by the decision rule: {name}.").format(name=_(FULL_NAMES[outcome.predicted]))
    names = ", ".join(_(FULL_NAMES[dx]) for dx in outcome.could_be)
    return f"{answer} " + (_("Could be: {names}.").format(names=names) if names else _("No class is plausible enough."))


# --- what stands behind it


def _behind(reading: Reading, policy: ReadingPolicy | None) -> tuple[Block, ...]:
    rows = []
    if isinstance(reading.outcome, Assessed):
        rows += _judgement(reading, reading.outcome, policy)
    rows += [
        (_("Read at"), words.moment(reading.when)),
        (_("Read with"), _provenance(reading)),
        (_("Time"), _latency(reading)),
        (_("Energy"), words.energy_words(reading.energy)),
    ]
    return (Facts(tuple(rows)),)


def _judgement(reading: Reading, outcome: Assessed, policy: ReadingPolicy | None) -> list[tuple[str, str]]:
    rows = [(_("Quality"), quality_words(reading.quality)), (_("Operating point"), _operating_point(outcome, policy))]
    if outcome.raised_by:
        why = " ".join(_(RULES.get(code, code)) for code in outcome.raised_by)
        rows.append((_("Made more urgent by"), why))
    rows += _second_network(reading)
    rows.append((_("Views"), _agreement(outcome, len(reading.logits))))
    if policy is None:
        return rows
    calibration, conformal = policy.calibration, policy.conformal
    ece = calibration.ece
    text = _("probabilities for {population}; expected calibration error {ece}").format(
        population=calibration.prevalence_name, ece=_error(ece.value, ece.low, ece.high, ece.n)
    )
    rows.append((_("Calibration"), text))
    if conformal.measured is not None:
        text = _("such sets held the true class in {share} of test images{melanoma}").format(
            share=words.interval(conformal.measured), melanoma=_melanoma_coverage(policy)
        )
        rows.append((_("“Could be” sets"), text))
    return rows


def _second_network(reading: Reading) -> list[tuple[str, str]]:
    """What each of two networks said, or why the second was silent."""
    asked = reading.second_reader
    if asked is None:
        return []
    if isinstance(asked, SecondSilent):
        return [(_("Second network"), said(asked.reason.message))]
    text = _(
        "asked because the first was uncertain ({reader}, {runtime}). First alone: {first}. Second alone: {second}."
    )
    return [
        (
            _("Second network"),
            text.format(
                reader=asked.reader, runtime=asked.runtime, first=_alone(asked.first), second=_alone(asked.second)
            ),
        )
    ]


def _alone(outcome: Assessed) -> str:
    return _("{word}, {name}, malignancy {number}").format(
        word=words.urgency_word(words.urgency_of(outcome)),
        name=_(FULL_NAMES[outcome.predicted]),
        number=words.two_digits(outcome.malignancy),
    )


def _error(value: float, low: float, high: float, n: int) -> str:
    return _("{value:.3f} ({low:.3f} to {high:.3f}, n\u00a0=\u00a0{n} lesions)").format(
        value=value, low=low, high=high, n=n
    )


def _melanoma_coverage(policy: ReadingPolicy) -> str:
    if Diagnosis.MEL not in policy.classes or not policy.conformal.measured_by_class:
        return ""
    found = policy.conformal.measured_by_class[policy.classes.index(Diagnosis.MEL)]
    return _(", of melanomas in {share}").format(share=words.interval(found))


def _points(policy: ReadingPolicy | None) -> list[OperatingPoint]:
    found = (point for point in (policy.operating_points if policy else ()) if point.score == MALIGNANCY)
    return sorted(found, key=lambda point: point.threshold)


def _operating_point(outcome: Assessed, policy: ReadingPolicy | None) -> str:
    if policy is None:
        return _("belongs to the version named below, which is not on this computer: no cut can be printed")
    points = _points(policy)
    if not points:
        return _("this version prints none")
    reached = [point for point in points if outcome.malignancy >= point.threshold]
    point = reached[-1] if reached else points[0]
    where = (
        _("{value} is at or above the cut of {cut} for “{word}”.")
        if reached
        else _("{value} is below the cut of {cut} for “{word}”.")
    )
    counted = _(
        "On test images this cut found {sensitivity} of malignant lesions and spared {specificity} of benign ones."
    )
    text = f"{where} {counted}"
    return text.format(
        value=words.two_digits(outcome.malignancy),
        cut=words.two_digits(point.threshold),
        word=words.urgency_word(Urgency(point.triage)),
        sensitivity=words.interval(point.sensitivity),
        specificity=words.interval(point.specificity),
    )


def _agreement(outcome: Assessed, views: int) -> str:
    if views <= 1:
        return _("read in one view; agreement was not checked")
    return _("{agree} of {views} turned or mirrored views give this answer").format(
        agree=round(outcome.view_agreement * views), views=views
    )


def quality_words(report: QualityReport | None) -> str:
    """Return the verdict on the image with its reasons."""
    if report is None:
        return _("not checked")
    faults = (*report.refusals, *report.warnings)
    if not faults:
        return _("good")
    verdict = _("refused") if report.refusals else _("usable, with care")
    return f"{verdict}: " + " ".join(fault.sentence() for fault in faults)


def _provenance(reading: Reading) -> str:
    source = reading.provenance
    if source is None:
        return _("no engine took part")
    return _("bundle {bundle}; engine {engine}; runtime {runtime}; preprocess {preprocess}; {program}; {host}").format(
        bundle=source.bundle,
        engine=source.engine,
        runtime=source.runtime,
        preprocess=source.preprocess,
        program=_("program {version}").format(version=source.program),
        host=source.host,
    )


def _latency(reading: Reading) -> str:
    latency = reading.latency
    total = words.milliseconds(latency.total)
    if latency.inference is None:
        return _("{total}, no engine asked").format(total=total)
    return _("{total}, of it {inference} in the engine").format(
        total=total, inference=words.milliseconds(latency.inference)
    )


# --- how it was taken, and earlier readings


def _capture(facts: CaptureFacts, sha256: str) -> tuple[tuple[str, str], ...]:
    taken = [facts.device or _("device not named"), words.polarisation_word(facts.polarisation)]
    taken.append(words.contact_word(facts.contact))
    if facts.captured_at:
        taken.append(_("on {day}").format(day=facts.captured_at[:10]))
    return (
        (_("Taken with"), ", ".join(taken)),
        (_("Scale"), scale_words(facts)),
        (_("Image SHA-256"), sha256),
    )


def _earlier(readings: tuple[Filed[Reading], ...]) -> tuple[Block, ...]:
    if not readings:
        return ()
    count = len(readings)
    many = ngettext("{count} earlier reading of this image", "{count} earlier readings of this image", count)
    said = many.format(count=count) + ". " + _("Scores are comparable only within one version of the network.")
    shown = tuple(_earlier_row(filed.value) for filed in readings[-_MOST_EARLIER:])
    header = (_("Read at"), _("Bundle"), _("Triage"), _("Malignant"))
    table = Table(header, shown, (2.2, 3.0, 2.0, 1.2), frozenset({3}))
    return (Paragraph(said, Tone.QUIET), table)


def _earlier_row(reading: Reading) -> tuple[str, str, str, str]:
    outcome = reading.outcome
    number = words.two_digits(outcome.malignancy) if isinstance(outcome, Assessed) else _NONE
    bundle = reading.provenance.bundle if reading.provenance else _NONE
    return words.moment(reading.when), bundle, words.urgency_word(words.urgency_of(outcome)), number
