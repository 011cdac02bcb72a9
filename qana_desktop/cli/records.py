"""A reading as the JSON object that programs get: one line per image, always the same keys."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from qana_desktop.system.faults import Fault
from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Assessed, Latency, Outcome, Reading, SecondAsked, SecondSilent
from qana_desktop.triage.quality import QualityReport

Record = dict[str, Any]

_ENERGY_UNIT: Final = "mJ"
_MICROSECONDS: Final = 3
"""Decimals of milliseconds: the clock knows no more."""


def to_line(record: Record) -> str:
    """The record as one line of ASCII JSON: any path can be written to any terminal and read back."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False)


def record_of(reading: Reading, *, bundle: str) -> Record:
    """All that is said about one image. What was not determined is null, never zero."""
    assessed = reading.outcome if isinstance(reading.outcome, Assessed) else None
    return {
        "path": reading.source,
        "outcome": "assessed" if assessed else "cannot_assess",
        "reason": None if isinstance(reading.outcome, Assessed) else asdict(reading.outcome.reason),
        "triage": assessed.triage.value if assessed else None,
        "predicted": assessed.predicted.value if assessed else None,
        "probabilities": {dx.value: p for dx, p in assessed.probabilities.items()} if assessed else None,
        "logits": _logits(reading.logits),
        "malignancy": assessed.malignancy if assessed else None,
        "could_be": [dx.value for dx in assessed.could_be] if assessed else None,
        "quality": _quality(reading.quality, reading.outcome),
        "bundle": bundle,
        "engine": reading.provenance.engine if reading.provenance else None,
        "latency_ms": _latency(reading.latency),
        "energy": _energy(reading.energy, reading.when),
        "second_reader": _second_reader(reading.second_reader),
    }


def _second_reader(second: SecondAsked | SecondSilent | None) -> Record | None:
    """What each reader said where two were asked, or why the second was silent; null where it was not needed."""
    if second is None:
        return None
    asked = second if isinstance(second, SecondAsked) else None
    return {
        "asked": asked is not None,
        "uncertainty": second.uncertainty,
        "limit": second.limit,
        "reason": asdict(second.reason) if isinstance(second, SecondSilent) else None,
        "reader": asked.reader if asked else None,
        "runtime": asked.runtime if asked else None,
        "logits": [list(view) for view in asked.logits] if asked else None,
        "first": _said(asked.first) if asked else None,
        "second": _said(asked.second) if asked else None,
        "latency_ms": round(asked.latency_ms, _MICROSECONDS) if asked else None,
        "energy": asdict(asked.energy) if asked else None,
    }


def _said(reader: Assessed) -> Record:
    """What one of two readers said alone."""
    return {
        "triage": reader.triage.value,
        "predicted": reader.predicted.value,
        "probabilities": {dx.value: p for dx, p in reader.probabilities.items()},
        "malignancy": reader.malignancy,
        "could_be": [dx.value for dx in reader.could_be],
    }


def _logits(logits: tuple[tuple[int, ...], ...]) -> list[int] | list[list[int]] | None:
    """Integers of the only view, or one list per view; null when nothing was inferred."""
    if not logits:
        return None
    return list(logits[0]) if len(logits) == 1 else [list(view) for view in logits]


def _quality(report: QualityReport | None, outcome: Outcome) -> Record | None:
    """The verdict with every finding, and which refusals were overridden; null when the pixels were never seen."""
    ignored = [fault.code for fault in outcome.ignored] if isinstance(outcome, Assessed) else []
    if report is None:
        return None
    return {
        "verdict": "refused" if report.refusals else "warning" if report.warnings else "good",
        "ignored": ignored,
        "findings": [
            {
                "name": finding.name,
                "value": finding.value,
                "limit": finding.limit,
                "fault": _fault(finding.fault),
                "refuses": finding.refuses,
            }
            for finding in report.findings
        ],
    }


def _fault(fault: Fault | None) -> Record | None:
    return None if fault is None else asdict(fault)


def _latency(latency: Latency) -> Record:
    return {part: None if ms is None else round(ms, _MICROSECONDS) for part, ms in asdict(latency).items()}


def _energy(energy: MeasuredValue | None, when: str) -> Record:
    """The measured value with its method; an image that no engine saw has none, and says so."""
    if energy is not None:
        return asdict(energy)
    missing = MeasuredValue(
        None, _ENERGY_UNIT, Method.NOT_AVAILABLE, "one image", 0, when, "", "No engine was asked about this image."
    )
    return asdict(missing)
