"""The figures of `triage.metrics`, under the name by which training knows them."""

from __future__ import annotations

from qana_desktop.triage.metrics import (
    BoolArray,
    FloatArray,
    IntArray,
    accuracy,
    auroc,
    balanced_accuracy,
    confusion,
    expected_calibration_error,
    macro_auroc,
    macro_f1,
    negative_log_likelihood,
    recalls,
    sensitivity_at_specificity,
    threshold_at_sensitivity,
    threshold_at_specificity,
)

__all__ = [
    "BoolArray",
    "FloatArray",
    "IntArray",
    "accuracy",
    "auroc",
    "balanced_accuracy",
    "confusion",
    "expected_calibration_error",
    "macro_auroc",
    "macro_f1",
    "negative_log_likelihood",
    "recalls",
    "sensitivity_at_specificity",
    "threshold_at_sensitivity",
    "threshold_at_specificity",
]
