"""The studies as commands: `python -m qana_desktop.training.studies run|ablation|page --data ../shared/data`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from qana_desktop.network.bundle import active_bundle
from qana_desktop.network.serialise import network_from_bytes
from qana_desktop.training.distil_stages import DISTILLED, DISTILLED_QAT
from qana_desktop.training.model import QANA_112
from qana_desktop.training.release import NETWORK_FILE, load_float, load_quant
from qana_desktop.training.stages import Workplace
from qana_desktop.training.studies.ablation import run_ablation
from qana_desktop.training.studies.leak import run_leak
from qana_desktop.training.studies.page import page
from qana_desktop.training.studies.run import run_studies
from qana_desktop.training.teacher import TEACHER, load_teacher

app = typer.Typer(help="Measure side by side what events, time steps, bits and parts are worth.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with ham10000/ and isic2017/.")]
Runs = Annotated[Path, typer.Option(help="Folder of checkpoints and decoded images.")]
Out = Annotated[Path, typer.Option(help="Folder that the figures go to.")]
Fold = Annotated[int, typer.Option(help="HAM10000 fold that is the test.")]
Threads = Annotated[int, typer.Option(help="Threads for PyTorch on the CPU.")]

MEASUREMENTS = Path("docs/measurements")
PAGE = Path("docs/evaluation.md")


@app.command()
def run(data: Data, runs: Runs = Path("runs"), out: Out = MEASUREMENTS, fold: Fold = 0, threads: Threads = 1) -> None:
    """Studies that need no further training: conversion, time steps, weight bits, events, potentials."""
    torch.set_num_threads(threads)
    place = Workplace(data, runs, fold)
    source = load_float(place.folder / DISTILLED.stage, QANA_112)
    trained = load_quant(place.folder / DISTILLED_QAT.stage, source)
    network = network_from_bytes((place.folder / "export" / NETWORK_FILE).read_bytes())
    _write(out / f"studies-fold-{fold}.json", run_studies(place, source, trained, network, typer.echo))


@app.command()
def ablation(
    data: Data, runs: Runs = Path("runs"), out: Out = MEASUREMENTS, fold: Fold = 0, threads: Threads = 1
) -> None:
    """Train the paper's network without each of its parts, and with a teacher."""
    torch.set_num_threads(threads)
    place = Workplace(data, runs, fold)
    teacher = load_teacher(place.folder / TEACHER.stage)
    _write(out / f"ablation-fold-{fold}.json", run_ablation(place, teacher, typer.echo))


@app.command()
def leak(data: Data, runs: Runs = Path("runs"), out: Out = MEASUREMENTS, fold: Fold = 0, threads: Threads = 1) -> None:
    """Train the paper's network under a split that leaks, and under one that does not."""
    torch.set_num_threads(threads)
    _write(out / f"leak-fold-{fold}.json", run_leak(Workplace(data, runs, fold), typer.echo))


@app.command("page")
def page_command(models: Path = Path("models"), measurements: Out = MEASUREMENTS, out: Path = PAGE) -> None:
    """Write docs/evaluation.md from the active bundle's evaluation and the figures of the studies."""
    out.write_text(current_page(models, measurements), encoding="utf-8")
    typer.echo(f"Wrote {out}")


def current_page(models: Path, measurements: Path) -> str:
    """The page as it should be now."""
    bundle = active_bundle(models)
    studies, ablations, leaks, folds = (
        [json.loads(path.read_text(encoding="utf-8")) for path in sorted(measurements.glob(f"{kind}-fold-*.json"))]
        for kind in ("studies", "ablation", "leak", "recipe")
    )
    return page(bundle.id, json.loads(bundle.evaluation_json()), studies, ablations, leaks, folds)


def _write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"Wrote {path}")


if __name__ == "__main__":
    app()
