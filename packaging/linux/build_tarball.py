"""Makes the tarball from the frozen folder: `python packaging/linux/build_tarball.py`, for Linux systems without .deb.

It holds the same tree as the .deb. It is unpacked anywhere and run from there; nothing has to be installed.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import platform
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from freeze import source_date, version  # noqa: E402
from stage import NothingBuilt, frozen_folder, settle, stage  # noqa: E402

README = """\
QANA Desktop {version}

Research use, decision support for trained clinicians, not a medical device.

Run bin/qana-desktop-window for the window, bin/qana-desktop for the command line, from wherever this folder lies.
It needs libEGL, libGL, keyboard layouts (xkb-data) and one font from the system.
For Akida boards: lib/udev/rules.d/70-qana-akida.rules says in its first lines how to install it.
Licences and the offer of source: share/doc/qana-desktop/licenses. To remove the program, delete this folder.
"""


def build(frozen: Path, out: Path, epoch: int, *, level: int) -> Path:
    """Write the tarball below `out` and return its path: sorted, without owners, one time for everything."""
    name = f"qana-desktop-{version()}-linux-{platform.machine()}"
    target = out / f"{name}.tar.xz"
    with tempfile.TemporaryDirectory(prefix="qana-tar-", dir=out) as work:
        top = Path(work) / name
        stage(frozen, top, version=version(), epoch=epoch)
        (top / "README").write_text(README.format(version=version()), encoding="utf-8")
        settle(top, epoch)
        with lzma.open(target, "wb", preset=level) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
            for path in [top, *sorted(top.rglob("*"))]:
                archive.add(path, path.relative_to(work), recursive=False, filter=lambda entry: _plain(entry, epoch))
    return target


def _plain(entry: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = epoch
    if entry.isdir():
        entry.mode = 0o755
    return entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, pack, and print size and hash."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "qana-desktop", help="the frozen folder")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the tarball is written")
    parser.add_argument("--level", type=int, choices=range(10), default=6, help="of xz: 1 is quick, 6 for a release")
    options = parser.parse_args(arguments)
    try:
        frozen = frozen_folder(options.frozen.resolve())
    except NothingBuilt as refusal:
        print(refusal, file=sys.stderr)
        return 2
    made = build(frozen, options.out.resolve(), source_date(), level=options.level)
    print(f"{made}  {made.stat().st_size / 1e6:.1f} MB")
    print(f"sha256: {hashlib.sha256(made.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
