"""What the reading panel says about one image: words, shapes and numbers, from the entry and the bundle's policy."""

from __future__ import annotations

from dataclasses import dataclass, field

from qana_desktop.system.figures import stored_moment
from qana_desktop.triage.diagnosis import FULL_NAMES, MALIGNANT, Diagnosis
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading
from qana_desktop.triage.policy import Interval, OperatingPoint, ReadingPolicy
from qana_desktop.triage.quality import QualityReport
from qana_desktop.ui.presenters.entries import Entry, Group, group_of
from qana_desktop.ui.presenters.measures import DetailRow, detail_rows, energy_line, latency_line
from qana_desktop.ui.presenters.second_reader import second_reader_lines, second_reader_rows
from qana_desktop.ui.texts import grouped, in_a_sentence, percent, said, tr, two_digits

STABLE, MOSTLY_STABLE = 0.999, 0.75
"""Shares of agreeing views from which an answer is called stable, and mostly stable."""

HIGH, MODERATE = 0.8, 0.5
"""Calibrated confidence from which the word is high, and moderate."""


@dataclass(frozen=True)
class Bar:
    """One class: full name, code, probability in [0, 1], and how it stands out."""

    name: str
    code: str
    probability: float
    text: str
    malignant: bool
    in_set: bool
    named: bool


@dataclass(frozen=True)
class Cut:
    """A printed operating point on the malignancy scale."""

    value: float
    group: Group
    text: str


@dataclass(frozen=True)
class Scale:
    """The malignancy sum against its cuts; `sentence` is the cut that decided, with its intervals."""

    value: float
    text: str
    cuts: tuple[Cut, ...]
    sentence: str
    details: tuple[DetailRow, ...]


@dataclass(frozen=True)
class ReadingView:
    """Everything the reading panel shows. Empty texts are not shown."""

    group: Group
    word: str
    number: str = ""
    quality: str = ""
    quality_good: bool = True
    quality_notes: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""
    can_read_anyway: bool = False
    can_read_again: bool = False
    notes: tuple[str, ...] = ()
    second_reader: tuple[str, ...] = ()
    scale: Scale | None = None
    bars: tuple[Bar, ...] = ()
    could_be: str = ""
    agreement: str = ""
    confidence: str = ""
    latency: str = ""
    energy: str = ""
    measures: tuple[DetailRow, ...] = ()
    provenance: str = ""
    provenance_rows: tuple[DetailRow, ...] = field(default_factory=tuple)


def group_word(group: Group) -> str:
    """Return the one word or two that name a group."""
    return {
        Group.CANNOT_ASSESS: tr("Cannot assess"),
        Group.REVIEW_NOW: tr("Review now"),
        Group.REVIEW: tr("Review"),
        Group.LOW_CONCERN: tr("Low concern"),
        Group.UNREAD: tr("Unread"),
    }[group]


def row_line(entry: Entry) -> str:
    """Return the second line of an entry in the worklist."""
    reading = entry.reading
    if entry.waiting:
        return tr("Waiting")
    if reading is None:
        return tr("Not read")
    if isinstance(reading.outcome, CannotAssess):
        return _bare(reading.outcome.reason.message)
    if entry.hidden:
        return tr("Not yet assessed")
    word = f"{group_word(entry.group)} · {tr(FULL_NAMES[reading.outcome.predicted])}"
    word = tr("{line} · kept", line=word) if entry.kept else word
    return tr("Against the check · {word}", word=word) if reading.outcome.ignored else word


def row_number(entry: Entry) -> str:
    """Return the malignancy number of an entry in the worklist, "" without one."""
    reading = entry.reading
    if reading is None or isinstance(reading.outcome, CannotAssess) or entry.hidden:
        return ""
    return two_digits(reading.outcome.malignancy)


def row_spoken(entry: Entry) -> str:
    """Return the entry as a screen reader says it."""
    number = row_number(entry)
    score = tr(", malignancy {number}", number=number) if number else ""
    word = group_word(entry.shown_group)
    line = row_line(entry)
    return f"{entry.title}: {line if line.startswith(word) else f'{word}. {line}'}{score}"


def reading_view(entry: Entry, policy: ReadingPolicy | None) -> ReadingView:
    """Return what the panel shows for an entry. Without a policy no cut is shown: it belongs to the bundle."""
    reading = entry.reading
    same = () if entry.same_as is None else (tr("The same image as {label}.", label=entry.same_as),)
    if reading is None:
        return _unread(entry, same)
    if isinstance(reading.outcome, CannotAssess):
        return _cannot_assess(reading, reading.outcome, same)
    return _assessed(reading, reading.outcome, policy, same)


def _unread(entry: Entry, notes: tuple[str, ...]) -> ReadingView:
    if entry.waiting:
        return ReadingView(Group.UNREAD, tr("Waiting"), reason=tr("This image is in the queue."), notes=notes)
    return ReadingView(
        Group.UNREAD,
        group_word(Group.UNREAD),
        reason=tr("No engine has read this image. Nothing is known about it yet."),
        remedy=tr("Press Read when an engine is ready."),
        can_read_again=True,
        notes=notes,
    )


def _cannot_assess(reading: Reading, outcome: CannotAssess, notes: tuple[str, ...]) -> ReadingView:
    quality, good, sentences = _quality(reading.quality, overridden=False)
    return ReadingView(
        Group.CANNOT_ASSESS,
        group_word(Group.CANNOT_ASSESS),
        quality=quality,
        quality_good=good,
        quality_notes=tuple(s for s in sentences if s != outcome.reason.sentence()),
        reason=_bare(outcome.reason.message),
        remedy=outcome.reason.todo,
        can_read_anyway=reading.image_sha256 is not None,
        notes=notes,
        latency=latency_line(reading.latency),
        energy=energy_line(reading.energy),
        measures=detail_rows(reading.latency, reading.energy),
        provenance=_provenance_line(reading),
        provenance_rows=_provenance_rows(reading),
    )


def _assessed(reading: Reading, outcome: Assessed, policy: ReadingPolicy | None, notes: tuple[str, ...]) -> ReadingView:
    quality, good, sentences = _quality(reading.quality, overridden=bool(outcome.ignored))
    return ReadingView(
        group_of(reading),
        group_word(group_of(reading)),
        number=two_digits(outcome.malignancy),
        quality=quality,
        quality_good=good,
        quality_notes=sentences,
        notes=(*_override_notes(outcome), *_raised_notes(outcome), *notes),
        second_reader=second_reader_lines(reading),
        scale=_scale(outcome, policy),
        bars=_bars(outcome),
        could_be=_could_be(outcome, policy),
        agreement=_agreement(outcome.view_agreement, len(reading.logits)),
        confidence=_confidence(outcome.confidence),
        latency=latency_line(reading.latency),
        energy=energy_line(reading.energy),
        measures=(*detail_rows(reading.latency, reading.energy), *second_reader_rows(reading)),
        provenance=_provenance_line(reading),
        provenance_rows=_provenance_rows(reading),
    )


def _bare(message: str) -> str:
    """Return a fault's message without "Cannot assess:", which stands above it already."""
    rest = said(message.removeprefix("Cannot assess: "))
    return rest[:1].upper() + rest[1:]


def _quality(report: QualityReport | None, *, overridden: bool) -> tuple[str, bool, tuple[str, ...]]:
    if report is None:
        return tr("not checked"), False, ()
    faults = (*report.refusals, *report.warnings)
    sentences = tuple(fault.sentence() for fault in faults)
    if report.refusals:
        return (tr("refused, overridden") if overridden else tr("refused")), False, sentences
    if report.warnings:
        return tr("usable, with care"), False, sentences
    return tr("good"), True, ()


def _override_notes(outcome: Assessed) -> tuple[str, ...]:
    if not outcome.ignored:
        return ()
    why = " ".join(fault.what for fault in outcome.ignored)
    return (tr("Read anyway, against the check: {why} The answer may not hold for this image.", why=why),)


def _raised_notes(outcome: Assessed) -> tuple[str, ...]:
    # Not at the top of the module: the rules bring numpy, which the first paint does not wait for.
    from qana_desktop.triage.assess import RULES

    return tuple(
        tr("Raised to {word}: {why}", word=_triage_word(outcome), why=_lower_first(tr(RULES[code])))
        for code in outcome.raised_by
    )


def _triage_word(outcome: Assessed) -> str:
    return in_a_sentence(group_word(Group(outcome.triage.value)))


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _score(point: OperatingPoint) -> str:
    known = {d.value: in_a_sentence(tr(FULL_NAMES[d])) for d in Diagnosis}
    return known.get(point.score, point.score)


def _bars(outcome: Assessed) -> tuple[Bar, ...]:
    ordered = sorted(outcome.probabilities.items(), key=lambda item: -item[1])
    return tuple(
        Bar(
            tr(FULL_NAMES[diagnosis]),
            diagnosis.value,
            probability,
            two_digits(probability),
            diagnosis in MALIGNANT,
            diagnosis in outcome.could_be,
            diagnosis == outcome.predicted,
        )
        for diagnosis, probability in ordered
    )


def _could_be(outcome: Assessed, policy: ReadingPolicy | None) -> str:
    names = ", ".join(tr(FULL_NAMES[diagnosis]) for diagnosis in outcome.could_be)
    if not names:
        return tr("Could be: none of the seven is plausible enough.")
    if policy is None:
        return tr("Could be: {names}", names=names)
    return tr("Could be: {names}.", names=names) + " " + _coverage(policy)


def _coverage(policy: ReadingPolicy) -> str:
    """How often such sets were right, as measured; melanoma apart, because there a miss weighs most."""
    measured, by_class = policy.conformal.measured, policy.conformal.measured_by_class
    if measured is None:
        return tr("How often such a set holds the true class was not measured.")
    if Diagnosis.MEL not in policy.classes:
        return tr("Such sets held the true class in {all} of test images.", all=percent(measured.value))
    melanoma = by_class[policy.classes.index(Diagnosis.MEL)]
    return tr(
        "Such sets held the true class in {all} of test images, in {melanoma} of melanomas.",
        all=percent(measured.value),
        melanoma=percent(melanoma.value),
    )


def _agreement(share: float, views: int) -> str:
    if views <= 1:
        return tr("Read in one view; agreement was not checked.")
    agree = round(share * views)
    word = tr("stable") if share >= STABLE else tr("mostly stable") if share >= MOSTLY_STABLE else tr("unstable")
    return tr("{agree} of {views} views agree: {word}", agree=agree, views=views, word=word)


def _confidence(value: float) -> str:
    word = tr("high") if value >= HIGH else tr("moderate") if value >= MODERATE else tr("low")
    return tr("Confidence {word}, {number}", word=word, number=two_digits(value))


def _scale(outcome: Assessed, policy: ReadingPolicy | None) -> Scale:
    points = sorted(
        (p for p in (policy.operating_points if policy else ()) if p.score == "malignancy"),
        key=lambda p: p.threshold,
    )
    cuts = tuple(Cut(p.threshold, Group(p.triage), two_digits(p.threshold)) for p in points)
    details = tuple(DetailRow(_cut_name(p), _cut_sentence(p)) for p in (policy.operating_points if policy else ()))
    number = two_digits(outcome.malignancy)
    return Scale(outcome.malignancy, number, cuts, _deciding(points, outcome.malignancy), details)


def _deciding(points: list[OperatingPoint], value: float) -> str:
    if not points:
        return tr("No operating point is printed for this network.")
    reached = [p for p in points if value >= p.threshold]
    if reached:
        point, where = reached[-1], tr("At or above")
    else:
        point, where = points[0], tr("Below")
    return tr(
        "{where} the cut of {name}. {sentence}", where=where, name=_cut_name(point), sentence=_cut_sentence(point)
    )


def _cut_name(point: OperatingPoint) -> str:
    word = in_a_sentence(group_word(Group(point.triage)))
    if point.score == "malignancy":
        return tr("{cut} for {word}", cut=two_digits(point.threshold), word=word)
    return tr("{score} {cut} for {word}", score=_score(point), cut=two_digits(point.threshold), word=word)


def _cut_sentence(point: OperatingPoint) -> str:
    sensitivity, specificity = _interval(point.sensitivity), _interval(point.specificity)
    if point.score == "malignancy":
        return tr(
            "Finds {sensitivity} of malignant lesions, spares {specificity} of benign ones.",
            sensitivity=sensitivity,
            specificity=specificity,
        )
    return tr(
        "Finds {sensitivity} of lesions of this one class ({score}), spares {specificity} of all others.",
        sensitivity=sensitivity,
        score=_score(point),
        specificity=specificity,
    )


def _interval(interval: Interval) -> str:
    low, high = interval.low * 100, interval.high * 100
    return tr(
        "{value} ({low:.0f} to {high:.0f}\u00a0%, n\u00a0{n})",
        value=percent(interval.value),
        low=low,
        high=high,
        n=grouped(interval.n),
    )


def _provenance_line(reading: Reading) -> str:
    provenance = reading.provenance
    if provenance is None:
        return tr("No engine took part.")
    return tr(
        "{engine} · bundle {bundle}", engine=provenance.runtime or provenance.engine, bundle=provenance.bundle[:12]
    )


def _provenance_rows(reading: Reading) -> tuple[DetailRow, ...]:
    provenance = reading.provenance
    rows = [DetailRow(tr("Read at"), stored_moment(reading.when))]
    if provenance is not None:
        rows += [
            DetailRow(tr("Engine"), said(provenance.engine)),
            DetailRow(tr("Runtime"), provenance.runtime),
            DetailRow(tr("Bundle"), provenance.bundle),
            DetailRow(tr("Preprocess"), provenance.preprocess),
            DetailRow(tr("Program"), provenance.program),
            DetailRow(tr("Machine"), provenance.host),
        ]
    if reading.image_sha256 is not None:
        rows.append(DetailRow(tr("Image SHA-256"), reading.image_sha256))
    return tuple(rows)
