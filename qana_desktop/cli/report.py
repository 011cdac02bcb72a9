"""`report` and `export-dicom`: cases as PDF, and as DICOM for a hospital's archive."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qana_desktop.cli.exchange import UserOption
from qana_desktop.cli.store import CodeOption, FolderOption, PassphraseOption


class Named(StrEnum):
    """Whom a report names."""

    PSEUDONYM = "pseudonym"
    PATIENT = "patient"


CasesArgument = Annotated[list[str], typer.Argument(metavar="CASE...", help="Identifiers of cases, or `all`.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files; made if it is missing.")]
IdentityOption = Annotated[
    Named, typer.Option("--identity", help="By pseudonym alone, or with the patient's name, year of birth and sex.")
]


def report(
    case: CasesArgument,
    out: OutOption,
    user: UserOption,
    identity: IdentityOption = Named.PSEUDONYM,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Write a PDF of each case: images, reading, clinicians' findings, signature, audit head. It is recorded.

    Exit code: 0 all were written, 1 some were not, 2 wrong usage or no access.
    """
    from qana_desktop.cli.report_run import run_report
    from qana_desktop.cli.store_run import ask_keys

    return run_report(folder, ask_keys(recovery_code, passphrase), user, case, out, identity=identity)


class Kind(StrEnum):
    """What an image becomes in DICOM."""

    DERMOSCOPY = "dermoscopy"
    SECONDARY_CAPTURE = "secondary-capture"


def export_dicom(
    case: CasesArgument,
    out: OutOption,
    user: UserOption,
    kind: Annotated[Kind, typer.Option("--as", help="A dermoscopic photograph, or a secondary capture.")] = (
        Kind.DERMOSCOPY
    ),
    identity: IdentityOption = Named.PSEUDONYM,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Write the images of cases as DICOM with patient and study, for a hospital's archive. It is recorded.

    Each file is read back and compared. For files without identity use `store export --as dicom`.

    Exit code: 0 all were written, 1 some cases were not, 2 wrong usage or no access.
    """
    from qana_desktop.cli.report_run import run_export_dicom
    from qana_desktop.cli.store_run import ask_keys

    keys = ask_keys(recovery_code, passphrase)
    return run_export_dicom(folder, keys, user, case, out, kind=kind, identity=identity)
