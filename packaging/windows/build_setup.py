"""Makes the Windows setup.exe from the frozen folder: `python packaging/windows/build_setup.py`. Needs makensis.

makensis runs on Windows and on Linux; the frozen folder itself can only be made on Windows. `--stand-in` packs a few
empty files instead, to try the script where there is no Windows.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from freeze import source_date, version  # noqa: E402
from icons import write_ico  # noqa: E402

PROGRAMS = ("qana-desktop-window.exe", "qana-desktop-cli.exe")


def build(payload: Path, target: Path, work: Path, epoch: int) -> None:
    """Compile the setup; raises CalledProcessError when makensis, which warns of nothing then, refuses."""
    icon = work / "qana-desktop.ico"
    write_ico(ROOT / "assets" / "qana-desktop.svg", icon)
    size = sum(path.stat().st_size for path in payload.rglob("*") if path.is_file()) // 1024
    facts = {"VERSION": version(), "PAYLOAD": payload, "ICON": icon, "SIZE_KB": size, "OUT": target}
    defines = [f"-D{name}={value}" for name, value in facts.items()]
    command = ["makensis", "-V2", "-WX", *defines, str(HERE / "qana-desktop.nsi")]
    subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}, check=True)


def stand_in(folder: Path, epoch: int) -> Path:
    """Make a payload of the right shape that does nothing."""
    for name in (*PROGRAMS, "_internal/base_library.zip", "licenses/QANA-DESKTOP.txt", "sbom.cdx.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("stand-in\n", encoding="utf-8")
        os.utime(folder / name, (epoch, epoch))
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, compile, and print size and hash."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "qana-desktop", help="the frozen folder")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the setup is written")
    parser.add_argument("--stand-in", action="store_true", help="pack empty files, to try the script")
    options = parser.parse_args(arguments)
    epoch, label = source_date(), "stand-in" if options.stand_in else "windows-x86_64"
    with tempfile.TemporaryDirectory() as work:
        payload = stand_in(Path(work) / "payload", epoch) if options.stand_in else options.frozen.resolve()
        if missing := [name for name in PROGRAMS if not (payload / name).is_file()]:
            print(
                f"{payload} lacks {' and '.join(missing)}. Make it on Windows: python packaging/freeze.py",
                file=sys.stderr,
            )
            return 2
        options.out.mkdir(parents=True, exist_ok=True)
        target = options.out.resolve() / f"qana-desktop-{version()}-{label}-setup.exe"
        build(payload, target, Path(work), epoch)
    print(f"{target}  {target.stat().st_size / 1e6:.1f} MB")
    print(f"sha256: {hashlib.sha256(target.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
