"""What a report of a case says: who, which lesion, what the network read, what clinicians found, who answers for it.

Pure: a case, names, pictures and policies in, a document out. `reports.pdf` draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from qana_desktop.reports import words
from qana_desktop.reports.case_report_image import image_section
from qana_desktop.reports.document import Block, Document, Facts, Paragraph, Picture, Section, Tone
from qana_desktop.reports.free_text import without_name
from qana_desktop.system.language import _
from qana_desktop.triage.case import (
    Case,
    ClinicalAssessment,
    Filed,
    ProvenOutcome,
    SecondReading,
    SevenPoint,
    SignOff,
)
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.worklist import CaseState, state_of


class Identity(StrEnum):
    """Whom the report names: the pseudonym alone, or the person."""

    PSEUDONYM = "pseudonym"
    PATIENT = "patient"


@dataclass(frozen=True)
class Circumstances:
    """All that a report needs besides the case.

    `made_at` is ISO 8601 UTC, `made_by` a user's name, `audit_head` the printed head of the audit record at that time.
    `names` are of users by id, `pictures` by the SHA-256 of the image, `policy_of` gives the reading policy of a bundle
    or None when it is not on this computer.
    """

    made_at: str
    made_by: str
    program: str
    audit_head: str
    names: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    policy_of: Callable[[str], ReadingPolicy | None] = lambda _bundle: None
    identity: Identity = Identity.PSEUDONYM
    language: str = "en"


def case_report(case: Case, about: Circumstances) -> Document:
    """Return the report of a case as it stands. By pseudonym, the patient's name is taken out of free texts too."""
    cleaned = case if about.identity is Identity.PATIENT else without_name(case, _("[name]"))
    taken_out, case = cleaned != case, cleaned
    sections = (
        _state(case, about, taken_out=taken_out),
        Section(_("Patient and lesion"), (Facts(_patient(case, about)),), together=True),
        *_images(case, about),
        _clinicians(case, about),
        _proof(case),
        _use(case, about),
    )
    return Document(
        title=_("Report of a skin lesion"),
        running=_("Report of a skin lesion · {patient} · case {case}").format(
            patient=case.patient.value.pseudonym, case=case.encounter.entity[:8]
        ),
        made_at=about.made_at,
        made_line=_("Made on {when} by {who}").format(when=words.moment(about.made_at), who=about.made_by),
        status=_("Research use, decision support for trained clinicians, not a medical device."),
        foot=_("Audit head {head}").format(head=about.audit_head),
        sections=sections,
        language=about.language,
        page_of=_("Page {page} of {pages}"),
    )


# --- is it signed, of whom is it


def _state(case: Case, about: Circumstances, *, taken_out: bool) -> Section:
    last = case.sign_offs[-1] if case.sign_offs else None
    match state_of(case):
        case CaseState.SIGNED if last is not None:
            text = _("Signed by {who} on {when}.").format(who=_who(last, about), when=words.moment(last.at))
            block = Paragraph(text, Tone.STRONG)
        case CaseState.AMENDED if last is not None:
            block = Paragraph(
                _("Changed since {who} signed it on {when}: nobody answers for the case as it stands here.").format(
                    who=_who(last, about), when=words.moment(last.at)
                ),
                Tone.WARNS,
            )
        case _:
            block = Paragraph(_("Not signed: nobody answers for this report yet."), Tone.WARNS)
    note = Paragraph(_("The patient's name was taken out of the notes in this report by pseudonym."), Tone.QUIET)
    return Section("", (block, note) if taken_out else (block,))


def _patient(case: Case, about: Circumstances) -> tuple[tuple[str, str], ...]:
    patient, lesion, visit = case.patient.value, case.lesion.value, case.encounter.value
    rows = [(_("Pseudonym"), patient.pseudonym)]
    if about.identity is Identity.PATIENT:
        year = str(patient.birth_year) if patient.birth_year is not None else _("not stated")
        rows += [
            (_("Name"), patient.name or _("not stated")),
            (_("Year of birth"), year),
            (_("Sex"), words.sex_word(patient.sex)),
        ]
    rows += [
        (_("Skin tone"), words.tone_words(case.skin_tone.value if case.skin_tone else None)),
        (_("Body site"), lesion.body_site or _("not stated")),
        (_("Lesion first seen"), lesion.first_seen or _("not stated")),
    ]
    if lesion.note:
        rows.append((_("Note on the lesion"), lesion.note))
    rows.append((_("Case"), f"{case.encounter.entity}, {words.moment(visit.opened)}"))
    if visit.reason:
        rows.append((_("Reason of the visit"), visit.reason))
    if case.tags and case.tags.value.labels:
        rows.append((_("Tags"), ", ".join(case.tags.value.labels)))
    return tuple(rows)


# --- images


def _images(case: Case, about: Circumstances) -> Iterator[Section]:
    if not case.images:
        yield Section(_("Images"), (Paragraph(_("This case has no image."), Tone.WARNS),))
    for number, image in enumerate(case.images, start=1):
        source = image.readings[-1].value.provenance if image.readings else None
        yield image_section(
            image,
            number,
            len(case.images),
            picture=about.pictures.get(image.image.value.sha256),
            policy=about.policy_of(source.bundle) if source is not None else None,
        )


# --- what people found


def _clinicians(case: Case, about: Circumstances) -> Section:
    blocks: list[Block] = []
    if not case.assessments:
        blocks.append(Paragraph(_("No clinician has assessed this case.")))
    blocks += [Facts(_assessment(filed, about)) for filed in case.assessments]
    if not case.second_readings:
        blocks.append(Paragraph(_("There is no second reading."), Tone.QUIET))
    blocks += [Facts(_second(filed, about)) for filed in case.second_readings]
    if not case.sign_offs:
        blocks.append(Paragraph(_("Nobody has signed this case."), Tone.QUIET))
    blocks += [Facts(_sign_off(filed, about)) for filed in case.sign_offs]
    return Section(_("What clinicians found"), tuple(blocks))


def _assessment(filed: Filed[ClinicalAssessment], about: Circumstances) -> tuple[tuple[str, str], ...]:
    value = filed.value
    rows = [
        (_("Finding"), words.finding_words(value.finding)),
        (_("Action"), words.action_word(value.action)),
    ]
    if value.override_reason:
        rows.append((_("Departs from the reading because"), value.override_reason))
    if value.abcd is not None:
        rows.append((_("ABCD rule"), _abcd(value)))
    if value.seven_point is not None:
        rows.append((_("Seven-point checklist"), _seven(value.seven_point)))
    if value.note:
        rows.append((_("Note"), value.note))
    rows.append((_("Assessed by"), _signed(filed, about)))
    return tuple(rows)


def _abcd(value: ClinicalAssessment) -> str:
    scored = value.abcd
    if scored is None:
        return ""
    return _("asymmetry {a}, border {b}, colours {c}, structures {d}: total {total:.1f}").format(
        a=scored.asymmetry, b=scored.border, c=scored.colours, d=scored.structures, total=scored.total
    )


def _seven(checked: SevenPoint) -> str:
    names = {
        "atypical_network": _("atypical network"),
        "blue_white_veil": _("blue-white veil"),
        "atypical_vessels": _("atypical vessels"),
        "irregular_streaks": _("irregular streaks"),
        "irregular_dots": _("irregular dots and globules"),
        "irregular_blotches": _("irregular blotches"),
        "regression": _("regression structures"),
    }
    found = ", ".join(text for name, text in names.items() if getattr(checked, name)) or _("no criterion")
    return _("{criteria}: {total} points").format(criteria=found, total=checked.total)


def _second(filed: Filed[SecondReading], about: Circumstances) -> tuple[tuple[str, str], ...]:
    value = filed.value
    rows = [
        (_("Second reading"), _("agrees with the first") if value.agrees else _("differs from the first")),
        (_("Finding"), words.finding_words(value.finding)),
        (_("Action"), words.action_word(value.action)),
    ]
    if value.note:
        rows.append((_("Note"), value.note))
    rows.append((_("Read by"), _signed(filed, about)))
    return tuple(rows)


def _sign_off(filed: Filed[SignOff], about: Circumstances) -> tuple[tuple[str, str], ...]:
    rows = [(_("Signed by"), _signed(filed, about)), (_("Statement"), filed.value.statement)]
    if filed.value.audit_head:
        rows.append((_("Audit head at signing"), filed.value.audit_head))
    return tuple(rows)


def _signed(filed: Filed[Any], about: Circumstances) -> str:
    version = "" if filed.version == 1 else " " + _("(version {version})").format(version=filed.version)
    return f"{_who(filed, about)}, {words.moment(filed.at)}{version}"


def _who(filed: Filed[Any], about: Circumstances) -> str:
    return about.names.get(filed.by, filed.by)


def _proof(case: Case) -> Section:
    if not case.outcomes:
        text = _("Not proven: no histology or other proof has been entered for this lesion.")
        return Section(_("Proven outcome"), (Paragraph(text),))
    return Section(_("Proven outcome"), tuple(Facts(_outcome(filed.value)) for filed in case.outcomes), together=True)


def _outcome(value: ProvenOutcome) -> tuple[tuple[str, str], ...]:
    rows = [
        (_("Outcome"), words.finding_words(value.finding)),
        (
            _("Proven by"),
            _("{source}, reported {day}").format(source=words.proof_word(value.source), day=value.reported),
        ),
    ]
    return (*rows, (_("Note"), value.note)) if value.note else tuple(rows)


# --- how to use it


def _use(case: Case, about: Circumstances) -> Section:
    bundles = {
        reading.value.provenance.bundle
        for image in case.images
        for reading in image.readings[-1:]
        if reading.value.provenance is not None
    }
    populations = {policy.calibration.prevalence_name for bundle in bundles if (policy := about.policy_of(bundle))}
    blocks: list[Block] = [Paragraph(_intended_use())]
    if populations:
        text = _(
            "Probabilities hold for {population}. Elsewhere malignant lesions may be rarer or more frequent, and the "
            "same image then means another probability."
        )
        blocks.append(Paragraph(text.format(population=", ".join(sorted(populations)))))
    head = _(
        "{head}: compare it with what the program shows; if the record of this store was shortened or rewritten since, "
        "it differs"
    ).format(head=about.audit_head)
    blocks.append(Facts(((_("Audit head"), head), (_("Made with"), about.program))))
    return Section(_("Use and provenance"), tuple(blocks), together=True)


def _intended_use() -> str:
    return _(
        "Research use, decision support for trained clinicians, not a medical device. The network names one of seven "
        "classes; it makes no diagnosis, excludes nothing, and does not know other kinds of lesions. “Low concern” "
        "means that it may wait, not that it is harmless. A person decides."
    )
