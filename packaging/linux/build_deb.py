"""Makes the .deb from the frozen folder: `python packaging/linux/build_deb.py` writes it below dist/.

Needs dpkg-deb and objdump. The same folder and the same SOURCE_DATE_EPOCH give the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from freeze import source_date, version  # noqa: E402
from stage import NothingBuilt, frozen_folder, needed_glibc, settle, stage, write_gzip  # noqa: E402

DEPENDS = ("libegl1", "libgl1", "xkb-data", "fontconfig-config", "fonts-dejavu-core", "passwd")
"""Besides libc6: what Qt loads from the system, keyboard layouts, one font at least, and groupadd."""

CONTROL = """\
Package: qana-desktop
Version: {version}
Architecture: {machine}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: libwayland-client0, udev
Section: science
Priority: optional
Description: triage of dermoscopic images on your own machine
 Reads dermoscopic images with a small quantised network and says in which
 order a person should look at them. What cannot be read is called "cannot
 assess", with the reason. No network connection is opened.
 .
 Research use, decision support for trained clinicians, not a medical device.
 .
 The Akida runtime of the boards' vendor is proprietary and not inside; a site
 adds it with "qana-desktop devices install-runtime".
 .
 Report problems in the issue tracker of the place where you got the source.
"""

DEBIAN_LICENCES = """
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

License: LGPL-3
 On Debian systems the text is in /usr/share/common-licenses/LGPL-3. How to
 replace these libraries and how to get their source is said in
 /usr/share/doc/qana-desktop/licenses/QT.md.

License: CC-BY-NC-4.0
"""


NOBODY = "QANA Desktop local build <no-address@qana-desktop.invalid>"
"""Who answers for a package that was built without saying who: nobody, and the address says so (RFC 2606)."""


def maintainer() -> str:
    """Return who gives the package away: DEBFULLNAME and DEBEMAIL, as Debian's own tools ask."""
    name, address = os.environ.get("DEBFULLNAME", ""), os.environ.get("DEBEMAIL", "")
    return f"{name} <{address}>" if name and address else NOBODY


def build(frozen: Path, out: Path, epoch: int, *, quick: bool) -> Path:
    """Write the package below `out` and return its path. `quick` packs loosely, for trying out."""
    machine = _output("dpkg", "--print-architecture")
    target = out / f"qana-desktop_{version()}_{machine}.deb"
    with tempfile.TemporaryDirectory(prefix="qana-deb-", dir=out) as work:
        top = Path(work) / "root"
        top.mkdir(mode=0o755)
        stage(frozen, top / "usr", version=version(), epoch=epoch)
        _for_debian(top)
        _control(top, machine, needed_glibc(frozen))
        settle(top, epoch)
        pack = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1" if quick else "-z6", "--build", str(top), str(target)]
        env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
        subprocess.run(pack, env=env, stdout=subprocess.DEVNULL, check=True)
    return target


def _for_debian(top: Path) -> None:
    doc = top / "usr" / "share" / "doc" / "qana-desktop"
    shutil.move(doc / "changelog.gz", doc / "NEWS.gz")
    date = _output("date", "--utc", "--rfc-email", f"--date=@{source_date()}")
    entry = f"qana-desktop ({version()}) unstable; urgency=low\n\n  * See NEWS.gz.\n\n"
    entry += f" -- {maintainer()}  {date}\n"
    write_gzip(doc / "changelog.gz", entry.encode())
    networks = (ROOT / "models" / "LICENSE").read_text("utf-8").splitlines()
    text = (HERE / "copyright.head").read_text("utf-8") + DEBIAN_LICENCES
    text += "".join(f" {line.strip() or '.'}\n" for line in networks)
    (doc / "copyright").write_text(text, encoding="utf-8")
    overrides = top / "usr" / "share" / "lintian" / "overrides" / "qana-desktop"
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "lintian-overrides", overrides)


def _control(top: Path, machine: str, glibc: str) -> None:
    """Write DEBIAN/: what the package needs, what runs after unpacking, a checksum of every file."""
    files = sorted(path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum((path.stat().st_size + 1023) // 1024 for path in files)
    depends = ", ".join([f"libc6 (>= {glibc})", *DEPENDS])
    folder = top / "DEBIAN"
    folder.mkdir()
    control = CONTROL.format(version=version(), machine=machine, size=size, depends=depends, maintainer=maintainer())
    (folder / "control").write_text(control, encoding="utf-8")
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(top)}\n" for path in files]  # noqa: S324
    (folder / "md5sums").write_text("".join(sums), encoding="utf-8")
    shutil.copyfile(HERE / "postinst", folder / "postinst")
    (folder / "postinst").chmod(0o755)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, pack, and print size and hash."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "qana-desktop", help="the frozen folder")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the package is written")
    parser.add_argument("--quick", action="store_true", help="pack loosely and fast, for trying out")
    options = parser.parse_args(arguments)
    try:
        made = build(frozen_folder(options.frozen.resolve()), options.out.resolve(), source_date(), quick=options.quick)
    except NothingBuilt as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(f"{made}  {made.stat().st_size / 1e6:.1f} MB")
    print(f"sha256: {hashlib.sha256(made.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
