"""The commands and their options. What a command needs is imported when it runs: `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
import typer

from qana_desktop import __version__
from qana_desktop.cli.devices import devices_app
from qana_desktop.cli.exchange import export_images
from qana_desktop.cli.learn import learn_app
from qana_desktop.cli.report import export_dicom, report
from qana_desktop.cli.store import store_app
from qana_desktop.triage.dataset import SPLITS

app = typer.Typer(
    name="qana-desktop",
    help="Triage of dermoscopic images. Research use, decision support for trained clinicians, not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(store_app)
app.add_typer(learn_app)
app.add_typer(devices_app)
app.command("export-images")(export_images)
app.command("report")(report)
app.command("export-dicom")(export_dicom)

ENGINE_HELP = (
    "onnx-cpu, akida-simulator, akida-board[:N], or auto: a board if there is one, else onnx-cpu. Several with commas "
    "between them, or all-boards, share the images."
)
EngineOption = Annotated[str, typer.Option("--engine", metavar="ENGINE", help=ENGINE_HELP)]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle", metavar="DIR", exists=True, file_okay=False, help="Folder of the bundle; else the active one."
    ),
]
SecondReaderOption = Annotated[
    bool,
    typer.Option(
        "--second-reader/--no-second-reader",
        help="Whether a second, larger network reads too where the first is uncertain, if the bundle has one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs instead of a table.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qana-desktop {__version__}")
        raise typer.Exit


@app.callback()
def qana_desktop(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def classify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Image files, folders, or patterns.")],
    engine: EngineOption = "auto",
    bundle: BundleOption = None,
    as_json: JsonOption = False,
    ignore_quality: Annotated[
        bool, typer.Option("--ignore-quality", help="Read images that the quality or domain check refuses, and say so.")
    ] = False,
    wait_for_board: Annotated[
        float,
        typer.Option(
            "--wait-for-board", metavar="SECONDS", min=0.0, help="When the board goes, wait for it and read on."
        ),
    ] = 0.0,
    second_reader: SecondReaderOption = True,
) -> int:
    """Read images: a table for people, or one JSON object per line and image.

    Exit code: 0 all read, 1 some cannot be assessed, 2 wrong usage, 3 no engine.
    """
    from qana_desktop.cli.classify import run_classify

    return run_classify(
        paths,
        engine=engine,
        bundle=bundle,
        as_json=as_json,
        ignore_quality=ignore_quality,
        wait_for_board_s=wait_for_board,
        second_reader=second_reader,
    )


@app.command()
def doctor(bundle: BundleOption = None, as_json: JsonOption = False) -> int:
    """Show what is installed, which engines work, why others do not, and what to do. Holds no patient data.

    Exit code: 0 images can be read, 3 they cannot.
    """
    from qana_desktop.cli.doctor import run_doctor

    return run_doctor(bundle, as_json=as_json)


@app.command("self-test")
def self_test(
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="ENGINE", help="Only this engine; else every one that works.")
    ] = None,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run the golden inputs on the engines and compare every integer; decode and read a drawn image.

    Exit code: 0 all that ran passed, 1 one failed, 3 none could run.
    """
    from qana_desktop.cli.self_test import run_self_test

    return run_self_test(engine, bundle, as_json=as_json)


@app.command()
def benchmark(
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="ENGINE", help="Only this engine; else every one that works.")
    ] = None,
    bundle: BundleOption = None,
    images: Annotated[int, typer.Option("--images", min=2, max=10_000, help="Drawn images to read.")] = 200,
    warm_up: Annotated[
        int, typer.Option("--warm-up", min=1, max=1000, help="Drawn images read before, and shown apart.")
    ] = 10,
    as_json: JsonOption = False,
) -> int:
    """Measure latency, throughput and start-up of the engines on drawn images.

    Exit code: 0 measured, 3 no engine.
    """
    from qana_desktop.cli.benchmark import run_benchmark

    return run_benchmark(engine, bundle, images=images, warm_up=warm_up, as_json=as_json)


@app.command()
def evaluate(
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="DIR", exists=True, file_okay=False, help="Folder with the table and images of HAM10000."
        ),
    ],
    split: Annotated[str, typer.Option("--split", click_type=click.Choice(SPLITS), help="Which lesions to read.")],
    engine: EngineOption = "onnx-cpu",
    bundle: BundleOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="New folder for evaluation.json and evaluation.html.")
    ] = None,
    as_json: JsonOption = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="A trial on N images, chosen by a hash.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Write a report of an Akida engine too; it may not be published.")
    ] = False,
    second_reader: SecondReaderOption = True,
) -> int:
    """Read images with known diagnoses and say how good the readings are, with 95 % intervals over lesions.

    Exit code: 0 evaluated, 1 evaluated but some images are missing or no images, 2 wrong usage or data, 3 no engine.
    """
    from qana_desktop.cli.evaluate import Options, run_evaluate
    from qana_desktop.services.evaluation_desk import Question

    return run_evaluate(Options(data, Question(split, limit), engine, bundle, out, private, as_json, second_reader))


@app.command("demo-images")
def demo_images(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to draw them; made if it is missing.")],
) -> int:
    """Draw synthetic lesions, labelled as such, to try the program with."""
    from qana_desktop.cli.terminal import tell, write_line
    from qana_desktop.services.demo_images import write_demo_images

    for path in write_demo_images(folder):
        write_line(str(path))
    tell("These images are drawn, not photographs: what the network says about them means nothing.")
    return 0
