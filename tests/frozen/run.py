"""Tests the built program in one go, as root on Debian: `python3 tests/frozen/run.py [--build]`, also in CI.

Makes a bare Debian by debootstrap, checks the package (lintian, AppStream, desktop file), installs it there by apt,
runs its self-test, reads a demo image, opens its window on an X screen, kills its engine, upgrades and removes it,
lists what is left, opens a store of the first release, and measures size and start beside the program from source. What
it found is printed, and written to report.txt beside the package. Needs the environment of the tests: tasks.py setup.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "debootstrap", "lintian", "appstreamcli", "desktop-file-validate", "xvfb-run", "strace", "dpkg-deb", "makensis",
)  # fmt: skip
SUITE = "bookworm"


class Failed(Exception):
    """A step did not hold; its own words stand above."""


class Report:
    """What was run and what it said, on the screen and in a file."""

    def __init__(self, target: Path) -> None:
        self._file = target.open("w", encoding="utf-8")

    def say(self, text: str) -> None:
        """Write one line."""
        print(text, flush=True)
        self._file.write(text + "\n")
        self._file.flush()

    def run(self, what: str, command: Sequence[str | Path], **env: str) -> None:
        """Run a step, and keep what it wrote; raises Failed."""
        self.say(f"== {what}")
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as step:
            for line in step.stdout or ():
                self.say("   " + line.rstrip())
        if step.returncode != 0:
            raise Failed(f"{what}: exit status {step.returncode}")

    def close(self) -> None:
        """End the file."""
        self._file.close()


def missing_tools() -> list[str]:
    """Programs that are not installed here."""
    return [name for name in TOOLS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]


@contextmanager
def bare_debian(report: Report, given: Path | None) -> Iterator[Path]:
    """A bare Debian: the given one, or one made by debootstrap and removed in the end."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="qana-bare-", ignore_cleanup_errors=True) as work:
        root = Path(work) / "debian"
        report.run("a bare Debian", ["debootstrap", "--variant=minbase", SUITE, root])
        yield root


def check_package(report: Report, package: Path) -> None:
    """Lintian, AppStream and the desktop file."""
    report.run("lintian", ["lintian", "--allow-root", "--fail-on", "error,warning", package])
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["dpkg-deb", "--extract", package, work], check=True)
        share = Path(work) / "usr" / "share"
        desktop = share / "applications" / "qana-desktop.desktop"
        report.run("desktop file", ["desktop-file-validate", desktop])
        facts = share / "metainfo" / "qana-desktop.metainfo.xml"
        # The project has no domain, so its id is no reverse domain name.
        known = "--override=cid-desktopapp-is-not-rdns=info"
        report.run("AppStream", ["appstreamcli", "validate", "--no-net", known, facts])


def run(out: Path, *, chroot: Path | None, build: bool, start_up: bool) -> None:
    """Do all of it; raises Failed."""
    out.mkdir(parents=True, exist_ok=True)
    report = Report(out / "report.txt")
    try:
        if build:
            report.run("build", [sys.executable, ROOT / "packaging" / "make.py", "--dist", out])
        packages = sorted(out.glob("*.deb"))
        if len(packages) != 1:
            raise Failed(f"{out} holds {len(packages)} packages, not one. Make it: python3 packaging/make.py")
        check_package(report, packages[0])
        python, frozen = ROOT / ".tasks" / "venv" / "bin" / "python", out / "qana-desktop"
        tarballs = sorted(out.glob("*.tar.xz"))
        tests = [python, "-m", "pytest", "tests/frozen", "-rs", "-s", "-q", "-p", "no:randomly"]
        with bare_debian(report, chroot) as debian:
            env = {"QANA_FROZEN": str(frozen), "QANA_DEB": str(packages[0]), "QANA_CHROOT": str(debian)}
            env |= {"QANA_TARBALL": str(tarballs[-1])} if tarballs else {}
            report.run("the built program and its package", tests, QANA_NOTHING_SKIPPED="1", **env)
        if start_up:
            measure = [python, "-m", "tests.benchmarks.start_up", "--frozen", frozen]
            report.run("size and start", measure)
        report.say("All of it holds.")
    finally:
        report.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; returns 1 where something does not hold, 2 where it cannot be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the frozen program and its package")
    parser.add_argument("--build", action="store_true", help="build both first, from the pins")
    parser.add_argument("--chroot", type=Path, help="a bare Debian that is there already; it is copied")
    parser.add_argument("--no-start-up", action="store_true", help="do not measure size and start")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("Only root can make a bare Debian and install into it.", file=sys.stderr)
        return 2
    if missing := missing_tools():
        print(f"Install first: {', '.join(missing)} (packaging/README.md lists the packages).", file=sys.stderr)
        return 2
    try:
        run(options.out.resolve(), chroot=options.chroot, build=options.build, start_up=not options.no_start_up)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
