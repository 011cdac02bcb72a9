"""Simulates a clinic with another camera on held-out lesions, and writes what head training and site calibration bring.

`python -m tests.benchmarks.simulated_clinic --out docs/measurements/simulated-clinic`, from the checkout. Lesions of
test fold 0 are split by lesion, anew for each seed: one half are the clinic's cases, the other half are for testing.
The clinic's camera is drawn: a colour cast and a gamma on held-out images. `--part calibration` takes the calibration
lesions in place of the test fold: settings are chosen on those.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from qana_desktop.learning.gate import Comparison, Holdout, Refused, best_of, decide
from qana_desktop.learning.head import HeadSettings, train_head
from qana_desktop.learning.judged import Judged, judge
from qana_desktop.learning.memory import FeatureMemory, LocalCase, memory_from_bytes
from qana_desktop.learning.protocol import Protocol
from qana_desktop.learning.site_calibration import ChannelStatistics, calibrate_site, channel_statistics
from qana_desktop.network.bundle import Bundle, active_bundle
from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.preprocess import to_network_input, views
from qana_desktop.training.data import Record, read_image, read_records, split_records
from qana_desktop.triage import metrics
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_from_json

ROOT = Path(__file__).resolve().parents[2]
COUNTS = (0, 50, 100, 200)
UNLABELLED = 100
"""Images of the clinic's camera for site calibration."""
REFERENCE = 200
"""HAM10000 training images, drawn, from which the factory's channel statistics are measured."""


@dataclass(frozen=True)
class Camera:
    """``255 * (level / 255) ** gamma * gain`` for each of red, green and blue."""

    name: str
    gains: tuple[float, float, float]
    gamma: float

    def photograph(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The image (S, S, 3) as this camera would give it."""
        levels = 255.0 * (image / 255.0) ** self.gamma * np.array(self.gains)
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


CAMERAS = (
    Camera("the factory's colours", (1.0, 1.0, 1.0), 1.0),
    Camera("strong colour and gamma shift", (1.12, 0.95, 0.80), 1.3),
)


@dataclass(frozen=True, eq=False)
class World:
    """The factory version and every lesion, one image of each, as each camera shows it: features (n, views, F)."""

    network: IntegerNetwork
    policy: ReadingPolicy
    memory: FeatureMemory
    lesions: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    features: dict[str, npt.NDArray[np.uint8]]
    images: npt.NDArray[np.uint8]
    reference: ChannelStatistics

    def read(self, network: IntegerNetwork, camera: str, rows: npt.NDArray[np.int64]) -> Judged:
        """The rows as judged with a network's head: features to logits is exact integer arithmetic on every engine."""
        return self.judge(network, self.features[camera][rows], rows)

    def judge(self, network: IntegerNetwork, features: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]) -> Judged:
        """Features (n, views, F) of the rows as judged with a network's head."""
        head = network.layers[-1].weights[: network.classes].astype(np.int64)  # type: ignore[union-attr]
        means = (features.astype(np.int64) @ head.T).mean(axis=1)
        return judge([self.lesions[row] for row in rows], self.labels[rows], means, self.policy)


def build_world(data: Path, bundle: Bundle, part: str) -> World:
    """Read the first image of each held-out lesion with ONNX Runtime, as each camera shows it."""
    policy, network = policy_from_json(bundle.policy_json()), bundle.network()
    split = split_records(read_records(data), test_fold=0)
    records = first_of_each(getattr(split, part))
    images = network_inputs(data, records, network)
    features = {
        camera.name: read_features(network, policy, [camera.photograph(image) for image in images])
        for camera in CAMERAS
    }
    assert bundle.features_path is not None
    memory = memory_from_bytes(bundle.features_path.read_bytes(), classes=network.classes, features=network.features)
    labels = np.array([record.label for record in records])
    factory = first_of_each([record for record in split.train if record.source == "ham10000"])
    sample = [factory[row] for row in np.random.default_rng(0).permutation(len(factory))[:REFERENCE]]
    reference = channel_statistics(network, network_inputs(data, sample, network))
    lesions = tuple(record.lesion_id for record in records)
    return World(network, policy, memory, lesions, labels, features, images, reference)


def network_inputs(data: Path, records: Sequence[Record], network: IntegerNetwork) -> npt.NDArray[np.uint8]:
    """The records' images as the network's input (n, S, S, 3)."""
    return np.stack([to_network_input(read_image(data, record), network.input_shape[0]) for record in records])


def read_features(
    network: IntegerNetwork, policy: ReadingPolicy, images: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.uint8]:
    """Integer features (n, views, F) by ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(network), options, providers=["CPUExecutionProvider"])
    read = [session.run(None, {INPUT_NAME: views(image, policy.views)})[0] for image in images]
    return np.stack(read)[:, :, network.classes :].astype(np.uint8)


def first_of_each(records: Sequence[Record]) -> list[Record]:
    """One HAM10000 image of each lesion, the first by name."""
    by_lesion: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: record.image_id):
        by_lesion.setdefault(record.lesion_id, record)
    return list(by_lesion.values())


def split_rows(world: World, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the clinic's cases in the order in which they come in, and rows for testing: half of each class."""
    generator = np.random.default_rng(seed)
    pool, test = [], []
    for label in np.unique(world.labels):
        rows = generator.permutation(np.flatnonzero(world.labels == label))
        pool.extend(rows[: len(rows) // 2])
        test.extend(rows[len(rows) // 2 :])
    # Confirmed cases are not a random sample: what was cut out comes with histology. Rare classes come in more often.
    weights = np.bincount(world.labels)[world.labels[pool]] ** -0.5
    arrival = generator.choice(pool, size=len(pool), replace=False, p=weights / weights.sum())
    return arrival, np.sort(np.array(test))


def cases_of(world: World, camera: str, rows: npt.NDArray[np.int64]) -> tuple[LocalCase, ...]:
    """The rows as confirmed cases, a patient each."""
    return tuple(
        LocalCase(
            f"patient-{world.lesions[row]}",
            world.lesions[row],
            str(world.policy.classes[world.labels[row]]),
            world.features[camera][row],
        )
        for row in rows
    )


def figures(judged: Judged) -> dict[str, Any]:
    """What is reported of one version on one set of cases."""
    table = metrics.confusion(judged.truth, judged.answers, len(judged.classes))
    found: dict[str, Any] = {
        "balanced_accuracy": judged.balanced_accuracy(),
        "auroc": metrics.macro_auroc(judged.truth, judged.probabilities),
        "accuracy": metrics.accuracy(table),
        "ece": judged.calibration_error(),
    }
    for column, cut in enumerate(judged.cuts):
        found[f"malignant sensitivity at '{cut}'"] = float(judged.reached[judged.malignant, column].mean())
        found[f"specificity at '{cut}'"] = float((~judged.reached[~judged.malignant, column]).mean())
    for dx, recall in zip(judged.classes, metrics.recalls(table), strict=True):
        found[f"recall {dx}"] = None if np.isnan(recall) else float(recall)
    return found


def run_one(world: World, camera: str, seed: int, count: int, settings: HeadSettings) -> dict[str, Any]:
    """One clinic: `count` confirmed cases learnt, then both holdouts and the gate."""
    arrival, test = split_rows(world, seed)
    network = world.network
    if count:
        cases = cases_of(world, camera, arrival[:count])
        classes = [str(dx) for dx in world.policy.classes]
        network = train_head(network, classes, world.policy.calibration, world.memory, cases, settings=settings).network
    factory_camera = CAMERAS[0].name
    holdouts = [(Holdout.FACTORY, factory_camera)]
    if camera != factory_camera:
        holdouts.append((Holdout.LOCAL, camera))
    comparisons = []
    for holdout, seen_by in holdouts:
        before = world.read(world.network, seen_by, test)
        comparisons.append(Comparison(holdout, before, world.read(network, seen_by, test), best_of(before)))
    decision = decide(tuple(comparisons), Protocol())
    return {
        "camera": camera,
        "seed": seed,
        "cases": count,
        "site": figures(comparisons[-1].candidate),
        "factory_holdout": figures(comparisons[0].candidate),
        "accepted": not isinstance(decision, Refused),
        "failed": sorted({f"{line.holdout}: {line.code}" for line in decision.failed})
        if isinstance(decision, Refused)
        else [],
    }


def run_calibration(world: World, camera: Camera, seed: int) -> dict[str, Any]:
    """One clinic without labels: thresholds from its own images, then the lesions for testing by its camera."""
    arrival, test = split_rows(world, seed)
    # Unlabelled images are whatever was photographed, not what came back with histology.
    unlabelled = np.random.default_rng(seed).permutation(arrival)[:UNLABELLED]
    own = np.stack([camera.photograph(world.images[row]) for row in unlabelled])
    network = calibrate_site(world.network, world.reference, own)
    shown = [camera.photograph(world.images[row]) for row in test]
    before = world.read(world.network, camera.name, test)
    after = world.judge(network, read_features(network, world.policy, shown), test)
    return {
        "camera": camera.name,
        "seed": seed,
        "factory's_colours": figures(world.read(world.network, CAMERAS[0].name, test)),
        "before": figures(before),
        "after": figures(after),
    }


def calibration_summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Balanced accuracy and macro AUROC before and after, means over the seeds, and the changes."""
    rows = []
    for camera in dict.fromkeys(run["camera"] for run in runs):
        chosen = [run for run in runs if run["camera"] == camera]
        row: dict[str, Any] = {"camera": camera, "images": UNLABELLED, "seeds": len(chosen)}
        for figure in ("balanced_accuracy", "auroc"):
            change = [run["after"][figure] - run["before"][figure] for run in chosen]
            for when in ("factory's_colours", "before", "after"):
                row[f"{figure}_{when}"] = float(np.mean([run[when][figure] for run in chosen]))
            row[f"{figure}_change"] = [float(np.mean(change)), min(change), max(change)]
        rows.append(row)
    return rows


def summary(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean over seeds, and the smallest and largest, of what changes against no learning with the same seed."""
    start = {(run["camera"], run["seed"]): run for run in runs if run["cases"] == 0}
    rows = []
    for camera in dict.fromkeys(run["camera"] for run in runs):
        for count in dict.fromkeys(run["cases"] for run in runs):
            chosen = [run for run in runs if run["camera"] == camera and run["cases"] == count]
            row: dict[str, Any] = {"camera": camera, "cases": count, "seeds": len(chosen)}
            for place in ("site", "factory_holdout"):
                row[place] = float(np.mean([run[place]["balanced_accuracy"] for run in chosen]))
                row[f"{place}_change"] = _change(chosen, start, place, "balanced_accuracy")
                row[f"{place}_auroc_change"] = _change(chosen, start, place, "auroc")
            row["accepted"] = sum(run["accepted"] for run in chosen)
            rows.append(row)
    return rows


def _change(
    runs: list[dict[str, Any]], start: dict[tuple[str, int], dict[str, Any]], place: str, figure: str
) -> list[float]:
    """Mean, smallest and largest change of a figure against no learning with the same seed."""
    change = [run[place][figure] - start[run["camera"], run["seed"]][place][figure] for run in runs]
    return [float(np.mean(change)), min(change), max(change)]


def markdown(document: dict[str, Any]) -> str:
    """The summary as a page."""
    lines = [
        "# Simulated clinic: head training and site calibration",
        "",
        f"Written by `python -m tests.benchmarks.simulated_clinic`. {document['what']}",
        "",
        "| camera | cases | site | site, change | site, AUROC | factory, change | factory, AUROC | accepted |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["summary"]:
        changes = " | ".join(
            _points(row[f"{place}{figure}_change"])
            for place in ("site", "factory_holdout")
            for figure in ("", "_auroc")
        )
        accepted = f"{row['accepted']} of {row['seeds']}"
        lines.append(f"| {row['camera']} | {row['cases']} | {row['site']:.3f} | {changes} | {accepted} |")
    lines += [
        "",
        "Site and changes: balanced accuracy at the bundle's decision rule on the lesions for testing, as the clinic's"
        " camera and as the factory's shows them, and macro AUROC; changes in points, mean over the seeds [smallest,"
        " largest]. Accepted: by the gate with the default protocol.",
        "",
    ]
    lines += ["## Site calibration without labels", ""]
    lines += ["| camera | images | factory's colours | before | after | change | AUROC, change |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for row in document["site_calibration"]["summary"]:
        values = " | ".join(
            f"{row[f'balanced_accuracy_{when}']:.3f}" for when in ("factory's_colours", "before", "after")
        )
        changes = " | ".join(_points(row[f"{figure}_change"]) for figure in ("balanced_accuracy", "auroc"))
        lines.append(f"| {row['camera']} | {row['images']} | {values} | {changes} |")
    lines += [""]
    lines += ["## Lines of the gate that refused", ""]
    for line, count in document["refusals"].items():
        lines.append(f"- {line}: {count}")
    return "\n".join(lines) + "\n"


def _points(change: list[float]) -> str:
    mean, low, high = (100 * value for value in change)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def main() -> int:
    """Run all cameras, counts and seeds; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("QANA_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--part", choices=("test", "calibration"), default="test")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="path without suffix for the JSON and the Markdown")
    defaults = HeadSettings()
    for name in ("factor", "ceiling", "ridge"):
        parser.add_argument(f"--{name}", type=float, default=getattr(defaults, name))
    chosen = parser.parse_args()
    settings = HeadSettings(factor=chosen.factor, ceiling=chosen.ceiling, ridge=chosen.ridge)
    bundle = active_bundle(ROOT / "models")
    world = build_world(chosen.data, bundle, chosen.part)
    runs = [
        run_one(world, camera.name, seed, count, settings)
        for camera in CAMERAS
        for seed in range(chosen.seeds)
        for count in COUNTS
    ]
    calibrated = [run_calibration(world, camera, seed) for camera in CAMERAS for seed in range(chosen.seeds)]
    failed = [line for run in runs for line in run["failed"]]
    document = {
        "what": (
            f"{len(world.lesions)} lesions of HAM10000 ({chosen.part} part of fold 0, one image each), split in halves"
            f" by lesion for each of {chosen.seeds} seeds; network {bundle.id}, read by ONNX Runtime. Research use,"
            " decision support for trained clinicians, not a medical device. The settings were chosen on calibration"
            " lesions."
        ),
        "settings": asdict(settings),
        "protocol": asdict(Protocol()),
        "cameras": [asdict(camera) for camera in CAMERAS],
        "summary": summary(runs),
        "refusals": {line: failed.count(line) for line in sorted(set(failed), key=lambda line: -failed.count(line))},
        "site_calibration": {
            "unlabelled_images": UNLABELLED,
            "reference_images": REFERENCE,
            "summary": calibration_summary(calibrated),
            "runs": calibrated,
        },
        "runs": runs,
    }
    sys.stdout.write(markdown(document))
    if chosen.out is not None:
        chosen.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        chosen.out.with_suffix(".md").write_text(markdown(document), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
