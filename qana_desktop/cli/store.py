"""`store`: make a case store, check it, back it up, restore it, renew its keys, count what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

store_app = typer.Typer(
    name="store",
    help="Look after the case store: make, check, back up, restore, renew keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Folder of the store; else `store` in the program's data folder."),
]
CodeOption = Annotated[bool, typer.Option("--recovery-code", help="Ask for the printed recovery code.")]
PassphraseOption = Annotated[bool, typer.Option("--passphrase", help="Ask for the passphrase.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


@store_app.command()
def init(
    admin: Annotated[str, typer.Option("--admin", metavar="NAME", help="Name of the first administrator.")],
    folder: FolderOption = None,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Let a passphrase open the store too; always so without a keychain.")
    ] = False,
) -> int:
    """Make an encrypted case store and its first administrator; print the recovery code, once."""
    from qana_desktop.cli.store_run import run_init

    return run_init(folder, admin, passphrase=passphrase)


@store_app.command()
def verify(
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    accept: Annotated[
        str | None, typer.Option("--accept", metavar="REASON", help="Go on after an audit failure that was looked at.")
    ] = None,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="The administrator who accepts.")] = "",
    as_json: JsonOption = False,
) -> int:
    """Check pages, audit record, every record and every image of a store, or of a backup's folder.

    Exit code: 0 everything holds, 1 something does not.
    """
    from qana_desktop.cli.store_run import ask_keys, run_verify

    return run_verify(folder, ask_keys(recovery_code, passphrase), accept=accept, user=user, as_json=as_json)


@store_app.command()
def backup(
    destination: Annotated[Path, typer.Argument(metavar="DIR", help="Where backups are kept, best on another disk.")],
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Make a backup, and read all of it back before calling it good."""
    from qana_desktop.cli.store_run import ask_keys, run_backup

    return run_backup(folder, ask_keys(recovery_code, passphrase), destination)


@store_app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder of one backup (backup.json is in it).")],
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Put a backup in the place of the store; what was there is kept beside it.

    On another computer than the one that made it, the recovery code or the passphrase is needed.
    """
    from qana_desktop.cli.store_run import ask_keys, run_restore

    return run_restore(folder, ask_keys(recovery_code, passphrase), source)


@store_app.command()
def rekey(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="An administrator, whose password is asked for.")],
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    ways_only: Annotated[
        bool, typer.Option("--ways-only", help="New recovery code and keychain entry, but do not encrypt anew.")
    ] = False,
    new_passphrase: Annotated[bool, typer.Option("--new-passphrase", help="Set a passphrase as well.")] = False,
) -> int:
    """Encrypt the whole store with a new key, and print a new recovery code; the old one is void from then on.

    Backups made before keep their key and their code.
    """
    from qana_desktop.cli.store_run import ask_keys, run_rekey

    keys = ask_keys(recovery_code, passphrase)
    return run_rekey(folder, keys, user, ways_only=ways_only, new_passphrase=new_passphrase)


@store_app.command()
def stats(
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Count what is in the store: no names, no content."""
    from qana_desktop.cli.store_run import ask_keys, run_stats

    return run_stats(folder, ask_keys(recovery_code, passphrase), as_json=as_json)


@store_app.command()
def heal(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="Folder of one backup of this store.")],
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Replace damaged and missing images by those of a backup; cases entered since the backup stay.

    Exit code: 0 every image is whole, 1 some are not in that backup either.
    """
    from qana_desktop.cli.store_run import ask_keys, run_heal

    return run_heal(folder, ask_keys(recovery_code, passphrase), source)
