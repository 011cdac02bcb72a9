"""From readings of a session to cases in the store: files are put away, duplicates found, all filed as one change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qana_desktop.intake.dicom_envelope import is_dicom
from qana_desktop.intake.headers import ImageFormat, sniff
from qana_desktop.services import queues
from qana_desktop.services.case_desk import OTHER_IMAGE, CaseDesk, KeptImage, NewImage, Visit
from qana_desktop.services.contract import TriageDeskLike
from qana_desktop.services.sources import ImageSource
from qana_desktop.store.cases import encounters_of
from qana_desktop.store.faults import StoreError
from qana_desktop.store.schema import BLOB, ENTITY, RECORD
from qana_desktop.store.store import Store
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission
from qana_desktop.triage.case import ClinicalAssessment, Encounter, Kind, Lesion, Patient
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.worklist import WorklistQuery, WorklistRow

THUMBNAIL_SIDE: Final = 192
Report = Callable[[int, int], None]
"""Called with how many images are done, and how many there are. May raise to stop: nothing is kept then."""

_NAMED: Final = re.compile(r'"sha256": ?"([0-9a-f]{64})"')
_IMAGES: Final = sa.select(ENTITY.c.id, RECORD.c.payload).where(
    ENTITY.c.kind == str(Kind.IMAGE),
    ~ENTITY.c.withdrawn,
    RECORD.c.entity == ENTITY.c.id,
    RECORD.c.version == ENTITY.c.version,
)
_MEDIA: Final = {
    ImageFormat.JPEG: "image/jpeg",
    ImageFormat.PNG: "image/png",
    ImageFormat.TIFF: "image/tiff",
    ImageFormat.BMP: "image/bmp",
    ImageFormat.WEBP: "image/webp",
    ImageFormat.DICOM: "application/dicom",
}


@dataclass(frozen=True)
class ToKeep:
    """An image of a session with its reading, and whose it is. `assessment` is the person's own opinion, if entered.

    Images with the same `visit` show one lesion on one day: they become one case.
    """

    visit: int

    source: ImageSource
    reading: Reading
    patient: str | Patient
    lesion: str | Lesion
    reason: str = ""
    assessment: ClinicalAssessment | None = None


@dataclass(frozen=True)
class Kept:
    """What was kept: the SHA-256 of each image with its encounter; and what was left out, with the reason."""

    images: dict[str, str]
    left_out: tuple[tuple[str, Fault], ...] = ()


class KeepingDesk:
    """Files images of a session for the person who is signed in at `desk`. Raises as `CaseDesk` does."""

    def __init__(self, store: Store, desk: CaseDesk, triage: TriageDeskLike) -> None:
        self._store, self._desk, self._triage = store, desk, triage

    def keep(self, wanted: Sequence[ToKeep], *, reread_share: float, report: Report) -> Kept:
        """Put the files into the store and file all visits as one change. What cannot be kept is left out and told.

        A file that changed since it was read is left out: its reading would stand beside another picture.
        """
        self._desk.allowed(Permission.ENTER)
        visits: dict[int, Visit] = {}
        left_out: list[tuple[str, Fault]] = []
        for done, one in enumerate(wanted):
            report(done, len(wanted))
            kept = self._put_away(one)
            if isinstance(kept, Fault):
                left_out.append((one.source.label, kept))
            else:
                visits[one.visit] = self._visit(visits.get(one.visit), one, kept, reread_share)
        report(len(wanted), len(wanted))
        encounters = self._desk.keep(tuple(visits.values())) if visits else ()
        images = {
            kept.image.sha256: encounter
            for visit, encounter in zip(visits.values(), encounters, strict=True)
            for kept in visit.images
        }
        return Kept(images, tuple(left_out))

    def known(self, sha256s: Iterable[str]) -> dict[str, str]:
        """Return which of these images are in a case already: SHA-256 to its encounter."""
        self._desk.allowed(Permission.SEE)
        asked = list(sha256s)
        with self._store.reading() as connection:
            there = set(connection.execute(sa.select(BLOB.c.sha256).where(BLOB.c.sha256.in_(asked))).scalars())
            found: dict[str, str] = {}
            # One walk over all images: only when a content is there, and in the background.
            for image, payload in connection.execute(_IMAGES) if there else ():
                named = _NAMED.search(payload)
                if named is not None and named[1] in there and named[1] not in found:
                    found[named[1]] = encounters_of(connection, Kind.IMAGE, image)[0]
        return found

    def find_patient(self, pseudonym: str) -> WorklistRow | None:
        """Return a line of the patient with this pseudonym, in any case of letters; None when there is none."""
        wanted = pseudonym.strip().casefold()
        rows = self._desk.worklist(WorklistQuery(text=wanted, limit=500)) if wanted else ()
        return next((row for row in rows if row.pseudonym.strip().casefold() == wanted), None)

    def suggest(self, typed: str, *, most: int = 12) -> tuple[str, ...]:
        """Return pseudonyms that hold what was typed, sorted."""
        if not typed.strip():
            return ()
        rows = self._desk.worklist(WorklistQuery(text=typed, limit=100))
        found = {row.pseudonym for row in rows if typed.strip().casefold() in row.pseudonym.casefold()}
        return tuple(sorted(found)[:most])

    def with_known_patients(self, wanted: Sequence[ToKeep]) -> list[ToKeep]:
        """Return the same with the store's own patient in the place of each new one whose pseudonym is known."""
        known: dict[str, str | Patient] = {}
        found = []
        for one in wanted:
            if isinstance(one.patient, Patient):
                name = one.patient.pseudonym
                if name not in known:
                    row = self.find_patient(name)
                    known[name] = one.patient if row is None else row.patient
                found.append(replace(one, patient=known[name]))
            else:
                found.append(one)
        return found

    # --- inside ---

    def _put_away(self, one: ToKeep) -> KeptImage | Fault:
        """Put one image's files into the store, or say why this one cannot be kept. Faults of the store are raised."""
        try:
            image = self._new_image(one.source, one.reading)
        except KnownError as error:
            return error.fault
        try:
            return self._desk.put_image(image)
        except StoreError as error:
            if error.fault.code != OTHER_IMAGE:
                raise
            return _changed()

    def _visit(self, visit: Visit | None, one: ToKeep, kept: KeptImage, share: float) -> Visit:
        if visit is not None:
            assessment = visit.assessment or one.assessment
            return replace(visit, images=(*visit.images, kept), assessment=assessment)
        opened = self._store.clock().astimezone(UTC).isoformat(timespec="seconds")
        tags = (queues.RE_READ,) if queues.drawn(one.reading, share) else ()
        return Visit(one.patient, one.lesion, Encounter(opened, one.reason), (kept,), one.assessment, tags)

    def _new_image(self, source: ImageSource, reading: Reading) -> NewImage:
        if reading.image_sha256 is None:
            raise KnownError(_not_an_image())
        content = _bytes_of(source)
        rgb = self._triage.display_image(ImageSource(source.label, data=content))
        height, width = rgb.shape[:2]
        return NewImage(content, _media_type(content), width, height, thumbnail=_thumbnail(rgb), reading=reading)


def _bytes_of(source: ImageSource) -> bytes:
    if source.path is None:
        return source.data or b""
    try:
        return source.path.read_bytes()
    except OSError as error:
        raise KnownError(_gone(error.strerror or type(error).__name__)) from error


def _media_type(content: bytes) -> str:
    if is_dicom(content):
        return _MEDIA[ImageFormat.DICOM]
    found = sniff(content)
    return _MEDIA[found] if found is not None else "application/octet-stream"


def _thumbnail(rgb: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    height, width = rgb.shape[:2]
    share = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    small = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _not_an_image() -> Fault:
    return Fault(
        "keep-no-image",
        _("This file could not be read as an image, so there is nothing to keep."),
        _("Take the image again or copy it again, then open it."),
    )


def _gone(why: str) -> Fault:
    return Fault(
        "keep-file-gone",
        _("The file could not be read again: {why}. It was not kept.").format(why=why),
        _("Connect the disk or card again, then keep it once more."),
    )


def _changed() -> Fault:
    return Fault(
        "keep-file-changed",
        _("The file was changed after it was read, so this reading is of another picture. It was not kept."),
        _("Open the file again, so that it is read as it is now, then keep it."),
    )
