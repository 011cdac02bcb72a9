"""Measures size, cold and warm start of the built program against the program from source, in one run.

    python -m tests.benchmarks.start_up --frozen dist/qana-desktop --out docs/measurements/start-up.json

The ways take turns. Cold: the program's files are dropped from the system's memory before each start (Linux), so that
they come from the disk. A start ends when what was asked for is there: the version on the screen, or the window drawn
with its engine started and tested.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

import qana_desktop
from qana_desktop.system.host import describe_host

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Start:
    """One way to start the program: its name, the command, and the files that it consists of."""

    name: str
    what: str
    command: tuple[str, ...]
    files: tuple[Path, ...]


def files_in(*folders: Path) -> Iterator[Path]:
    """All files below the folders; links are not followed."""
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def pinned_files() -> Iterator[Path]:
    """The files of the packages that the program requires, and of Python's own library."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements" / "app.txt").read_text("utf-8"), re.MULTILINE)
    for name in pins:
        try:
            listed = distribution(name).files or ()
        except PackageNotFoundError:
            continue  # for another system
        yield from (path for file in listed if (path := Path(str(file.locate()))).is_file())
    library = Path(sysconfig.get_path("stdlib"))
    yield from (path for path in files_in(library) if "site-packages" not in path.parts)


def starts(frozen: Path, picture: Path) -> Iterator[Start]:
    """The built program and the program from source: the version, and the window until it is ready."""
    source = (*files_in(*(ROOT / name for name in ("qana_desktop", "assets", "models"))), *pinned_files())
    ways = (
        ("built", [str(frozen / "qana-desktop-cli")], [str(frozen / "qana-desktop-window")], tuple(files_in(frozen))),
        ("source", [sys.executable, "-m", "qana_desktop.cli"], [sys.executable, "-m", "qana_desktop"], source),
    )
    for name, cli, window, files in ways:
        yield Start(name, "version", (*cli, "--version"), files)
        yield Start(name, "window, engine tested", (*window, "--screenshot", str(picture)), files)


def forget(files: Iterable[Path]) -> None:
    """Drop the files' pages from the system's memory: the next start reads the disk."""
    for path in files:
        number = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(number)


def seconds_of(start: Start, home: Path) -> float:
    """How long one start took, with a home of its own."""
    env = {**os.environ, "QANA_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    began = time.perf_counter()
    subprocess.run(start.command, cwd=ROOT, env=env, capture_output=True, check=True)
    return time.perf_counter() - began


def measure(frozen: Path, rounds: int) -> dict[str, object]:
    """Start everything in turns, cold and warm."""
    with tempfile.TemporaryDirectory() as work:
        found = list(starts(frozen, Path(work) / "window.png"))
        spent: dict[tuple[str, str, str], list[float]] = {}
        for _round in range(rounds):
            for start in found:
                for kind in ("cold", "warm"):
                    if kind == "cold":
                        forget(start.files)
                    spent.setdefault((start.what, start.name, kind), []).append(seconds_of(start, Path(work)))
        sizes = {start.name: round(sum(path.stat().st_size for path in start.files) / 1e6, 1) for start in found}
    return {
        "program": qana_desktop.__version__,
        "machine": describe_host(),
        "load of the machine at the start (1 min)": round(os.getloadavg()[0], 2),
        "rounds": rounds,
        "size, MB (source: program, required packages, Python's library)": sizes,
        "seconds": [
            {
                "start": what,
                "way": name,
                "files": kind,
                "lowest": round(min(values), 2),
                "median": round(float(np.median(values)), 2),
                "n": len(values),
            }
            for (what, name, kind), values in spent.items()
        ],
    }


def main() -> int:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "qana-desktop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    text = json.dumps(measure(chosen.frozen.resolve(), chosen.rounds), indent=1) + "\n"
    sys.stdout.write(text)
    if chosen.out is not None:
        chosen.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
