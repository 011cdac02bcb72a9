"""Makes the folder that every installer contains: `python packaging/freeze.py` writes dist/qana-desktop.

Runs PyInstaller on build.spec so that two builds of one commit are identical, strips what survives it, collects
licences and SBOM, looks for what must not be inside, prints sizes and a hash over everything. Run it with the Python of
an environment that holds requirements/installer.txt and nothing else; `make.py` makes one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

from forbidden import refuse_forbidden  # noqa: E402
from icons import write_icns, write_ico  # noqa: E402
from notices import write_notices  # noqa: E402

STRIPPED = ("libpython", "python3.", "sqlcipher3/", "sqlalchemy/", "cryptography/", "_cffi_backend")
"""Carry debugging symbols and survive stripping. NumPy's, OpenCV's, ONNX Runtime's and Qt's are left as they came."""


class CannotFreeze(Exception):
    """The folder would be wrong; the text says why and what to do."""


def version() -> str:
    """Return the program's version without importing it."""
    text = (ROOT / "qana_desktop" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    if found is None:
        raise CannotFreeze("qana_desktop/__init__.py names no version.")
    return found[1]


def source_date() -> int:
    """Return SOURCE_DATE_EPOCH, else the time of the last commit, in seconds."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    asked = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def freeze(dist: Path, work: Path, epoch: int) -> Path:
    """Run PyInstaller and all that follows; returns the folder. Raises CannotFreeze, ForbiddenInside, NoLicenceText."""
    _refuse_environment()
    work.mkdir(parents=True, exist_ok=True)
    write_ico(ROOT / "assets" / "qana-desktop.svg", work / "qana-desktop.ico")
    write_icns(ROOT / "assets" / "qana-desktop.svg", work / "qana-desktop.icns")
    env = {**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": str(epoch), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONPATH", None)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "ERROR"]
    command += ["--workpath", str(work), "--distpath", str(dist), str(ROOT / "build.spec")]
    if subprocess.run(command, cwd=work, env=env, check=False).returncode != 0:
        raise CannotFreeze("PyInstaller failed; its last lines say why.")
    folder = dist / "qana-desktop"
    if sys.platform == "linux":
        _slim(folder)
    write_notices(folder, work / "build" / "inside.json", version=version(), epoch=epoch)
    refuse_forbidden(path.relative_to(folder / "_internal").as_posix() for path in _files(folder / "_internal"))
    _refuse_own_paths(folder)
    _settle(folder, epoch)
    _try(folder)
    return folder


def _refuse_environment() -> None:
    if find_spec("PyInstaller") is None:
        raise CannotFreeze("PyInstaller is not installed in this environment: see packaging/README.md.")
    if find_spec("akida") is not None:
        raise CannotFreeze("akida is installed here. Build in an environment without it: nothing of it may be inside.")


def _files(folder: Path) -> Iterator[Path]:
    """All files and links below a folder, in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())


def _slim(folder: Path) -> None:
    """Strip debugging symbols and the builder's search path where that is safe."""
    for path in _files(folder / "_internal"):
        name = path.relative_to(folder / "_internal").as_posix()
        if path.is_symlink() or ".so" not in path.name or not name.startswith(STRIPPED):
            continue
        path.chmod(0o755)
        subprocess.run(["strip", "--strip-unneeded", path], check=True)
        if name.startswith(("libpython", "python3.")):
            subprocess.run(["patchelf", "--remove-rpath", path], check=True)


def _refuse_own_paths(folder: Path) -> None:
    """Raise CannotFreeze when a file names the checkout or the environment. Python's own prefix is compiled into it."""
    own = {str(ROOT).encode(), sys.prefix.encode()} - {sys.base_prefix.encode()}
    telling = [
        path.relative_to(folder).as_posix()
        for path in _files(folder)
        if not path.is_symlink() and any(place in path.read_bytes() for place in own)
    ]
    if telling:
        raise CannotFreeze(f"These files name folders of this machine: {', '.join(telling)}")


def _settle(folder: Path, epoch: int) -> None:
    """Give everything the same time and plain permissions."""
    programs = {"qana-desktop-window", "qana-desktop-cli", "qana-desktop-window.exe", "qana-desktop-cli.exe"}
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.name in programs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.utime(folder, (epoch, epoch))


def _try(folder: Path) -> None:
    """Let the frozen program test itself: a library that was left out by mistake is found here, not in a clinic."""
    with tempfile.TemporaryDirectory() as home:
        program = folder / ("qana-desktop-cli.exe" if sys.platform == "win32" else "qana-desktop-cli")
        tried = subprocess.run([program, "self-test"], env={**os.environ, "QANA_HOME": home}, check=False)
    if tried.returncode != 0:
        raise CannotFreeze(f"The frozen program fails its self-test with exit status {tried.returncode}.")


def tree_hash(folder: Path) -> str:
    """Return one SHA-256 over names, permissions, link targets and contents."""
    total = hashlib.sha256()
    for path in _files(folder):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        if path.is_symlink():
            total.update(b"-> " + str(path.readlink()).encode())
        else:
            total.update(f"{path.stat().st_mode & 0o777:o} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return total.hexdigest()


def _sizes(folder: Path) -> str:
    parts: dict[str, int] = {}
    for path in _files(folder):
        if not path.is_symlink():
            top = path.relative_to(folder).parts
            name = top[1] if top[0] == "_internal" and len(top) > 1 else top[0]
            parts[name] = parts.get(name, 0) + path.stat().st_size
    largest = sorted(parts.items(), key=lambda part: -part[1])[:12]
    lines = [f"{size / 1e6:8.1f} MB  {name}" for name, size in largest]
    return "\n".join([*lines, f"{sum(parts.values()) / 1e6:8.1f} MB  all of it"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, freeze, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the folder qana-desktop is written")
    parser.add_argument("--work", type=Path, default=ROOT / "build", help="where PyInstaller works")
    options = parser.parse_args(arguments)
    try:
        folder = freeze(options.dist.resolve(), options.work.resolve(), source_date())
    except CannotFreeze as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(_sizes(folder))
    print(f"sha256 of all names and contents: {tree_hash(folder)}")
    print(shutil.which("qana-desktop-cli", path=str(folder)) or folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
