"""Words and numbers that every report writes alike: triage, classes, shares with intervals, methods of measurement."""

from __future__ import annotations

from typing import Final

from qana_desktop.reports.document import Urgency
from qana_desktop.system.language import _
from qana_desktop.triage.case import (
    Action,
    Contact,
    Finding,
    Polarisation,
    ProofSource,
    Sex,
    SkinTone,
    SkinToneScale,
)
from qana_desktop.triage.diagnosis import FULL_NAMES, LesionClass
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, Outcome
from qana_desktop.triage.policy import Interval

NBSP: Final = "\u00a0"


def two_digits(share: float) -> str:
    """A probability with the precision that a calibration carries."""
    if 0.0 < share < 0.005:
        return "<0.01"
    if 0.995 <= share < 1.0:
        return ">0.99"
    return f"{share:.2f}"


def percent(share: float) -> str:
    """A share as whole percent."""
    return f"{100 * share:.0f}{NBSP}%"


def milliseconds(value: float) -> str:
    """Tenths below 100 ms, whole milliseconds above."""
    return f"{value:.1f}{NBSP}ms" if value < 99.95 else f"{value:,.0f}{NBSP}ms"


def interval(found: Interval) -> str:
    """A proportion with its 95 % interval and its n."""
    if found.n == 0:
        return _("not measured")
    return _("{value} (95\u00a0% interval {low:.0f} to {high:.0f}\u00a0%, n\u00a0=\u00a0{n})").format(
        value=percent(found.value), low=100 * found.low, high=100 * found.high, n=found.n
    )


def class_name(diagnosis: LesionClass) -> str:
    """Full name and code."""
    return f"{_(FULL_NAMES[diagnosis])} ({diagnosis})"


def urgency_of(outcome: Outcome) -> Urgency:
    """Which headline an outcome has."""
    return Urgency(outcome.triage.value) if isinstance(outcome, Assessed) else Urgency.CANNOT_ASSESS


def urgency_word(urgency: Urgency) -> str:
    """The one word or two that a reader sees first."""
    return {
        Urgency.CANNOT_ASSESS: _("Cannot assess"),
        Urgency.REVIEW_NOW: _("Review now"),
        Urgency.REVIEW: _("Review"),
        Urgency.LOW_CONCERN: _("Low concern"),
        Urgency.UNREAD: _("Not read"),
    }[urgency]


def finding_words(finding: Finding) -> str:
    """A clinician's finding: the class, their words, or both."""
    name = class_name(finding.diagnosis) if finding.diagnosis is not None else ""
    return ": ".join(part for part in (name, finding.words.strip()) if part)


def action_word(action: Action) -> str:
    """What the clinician decided to do."""
    return {
        Action.EXCISE: _("excise"),
        Action.BIOPSY: _("biopsy"),
        Action.REFER: _("refer"),
        Action.MONITOR: _("monitor"),
        Action.TREAT: _("treat"),
        Action.NONE: _("nothing further"),
    }[action]


def proof_word(source: ProofSource) -> str:
    """Where a proven outcome comes from."""
    return {
        ProofSource.HISTOLOGY: _("histology"),
        ProofSource.CONFOCAL: _("confocal microscopy"),
        ProofSource.FOLLOW_UP: _("follow-up"),
        ProofSource.TWO_EXPERTS: _("two experts"),
        ProofSource.SINGLE_OPINION: _("a single opinion"),
    }[source]


def sex_word(sex: Sex | None) -> str:
    """As stated by the clinic."""
    known = {Sex.FEMALE: _("female"), Sex.MALE: _("male"), Sex.OTHER: _("other")}
    return known[sex] if sex is not None else _("not stated")


def tone_words(tone: SkinTone | None) -> str:
    """As entered by staff; never guessed."""
    if tone is None:
        return _("not entered")
    if tone.scale is SkinToneScale.FITZPATRICK:
        return _("Fitzpatrick {value} of 6").format(value=tone.value)
    return _("Monk {value} of 10").format(value=tone.value)


def polarisation_word(light: Polarisation) -> str:
    """Light of the dermatoscope."""
    return {
        Polarisation.POLARISED: _("polarised light"),
        Polarisation.NON_POLARISED: _("non-polarised light"),
        Polarisation.UNKNOWN: _("polarisation not known"),
    }[light]


def contact_word(contact: Contact) -> str:
    """Whether the glass touched the skin."""
    return {
        Contact.CONTACT: _("contact"),
        Contact.NON_CONTACT: _("no contact"),
        Contact.UNKNOWN: _("contact not known"),
    }[contact]


def method_words(method: Method) -> str:
    """How a value was obtained."""
    return {
        Method.MEASURED_DEVICE: _("measured by the device's own meter"),
        Method.MEASURED_PACKAGE: _("measured for the whole processor package"),
        Method.ESTIMATED: _("estimated, not measured"),
        Method.NOT_AVAILABLE: _("not available"),
    }[method]


def energy_words(energy: MeasuredValue | None) -> str:
    """Energy of one reading with its method; what is not known says so and is never 0."""
    if energy is None:
        return _("not available: no engine took part")
    if energy.value is None:
        return _("not available. {why}").format(why=energy.note)
    value = f"{energy.value:.2g}" if abs(energy.value) < 100 else f"{energy.value:,.0f}"
    words = _("{value} {unit}, {method}; covers {scope}").format(
        value=value, unit=energy.unit, method=method_words(energy.method), scope=energy.scope
    )
    return f"{words}. {energy.note}" if energy.note else words


def moment(text: str) -> str:
    """A moment (ISO 8601 UTC) to the minute, with its zone said."""
    return f"{text[:10]} {text[11:16]}{NBSP}UTC" if len(text) > 16 and text[10] == "T" else text
