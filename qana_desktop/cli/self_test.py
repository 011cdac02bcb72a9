"""`self-test`: every integer of the golden outputs on each engine, and a drawn image through decoding and triage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from qana_desktop.cli import exit_codes
from qana_desktop.cli.terminal import console, plain, write_line
from qana_desktop.engines.contract import EngineError
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.services.composition import Desks, open_desks
from qana_desktop.services.demo_images import LOOKS, encode_jpeg
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.synthetic_lesions import draw_lesion
from qana_desktop.system.faults import Fault
from qana_desktop.triage.outcome import Reading

_FAILED: Final = frozenset({"device-lost", "engine-timeout", "model-refused"})
"""Faults of an engine that was there. All others say why it is not here, in the words of the probe."""


@dataclass(frozen=True)
class Finding:
    """How one engine did. `passed` is None when it could not run here, which `fault` explains."""

    engine: str
    passed: bool | None
    fault: Fault | None


def run_self_test(engine: str | None, bundle: Path | None, *, as_json: bool) -> int:
    """Test one engine, or all that are listed; returns the exit code."""
    findings = [_test(engine, bundle)] if engine else [*_all_engines(bundle)]
    if as_json:
        write_line(json.dumps([asdict(finding) for finding in findings], ensure_ascii=True))
    else:
        _print(findings)
    if any(finding.passed is False for finding in findings):
        return exit_codes.SOME_NOT
    return exit_codes.ALL_READ if any(finding.passed for finding in findings) else exit_codes.NO_ENGINE


def _all_engines(bundle: Path | None) -> list[Finding]:
    return [
        Finding(info.engine_id, None, info.fault) if info.fault else _test(info.engine_id, bundle)
        for info in EngineRegistry().probe()
    ]


def _test(engine: str, bundle: Path | None) -> Finding:
    """Opening an engine compares all golden outputs; then one drawn image goes the whole way.

    An engine that answers wrongly, or stops answering, has failed; one that cannot be opened is not here.
    """
    try:
        with open_desks(bundle, engine=engine) as desks:
            fault = _reads_a_drawn_image(desks)
            return Finding(desks.device.current().engine_id, fault is None, fault)
    except EngineError as error:
        return Finding(engine, False if error.fault.code in _FAILED else None, error.fault)


def _reads_a_drawn_image(desks: Desks) -> Fault | None:
    source = ImageSource("drawn lesion", data=encode_jpeg(draw_lesion(LOOKS[0], 1)))
    reading = desks.triage.read(source, ignore_quality=True)
    return None if _complete(reading, desks) else _incomplete(reading)


def _complete(reading: Reading, desks: Desks) -> bool:
    return len(reading.logits) == len(desks.triage.policy.views)


def _incomplete(reading: Reading) -> Fault:
    reason = getattr(reading.outcome, "reason", None)
    if isinstance(reason, Fault):
        return reason
    return Fault("reading-incomplete", "A drawn image was read without an answer for every view.", "Install again.")


def _print(findings: list[Finding]) -> None:
    screen = console()
    for finding in findings:
        sign = {True: "✓ passed", False: "✗ failed", None: "- not here"}[finding.passed]
        why = f": {finding.fault.sentence()}" if finding.fault else ""
        screen.print(plain(f"{sign}  {finding.engine}{why}"), soft_wrap=True)
