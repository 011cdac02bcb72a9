"""One command for the whole recipe: `python -m qana_desktop.training all --data ../shared/data`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.serialise import network_from_bytes
from qana_desktop.training.distil import DistilSettings
from qana_desktop.training.distil_stages import (
    DISTILLED,
    DISTILLED_QAT,
    from_bundle,
    from_float,
    origin,
    run_distilled,
    run_distilled_qat,
)
from qana_desktop.training.learning_stage import add_learning_files
from qana_desktop.training.model import QANA_112
from qana_desktop.training.release import (
    DEFAULT_VIEWS,
    NETWORK_FILE,
    Trained,
    export,
    load_float,
    load_quant,
    measure,
    release,
)
from qana_desktop.training.second_model import SECOND_VIEWS, images_for_ranges, second_models
from qana_desktop.training.stages import FLOAT, TRAIN_CACHE_SIZE, Workplace, run_float
from qana_desktop.training.teacher import TEACHER, TEACHER_SIZE, load_teacher, run_teacher

app = typer.Typer(help="Train, quantise, export and evaluate the reading network.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder with ham10000/ and isic2017/.")]
Runs = Annotated[Path, typer.Option(help="Folder for checkpoints, logs and decoded images; never committed.")]
Models = Annotated[Path, typer.Option(help="Folder that the bundle and the run log go to.")]
Fold = Annotated[int, typer.Option(help="HAM10000 fold that is the test.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, sampling and augmentation.")]
Threads = Annotated[int, typer.Option(help="Threads for PyTorch on the CPU.")]
Device = Annotated[str, typer.Option(help="PyTorch device: cpu or cuda.")]
Resume = Annotated[bool, typer.Option(help="Go on from the last checkpoints.")]
Name = Annotated[str, typer.Option(help="Name of the bundle.")]


def _place(data: Path, runs: Path, fold: int, device: str, threads: int) -> Workplace:
    torch.set_num_threads(threads)
    return Workplace(data, runs, fold, device)


@app.command()
def prepare(data: Data, runs: Runs = Path("runs"), fold: Fold = 0) -> None:
    """Decode all images once, at the sizes that training and evaluation read."""
    place = Workplace(data, runs, fold)
    for size in (TRAIN_CACHE_SIZE, QANA_112.size):
        typer.echo(f"{len(place.cache(size).images)} images at {size} px")


@app.command()
def teacher(
    data: Data,
    runs: Runs = Path("runs"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    resume: Resume = True,
) -> None:
    """Fine-tune the teacher from its ImageNet weights."""
    run_teacher(_place(data, runs, fold, device, threads), settings=replace(TEACHER, seed=seed), resume=resume)


@app.command("float")
def float_stage(
    data: Data,
    runs: Runs = Path("runs"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    resume: Resume = True,
) -> None:
    """Train the float network."""
    run_float(_place(data, runs, fold, device, threads), settings=replace(FLOAT, seed=seed), resume=resume)


@app.command()
def distil(
    data: Data,
    runs: Runs = Path("runs"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    resume: Resume = True,
    bundle: Annotated[
        Path | None, typer.Option(help="Start from this bundle of the same fold, not from the float stage.")
    ] = None,
) -> None:
    """Go on with the float network, taught by the teacher."""
    place = _place(data, runs, fold, device, threads)
    if bundle is not None:
        source = from_bundle(place, bundle, QANA_112)
    else:
        source = from_float(place, load_float(place.folder / FLOAT.stage, QANA_112))
    taught = load_teacher(place.folder / TEACHER.stage)
    run_distilled(place, source, taught, settings=replace(DISTILLED, seed=seed), resume=resume)


@app.command()
def qat(
    data: Data,
    runs: Runs = Path("runs"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    resume: Resume = True,
) -> None:
    """Quantisation-aware training of the distilled network, taught by the teacher."""
    place = _place(data, runs, fold, device, threads)
    source = load_float(place.folder / DISTILLED.stage, QANA_112)
    taught = load_teacher(place.folder / TEACHER.stage)
    run_distilled_qat(place, source, taught, settings=replace(DISTILLED_QAT, seed=seed), resume=resume)


@app.command("export")
def export_stage(runs: Runs = Path("runs"), fold: Fold = 0) -> None:
    """Write the trained integers as network.npz."""
    folder = runs / f"fold-{fold}"
    source = load_float(folder / DISTILLED.stage, QANA_112)
    export(load_quant(folder / DISTILLED_QAT.stage, source), folder / "export")
    typer.echo(f"Wrote {folder / 'export' / NETWORK_FILE}")


@app.command("evaluate")
def evaluate_stage(
    data: Data,
    runs: Runs = Path("runs"),
    models: Models = Path("models"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    name: Name = "qana",
) -> None:
    """Fit the policy on calibration lesions, evaluate on the test fold, write and activate the bundle."""
    place = _place(data, runs, fold, device, threads)
    trained, network = _trained(place, seed)
    typer.echo(str(release(place, trained, network, models=models, name=name, views=DEFAULT_VIEWS)))


@app.command("measure")
def measure_stage(
    data: Data,
    runs: Runs = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder that the figures go to.")] = Path("docs/measurements"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
) -> None:
    """Evaluate on the test fold as `evaluate` does, and write the figures only: for the folds that do not ship."""
    place = _place(data, runs, fold, device, threads)
    trained, network = _trained(place, seed)
    path = out / f"recipe-fold-{fold}.json"
    path.write_text(json.dumps(measure(place, trained, network, DEFAULT_VIEWS).evaluation, indent=1) + "\n", "utf-8")
    typer.echo(f"Wrote {path}")


def _trained(place: Workplace, seed: int) -> tuple[Trained, IntegerNetwork]:
    """The networks of this fold's last stages, with the settings that made them, and the exported integers."""
    source = load_float(place.folder / DISTILLED.stage, QANA_112)
    settings = {
        "architecture": asdict(QANA_112),
        "origin": origin(place),
        "float": asdict(replace(FLOAT, seed=seed)),
        "teacher": asdict(replace(TEACHER, seed=seed)),
        "distilled": asdict(replace(DISTILLED, seed=seed)),
        "distillation": asdict(DistilSettings(QANA_112.size)),
        "qat": asdict(replace(DISTILLED_QAT, seed=seed)),
        "torch": torch.__version__,
    }
    taught = load_teacher(place.folder / TEACHER.stage)
    second = second_models(taught, TEACHER_SIZE, SECOND_VIEWS, images_for_ranges(place, TEACHER_SIZE))
    trained = Trained(source, load_quant(place.folder / DISTILLED_QAT.stage, source), settings, second)
    return trained, network_from_bytes((place.folder / "export" / NETWORK_FILE).read_bytes())


@app.command("add-second-reader")
def add_second_reader(
    data: Data,
    bundle: Annotated[Path, typer.Option(help="Released bundle of the same fold.")],
    runs: Runs = Path("runs"),
    models: Models = Path("models"),
    fold: Fold = 0,
    name: Name = "qana",
) -> None:
    """Release a bundle's integers again, with the teacher of this fold as second reader and a policy fitted anew."""
    place = _place(data, runs, fold, "cpu", 1)
    released = open_bundle(bundle)
    earlier = json.loads(released.evaluation_json())
    if earlier["data"]["test_fold"] != fold:
        raise typer.BadParameter(f"This bundle was tested on fold {earlier['data']['test_fold']}, not on fold {fold}.")
    taught = load_teacher(place.folder / TEACHER.stage)
    second = second_models(taught, TEACHER_SIZE, SECOND_VIEWS, images_for_ranges(place, TEACHER_SIZE))
    settings = {**earlier["settings"], "network_of": released.id, "teacher": asdict(TEACHER)}
    trained = Trained(None, None, settings, second)
    typer.echo(str(release(place, trained, released.network(), models=models, name=name, views=DEFAULT_VIEWS)))


@app.command("learning-files")
def learning_files_stage(
    data: Data, runs: Runs = Path("runs"), models: Models = Path("models"), fold: Fold = 0
) -> None:
    """Give the active bundle, if it lacks them, the files that a clinic needs to learn; `evaluate` writes them too."""
    typer.echo(str(add_learning_files(Workplace(data, runs, fold), models)))


@app.command("all")
def everything(
    data: Data,
    runs: Runs = Path("runs"),
    models: Models = Path("models"),
    fold: Fold = 0,
    seed: Seed = 0,
    threads: Threads = 1,
    device: Device = "cpu",
    resume: Resume = True,
    name: Name = "qana",
) -> None:
    """Everything: prepare, float, teacher, distil, qat, export, evaluate."""
    prepare(data, runs, fold)
    float_stage(data, runs, fold, seed, threads, device, resume)
    teacher(data, runs, fold, seed, threads, device, resume)
    distil(data, runs, fold, seed, threads, device, resume, None)
    qat(data, runs, fold, seed, threads, device, resume)
    export_stage(runs, fold)
    evaluate_stage(data, runs, models, fold, seed, threads, device, name)


if __name__ == "__main__":
    app()
