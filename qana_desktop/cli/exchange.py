"""`store export`, `store import` and `export-images`: what leaves the clinic and what comes in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qana_desktop.cli.store import CodeOption, FolderOption, PassphraseOption, store_app

UserOption = Annotated[
    str, typer.Option("--user", metavar="NAME", help="Who does it; the password is asked for, and it is recorded.")
]


class Leaving(StrEnum):
    """What an export of cases is written as."""

    ARCHIVE = "archive"
    CSV = "csv"
    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    DICOM = "dicom"


class Pictures(StrEnum):
    """What images are written as."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    DICOM = "dicom"


@store_app.command("export")
def export(
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new file; for images a new folder.")],
    user: UserOption,
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="ID", help="Only this case; may be repeated.")
    ] = None,
    kind: Annotated[
        Leaving,
        typer.Option("--as", help="An archive of whole cases, a table of readings, or images without identity."),
    ] = Leaving.ARCHIVE,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Archive only: keep patients' names and the paths of files.")
    ] = False,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Export cases. An archive and a table are not encrypted: whoever has them can read them."""
    from qana_desktop.cli.exchange_run import run_export
    from qana_desktop.cli.store_run import ask_keys

    keys = ask_keys(recovery_code, passphrase)
    return run_export(folder, keys, user, destination, tuple(case or ()), kind=kind, with_names=with_names)


@store_app.command("import")
def import_(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="An archive that `store export` made.")],
    user: UserOption,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Take the cases of an archive in, after checking all of it.

    Exit code: 0 all cases were taken in, 1 some were not.
    """
    from qana_desktop.cli.exchange_run import run_import
    from qana_desktop.cli.store_run import ask_keys

    return run_import(folder, ask_keys(recovery_code, passphrase), user, archive)


def export_images(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Image files, or folders that hold some.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder.")],
    kind: Annotated[Pictures, typer.Option("--as", help="What they are written as.")] = Pictures.PNG,
    forbid: Annotated[
        list[str] | None,
        typer.Option(
            "--forbid", metavar="TEXT", help="A name or number that must not be in any file; may be repeated."
        ),
    ] = None,
) -> int:
    """Write images without identity: pixels and colour profile, nothing else, under new names. Originals stay.

    Each file is read back to prove it. Text inside the pictures themselves is not removed.
    """
    from qana_desktop.cli.exchange_run import run_export_images

    return run_export_images(paths, to, kind=kind, forbid=tuple(forbid or ()))
