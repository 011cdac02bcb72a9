"""`docs/evaluation.md`, written from what the runs measured: no figure on it is typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qana_desktop.training.data import CLASSES

Figures = dict[str, Any]
HEADLINE = (
    ("balanced_accuracy", "balanced accuracy"),
    ("macro_f1", "macro F1"),
    ("auroc_macro", "AUROC"),
    ("melanoma_sensitivity_at_0.85_specificity", "melanoma sensitivity at 0.85 specificity"),
    ("malignant_sensitivity_at_0.85_specificity", "malignant sensitivity at 0.85 specificity"),
    ("accuracy", "accuracy"),
    ("ece", "ECE"),
)
SHORT = HEADLINE[:4]
START = """# Evaluation

*Research use, decision support for trained clinicians, not a medical device.*

Written by `python -m qana_desktop.training.studies page` from `models/*/evaluation.json` and
`docs/measurements/*-fold-*.json`; a test fails when it is older than they are. HAM10000, split by lesion; ISIC 2017 in
training only. Calibration and decision rule are fitted on calibration lesions and counted on test lesions. Brackets:
95 % intervals, bootstrap over lesions. Measured on ONNX Runtime and in training; nothing here was measured with the
Akida runtime.
"""


def page(
    bundle: str,
    evaluation: Figures,
    studies: Sequence[Figures],
    ablations: Sequence[Figures],
    leaks: Sequence[Figures],
    folds: Sequence[Figures],
) -> str:
    """The Markdown page of the active bundle's evaluation and of all studies."""
    parts = [
        START,
        _shipped(bundle, evaluation),
        _folds(evaluation, folds),
        _second_reader(evaluation.get("second_reader")),
        *(_study(study) for study in studies),
        *(_ablation(figures) for figures in ablations),
        *(_leak(figures) for figures in leaks),
    ]
    return "\n".join(part for part in parts if part)


def value(figure: Figures) -> str:
    """`.663 [.612, .722]`."""
    return f"{_plain(figure['value'])} [{_plain(figure['low'])}, {_plain(figure['high'])}]"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = [" | ".join(heads), " | ".join(["---", *["---:"] * (len(heads) - 1)])]
    return "\n".join(f"| {line} |" for line in [*lines, *(" | ".join(row) for row in rows)]) + "\n"


def _plain(number: float) -> str:
    return f"{number:.3f}".removeprefix("0") if 0.0 <= number < 1.0 else f"{number:.3f}"


def _shipped(bundle: str, evaluation: Figures) -> str:
    data, cost = evaluation["data"], evaluation["cost"]
    readers = [(name, [value(figures[key]) for key, _ in HEADLINE]) for name, figures in evaluation["readers"].items()]
    default = evaluation["readers"][evaluation["default_reader"]]
    recalls = [(name, value(default[f"recall_{name}"])) for name in CLASSES]
    return (
        f"## The network that ships: `{bundle}`\n"
        f"Test: fold {data['test_fold']}, {data['test_images']:,} images of {data['test_lesions']:,} lesions. "
        f"Training: {data['train_images']:,} images. {cost['macs'] / 1e6:.0f} million multiply-accumulates a view, "
        f"{cost['weight_bytes'] / 1000:.0f} KB of weights. The product reads as **{evaluation['default_reader']}**.\n\n"
        + table(["reader", *(title for _, title in HEADLINE)], [(name, *row) for name, row in readers])
        + "\nRecall of each class, as the product reads:\n\n"
        + table(["class", "recall"], recalls)
    )


def _folds(shipped: Figures, others: Sequence[Figures]) -> str:
    """The recipe on every fold that was run, and the plain mean; the shipped fold alone needs no table."""
    runs = sorted([shipped, *others], key=lambda run: int(run["data"]["test_fold"]))
    if len(runs) == 1:
        return ""
    best = [run["readers"][run["default_reader"]] for run in runs]
    rows = [
        (str(run["data"]["test_fold"]), *(value(figures[key]) for key, _ in HEADLINE))
        for run, figures in zip(runs, best, strict=True)
    ]
    means = [_plain(sum(figures[key]["value"] for figures in best) / len(best)) for key, _ in HEADLINE]
    return f"## The recipe on {len(runs)} of 5 folds, as the product reads\n" + table(
        ["fold", *(title for _, title in HEADLINE)], [*rows, ("mean", *means)]
    )


def _second_reader(report: Figures | None) -> str:
    if report is None:
        return ""
    rows = [(name, *(value(figures[key]) for key, _ in SHORT)) for name, figures in report["readers"].items()]
    shares = [
        (
            f"{row['passed_on'] * 100:.0f} %",
            _plain(row["accuracy"]),
            _plain(row["balanced_accuracy"]),
            _plain(row["macro_f1"]),
            f"{row['multiply_accumulates'] / 1e6:,.0f}",
        )
        for row in report["by_share"]
    ]
    return (
        "## The second reader\n"
        f"Asked when the first reader's normalised entropy is above {report['ask_above']:.3f}: "
        f"{report['passed_on']['value'] * 100:.0f} % of test images.\n\n"
        + table(["reader", *(title for _, title in SHORT)], rows)
        + "\nBy share of images passed on (thresholds set on calibration images):\n\n"
        + table(["passed on", "accuracy", "balanced accuracy", "macro F1", "million operations an image"], shares)
    )


def _study(study: Figures) -> str:
    one_view = [(name, *(value(f[key]) for key, _ in SHORT)) for name, f in study["one_view"].items()]
    spiking = [
        (str(f["steps"]), f"{f['spikes_per_image']:,.0f}", *(value(f[key]) for key, _ in SHORT))
        for f in study["rate_coded"]
    ]
    bits = [(f["layer"], f"{f['weights']:,}", *(value(f[key]) for key, _ in SHORT[:3])) for f in study["weight_bits"]]
    potentials = [(row["name"], str(row["seen"]), str(row["worst"])) for row in study["potentials"]]
    titles = [title for _, title in SHORT]
    return (
        f"## Studies on fold {study['fold']}, one view each\n"
        "### What training to the integers is worth\n"
        + table(["network", *titles], one_view)
        + "\n### A rate-coded conversion\nIntegrate-and-fire neurons, thresholds balanced on training images, reset by "
        "subtraction, no further training. Akida does not work so; this is the classic baseline.\n\n"
        + table(["time steps", "spikes an image", *titles], spiking)
        + "\n### Two bits in one layer\nOne hidden layer's weights rounded to -1, 0, 1, nothing trained to make up for "
        "it.\n\n"
        + table(["layer", "weights", *titles[:3]], bits)
        + _event_table(study["events"])
        + "\n### Bits of the potentials\nWith sign. Seen: on test images. Worst: for any image.\n\n"
        + table(["layer", "seen", "worst"], potentials)
    )


def _event_table(events: Figures) -> str:
    rows = [
        (
            row["name"],
            f"{row['activations']:,}",
            f"{row['active_share'] * 100:.0f} %",
            f"{row['mean_level']:.2f}",
            f"{row['operations'] / 1e6:.1f}",
        )
        for row in events["layers"]
    ]
    return (
        f"\n### Events\nMean of {events['images']} test images, one view. Operations that events cause: "
        f"{events['operations'] / 1e6:.1f} million; at 0.3 pJ each (8-bit multiply-accumulate, 45 nm, Horowitz, ISSCC "
        f"2014) "
        f"{events['millijoules']:.3f} mJ of arithmetic. Memory, control and idle power come on top.\n\n"
        + table(["layer", "activations", "not zero", "mean level", "million operations caused"], rows)
    )


def _ablation(figures: Figures) -> str:
    rows = [(row["name"], f"{row['weights']:,}", *(value(row[key]) for key, _ in SHORT)) for row in figures["variants"]]
    settings = figures["settings"]
    return (
        f"## The paper's network, part by part (fold {figures['fold']})\n"
        f"Float, {figures['size']} px, {settings['epochs']} epochs each with one recipe and one seed, one view: a "
        "short comparison, so differences inside the brackets say nothing.\n\n"
        + table(["network", "weights", *(title for _, title in SHORT)], rows)
    )


def _leak(figures: Figures) -> str:
    keys = ("accuracy", "balanced_accuracy", "macro_f1")
    rows = [(name, *(value(figures[name][key]) for key in keys)) for name in ("leaking", "honest")]
    return (
        "## What a leak is worth\n"
        f"The same network, {figures['size']} px, trained in the way of the paper's public code: images are augmented "
        "until the classes are even, and only then split at random. "
        f"{figures['copies'] * 100:.0f} % of those test images have a copy of the same photograph in training, "
        f"{figures['copies_of_non_nevi'] * 100:.0f} % of those that are no nevi. Honest: the same network on the "
        f"lesions of fold {figures['fold']}, of which it has seen no image. No figure of ours is of the first kind.\n\n"
        + table(["test", *(key.replace("_", " ") for key in keys)], rows)
    )
