"""`evaluate`: how good the bundle is on images with known diagnoses, as anybody can repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table

from qana_desktop.cli import exit_codes
from qana_desktop.cli.progress import progress_bar
from qana_desktop.cli.terminal import INTENDED_USE, console, plain, tell, tell_fault, write_line
from qana_desktop.engines.contract import EngineError
from qana_desktop.reports.evaluation_html import n_text, value_text
from qana_desktop.services.composition import Desks, open_desks
from qana_desktop.services.datasets import Dataset, open_dataset
from qana_desktop.services.evaluation_desk import EvaluationDesk, Question, choose_rows, is_akida
from qana_desktop.services.evaluation_files import check_folder, evaluation_json, write_evaluation
from qana_desktop.services.jobs import CancelToken
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.host import describe_host
from qana_desktop.triage.evaluation import TITLES, Evaluation, TwoReaders

_SHOWN: Final = 5
"""Names of missing images that are printed; the JSON has them all."""


class NotPublic(KnownError):
    """A report was asked for that its reader might pass on, though a licence forbids it."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    data: Path
    question: Question
    engine: str
    bundle: Path | None
    out: Path | None
    private: bool
    as_json: bool
    second_reader: bool = True


def run_evaluate(options: Options) -> int:
    """Evaluate and write; returns the exit code. Raises KnownError for what can be known before images are read."""
    if options.out is not None:
        check_folder(options.out)
    _refuse_public(options.engine, options)
    dataset = open_dataset(options.data)
    choose_rows(dataset, options.question)
    try:
        with open_desks(options.bundle, engine=options.engine) as desks:
            for fault in desks.passed_over:
                tell_fault(fault)
            _refuse_public(desks.device.current().engine_id, options)
            desks.triage.use_second_reader(options.second_reader)
            evaluation = _evaluate(desks, dataset, options.question)
    except EngineError as error:
        tell_fault(error.fault)
        tell("There is no evaluation, and nothing was written.")
        return exit_codes.NO_ENGINE
    written = [] if options.out is None else write_evaluation(options.out, evaluation)
    _show(evaluation, as_json=options.as_json)
    for path in written:
        tell(f"Written: {path}")
    return exit_codes.SOME_NOT if evaluation.counts.missing or evaluation.counts.unreadable else exit_codes.ALL_READ


def _refuse_public(engine: str, options: Options) -> None:
    if options.out is None or options.private or not is_akida(engine):
        return
    raise NotPublic(
        Fault(
            "akida-not-public",
            "A report of figures measured with the Akida runtime was not made: the runtime's licence does not let you"
            " publish them.",
            "Choose --engine onnx-cpu, which gives the same integers and so the same figures, or add --private for a"
            " report that you keep to yourself.",
        )
    )


def _evaluate(desks: Desks, dataset: Dataset, question: Question) -> Evaluation:
    desk = EvaluationDesk(desks.triage, desks.device, desks.bundle, Clock(), describe_host())
    with progress_bar() as show:
        return desk.evaluate(dataset, question, report=show, token=CancelToken())


def _show(evaluation: Evaluation, *, as_json: bool) -> None:
    if as_json:
        write_line(evaluation_json(evaluation).rstrip("\n"))
    else:
        _print(evaluation)
    if not evaluation.held_out.honest:
        tell(f"Warning: {evaluation.held_out.sentence}")
    for note in evaluation.notes:
        tell(note)
    for what, names in (("missing", evaluation.counts.missing), ("unreadable", evaluation.counts.unreadable)):
        if names:
            more = ", ..." if len(names) > _SHOWN else ""
            count = "1 image is" if len(names) == 1 else f"{len(names):,} images are"
            tell(f"{count} {what} and in no figure: {', '.join(names[:_SHOWN])}{more}")


def _print(evaluation: Evaluation) -> None:
    counts, method, scores = evaluation.counts, evaluation.method, evaluation.scores
    screen = console()
    overall = _table("figure", "value, 95 % interval", "images")
    for key, title in TITLES.items():
        if key in scores.assessed:
            overall.add_row(plain(title), value_text(scores.assessed[key]), n_text(scores.assessed[key]))
    screen.print(overall)
    if evaluation.second_reader is not None:
        screen.print(_second_table(evaluation, evaluation.second_reader))
    classes = _table("class", "recall", "precision", "AUROC", "images")
    for entry in scores.classes:
        cells = (value_text(figure) for figure in (entry.recall, entry.precision, entry.auroc))
        classes.add_row(plain(entry.dx), *cells, n_text(entry.recall))
    screen.print(classes)
    for line in (
        f"Over {counts.assessed:,} assessed images; quality or domain refused {counts.read - counts.assessed:,} of"
        f" {counts.read:,}: the report also counts them as wrong answers and as sent to a person.",
        f"Split {method.split} · bundle {method.bundle} · engine {method.engine} · {method.rounds:,} draws of lesions,"
        f" seed {method.seed}",
        evaluation.held_out.sentence if evaluation.held_out.honest else "",
        INTENDED_USE,
    ):
        if line:
            screen.print(plain(line), soft_wrap=True)


def _second_table(evaluation: Evaluation, second: TwoReaders) -> Table:
    """The headline with and without the second reader, on the same images."""
    title = f"{second.reader} read {second.asked:,} images too ({second.passed_on:.1%})"
    table = _table(title, "first reader alone", "with the second reader")
    for key in ("balanced_accuracy", "macro_f1", "malignant_review_sensitivity", "malignant_review_specificity"):
        row = (second.first_alone[key], evaluation.scores.assessed[key])
        table.add_row(plain(TITLES[key]), *(value_text(figure) for figure in row))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, no_wrap=True)
    return table
