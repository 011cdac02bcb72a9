"""Packs the .app that freeze.py made on macOS into a disk image; signs and notarises it where a Developer ID is named.

`python packaging/macos/build_image.py [--identity "Developer ID Application: …" --profile NAME]`. Runs on macOS only.
There is no Akida runtime for macOS: the program reads with ONNX Runtime there, which gives the same integers.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent)]

from app_facts import APP_NAME, ENTITLEMENTS, codesign_commands, notarise_commands  # noqa: E402
from freeze import version  # noqa: E402

NOTICES = ("licenses", "sbom.cdx.json")


def with_notices(frozen: Path, app: Path) -> None:
    """Put the licence texts and the SBOM of the frozen folder into the .app, before it is signed."""
    resources = app / "Contents" / "Resources"
    for name in NOTICES:
        target = resources / name
        if target.is_dir():
            shutil.rmtree(target)
        copy = shutil.copytree if (frozen / name).is_dir() else shutil.copyfile
        copy(frozen / name, target)


def files_in(app: Path) -> list[str]:
    """All files of the .app that are no links, as paths inside it."""
    found = (path for path in sorted(app.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path.relative_to(app).as_posix() for path in found]


def run_all(commands: Sequence[Sequence[str]]) -> None:
    """Run commands one after the other; raises CalledProcessError."""
    for command in commands:
        subprocess.run(command, check=True)


def build(frozen: Path, app: Path, out: Path, *, identity: str, profile: str) -> Path:
    """Return the image. Without an identity the .app gets an ad hoc signature: macOS then asks before it runs it."""
    with_notices(frozen, app)
    with tempfile.TemporaryDirectory() as work:
        entitlements = Path(work) / "entitlements.plist"
        entitlements.write_text(ENTITLEMENTS, encoding="utf-8")
        run_all(codesign_commands(app, identity or "-", entitlements, files_in(app)))
    image = out / f"qana-desktop-{version()}-macos-{platform.machine()}.dmg"
    make = ["hdiutil", "create", "-volname", "QANA Desktop", "-srcfolder", str(app), "-format", "UDZO", "-ov"]
    run_all([[*make, str(image)]])
    if identity and profile:
        sign = ["codesign", "--force", "--timestamp", "--sign", identity, str(image)]
        run_all([sign, *notarise_commands(image, profile)])
    return image


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, pack, and print size and hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "qana-desktop", help="the frozen folder")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the image is written")
    parser.add_argument("--identity", default=os.environ.get("QANA_SIGN_IDENTITY", ""), help="a Developer ID")
    parser.add_argument("--profile", default=os.environ.get("QANA_NOTARY_PROFILE", ""), help="of notarytool's keychain")
    options = parser.parse_args(arguments)
    app = options.frozen.resolve().parent / APP_NAME
    if sys.platform != "darwin" or not app.is_dir():
        print(f"{app} is not there. Make it on macOS: python packaging/freeze.py", file=sys.stderr)
        return 2
    frozen, out = options.frozen.resolve(), options.out.resolve()
    made = build(frozen, app, out, identity=options.identity, profile=options.profile)
    print(f"{made}  {made.stat().st_size / 1e6:.1f} MB")
    print(f"sha256: {hashlib.sha256(made.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
