"""`learn`: propose confirmed cases, train, judge, approve, put in use, take back; for the clinic's own network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qana_desktop.cli.exchange import UserOption
from qana_desktop.cli.store import CodeOption, FolderOption, JsonOption, PassphraseOption

learn_app = typer.Typer(
    name="learn",
    help="Let the clinic's network learn from confirmed cases, behind a gate.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Source(StrEnum):
    """Where a diagnosis comes from."""

    HISTOLOGY = "histology"
    CONFOCAL = "confocal"
    FOLLOW_UP = "follow_up"
    TWO_EXPERTS = "two_experts"
    SINGLE_OPINION = "single_opinion"


VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A version; `learn status` lists them.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")]


@learn_app.command()
def propose(
    cases: Annotated[list[str], typer.Argument(metavar="CASE...", help="Cases or images of the store, by id.")],
    label: Annotated[str, typer.Option("--label", metavar="CODE", help="The proven diagnosis, such as mel.")],
    source: Annotated[Source, typer.Option("--source", help="Where it comes from.")],
    reported: Annotated[str, typer.Option("--reported", metavar="DAY", help="When it was reported: 2026-01-31.")],
    user: UserOption,
    consent: Annotated[
        bool, typer.Option("--consent", help="The patients agreed that their images may be learnt from.")
    ] = False,
    new_class: Annotated[
        str, typer.Option("--new-class", metavar="NAME", help="CODE is a new class of the clinic with this name.")
    ] = "",
    malignant: Annotated[bool, typer.Option("--malignant/--benign", help="What a new class is.")] = True,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A note.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Propose nothing: say what these cases would change.")
    ] = False,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Propose cases whose diagnosis is proven; the network's own accepted answers are refused as a source.

    Exit code: 0 all are in the queue, 1 some were refused.
    """
    from qana_desktop.cli.learn_run import Given, run_preview, run_propose
    from qana_desktop.cli.store_run import ask_keys

    given = Given(label, source.value, reported, consent, note, new_class, malignant)
    run = run_preview if preview else run_propose
    return run(folder, ask_keys(recovery_code, passphrase), user, tuple(cases), given, as_json=as_json)


@learn_app.command()
def confirm(
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="A proposal; `learn status` lists them.")],
    user: UserOption,
    disagree: Annotated[
        bool, typer.Option("--disagree", help="The diagnosis does not hold: take the case out.")
    ] = False,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A note.")] = "",
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Say as a second person whether a proposed diagnosis holds."""
    from qana_desktop.cli.learn_run import run_confirm
    from qana_desktop.cli.store_run import ask_keys

    return run_confirm(folder, ask_keys(recovery_code, passphrase), user, proposal, agrees=not disagree, note=note)


@learn_app.command()
def withdraw(
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="A proposal, or any one of a patient's.")],
    user: UserOption,
    reason: ReasonOption,
    whole_patient: Annotated[
        bool, typer.Option("--patient", help="Withdraw the patient's consent: all their cases leave the queue.")
    ] = False,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Take a case, or all of its patient's, out of what is learnt from. Train again to have a version without."""
    from qana_desktop.cli.learn_run import run_withdraw
    from qana_desktop.cli.store_run import ask_keys

    keys = ask_keys(recovery_code, passphrase)
    return run_withdraw(folder, keys, user, proposal, reason=reason, whole_patient=whole_patient)


@learn_app.command()
def status(
    user: UserOption,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Show the queue, the versions, which one is in use, and the readings that are to be repeated."""
    from qana_desktop.cli.learn_run import run_status
    from qana_desktop.cli.store_run import ask_keys

    return run_status(folder, ask_keys(recovery_code, passphrase), user, as_json=as_json)


@learn_app.command()
def train(
    user: UserOption,
    site: Annotated[bool, typer.Option("--site", help="Measure the clinic's camera too.")] = False,
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="With --site: only of this device.")] = "",
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Train a new version on a copy, from all confirmed cases. Nothing in use is touched; Ctrl-C leaves nothing."""
    from qana_desktop.cli.learn_run import run_train
    from qana_desktop.cli.store_run import ask_keys
    from qana_desktop.network.manifest import Origin

    origin = Origin.SITE_CALIBRATION_AND_HEAD if site else Origin.HEAD
    return run_train(folder, ask_keys(recovery_code, passphrase), user, origin, device=device, as_json=as_json)


@learn_app.command("calibrate-site")
def calibrate_site(
    user: UserOption,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="Only images of this device; else of all.")
    ] = "",
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Make a version for the clinic's camera from the newest images, which need no diagnosis but an ordinary mix."""
    from qana_desktop.cli.learn_run import run_train
    from qana_desktop.cli.store_run import ask_keys
    from qana_desktop.network.manifest import Origin

    keys = ask_keys(recovery_code, passphrase)
    return run_train(folder, keys, user, Origin.SITE_CALIBRATION, device=device, as_json=as_json)


@learn_app.command()
def evaluate(
    version: VersionArgument,
    user: UserOption,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
) -> int:
    """Judge a version on the frozen cases; each time counts as a look at them.

    Exit code: 0 the gate accepted it, 1 the gate refused it.
    """
    from qana_desktop.cli.learn_run import run_evaluate
    from qana_desktop.cli.store_run import ask_keys

    return run_evaluate(folder, ask_keys(recovery_code, passphrase), user, version, as_json=as_json)


@learn_app.command()
def approve(
    version: VersionArgument,
    user: UserOption,
    reason: ReasonOption,
    reject: Annotated[bool, typer.Option("--reject", help="Decide against it.")] = False,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Decide about a version that the gate accepted: an approver, and not who trained it."""
    from qana_desktop.cli.learn_run import run_approve
    from qana_desktop.cli.store_run import ask_keys

    keys = ask_keys(recovery_code, passphrase)
    return run_approve(folder, keys, user, version, agrees=not reject, reason=reason)


@learn_app.command()
def activate(
    version: VersionArgument,
    user: UserOption,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Put an approved version in use, after its golden outputs were right on every engine that is there."""
    from qana_desktop.cli.learn_run import run_activate
    from qana_desktop.cli.store_run import ask_keys

    return run_activate(folder, ask_keys(recovery_code, passphrase), user, version)


@learn_app.command()
def rollback(
    user: UserOption,
    reason: ReasonOption,
    to_factory: Annotated[bool, typer.Option("--to-factory", help="Go back to the factory version at once.")] = False,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Put back in use what was in use before. Readings of the version that was taken back are listed by `status`."""
    from qana_desktop.cli.learn_run import run_rollback
    from qana_desktop.cli.store_run import ask_keys

    return run_rollback(folder, ask_keys(recovery_code, passphrase), user, reason=reason, to_factory=to_factory)


@learn_app.command()
def dossier(
    version: VersionArgument,
    destination: Annotated[Path, typer.Argument(metavar="FILE", help="A new file: .pdf to print, else JSON.")],
    user: UserOption,
    folder: FolderOption = None,
    recovery_code: CodeOption = False,
    passphrase: PassphraseOption = False,
) -> int:
    """Write all that is on record about a version, without names of patients."""
    from qana_desktop.cli.learn_run import run_dossier
    from qana_desktop.cli.store_run import ask_keys

    return run_dossier(folder, ask_keys(recovery_code, passphrase), user, version, destination)
