"""Why a file was refused: one error, and every sentence that goes with it."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

MEBIBYTE: Final = 1024 * 1024


class FileRefused(KnownError):
    """A file from which no image can be had; nothing is wrong with the program, and the next file can be read."""


def refused(code: str, happened: str, remedy: str) -> FileRefused:
    """Return the error for one refused file. `happened` continues the sentence "Cannot assess: "."""
    return FileRefused(Fault(code, _("Cannot assess: {happened}").format(happened=happened), remedy))


def empty() -> FileRefused:
    """The file has no bytes."""
    return refused("file-empty", _("the file is empty."), _("Copy it from the camera or the archive again."))


def not_an_image() -> FileRefused:
    """The content is of no known image format, whatever the name says."""
    return refused(
        "file-not-image",
        _("the content of the file is not an image."),
        _("Choose a JPEG, PNG, TIFF, BMP, WebP or DICOM file."),
    )


def not_supported(what: str) -> FileRefused:
    """The content is an image, of a kind that is not read. `what` names it."""
    return refused(
        "format-not-supported",
        _("the file is {what}, which is not read here.").format(what=what),
        _("Save the image as JPEG, PNG, TIFF, BMP or WebP with 8 or 16 bits per colour and open that file."),
    )


def truncated() -> FileRefused:
    """Data is missing: showing the rest would show grey as if it were skin."""
    return refused(
        "file-truncated",
        _("the file is incomplete, a part of the image is missing."),
        _("Copy it from the camera or the archive again."),
    )


def damaged() -> FileRefused:
    """All bytes seem to be there, but they do not make an image."""
    return refused(
        "file-damaged",
        _("the file is damaged, its image cannot be read."),
        _("Copy it from the camera or the archive again."),
    )


def too_large(limit: int) -> FileRefused:
    """The file has more than `limit` bytes."""
    return refused(
        "file-too-large",
        _("the file is larger than {limit} MiB.").format(limit=limit // MEBIBYTE),
        _("Save the image as JPEG or PNG and open that file."),
    )


def too_many_pixels(width: int, height: int, limit: int) -> FileRefused:
    """The header announces more than `limit` pixels."""
    return refused(
        "image-too-many-pixels",
        _("the image has {width} x {height} pixels, more than {limit} million.").format(
            width=width, height=height, limit=limit // 1_000_000
        ),
        _("Cut out the lesion and open that image."),
    )


def too_small(width: int, height: int, needed: int) -> FileRefused:
    """The shorter side has fewer than `needed` pixels."""
    return refused(
        "image-too-small",
        _("the image has {width} x {height} pixels, and the shorter side needs {needed}.").format(
            width=width, height=height, needed=needed
        ),
        _("Open the original image, not its thumbnail."),
    )


def missing() -> FileRefused:
    """Nothing is at the path, or not any more."""
    return refused(
        "file-missing",
        _("the file is not there, or not any more."),
        _("Check whether it was moved or its drive unplugged, then open it again."),
    )


def unreadable() -> FileRefused:
    """The system does not let this user read the file, or its drive fails."""
    return refused(
        "file-unreadable",
        _("the system does not allow the file to be read."),
        _("Check its permissions and its drive, or copy it to your own folder, then open it again."),
    )


def not_a_file() -> FileRefused:
    """The path is a folder, a pipe or a device."""
    return refused("file-not-regular", _("this is a folder or a device, not a file."), _("Choose an image file."))


def decoder_crashed() -> FileRefused:
    """The child process died over this file."""
    return refused(
        "decoder-crashed",
        _("reading the file ended the process that read it; the program itself is safe."),
        _("The file is probably damaged. Save the image again with another program and open that file."),
    )


def decoder_bug() -> FileRefused:
    """The child met a mistake of ours over this file."""
    return refused(
        "decoder-bug",
        _("the program made a mistake while it read the file; it is not known whether the file is good."),
        _("Save the image again as JPEG or PNG and open that file; if that does not help, send the log."),
    )


def decoder_timeout(seconds: float) -> FileRefused:
    """The child process took too long over this file and was ended."""
    return refused(
        "decoder-timeout",
        _("the file could not be read within {seconds:.0f} seconds.").format(seconds=seconds),
        _("Check its drive, or save the image as JPEG and open that file."),
    )


def out_of_memory() -> FileRefused:
    """The image does not fit the memory that one file may take."""
    return refused(
        "decoder-out-of-memory",
        _("the image needs more memory than one file may take."),
        _("Cut out the lesion, or save the image smaller, and open that file."),
    )


# --- DICOM


def dicom_class(uid: str) -> FileRefused:
    """The DICOM object is of a storage class that holds no single photograph of skin."""
    shown = uid if uid.replace(".", "").isdigit() and len(uid) <= 64 else _("not stated")
    return refused(
        "dicom-class-not-read",
        _("this DICOM file is no dermoscopic image, photograph or secondary capture (its class is {shown}).").format(
            shown=shown
        ),
        _("Export the image itself from the archive, as a dermoscopic image, a photograph or a secondary capture."),
    )


def dicom_syntax(how: str) -> FileRefused:
    """The transfer syntax is not read. `how` completes "its data are"."""
    return refused(
        "dicom-syntax-not-read",
        _("this DICOM file is not read here: its data are {how}.").format(how=how),
        _("Export it from the archive uncompressed, or with baseline JPEG."),
    )


def dicom_frames(count: int) -> FileRefused:
    """The DICOM object has several frames."""
    return refused(
        "dicom-several-frames",
        _("this DICOM file holds {count} frames, and which one to assess is not for a program to choose.").format(
            count=count
        ),
        _("Export the one frame that shows the lesion."),
    )


def dicom_pixels(what: str) -> FileRefused:
    """The pixels are stored in a way that is not read. `what` completes "its pixels are"."""
    return refused(
        "dicom-pixels-not-read",
        _("this DICOM file is not read here: its pixels are {what}.").format(what=what),
        _("Export it from the archive in RGB with 8 bits per colour."),
    )


def dicom_no_pixels() -> FileRefused:
    """There is no pixel data in the DICOM object."""
    return refused(
        "dicom-no-image",
        _("this DICOM file holds no image."),
        _("Export the image itself from the archive, not its header."),
    )
