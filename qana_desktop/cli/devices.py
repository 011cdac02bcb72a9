"""`devices`: boards and their engines: list, watch, map, measure; add or remove the vendor's library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

devices_app = typer.Typer(
    name="devices",
    help="Look at boards: list, watch, map a network, measure; add the vendor's library to an installed program.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle", metavar="DIR", exists=True, file_okay=False, help="Folder of the bundle; else the active one."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs instead of a table.")]


@devices_app.command("list")
def list_devices(as_json: JsonOption = False) -> int:
    """List boards, working or not, with the reason and what to do; and the Akida library in use.

    Exit code: 0 a board can be used, 3 none can.
    """
    from qana_desktop.cli.devices_run import run_list

    return run_list(as_json=as_json)


@devices_app.command()
def watch(
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="How long; else until Ctrl-C.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Tell when a board appears or goes."""
    from qana_desktop.cli.devices_run import run_watch

    return run_watch(seconds, as_json=as_json)


@devices_app.command("map")
def map_network(bundle: BundleOption = None, as_json: JsonOption = False) -> int:
    """Show how a network lies on the boards that are here and on virtual ones: processors, passes, memory, or why not.

    Exit code: 0 it fits every board, 1 it does not, 3 the library is missing.
    """
    from qana_desktop.cli.devices_run import run_map

    return run_map(bundle, as_json=as_json)


@devices_app.command()
def measure(
    engine: Annotated[str, typer.Option("--engine", metavar="ENGINE", help="An engine of `doctor`, or auto.")] = "auto",
    bundle: BundleOption = None,
    images: Annotated[int, typer.Option("--images", min=2, max=100_000, help="Drawn images to time.")] = 200,
    warm_up: Annotated[int, typer.Option("--warm-up", min=1, help="Images before them, counted apart.")] = 10,
    bursts: Annotated[int, typer.Option("--bursts", min=1, max=100, help="Bursts for the energy.")] = 3,
    clock: Annotated[
        str | None, typer.Option("--clock", metavar="MODE", help="Performance, Economy or LowPower (AKD1000).")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Measure latency (warm-up apart) and energy (in bursts) of one engine, each with its method and its n.

    Figures of the Akida library are for your own use: its licence does not let you publish them.
    """
    from qana_desktop.cli.devices_measure import run_measure

    return run_measure(engine, bundle, images=images, warm_up=warm_up, bursts=bursts, clock=clock, as_json=as_json)


@devices_app.command("install-runtime")
def install_runtime(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL", exists=True, dir_okay=False, help="The vendor's file.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after showing what the file is.")] = False,
) -> int:
    """Add the vendor's Akida library from its wheel: checked, shown with its hash, unpacked here. No network.

    Exit code: 0 added, 1 not agreed to, 2 refused.
    """
    from qana_desktop.cli.devices_run import run_install

    return run_install(wheel, yes=yes)


@devices_app.command("remove-runtime")
def remove_runtime() -> int:
    """Remove the Akida library that was added with `install-runtime`."""
    from qana_desktop.cli.devices_run import run_remove

    return run_remove()
