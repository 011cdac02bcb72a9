"""Evaluates the bundle on images with known diagnoses: read as in use, judged at the bundle's one decision rule."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import qana_desktop
from qana_desktop.engines.contract import uses_akida
from qana_desktop.network.manifest import EVALUATION
from qana_desktop.network.preprocess import PREPROCESS_VERSION
from qana_desktop.services.contract import DeviceDeskLike, TriageDeskLike
from qana_desktop.services.datasets import Dataset, DatasetRefused
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.second_opinion import SWITCHED_OFF
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.triage_desk import ActiveBundle
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault
from qana_desktop.triage.dataset import (
    HAM10000_IMAGES,
    HAM10000_LESIONS,
    SEALED,
    ImageRow,
    choose,
    is_whole_ham10000,
    known_sealed,
    take,
)
from qana_desktop.triage.evaluation import (
    AKIDA_NOTE,
    INTENDED_USE,
    SCHEMA,
    Counts,
    Evaluation,
    Method,
    Scores,
    TwoReaders,
)
from qana_desktop.triage.held_out import Training, held_out
from qana_desktop.triage.outcome import CannotAssess, Outcome, Reading, SecondAsked, SecondSilent
from qana_desktop.triage.scoring import score
from qana_desktop.triage.second_reader import first_alone

SEED: Final = 2026
ROUNDS: Final = 1000
RULE: Final = (
    "The answer is the class with the largest product of calibrated probability and decision weight; probability and"
    " weights are the bundle's, fitted on lesions that are in no test."
)


@dataclass(frozen=True)
class Question:
    """What to evaluate: a split by name, at most `limit` of its images, intervals from `rounds` draws by `seed`."""

    split: str
    limit: int | None = None
    seed: int = SEED
    rounds: int = ROUNDS


class EvaluationDesk:
    """Evaluates with the chosen engine. Nothing is written here."""

    def __init__(
        self, triage: TriageDeskLike, device: DeviceDeskLike, bundle: ActiveBundle, clock: Clock, host: str
    ) -> None:
        self._triage, self._device, self._bundle, self._clock, self._host = triage, device, bundle, clock, host

    def evaluate(
        self, dataset: Dataset, question: Question, *, report: Callable[[Progress], None], token: CancelToken
    ) -> Evaluation:
        """Read the images of a split and work out all figures.

        Raises DatasetRefused when the split cannot be had from this data set, EngineError when no engine answers,
        `Cancelled` when someone asked.
        """
        chosen = self._known(choose_rows(dataset, question))
        present = [row for row in chosen if row.image_id in dataset.images]
        readings = self._read(present, dataset, report, token)
        pairs = [(row, reading) for row, reading in zip(present, readings, strict=True) if _decoded(reading)]
        if not pairs:
            raise _no_image(question.split, len(chosen))
        rows, outcomes = [row for row, _ in pairs], [reading.outcome for _, reading in pairs]

        def on_round(done: int) -> None:
            token.check()
            report(Progress(done, question.rounds, "Drawing lesions for intervals"))

        def scored(answers: Sequence[Outcome]) -> Scores:
            policy, seed, rounds = self._bundle.policy, question.seed, question.rounds
            return score(rows, answers, policy, seed=seed, rounds=rounds, on_round=on_round)

        scores = scored(outcomes)
        second = self._two_readers([reading for _, reading in pairs], scored)
        return Evaluation(
            schema=SCHEMA,
            intended_use=INTENDED_USE,
            method=self._method(dataset, question),
            held_out=held_out(rows, training_of(self._bundle.path), known_sealed(dataset.rows)),
            notes=(*self._notes(dataset, question, len(chosen)), *_second_notes(second)),
            counts=_counts(dataset, chosen, present, readings),
            scores=scores,
            second_reader=second,
        )

    def _two_readers(
        self, readings: Sequence[Reading], scored: Callable[[Sequence[Outcome]], Scores]
    ) -> TwoReaders | None:
        """What the second reader changed, None where the bundle has none."""
        name = self._triage.second_reader
        if name is None:
            return None
        asked = [second for reading in readings if isinstance(second := reading.second_reader, SecondAsked)]
        silent = Counter(
            second.reason.code for reading in readings if isinstance(second := reading.second_reader, SecondSilent)
        )
        alone = scored([first_alone(reading) for reading in readings])
        return TwoReaders(
            reader=name,
            asked=len(asked),
            silent=dict(silent),
            passed_on=len(asked) / len(readings),
            first_alone=alone.assessed,
            first_alone_triage=alone.triage,
            median_ms=median(second.latency_ms for second in asked) if asked else None,
            energy=asked[-1].energy if asked else None,
        )

    def _known(self, rows: Sequence[ImageRow]) -> list[ImageRow]:
        """The rows whose diagnosis the bundle has a class for: a bundle with fewer cannot be asked about the others."""
        return [row for row in rows if row.dx in self._bundle.policy.classes]

    def _read(
        self,
        rows: Sequence[ImageRow],
        dataset: Dataset,
        report: Callable[[Progress], None],
        token: CancelToken,
    ) -> list[Reading]:
        readings: list[Reading] = []
        self._triage.read_all(
            [ImageSource(label=row.image_id, path=dataset.images[row.image_id]) for row in rows],
            on_reading=lambda _source, reading: readings.append(reading),
            report=report,
            token=token,
        )
        return readings

    def _method(self, dataset: Dataset, question: Question) -> Method:
        policy, engine = self._bundle.policy, self._device.current()
        return Method(
            when=self._clock.now(),
            program=qana_desktop.__version__,
            bundle=self._bundle.id,
            engine=engine.engine_id,
            runtime=engine.runtime,
            preprocess=PREPROCESS_VERSION,
            views=policy.views,
            host=self._host,
            table_sha256=dataset.table_sha256,
            split=question.split,
            limit=question.limit,
            rule=RULE,
            decision_weights={str(dx): w for dx, w in zip(policy.classes, policy.decision_weights, strict=True)},
            prevalence_name=policy.calibration.prevalence_name,
            conformal_target=policy.conformal.coverage,
            seed=question.seed,
            rounds=question.rounds,
        )

    def _notes(self, dataset: Dataset, question: Question, chosen: int) -> list[str]:
        notes = []
        if question.limit is not None:
            notes.append(f"A trial on {chosen} images of the split, chosen by a hash: not an evaluation of all of it.")
        if not dataset.names_lesions:
            notes.append("The table names no lesions, so each image counts as one: the intervals are too narrow.")
        if dataset.other:
            names = ", ".join(f"{name or 'none'} ({count})" for name, count in sorted(dataset.other.items()))
            notes.append(f"Images of other diagnoses were left out: {names}.")
        if is_akida(self._device.current().engine_id):
            notes.append(AKIDA_NOTE)
        return notes


def _counts(
    dataset: Dataset, chosen: Sequence[ImageRow], present: Sequence[ImageRow], readings: Sequence[Reading]
) -> Counts:
    pairs = list(zip(present, readings, strict=True))
    decoded = [(row, reading) for row, reading in pairs if _decoded(reading)]
    return Counts(
        listed=len(dataset.rows),
        chosen=len(chosen),
        read=len(decoded),
        assessed=sum(not isinstance(reading.outcome, CannotAssess) for _, reading in decoded),
        lesions=len({row.lesion_id for row, _ in decoded}),
        missing=tuple(row.image_id for row in chosen if row.image_id not in dataset.images),
        unreadable=tuple(row.image_id for row, reading in pairs if not _decoded(reading)),
    )


def is_akida(engine_id: str) -> bool:
    """Whether an engine is one whose figures may not be published."""
    return uses_akida(engine_id)


def choose_rows(dataset: Dataset, question: Question) -> list[ImageRow]:
    """The rows that are asked for. Raises DatasetRefused for `sealed` without a whole HAM10000, or an empty split."""
    if question.split == SEALED and not is_whole_ham10000(dataset.rows):
        raise DatasetRefused(
            Fault(
                "sealed-needs-whole",
                f"The sealed lesions can only be told from a whole HAM10000 ({HAM10000_IMAGES:,} images of"
                f" {HAM10000_LESIONS:,} lesions); this table lists {len(dataset.rows):,} images of"
                f" {len({row.lesion_id for row in dataset.rows}):,} lesions.",
                "Name a folder with the whole release, or another split.",
            )
        )
    rows = take(choose(dataset.rows, question.split), question.limit)
    if not rows:
        raise _no_image(question.split, 0)
    return rows


def training_of(bundle: Path) -> Training | None:
    """What the bundle's evaluation says about its training, None when it says nothing of it.

    `data.test_fold` is the fold that was held out, null when none was.
    """
    try:
        data = json.loads((bundle / EVALUATION).read_text(encoding="utf-8"))["data"]
        fold = data["test_fold"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if fold is None or (isinstance(fold, int) and not isinstance(fold, bool)):
        return Training(fold)
    return None


def _second_notes(second: TwoReaders | None) -> list[str]:
    failed = 0 if second is None else sum(n for code, n in second.silent.items() if code != SWITCHED_OFF)
    return [f"The second reader could not be asked about {failed:,} images."] if failed else []


def _decoded(reading: Reading) -> bool:
    """Whether the file was an image; a reading of one that was not carries no hash of its pixels."""
    return reading.image_sha256 is not None


def _no_image(split: str, listed: int) -> DatasetRefused:
    return DatasetRefused(
        Fault(
            "split-without-images",
            f"No image of “{split}” can be read: the table lists {listed} of this split, and none is there as a file.",
            "Check that the image files lie in the folder, named by their image ids.",
        )
    )
