"""The page that a simulated clinic's figures become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def markdown(found: dict[str, Any]) -> str:
    """The figures of `tests.benchmarks.simulated_clinic` as a page."""
    parts = (_head(found), _cameras(found), _new_classes(found), _refusals(found))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(found: dict[str, Any]) -> Iterator[str]:
    yield "# Simulated clinics: what local learning brings"
    yield ""
    yield (
        "Written by `python -m tests.benchmarks.simulated_clinic`. Research use, decision support for trained"
        f" clinicians, not a medical device. Network {found['bundle']}, read by ONNX Runtime; {found['seeds']} seeds."
    )
    yield ""
    yield (
        f"No lesion here was in the network's training. The clinic's cases and unlabelled images are drawn from the"
        f" {found['clinic_lesions']} calibration lesions; the site is tested on {found['test_lesions']} lesions of the"
        f" test fold as its camera would show them, the factory holdout is the bundle's own: {found['holdout_lesions']}"
        " lesions of the test fold in the factory's colours. The reading policy was fitted on the calibration lesions,"
        " and the settings of learning were chosen on them, with the first three cameras drawn; nothing was chosen on"
        " the test fold, but for the protocol's lines, which were set with the refusal rates below in view. The site's"
        " lesions are the factory holdout's, seen by another camera: their changes are not independent. A drawn camera"
        " is no clinic."
    )
    yield ""


def _cameras(found: dict[str, Any]) -> Iterator[str]:
    yield "## Another camera"
    yield ""
    yield _table_head("camera", "learning", "cases or images", "site", "change", "95 %", "won back", *_LAST)
    for row in found["rows"]:
        site, factory = row["site_change"], row["factory_change"]
        won = "" if row["won_back"] is None or row["what"] == "nothing" else f"{100 * row['won_back']:.0f} %"
        malignant = sum(row["malignant_sensitivity"]) / row["seeds"], sum(row["specificity"]) / row["seeds"]
        yield (
            f"| {row['camera']} | {row['what']} | {row['count'] or ''} | {row['site']:.3f} | {_points(site)}"
            f" | {_interval(site)} | {won} | {malignant[0]:.2f} at {malignant[1]:.2f} | {_points(factory)}"
            f" | {row['accepted']} of {row['seeds']} |"
        )
    yield ""
    yield (
        "Site: balanced accuracy at the bundle's decision rule. Changes are points against the factory version: mean"
        " over the seeds [smallest, largest]; 95 %: interval of the mean over resampled lesions. Won back: share of"
        " what the camera cost. Malignant found: sensitivity at specificity, at the most sensitive printed cut."
        " Factory: change on the factory holdout; a calibrated version reads it with the factory's own layers, as in"
        " use. Accepted: by the gate with the bundle's protocol, on the factory holdout and the site's lesions. "
        + " ".join(
            f"In the factory's colours the lesions of '{row['camera']}' are read at {row['factory_colours']:.3f}."
            for row in found["rows"][:1]
        )
    )
    yield ""
    if found["failed_lines"]:
        lines = ", ".join(f"{code} {count}" for code, count in found["failed_lines"].items())
        yield f"Lines that refused, counted over all of these versions: {lines}."
        yield ""


def _new_classes(found: dict[str, Any]) -> Iterator[str]:
    yield "## A class that the factory's head does not know"
    yield ""
    yield "| class | lesions for testing | sensitivity | 95 % of one seed | other classes | trained with it |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in found["new_classes"]:
        mean, low, high = row["sensitivity"]
        one = row["interval_of_one_seed"]
        change = dict(zip(("mean", "smallest", "largest"), row["others_change"], strict=True))
        yield (
            f"| {row['name']} | {row['lesions_for_testing']} | {mean:.2f} [{low:.2f}, {high:.2f}]"
            f" | {one['low']:.2f} to {one['high']:.2f} | {_points(change)}"
            f" | {row['sensitivity_when_trained_with_it']:.2f} |"
        )
    yield ""
    yield (
        "The class is taken out of head, feature memory and policy, and learnt from 30 lesions beside 70 others, in"
        " the factory's colours. The backbone was trained with it: a class that it never saw may be learnt less well."
        " The 30 are drawn from calibration lesions and test fold, the rest of the test fold's are for testing."
        " Sensitivity is by the decision rule of the policy that learning made. Other classes: change of their balanced"
        " accuracy on the factory holdout, points."
    )
    yield ""


def _refusals(found: dict[str, Any]) -> Iterator[str]:
    yield "## How often the gate refuses"
    yield ""
    yield "| update | lines | refused | 95 % | balanced accuracy | melanoma sensitivity | lines that refused |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in found["refusals"]:
        lines = ", ".join(f"{code} {count}" for code, count in row["lines"].items())
        interval = row["interval"]
        yield (
            f"| {row['what']} | {row['protocol']} | {row['refused']} of {row['updates']}"
            f" | {interval['low']:.2f} to {interval['high']:.2f} | {100 * row['balanced_accuracy_change']:+.1f}"
            f" | {100 * row['melanoma_sensitivity_change']:+.1f} | {lines} |"
        )
    yield ""
    protocol = found["protocol"]
    yield (
        "Head training on the factory holdout alone. The first number of the lines is the loss of malignant and of"
        " melanoma sensitivity that is allowed at each printed cut; the second how many cases any class may lose. The"
        f" bundle's protocol allows {100 * protocol['malignant_loss']:.0f} and {100 * protocol['melanoma_loss']:.0f}"
        f" points, and {protocol['recall_free_cases']}. Changes are means, in points, at the first printed cut."
    )
    yield ""


_LAST = ("malignant found", "factory", "accepted")


def _table_head(*names: str) -> str:
    return f"| {' | '.join(names)} |\n| {' | '.join('---' for _ in names)} |"


def _points(change: dict[str, float]) -> str:
    return f"{100 * change['mean']:+.1f} [{100 * change['smallest']:+.1f}, {100 * change['largest']:+.1f}]"


def _interval(change: dict[str, float]) -> str:
    return f"{100 * change['low']:+.1f} to {100 * change['high']:+.1f}"
