"""Reports of cases: drawn from the store as it stands, saved or printed by someone who may, and each on record."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qana_desktop import __version__
from qana_desktop.intake.reader import ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.reports.case_report import Circumstances, Identity, case_report
from qana_desktop.reports.case_report_image import scale_words
from qana_desktop.reports.document import Picture
from qana_desktop.reports.image_files import jpeg
from qana_desktop.reports.new_file import new_file
from qana_desktop.reports.pdf import digest, draw_pdf
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.store import cases, records
from qana_desktop.store.faults import StoreError, StoreReadOnly
from qana_desktop.store.store import Store
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _, current
from qana_desktop.triage.access import Permission, User
from qana_desktop.triage.audit import Head
from qana_desktop.triage.case import Case, CaseImage, Filed, Kind
from qana_desktop.triage.policy import ReadingPolicy

Allowed = Callable[[Permission], Filed[User]]
PolicyOf = Callable[[str], ReadingPolicy | None]

LONGEST_SIDE: Final = 1100
"""Pixels of an image on paper: 370 to the inch at its width there."""
_TRIES: Final = 5
_SILENT: Final[Callable[[Progress], None]] = lambda _progress: None  # noqa: E731 - a default value


@dataclass(frozen=True)
class DrawnReport:
    """A report of one case, not yet saved: the file's bytes, and a name for it that names no person."""

    encounter: str
    identity: Identity
    pdf: bytes
    name: str
    audit_head: str

    @property
    def sha256(self) -> str:
        """The hash that the audit record keeps when it is saved or printed."""
        return digest(self.pdf)


@dataclass(frozen=True)
class Batch:
    """What came of many: the files that were written, and the cases that have none, with the reason."""

    made: tuple[tuple[str, Path], ...]
    failed: tuple[tuple[str, Fault], ...]


class ReportDesk:
    """Reports for the person whom `allowed` names (`CaseDesk.allowed`).

    Looking needs the right to see; saving and printing need the right to enter, and a store that can keep a record:
    what cannot be recorded does not leave. Every method raises NotAllowed, StoreError. Safe between threads; takes
    seconds: call from a worker.
    """

    def __init__(self, store: Store, allowed: Allowed, reader: ImageReader, policy_of: PolicyOf) -> None:
        self._store, self._allowed, self._reader, self._policy_of = store, allowed, reader, policy_of

    def draw(self, encounter: str, identity: Identity = Identity.PSEUDONYM) -> DrawnReport:
        """Return the report of a case as it stands, for a preview; raises RecordMissing."""
        user = self._allowed(Permission.SEE)
        case, head = self._standing(encounter)
        about = Circumstances(
            made_at=self._store.clock().isoformat(timespec="seconds"),
            made_by=user.value.name,
            program=f"QANA Desktop {__version__}",
            audit_head=head.printed(),
            names=self._names(),
            pictures=self._pictures(case),
            policy_of=self._policy_of,
            identity=identity,
            language=current().replace("_", "-"),
        )
        pdf = draw_pdf(case_report(case, about))
        return DrawnReport(encounter, identity, pdf, f"report_{name_for(case)}.pdf", about.audit_head)

    def save(self, report: DrawnReport, path: Path) -> None:
        """Write a drawn report to the new file `path` and record it; raises ExportFailed, StoreReadOnly."""
        user = self._exporter()
        with new_file(path) as unfinished:
            unfinished.write_bytes(report.pdf)
            self._record("report-saved", user, report)

    def note_print(self, report: DrawnReport) -> None:
        """Record that a drawn report goes to a printer; call it before; raises StoreReadOnly."""
        self._record("report-printed", self._exporter(), report)

    def save_many(
        self,
        encounters: Sequence[str],
        folder: Path,
        identity: Identity = Identity.PSEUDONYM,
        *,
        report: Callable[[Progress], None] = _SILENT,
        token: CancelToken | None = None,
    ) -> Batch:
        """Write one file per case into `folder`; a case that fails leaves no file and the others go on.

        Raises NotAllowed, StoreReadOnly when none could be written, Cancelled between two cases.
        """
        self._exporter()
        made: list[tuple[str, Path]] = []
        failed: list[tuple[str, Fault]] = []
        for done, encounter in enumerate(encounters):
            if token is not None:
                token.check()
            report(Progress(done, len(encounters), _("making reports")))
            try:
                drawn = self.draw(encounter, identity)
                path = folder / drawn.name
                self.save(drawn, path)
            except StoreReadOnly:
                raise
            except KnownError as error:
                failed.append((encounter, error.fault))
            else:
                made.append((encounter, path))
        return Batch(tuple(made), tuple(failed))

    # --- inside

    def _standing(self, encounter: str) -> tuple[Case, Head]:
        """The case together with the head that stands for exactly this state of the record."""
        for _try in range(_TRIES):
            before = self._store.head
            with self._store.reading() as connection:
                case = cases.read_case(connection, encounter)
            if self._store.head == before:
                break
        return case, before

    def _names(self) -> dict[str, str]:
        with self._store.reading() as connection:
            return {user.entity: user.value.name for user in records.all_of(connection, User)}

    def _pictures(self, case: Case) -> dict[str, Picture]:
        found = {}
        for number, filed in enumerate(case.images, start=1):
            picture = self._picture(filed.image.value, number)
            if picture is not None:
                found[filed.image.value.sha256] = picture
        return found

    def _picture(self, image: CaseImage, number: int) -> Picture | None:
        """The image for paper; None when its file is damaged or cannot be read: the report says so."""
        try:
            rgb = self._reader.display(self._store.read_image(image.sha256), longest_side=LONGEST_SIDE)
        except (FileRefused, StoreError):
            return None
        height, width = rgb.shape[:2]
        scale = image.facts.mm_per_pixel
        caption = _("Image {number}, {width} x {height} pixels; {scale}").format(
            number=number, width=image.width, height=image.height, scale=scale_words(image.facts)
        )
        shown_scale = None if scale is None else scale * image.width / width
        return Picture(jpeg(rgb, b""), width, height, caption, shown_scale)

    def _exporter(self) -> Filed[User]:
        user = self._allowed(Permission.ENTER)
        if self._store.read_only is not None:
            raise StoreReadOnly(self._store.read_only)
        return user

    def _record(self, action: str, user: Filed[User], report: DrawnReport) -> None:
        self._store.record(
            action,
            by=user.entity,
            kind=str(Kind.ENCOUNTER),
            entity=report.encounter,
            after=report.sha256,
            note=f"by {report.identity}, head {report.audit_head}",
        )


def name_for(case: Case) -> str:
    """Return a name for a case's files without a person's: the pseudonym as plain letters, the day, the case."""
    pseudonym = re.sub(r"[^A-Za-z0-9]+", "-", case.patient.value.pseudonym).strip("-")[:40]
    parts = (pseudonym, case.encounter.value.opened[:10], case.encounter.entity[:8])
    return "_".join(part for part in parts if part)
