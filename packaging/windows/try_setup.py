"""Installs the setup.exe silently for this user, uses it, upgrades in place, and removes it: for Windows.

`python packaging\\windows\\try_setup.py FOLDER`, where FOLDER holds the setup. It was written without a Windows to run
it on; each step says what it expects and stops where that does not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

RUNS = 3
"""Exit code of the setup while a copy of the program runs (qana-desktop.nsi)."""


class NotAsExpected(Exception):
    """A step ended otherwise than it must; the text says which."""


def steps(setup: Path, place: Path, images: Path) -> list[tuple[str, list[str], int]]:
    """What is run, in order: a sentence, the command, and the exit status that it must have."""
    cli, window = str(place / "qana-desktop-cli.exe"), str(place / "qana-desktop-window.exe")
    install = [str(setup), "/S", f"/D={place}"]
    lesion = str(images / "synthetic-01-even-brown.jpg")
    return [
        ("installs silently, for this user", install, 0),
        ("tests itself", [cli, "self-test", "--engine", "onnx-cpu"], 0),
        ("draws images", [cli, "demo-images", str(images)], 0),
        ("reads one", [cli, "classify", lesion, "--json", "--ignore-quality"], 0),
        ("opens its window", [window, lesion, "--screenshot", str(images / "window.png")], 0),
        ("is replaced in place", install, 0),
        ("tests itself again", [cli, "self-test", "--engine", "onnx-cpu"], 0),
    ]


def try_setup(setup: Path) -> None:
    """Run all steps, then a setup beside a running copy, then the removal; raises NotAsExpected."""
    with tempfile.TemporaryDirectory() as work:
        place, images = Path(work) / "QANA Desktop ü", Path(work) / "images"
        for what, command, status in steps(setup, place, images):
            _expect(what, command, status)
        with subprocess.Popen([place / "qana-desktop-cli.exe", "devices", "watch"]) as running:
            try:
                _expect("refuses while a copy runs", [str(setup), "/S", f"/D={place}"], RUNS)
            finally:
                running.kill()
        # "_?=" keeps the uninstaller in its folder, so that it can be waited for.
        _expect("is removed", [str(place / "uninstall.exe"), "/S", f"_?={place}"], 0)
        left = sorted(path.name for path in place.rglob("*") if path.name != "uninstall.exe")
        if left:
            raise NotAsExpected(f"After removal these are left: {', '.join(left)}")


def _expect(what: str, command: Sequence[str], status: int) -> None:
    print(f"{what}: {' '.join(command)}", flush=True)
    # One string, because NSIS takes /D= without quotes, to the end of the line.
    line = " ".join(part if part.startswith(("/", "_?=")) else f'"{part}"' for part in command)
    ended = subprocess.run(line if os.name == "nt" else list(command), timeout=600, check=False)
    if ended.returncode != status:
        raise NotAsExpected(f"“{what}” ended with {ended.returncode}, not {status}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Find the setup and try it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the setup.exe is")
    found = sorted(parser.parse_args(arguments).folder.glob("*-setup.exe"))
    if len(found) != 1:
        print("There must be one setup.exe in the folder. Make it: python packaging/make.py", file=sys.stderr)
        return 2
    try:
        try_setup(found[0].resolve())
    except NotAsExpected as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
