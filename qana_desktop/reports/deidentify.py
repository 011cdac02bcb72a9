"""Exports images without identity: decoded, encoded anew under new names, read back and proved, all or nothing.

What is not removed is text inside the picture itself: a person has to look at each image before it leaves.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qana_desktop.intake.prepared import ExportPixels, Source
from qana_desktop.intake.reader import ImageReader
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.reports.deidentified_dicom import dicom
from qana_desktop.reports.faults import BURNED_IN, NOT_EMPTY, ExportFailed, not_clean, not_written
from qana_desktop.reports.image_files import jpeg, png, tiff
from qana_desktop.reports.proof import SUFFIX, ImageKind, prove_clean
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

Report = Callable[[int, int], None]
"""Called with how many images are done, of how many."""

LOOK: Final = N_("Text inside the pictures themselves is not removed: look at each image before it leaves.")
_SILENT: Final[Report] = lambda _done, _total: None  # noqa: E731 - a default value, not a function to read
_PARTS: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class ImageToExport:
    """An image and what must not be found in its export. `label` names it to the person who exports.

    `source` may be a function that is called when the image's turn comes, so that many need not be in memory at once.
    """

    source: Source | Callable[[], Source]
    label: str
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """One exported file: its name, its hash, and the hash of the original it comes from."""

    name: str
    sha256: str
    original_sha256: str


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts together with their words, for `ImageToExport.forbidden`: a name may be stored in either order."""
    found = dict.fromkeys(text.strip() for text in texts)
    found.update(dict.fromkeys(word for text in tuple(found) for word in _PARTS.findall(text)))
    return tuple(text for text in found if text)


def export_images(
    images: Sequence[ImageToExport], folder: Path, kind: ImageKind, *, reader: ImageReader, report: Report = _SILENT
) -> tuple[Exported, ...]:
    """Write the images into the new folder `folder`, in their order, and return what was written.

    Each file is read back and proved before the folder gets its name. Raises ExportFailed, KnownError (an image that
    cannot be read, with its label); nothing is left behind then. Originals are only ever read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportFailed(NOT_EMPTY)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".qana-export-", dir=folder.parent))
    except OSError as error:
        raise not_written(error.strerror or _("unknown reason")) from error
    try:
        done = tuple(
            _export(image, number, partial, kind, reader, report, len(images))
            for number, image in enumerate(images, start=1)
        )
        partial.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise not_written(error.strerror or _("unknown reason")) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return done


def _export(
    image: ImageToExport, number: int, folder: Path, kind: ImageKind, reader: ImageReader, report: Report, total: int
) -> Exported:
    report(number - 1, total)
    try:
        pixels = reader.export(image.source() if callable(image.source) else image.source)
    except FileRefused as refused:
        raise _unreadable(image.label, refused.fault) from refused
    if pixels.burned_in:
        raise ExportFailed(BURNED_IN)
    path = folder / f"image-{number:04}{SUFFIX[kind]}"
    with path.open("xb") as file:
        file.write(_encoded(kind, pixels))
    data = path.read_bytes()
    prove_clean(kind, data, pixels.icc, image.forbidden)
    _prove_pixels(kind, path, pixels, reader)
    return Exported(path.name, hashlib.sha256(data).hexdigest(), pixels.sha256)


def _encoded(kind: ImageKind, pixels: ExportPixels) -> bytes:
    match kind:
        case ImageKind.JPEG:
            return jpeg(pixels.rgb, pixels.icc)
        case ImageKind.PNG:
            return png(pixels.rgb, pixels.icc)
        case ImageKind.TIFF:
            return tiff(pixels.rgb, pixels.icc)
        case ImageKind.DICOM:
            return dicom(pixels.rgb, pixels.icc, mm_per_pixel=pixels.mm_per_pixel, lossy=pixels.lossy)


def _prove_pixels(kind: ImageKind, path: Path, pixels: ExportPixels, reader: ImageReader) -> None:
    try:
        again = reader.export(path)
    except FileRefused:
        raise not_clean(_("a file that cannot be read back")) from None
    same = again.rgb.shape == pixels.rgb.shape
    if (
        not same
        or again.icc != pixels.icc
        or (kind is not ImageKind.JPEG and not np.array_equal(again.rgb, pixels.rgb))
    ):
        raise not_clean(_("an image that is not the one that was written"))


def _unreadable(label: str, fault: Fault) -> ExportFailed:
    return ExportFailed(
        Fault(
            fault.code,
            _("{label}: {what} Nothing was exported.").format(
                label=label, what=fault.message.removeprefix("Cannot assess: ")
            ),
            _("{remedy} Or leave it out.").format(remedy=fault.remedy),
        )
    )
