"""The .deb in a bare Debian: apt installs it, anybody can run it from its read-only place, removing it leaves no file.

`QANA_DEB` names the package, `QANA_CHROOT` a bare Debian root folder (debootstrap --variant=minbase), which is copied.
As root, with a network for apt.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
BY_DPKG = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "var/tmp", "tmp", "proc", "dev", "etc/ld.so.cache")
OF_THE_GROUP = {"etc/group", "etc/group-", "etc/gshadow", "etc/gshadow-", "etc/.pwd.lock"}
"""The group `akida` is kept when the package goes, as Debian asks: its number may own files."""


@pytest.fixture(scope="module")
def package() -> Path:
    """The package to install."""
    named = os.environ.get("QANA_DEB")
    if not named or not Path(named).is_file():
        pytest.skip("no package to install: python packaging/linux/build_deb.py, then QANA_DEB names it")
    return Path(named)


@pytest.fixture(scope="module")
def machine(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the bare Debian, with the package's dependencies."""
    base = os.environ.get("QANA_CHROOT")
    if not base or os.geteuid() != 0:
        pytest.skip("no bare Debian to install into: QANA_CHROOT names one, and only root can use it")
    root = tmp_path_factory.mktemp("debian") / "root"
    subprocess.run(["cp", "-a", base, root], check=True)
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
    mounts = [("proc", "proc"), ("tmpfs", "tmp")]
    for kind, place in mounts:
        subprocess.run(["mount", "-t", kind, kind, root / place], check=True)
    try:
        (root / "tmp").chmod(0o1777)
        inside(root, "apt-get", "update", "-qq")
        needs = subprocess.run(
            ["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True
        ).stdout.strip()
        inside(root, "apt-get", "satisfy", "-y", "-qq", "--no-install-recommends", needs)
        yield root
    finally:
        for _kind, place in mounts:
            subprocess.run(["umount", root / place], check=True)


@pytest.fixture
def x_screen() -> Iterator[str]:
    """An X screen that programs in the bare Debian reach too: its abstract socket knows no folders."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed, so the installed window has no X screen to open on")
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-ac", "-screen", "0", "1280x800x24"]
    with subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL) as server:
        os.close(writes)
        with os.fdopen(reads) as answer:
            yield f":{answer.readline().strip()}"
        server.terminate()


def inside(root: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the bare Debian; fails the test when it fails."""
    plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", **env}
    done = subprocess.run(
        ["chroot", root, *command], env=plain, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


def files(root: Path) -> set[str]:
    """All that lies in the machine, but for what dpkg and apt note down."""
    found = set()
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if str(here / name) not in BY_DPKG]
        found |= {str(here / name) for name in [*names, *folders]}
    return {name for name in found if name not in BY_DPKG}


def newer(package: Path, work: Path) -> Path:
    """The same package with a higher version: what an upgrade is to dpkg."""
    tree, target = work / "tree", work / "newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    text = control.read_text(encoding="utf-8")
    version = next(line.partition(": ")[2] for line in text.splitlines() if line.startswith("Version: "))
    control.write_text(text.replace(f"Version: {version}\n", f"Version: {version}+next\n"), encoding="utf-8")
    pack = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, target]
    subprocess.run(pack, stdout=subprocess.DEVNULL, check=True)
    return target


def install(root: Path, package: Path) -> None:
    shutil.copyfile(package, root / "var" / "cache" / "qana.deb")
    inside(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "/var/cache/qana.deb")
    (root / "var" / "cache" / "qana.deb").unlink()


def test_it_is_installed_used_upgraded_and_removed(machine, package, x_screen, tmp_path):
    before = files(machine)
    install(machine, package)

    # Somebody who may write nowhere but to /tmp and has no home.
    work = {"HOME": "/nonexistent", "QT_QPA_PLATFORM": "offscreen"}
    inside(machine, *NOBODY, "mkdir", "/tmp/work")  # noqa: S108
    tested = inside(machine, *NOBODY, "qana-desktop", "self-test", "--json", **work)
    assert any(found["passed"] for found in json.loads(tested.stdout))
    inside(machine, *NOBODY, "qana-desktop", "demo-images", "/tmp/work/demo", **work)  # noqa: S108
    lesion = "/tmp/work/demo/synthetic-01-even-brown.jpg"  # noqa: S108
    read = inside(machine, *NOBODY, "qana-desktop-cli", "classify", lesion, "--json", "--ignore-quality", **work)
    assert json.loads(read.stdout)["outcome"] == "assessed"
    for screen in ({}, {"QT_QPA_PLATFORM": "xcb", "DISPLAY": x_screen}):
        picture = "/tmp/work/window.png"  # noqa: S108
        inside(machine, *NOBODY, "qana-desktop-window", lesion, "--screenshot", picture, **{**work, **screen})
        assert (machine / picture.lstrip("/")).stat().st_size > 10_000
        (machine / picture.lstrip("/")).unlink()

    # Cases of a person stay through upgrade and removal.
    kept = machine / "root" / ".local" / "share" / "qana-desktop" / "kept"
    kept.parent.mkdir(parents=True)
    kept.write_text("a case", encoding="utf-8")
    install(machine, newer(package, tmp_path))
    version = inside(machine, "dpkg-query", "--show", "--showformat=${Version}", "qana-desktop").stdout
    assert version.endswith("+next")
    inside(machine, "qana-desktop", "self-test", HOME="/root")
    inside(machine, "apt-get", "purge", "-y", "-qq", "qana-desktop")
    assert kept.read_text(encoding="utf-8") == "a case"

    left = sorted(name for name in files(machine) - before if not name.startswith("root/"))
    print("left after removal:", left)
    assert set(left) <= OF_THE_GROUP


def test_the_tarball_runs_from_wherever_it_is_unpacked(tmp_path):
    named = os.environ.get("QANA_TARBALL")
    if not named or not Path(named).is_file():
        pytest.skip("no tarball: python packaging/linux/build_tarball.py, then QANA_TARBALL names it")
    place = tmp_path / "Programme für Ärzte"
    place.mkdir()
    subprocess.run(["tar", "--extract", "--file", named, "--directory", place], check=True)
    (top,) = place.iterdir()
    work = {"HOME": str(tmp_path), "PATH": "/nonexistent", "LC_ALL": "C"}
    tested = subprocess.run(
        [top / "bin" / "qana-desktop", "self-test", "--json"],
        env=work,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert any(found["passed"] for found in json.loads(tested.stdout))
    assert (top / "share" / "doc" / "qana-desktop" / "licenses" / "QT.md").is_file()
