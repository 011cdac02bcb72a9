"""The command line: `qana-desktop classify | doctor | self-test | benchmark | demo-images`. No window, no Qt."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> None:
    """Run the command line with `sys.argv` and leave with its exit code."""
    multiprocessing.freeze_support()
    from qana_desktop.cli.runner import run

    sys.exit(run(sys.argv[1:]))
