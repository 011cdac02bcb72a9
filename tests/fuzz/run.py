"""Coverage-guided fuzzing, where atheris runs, of what reads files that others made.

`python tests/fuzz/run.py dicom -max_total_time=300`, or `archive`; options are those of libFuzzer. No test: it runs as
long as it is told to. An input over which anything but a refusal is raised is written to the folder it is started in.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["qana_desktop", "pydicom", "zipfile"]):
    import pydicom.encaps
    import pydicom.filereader  # noqa: F401 - instrumented here, used by what is imported below

    from qana_desktop.intake.colour_profile import neutral_profile, stored_profile
    from qana_desktop.intake.decode import decode
    from qana_desktop.intake.native_messages import NativeMessages
    from qana_desktop.intake.refusals import FileRefused
    from qana_desktop.reports.archive_check import CheckedArchive
    from qana_desktop.system.faults import KnownError


def fuzz_dicom() -> Callable[[bytes], None]:
    """Read files, whatever they begin with, as DICOM."""
    messages = NativeMessages()

    def one(data: bytes) -> None:
        whole = data if data[128:132] == b"DICM" else bytes(128) + b"DICM" + data
        try:
            decode(whole, messages, min_side=1)
        except (FileRefused, MemoryError):
            return
        neutral_profile(stored_profile(whole))

    return one


def fuzz_archive() -> Callable[[bytes], None]:
    """Read archives as an import does."""
    path = Path(tempfile.mkdtemp()) / "a.zip"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            archive = CheckedArchive(path)
        except KnownError:
            return
        try:
            for encounter in archive.summary.cases:
                for sha256 in archive.case(encounter).blobs():
                    archive.image(sha256)
        except KnownError:
            return
        finally:
            archive.close()

    return one


def seeds(which: str) -> Path:
    """Write good files to begin with, small ones, and return their folder."""
    from tests.support import archives, dicom_files, image_files

    folder = Path(tempfile.mkdtemp())
    if which == "archive":
        (folder / "good").write_bytes(archives.good_archive())
        return folder
    small = image_files.picture(8, 6)
    for number, (syntax, photometric) in enumerate(
        [(dicom_files.EXPLICIT, "RGB"), (dicom_files.IMPLICIT, "YBR_FULL_422"), (dicom_files.RLE, "YBR_FULL"),
         (dicom_files.JPEG, "YBR_FULL_422"), (dicom_files.EXPLICIT, "MONOCHROME2")]
    ):  # fmt: skip
        (folder / str(number)).write_bytes(dicom_files.dicom(small, syntax=syntax, photometric=photometric))
    return folder


def main() -> None:
    """Fuzz what the first argument names; the others are libFuzzer's."""
    which = sys.argv[1]
    options = [sys.argv[0], "-max_len=12000", *sys.argv[2:], str(seeds(which))]
    atheris.Setup(options, {"dicom": fuzz_dicom, "archive": fuzz_archive}[which]())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
