"""The model card, written from the evaluation: no figure in it is typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qana_desktop.training.data import CLASSES
from qana_desktop.triage.diagnosis import FULL_NAMES, Diagnosis
from qana_desktop.triage.policy import Interval, ReadingPolicy

HEADLINE = (
    ("balanced_accuracy", "Balanced accuracy"),
    ("macro_f1", "Macro F1"),
    ("melanoma_sensitivity_at_0.85_specificity", "Melanoma sensitivity at 0.85 specificity"),
    ("malignant_sensitivity_at_0.85_specificity", "Malignant sensitivity at 0.85 specificity"),
    ("malignant_answer_sensitivity", "Malignant cases answered with a malignant class"),
    ("malignant_answer_specificity", "Benign cases answered with a benign class"),
    ("auroc_macro", "AUROC, macro, one versus rest"),
    ("accuracy", "Accuracy"),
    ("ece", "Expected calibration error"),
)


def model_card(evaluation: dict[str, Any], policy: ReadingPolicy) -> str:
    """Markdown text from `evaluation.json` and the policy of the same bundle."""
    parts = (
        _head(evaluation),
        _figures(evaluation),
        _recalls(evaluation),
        _policy(policy),
        *_second_reader(evaluation),
        _groups(evaluation),
        _limits(),
    )
    return "\n\n".join(parts) + "\n"


def _head(evaluation: dict[str, Any]) -> str:
    data, cost = evaluation["data"], evaluation["cost"]
    return "\n".join(
        (
            "# Model card",
            "",
            "Written by the evaluation run (`python -m qana_desktop.training evaluate`), not by hand.",
            "",
            "**Intended use.** Research use: decision support for trained clinicians who triage dermoscopic images of"
            " pigmented skin lesions. Not a medical device; not for lay people; never the only ground of a decision.",
            "",
            "**Network.** Sequential integer network for Akida v1 boards and ONNX Runtime:"
            f" {evaluation['input_size']} px input, {cost['weights']:,} weights in {cost['weight_bytes']:,} bytes"
            " (4 bits, first layer 8), 4-bit"
            f" activations, {cost['macs']:,} multiply-accumulates for a view; a reading averages"
            f" {len(policy_views(evaluation))} views.",
            "",
            f"**Training data.** {data['train_images']:,} images of HAM10000 (folds other than {data['test_fold']},"
            f" without the calibration lesions) and ISIC 2017. Calibration: {data['calibration_images']:,} images of"
            f" {data['calibration_lesions']:,} lesions, never trained on. Test: {data['test_images']:,} images of"
            f" {data['test_lesions']:,} lesions of fold {data['test_fold']}. Lesions are never shared between parts.",
            "",
            f"**Made by** commit {evaluation['commit']}, seed {evaluation['settings']['float']['seed']}.",
        )
    )


def policy_views(evaluation: dict[str, Any]) -> list[str]:
    """Names of the views of one reading."""
    return list(evaluation["views"])


def _figures(evaluation: dict[str, Any]) -> str:
    readers = evaluation["readers"]
    lines = [
        "## Figures on test lesions",
        "",
        "All class decisions come from one rule per column: calibrated probabilities times the weights in"
        " `evaluation.json`, then the largest; both fitted on calibration lesions. Brackets: 95 % interval, bootstrap"
        " over lesions. Engines: PyTorch for float network and training graph, ONNX Runtime for the exported integers.",
        "",
        "| figure | " + " | ".join(readers) + " |",
        "| --- |" + " --- |" * len(readers),
    ]
    lines += [
        f"| {title} | " + " | ".join(_interval(reader[key]) for reader in readers.values()) + " |"
        for key, title in HEADLINE
    ]
    return "\n".join(lines)


def _recalls(evaluation: dict[str, Any]) -> str:
    default = evaluation["readers"][evaluation["default_reader"]]
    lines = [
        "## Recall by class, as the product reads",
        "",
        "| class | recall | test images |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {FULL_NAMES[Diagnosis(name)]} ({name}) | {_interval(default[f'recall_{name}'])} | {sum(row)} |"
        for name, row in zip(CLASSES, default["confusion"], strict=True)
    ]
    return "\n".join(lines)


def _policy(policy: ReadingPolicy) -> str:
    lines = [
        "## Operating points",
        "",
        "Cuts were set on calibration lesions; sensitivity and specificity were counted on test lesions"
        " (Wilson intervals over images).",
        "",
        "| point | score | cut | triage | sensitivity | specificity |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {p.name} | {p.score} | {p.threshold:.4f} | {p.triage} | {_measured(p.sensitivity)}"
        f" | {_measured(p.specificity)} |"
        for p in policy.operating_points
    ]
    if policy.conformal.measured is not None:
        lines += [
            "",
            f'"Could be" sets (target {policy.conformal.coverage:.2f} in every class) held the true class in'
            f" {_measured(policy.conformal.measured)} of test images; by class: "
            + _by_class(policy.classes, policy.conformal.measured_by_class),
        ]
    if policy.domain is not None:
        lines += [
            "",
            f"Images refused as unlike the training images: {_measured(policy.domain.false_reject)} of test images;"
            " by class: " + _by_class(policy.classes, policy.domain.false_rejects),
        ]
    return "\n".join(lines)


SECOND_READER = (
    ("balanced_accuracy", "Balanced accuracy"),
    ("macro_f1", "Macro F1"),
    ("auroc_macro", "AUROC, macro, one versus rest"),
    ("accuracy", "Accuracy"),
    ("ece", "Expected calibration error"),
)


def _second_reader(evaluation: dict[str, Any]) -> tuple[str, ...]:
    """The second reader's section, nothing for a bundle without one."""
    if "second_reader" not in evaluation:
        return ()
    second = evaluation["second_reader"]
    readers, triage, cost = second["readers"], second["triage"], second["cost"]
    lines = [
        "## Second reader",
        "",
        f"{second['name']} ({second['input_size']} px, {len(second['views'])} views, {second['arithmetic']}) reads too"
        f" where the normalised entropy of the first reader lies above {second['ask_above']:.3f}:"
        f" {_interval(second['passed_on'])} of test images. It takes {cost['second']:,} multiply-accumulates for an"
        f" image, the first reader {cost['first']:,}; as in use a reading takes {cost['as_in_use']:,.0f} on average."
        " The threshold, and how much either of them counts, were set on calibration lesions.",
        "",
        "| figure | " + " | ".join(readers) + " |",
        "| --- |" + " --- |" * len(readers),
    ]
    lines += [
        f"| {title} | " + " | ".join(_interval(reader[key]) for reader in readers.values()) + " |"
        for key, title in SECOND_READER
    ]
    lines += [
        "",
        "The more severe triage leads where they differ. Malignant test images sent to review or more urgent, and"
        " benign ones of low concern: "
        + "; ".join(
            f"{name} {_interval(sent['malignant_review_sensitivity'])} and {_interval(sent['benign_low_concern'])}"
            for name, sent in triage.items()
        )
        + ".",
        "",
        "| passed on | accuracy | balanced accuracy | macro F1 | multiply-accumulates |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['passed_on']:.2f} | {row['accuracy']:.3f} | {row['balanced_accuracy']:.3f} | {row['macro_f1']:.3f}"
        f" | {row['multiply_accumulates']:,.0f} |"
        for row in second["by_share"]
    ]
    return ("\n".join(lines),)


def _groups(evaluation: dict[str, Any]) -> str:
    lines = [
        "## Subgroups of the test lesions",
        "",
        "| by | group | images | classes present | accuracy | balanced accuracy | malignant AUROC |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in evaluation["subgroups"]:
        auroc = "n/a" if row["malignant_auroc"] is None else f"{row['malignant_auroc']:.3f}"
        lines.append(
            f"| {row['by']} | {row['group']} | {row['images']} | {row['classes_present']} | {row['accuracy']:.3f}"
            f" | {row['balanced_accuracy']:.3f} | {auroc} |"
        )
    return "\n".join(lines)


def _limits() -> str:
    return "\n".join(
        (
            "## Limits",
            "",
            "- HAM10000 comes from two clinics, in Austria and Australia, and has almost no dark skin. On dark skin, on"
            " palms, soles, nails and mucosa, and in children, nothing is known about these figures.",
            "- Seven diagnoses only. A lesion of another kind gets one of the seven names, unless the domain check"
            " refuses it.",
            "- Rare classes have few test images: look at the intervals.",
            "- Calibration holds at the prevalence of HAM10000; in another population the probabilities shift.",
            "- The images are centre squares of one lesion each, from dermatoscopes. Clinical photographs are out of"
            " domain.",
            "",
            "Licence of the weights: CC BY-NC 4.0, see `models/LICENSE`.",
        )
    )


def _interval(value: dict[str, Any]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _by_class(names: Sequence[object], values: Sequence[Interval]) -> str:
    return ", ".join(f"{name} {_measured(value)}" for name, value in zip(names, values, strict=True)) + "."


def _measured(value: Interval) -> str:
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}], n = {value.n}"
