"""The command line with another factory version than the shipped: `python -m tests.support.learn_program DIR ...`."""

from __future__ import annotations

import sys
from pathlib import Path

from qana_desktop.cli import learn_run
from qana_desktop.cli.runner import run
from qana_desktop.engines.registry import ADAPTERS, EngineRegistry
from qana_desktop.services.learning_homes import ModelHomes, find_homes


def main() -> int:
    """Take the factory's folder from the first argument; only ONNX Runtime is asked, which starts soonest."""
    factory = Path(sys.argv[1])
    learn_run.find_homes = lambda: ModelHomes(factory, find_homes().local)  # type: ignore[assignment]
    onnx = [spec for spec in ADAPTERS if spec.kind == "onnx-cpu"]
    learn_run.EngineRegistry = lambda: EngineRegistry(onnx)  # type: ignore[assignment, misc]
    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
