"""Makes the installers of this system from a clone: `python3.11 packaging/make.py`, on Linux, Windows and macOS.

Makes an environment with the pinned packages (each checked against its hash, `akida` not among them), freezes the
program, and packs what this system can pack: .deb and tarball, setup.exe, or .app in an image. What a page of
packaging/README.md says in steps, in one command; the workflow in .github/workflows calls the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PINS = ROOT / "requirements" / "installer.txt"
PYTHONS = ((3, 11), (3, 12))


class CannotMake(Exception):
    """A step failed; the text says which, and what to do."""


def environment(folder: Path, wheels: Path | None) -> Path:
    """Make the environment with the pinned packages, once for each state of the pins; returns its Python."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp, key = folder / "pins.sha256", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == key:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _step([sys.executable, "-m", "venv", folder], "The environment could not be made.")
    install = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    install += ["--require-hashes", "--only-binary=:all:", "-r", PINS]
    if wheels is not None:
        install += ["--no-index", "--find-links", wheels]
    _step(install, "The packages could not be installed. Is a registry reachable, or --wheels complete?")
    stamp.write_text(key, encoding="ascii")
    return python


def commands(python: Path, dist: Path, system: str, *, quick: bool) -> list[list[str | Path]]:
    """What is run after the environment was made, in order."""
    freeze: list[str | Path] = [python, HERE / "freeze.py", "--dist", dist]
    packs: dict[str, list[list[str | Path]]] = {
        "linux": [
            [HERE / "linux" / "build_deb.py", *(["--quick"] if quick else [])],
            [HERE / "linux" / "build_tarball.py", "--level", "1" if quick else "6"],
        ],
        "win32": [[HERE / "windows" / "build_setup.py"]],
        "darwin": [[HERE / "macos" / "build_image.py"]],
    }
    frozen: list[str | Path] = ["--frozen", dist / "qana-desktop", "--out", dist]
    return [freeze, *([python, *pack, *frozen] for pack in packs.get(system, []))]


def _step(command: Sequence[str | Path], why: str) -> None:
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    if subprocess.run(command, env=env, check=False).returncode != 0:
        raise CannotMake(why)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and make everything; returns 2 where a step failed, whose own words stand above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where everything is written")
    parser.add_argument("--environment", type=Path, default=ROOT / "build" / "environment", help="where it is made")
    parser.add_argument("--wheels", type=Path, help="folder of wheels to install from, without a network")
    parser.add_argument("--quick", action="store_true", help="pack loosely and fast, for trying out")
    options = parser.parse_args(arguments)
    if sys.version_info[:2] not in PYTHONS:
        print("The Akida library that a site may add is for Python 3.11 or 3.12: start this with one of them.")
        return 2
    try:
        python = environment(options.environment.absolute(), options.wheels)
        for command in commands(python, options.dist.absolute(), sys.platform, quick=options.quick):
            _step(command, f"{Path(str(command[1])).name} failed.")
    except CannotMake as failure:
        print(failure, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
