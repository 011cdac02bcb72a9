"""Images of cases as DICOM for a hospital's archive: written, read back by our own intake, compared, and on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qana_desktop.intake.dicom_facts import DicomFacts
from qana_desktop.intake.prepared import ExportPixels
from qana_desktop.intake.reader import ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.reports.case_dicom import DicomObject, Pixels, case_dicom
from qana_desktop.reports.case_report import Identity
from qana_desktop.reports.faults import ExportFailed
from qana_desktop.reports.new_file import new_file
from qana_desktop.reports.pdf import digest
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.report_desk import Allowed, Batch, name_for
from qana_desktop.store import cases
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.store import Store
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission, User
from qana_desktop.triage.case import Case, CaseImage, Filed, Kind

_SILENT: Final[Callable[[Progress], None]] = lambda _progress: None  # noqa: E731 - a default value
_SAME_SCALE: Final = 1e-6


@dataclass(frozen=True)
class _Ready:
    """A file that was read back and holds what it must."""

    image: str
    name: str
    content: bytes


class DicomDesk:
    """Exports for the person whom `allowed` names (`CaseDesk.allowed`). Call from a worker: takes seconds per image.

    What cannot be recorded does not leave. Unlike `ExchangeDesk.export_images` the files say whose image it is.
    """

    def __init__(self, store: Store, allowed: Allowed, reader: ImageReader) -> None:
        self._store, self._allowed, self._reader = store, allowed, reader

    def save_many(
        self,
        encounters: Sequence[str],
        folder: Path,
        kind: DicomObject = DicomObject.DERMOSCOPY,
        identity: Identity = Identity.PSEUDONYM,
        *,
        report: Callable[[Progress], None] = _SILENT,
        token: CancelToken | None = None,
    ) -> Batch:
        """Write the images of the cases into `folder`, one file each; a case that fails leaves none of its files.

        Raises NotAllowed, StoreError, StoreReadOnly when none could be written, Cancelled between two cases.
        """
        user = self._exporter()
        made: list[tuple[str, Path]] = []
        failed: list[tuple[str, Fault]] = []
        for done, encounter in enumerate(encounters):
            if token is not None:
                token.check()
            report(Progress(done, len(encounters), _("exporting images")))
            try:
                ready = self._ready(encounter, kind, identity)
                made += self._save(encounter, ready, folder, user, note=f"{kind} by {identity}")
            except StoreReadOnly:
                raise
            except KnownError as error:
                failed.append((encounter, error.fault))
        return Batch(tuple(made), tuple(failed))

    # --- inside

    def _ready(self, encounter: str, kind: DicomObject, identity: Identity) -> list[_Ready]:
        with self._store.reading() as connection:
            case = cases.read_case(connection, encounter)
        stem = name_for(case)
        found = []
        for number, filed in enumerate(case.images, start=1):
            pixels = self._reader.export(self._store.read_image(filed.image.value.sha256))
            whole = Pixels(pixels.rgb, pixels.icc, pixels.lossy, pixels.burned_in)
            content = case_dicom(case, filed.image, number, whole, kind=kind, identity=identity)
            self._check(content, case, filed.image, whole, identity)
            found.append(_Ready(filed.image.entity, f"{stem}_{number}_{kind}.dcm", content))
        return found

    def _check(self, content: bytes, case: Case, image: Filed[CaseImage], pixels: Pixels, identity: Identity) -> None:
        """Read the finished file as if a stranger had brought it; raises ExportFailed unless it says what it should."""
        try:
            facts, again = self._reader.facts(content), self._reader.export(content)
        except FileRefused as refused:
            raise _not_the_same(refused.fault.code) from refused
        if facts is None:
            raise _not_the_same("no DICOM")
        for what in _differences(facts, again, case, image.value, pixels, identity):
            raise _not_the_same(what)

    def _save(
        self, encounter: str, ready: list[_Ready], folder: Path, user: Filed[User], *, note: str
    ) -> list[tuple[str, Path]]:
        """Write a case's files; those that were written before one failed are taken away again."""
        written: list[Path] = []
        try:
            for one in ready:
                path = folder / one.name
                with new_file(path) as unfinished:
                    unfinished.write_bytes(one.content)
                written.append(path)
            with self._store.transaction(user.entity) as transaction:
                for one in ready:
                    transaction.record(
                        "dicom-exported", kind=str(Kind.IMAGE), entity=one.image, after=digest(one.content), note=note
                    )
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
            raise
        return [(encounter, path) for path in written]

    def _exporter(self) -> Filed[User]:
        user = self._allowed(Permission.ENTER)
        if self._store.read_only is not None:
            raise StoreReadOnly(self._store.read_only)
        return user


def _differences(
    facts: DicomFacts, again: ExportPixels, case: Case, image: CaseImage, pixels: Pixels, identity: Identity
) -> list[str]:
    patient, capture = case.patient.value, facts.capture()
    wanted_name = sorted((patient.name or "").split()) if identity is Identity.PATIENT else []
    same = {
        "patient": facts.patient_id == patient.pseudonym[:64].strip()
        and sorted(facts.patient_name.split()) == wanted_name,
        "scale": _same_scale(facts.mm_per_pixel, image.facts.mm_per_pixel),
        "pixels": np.array_equal(again.rgb, pixels.rgb),
        "colour profile": again.icc == pixels.profile,
    }
    if facts.kind == "1.2.840.10008.5.1.4.1.1.77.1.7":
        light = (capture.polarisation, capture.contact) == (image.facts.polarisation, image.facts.contact)
        same["light and contact"] = light
    return [what for what, holds in same.items() if not holds]


def _same_scale(found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found == wanted
    return abs(found - wanted) <= _SAME_SCALE * wanted


def _not_the_same(what: str) -> ExportFailed:
    return ExportFailed(
        Fault(
            "dicom-not-the-same",
            _("The DICOM file that was made does not hold what it should when it is read back: {what}. "
              "It was not written.").format(what=what),
            _("Report the file's kind to the makers of the program; export the image as PNG meanwhile."),
        )
    )  # fmt: skip
