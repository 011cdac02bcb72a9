"""What leaves the case store and what comes in: archives, tables, images without identity. Each is on record."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from qana_desktop import __version__
from qana_desktop.intake.reader import ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.reports.archive import ArchivedCase, ArchivedRecord, ArchiveInfo, archived, write_archive
from qana_desktop.reports.archive_reader import ArchiveReader
from qana_desktop.reports.deidentify import Exported, ImageToExport, export_images, words_of
from qana_desktop.reports.faults import archive_refused
from qana_desktop.reports.new_file import new_file
from qana_desktop.reports.proof import ImageKind
from qana_desktop.reports.readings_csv import write_readings
from qana_desktop.store import cases, records
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.records import Put
from qana_desktop.store.schema import ENTITY
from qana_desktop.store.store import Filing, Store
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.triage.access import Permission, User
from qana_desktop.triage.case import (
    Case,
    ClinicalAssessment,
    Filed,
    Kind,
    Patient,
    SecondReading,
    Value,
)

Report = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""
Allowed = Callable[[Permission], Filed[User]]

_SILENT: Final[Report] = lambda _what, _done, _total: None  # noqa: E731 - a default value, not a function to read
_SHARED: Final = frozenset({Kind.PATIENT, Kind.LESION, Kind.SKIN_TONE, Kind.OUTCOME})
"""Kinds that another visit of the same patient may have brought already."""


@dataclass(frozen=True)
class Imported:
    """What came of an archive. `skipped` are cases that were not taken in, with the reason.

    `sign_offs` were left out: someone here has to answer for a case.
    """

    added: tuple[str, ...]
    skipped: tuple[tuple[str, Fault], ...]
    sign_offs: int


class ExchangeDesk:
    """Exports and imports for the person whom `allowed` names (`CaseDesk.allowed`).

    Every method raises NotAllowed, StoreReadOnly (what cannot be recorded does not leave) and StoreError.
    """

    def __init__(self, store: Store, allowed: Allowed, reader: ImageReader) -> None:
        self._store, self._allowed, self._reader = store, allowed, reader

    # --- out

    def export_archive(
        self, encounters: tuple[str, ...], path: Path, *, with_names: bool = False, report: Report = _SILENT
    ) -> ArchiveInfo:
        """Write the cases into the new archive `path` and read it back; raises ExportFailed, RecordMissing."""
        user, users = self._exporter(), self._user_names()

        def one_by_one() -> Iterator[ArchivedCase]:
            for done, encounter in enumerate(encounters):
                report(_("writing cases"), done, len(encounters))
                yield archived(self._case(encounter), users, with_names=with_names)

        made_at = self._store.clock().isoformat(timespec="seconds")
        program = f"QANA Desktop {__version__}"
        with new_file(path) as unfinished:
            info = write_archive(
                unfinished,
                one_by_one(),
                self._store.read_image,
                made_at=made_at,
                program=program,
                with_names=with_names,
            )
            self._read_back(unfinished, info, encounters, report)
            self._record("case-exported", user, encounters, note=N_("archive {sha256}").format(sha256=info.sha256[:16]))
        return info

    def export_readings(self, encounters: tuple[str, ...], path: Path) -> int:
        """Write a line for each reading of the cases into the new CSV file `path`; raises ExportFailed."""
        user = self._exporter()
        with new_file(path) as unfinished:
            count = write_readings(unfinished, (self._case(encounter) for encounter in encounters))
            self._record("readings-exported", user, encounters, note=f"table of {count} readings")
        return count

    def export_images(
        self, encounters: tuple[str, ...], folder: Path, kind: ImageKind, *, report: Report = _SILENT
    ) -> tuple[Exported, ...]:
        """Write the cases' images without identity into the new folder `folder`; raises ExportFailed."""
        user = self._exporter()
        images = [image for encounter in encounters for image in self._images(self._case(encounter))]
        made = export_images(
            images,
            folder,
            kind,
            reader=self._reader,
            report=lambda done, total: report(_("exporting images"), done, total),
        )
        try:
            self._record(
                "images-exported", user, encounters, note=N_("{count} files, without identity").format(count=len(made))
            )
        except BaseException:
            shutil.rmtree(folder)
            raise
        return made

    def all_cases(self) -> tuple[str, ...]:
        """Return the ids of all cases that are not withdrawn."""
        self._allowed(Permission.SEE)
        with self._store.reading() as connection:
            found = sa.select(ENTITY.c.id).where(ENTITY.c.kind == str(Kind.ENCOUNTER), ~ENTITY.c.withdrawn)
            return tuple(connection.execute(found.order_by(ENTITY.c.id)).scalars())

    # --- in

    def import_archive(self, path: Path, *, report: Report = _SILENT) -> Imported:
        """Take the cases of an archive in. All of it is checked before anything is stored; raises ArchiveRefused."""
        user = self._exporter()
        with ArchiveReader() as archive:
            summary = archive.check(path)
            for done, encounter in enumerate(summary.cases):
                report(_("checking cases"), done, len(summary.cases))
                self._check_images(archive, archive.case(encounter))
            added, skipped, sign_offs = [], [], 0
            for done, encounter in enumerate(summary.cases):
                report(_("taking cases in"), done, len(summary.cases))
                case = archive.case(encounter)
                if reason := self._conflict(case):
                    skipped.append((encounter, reason))
                    continue
                self._take_in(archive, case, user, source=N_("archive {sha256}").format(sha256=summary.sha256[:16]))
                added.append(encounter)
                sign_offs += sum(record.kind is Kind.SIGN_OFF for record in case.records)
        return Imported(tuple(added), tuple(skipped), sign_offs)

    # --- inside

    def _exporter(self) -> Filed[User]:
        user = self._allowed(Permission.ENTER)
        if self._store.read_only is not None:
            raise StoreReadOnly(self._store.read_only)
        return user

    def _case(self, encounter: str) -> Case:
        with self._store.reading() as connection:
            return cases.read_case(connection, encounter)

    def _user_names(self) -> dict[str, str]:
        with self._store.reading() as connection:
            return {user.entity: user.value.name for user in records.all_of(connection, User)}

    def _record(self, action: str, user: Filed[User], encounters: tuple[str, ...], *, note: str) -> None:
        with self._store.transaction(user.entity) as transaction:
            for encounter in encounters:
                transaction.record(action, kind=str(Kind.ENCOUNTER), entity=encounter, note=note)

    def _images(self, case: Case) -> Iterator[ImageToExport]:
        patient = case.patient.value
        paths = [Path(reading.value.source) for image in case.images for reading in image.readings]
        texts = [
            patient.pseudonym,
            patient.name or "",
            *(part for path in paths for part in (path.stem, path.parent.name)),
        ]
        for number, image in enumerate(case.images, start=1):
            content = partial(self._store.read_image, image.image.value.sha256)
            yield ImageToExport(content, f"image {number} of case {case.encounter.entity}", words_of(texts))

    def _read_back(self, path: Path, info: ArchiveInfo, encounters: tuple[str, ...], report: Report) -> None:
        with ArchiveReader() as archive:
            summary = archive.check(path)
            for done, encounter in enumerate(encounters):
                report(_("reading back"), done, len(encounters))
                archive.case(encounter)
        if (summary.sha256, len(summary.cases)) != (info.sha256, len(encounters)):
            raise archive_refused("damaged", _("it is not the one that was written"))

    def _check_images(self, archive: ArchiveReader, case: ArchivedCase) -> None:
        for image in case.images():
            width, height = self._size_of(archive.image(image.sha256))
            if (width, height) != (image.width, image.height):
                raise archive_refused("case-bad", _("an image has another size than its record says"))
            if image.thumbnail_sha256 is not None:
                self._size_of(archive.image(image.thumbnail_sha256))

    def _size_of(self, content: bytes) -> tuple[int, int]:
        try:
            height, width = self._reader.display(content).shape[:2]
        except FileRefused as refused:
            raise archive_refused(
                "image-bad", _("an image cannot be read ({code})").format(code=refused.fault.code)
            ) from refused
        return width, height

    def _conflict(self, case: ArchivedCase) -> Fault | None:
        """Why a case cannot be taken in beside what is here; None when it can."""
        with self._store.reading() as connection:
            for record in case.records:
                here = _standing(connection, record.entity)
                if here is None:
                    continue
                if record.entity == case.encounter:
                    return _ALREADY_HERE
                if record.kind not in _SHARED or here != (str(record.kind), record.parent, False):
                    return _CONFLICT
                if isinstance(record.value, Patient):
                    local = records.current(connection, Patient, record.entity).value
                    if local.pseudonym != record.value.pseudonym:
                        return _OTHER_PATIENT
        return None

    def _take_in(self, archive: ArchiveReader, case: ArchivedCase, user: Filed[User], *, source: str) -> None:
        for sha256 in case.blobs():
            self._store.keep_image(archive.image(sha256))
        with self._store.filing(by=user.entity, what=N_("import a case"), note=source) as filing:
            for record in case.records:
                if record.kind is not Kind.SIGN_OFF and _standing(filing.action.connection, record.entity) is None:
                    _file(filing, record)


def _file(filing: Filing, record: ArchivedRecord) -> None:
    filing.put(Put(_with_author(record), record.entity, record.parent))
    note = N_("entered elsewhere at {at} by {by}").format(at=record.at, by=record.by)
    # Named so that `verify` does not take it for the entry of a version: that one the filing writes itself.
    filing.action.record("imported-record", kind=str(record.kind), entity=record.entity, note=note)


def _with_author(record: ArchivedRecord) -> Value:
    """An opinion says in its own note whose it is: it is filed by the person who imports, who did not hold it."""
    if not isinstance(record.value, ClinicalAssessment | SecondReading):
        return record.value
    origin = N_("[Entered elsewhere at {at} by {by}]").format(at=record.at, by=record.by)
    return replace(record.value, note=f"{record.value.note}\n{origin}".strip())


def _standing(connection: sa.Connection, entity: str) -> tuple[str, str | None, bool] | None:
    query = sa.select(ENTITY.c.kind, ENTITY.c.parent, ENTITY.c.withdrawn).where(ENTITY.c.id == entity)
    row = connection.execute(query).first()
    return None if row is None else (row.kind, row.parent, bool(row.withdrawn))


_ALREADY_HERE = Fault("case-already-here", N_("This case is in the store already."), N_("Nothing has to be done."))
_CONFLICT = Fault(
    "case-conflict",
    N_("A part of this case is in the store already, in another place or withdrawn. The case was not taken in."),
    N_("Compare the case with the one here, and enter what is missing by hand."),
)
_OTHER_PATIENT = Fault(
    "case-of-other-patient",
    N_("The patient of this case is here under another pseudonym. The case was not taken in."),
    N_("Find out which pseudonym is right, and correct the other one first."),
)
