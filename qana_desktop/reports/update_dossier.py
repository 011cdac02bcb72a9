"""What the printed dossier of an update says: where it comes from, what it was judged on, who decided. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from qana_desktop.reports.document import Block, Document, Facts, Paragraph, Section, Table, Tone
from qana_desktop.system.language import _

Told = Mapping[str, Any]
_MOST_TURNED: Final = 60
_MADE_WITH: Final = ("program", "python", "numpy")


def update_dossier(told: Told, *, language: str = "en") -> Document:
    """Return the dossier as a document; `told` is the dossier as JSON has it (`services.learning_dossier`)."""
    version = str(told["version"])
    sections = (
        _version(told),
        _cases(told["cases"]),
        *(section for evaluation in told["evaluations"] for section in _judged(evaluation)),
        _decisions(told),
    )
    return Document(
        title=_("Update of the network: {version}").format(version=version),
        running=_("Update {version}").format(version=version),
        made_at=str(told["made_at"]),
        made_line=_("Made on {when} with {program}. Head of the audit record: {head}.").format(
            when=str(told["made_at"])[:16].replace("T", " "), program=told["program"], head=told["audit_head"]
        ),
        status=_("Research use, decision support for trained clinicians, not a medical device."),
        foot=_("Research use, decision support for trained clinicians, not a medical device."),
        sections=sections,
        language=language,
        page_of=_("Page {page} of {pages}"),
    )


def _version(told: Told) -> Section:
    training = told["training"]
    rows = [
        (_("Version"), str(told["version"])),
        (_("State"), str(told["state"])),
        (_("Made from"), str(told["parent"])),
        (_("How"), str(told["kind"])),
        (_("Trained"), f"{str(told['trained_at'])[:16].replace('T', ' ')}, {told['trained_by']}"),
        (_("Manifest, SHA-256"), str(told["manifest_sha256"])),
        (_("Signature of the clinic"), _("holds") if told["signature_holds"] else _("does not hold")),
        (_("Confirmed images"), str(training.get("cases", 0))),
        (_("Unlabelled images"), str(training.get("images", 0))),
        (_("Device"), str(training.get("device") or _("any"))),
        (_("Random numbers"), _("none: the same cases give the same version")),
        (
            _("Program, Python, NumPy"),
            ", ".join(str(training.get(name, "")) for name in ("program", "python", "numpy")),
        ),
    ]
    return Section(_("The version"), (Facts(tuple(rows)),))


def _cases(cases: Sequence[Told]) -> Section:
    if not cases:
        return Section(_("What it learnt from"), (Paragraph(_("No case with a diagnosis: thresholds only.")),))
    counts = Counter((str(case["label"]), str(case["source"])) for case in cases)
    rows = tuple((label, source, str(count)) for (label, source), count in sorted(counts.items()))
    blocks: list[Block] = [Table((_("Diagnosis"), _("Source"), _("Images")), rows, (3, 3, 1), frozenset({2}))]
    gone = sum(bool(case["withdrawn_since"]) for case in cases)
    if gone:
        blocks.append(
            Paragraph(
                _("{count} of these cases were withdrawn since. Train again without them.").format(count=gone),
                Tone.WARNS,
            )
        )
    return Section(_("What it learnt from"), tuple(blocks))


def _judged(evaluation: Told) -> Iterator[Section]:
    failed = [line for line in evaluation["lines"] if not line["holds"]]
    answer = (
        _("Every line holds. The gate accepted the version.")
        if evaluation["accepted"]
        else _("The gate refused the version: {count} of {all} lines do not hold.").format(
            count=len(failed), all=len(evaluation["lines"])
        )
    )
    when = str(evaluation["at"])[:16].replace("T", " ")
    notes: list[Block] = [
        Paragraph(answer, Tone.STRONG if evaluation["accepted"] else Tone.WARNS),
        Paragraph(_("Judged on {when} by {who}.").format(when=when, who=evaluation["by"]), Tone.QUIET),
        *(Paragraph(str(sentence)) for sentence in evaluation["power"]),
        *(Paragraph(str(warning), Tone.WARNS) for warning in evaluation["warnings"]),
    ]
    rows = tuple((_("holds") if line["holds"] else _("FAILS"), str(line["sentence"])) for line in evaluation["lines"])
    yield Section(_("Judged"), (*notes, Table((_("Line"), _("What was found")), rows, (1, 8))))
    turned = evaluation["turned"]
    if turned:
        shown = tuple((str(case["where"]), str(case["case"]), str(case["label"])) for case in turned[:_MOST_TURNED])
        more: tuple[Block, ...] = ()
        if len(turned) > _MOST_TURNED:
            more = (Paragraph(_("and {count} more").format(count=len(turned) - _MOST_TURNED)),)
        table = Table((_("Cases"), _("Case"), _("True diagnosis")), shown, (2, 4, 2))
        yield Section(_("Cases that turned from right to wrong"), (table, *more))


def _decisions(told: Told) -> Section:
    rows = [
        (
            _("approved") if one["agrees"] else _("rejected"),
            one["by"],
            str(one["at"])[:16].replace("T", " "),
            one["reason"],
        )
        for one in told["approvals"]
    ]
    rows += [
        (f"{one['deed']}, {one['step']}", one["by"], str(one["at"])[:16].replace("T", " "), one["reason"])
        for one in told["activations"]
    ]
    if not rows:
        return Section(_("Decisions"), (Paragraph(_("Nobody has decided about this version.")),))
    header = (_("What"), _("Who"), _("When"), _("Reason"))
    return Section(_("Decisions"), (Table(header, tuple(tuple(map(str, row)) for row in rows), (2, 2, 2, 4)),))
