#!/usr/bin/env python3
"""Everyday commands for a fresh clone: `python3 tasks.py app` opens the program, `python3 tasks.py test` tests it.

Needs nothing but Python and a network connection to a package registry. Each command first makes what is missing:
system libraries (Debian and its kin, as root; otherwise the exact command is printed), an environment in `.tasks/venv`,
the pinned packages of `requirements/`. What is already there is left alone, so the second time takes a second.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".tasks"
VENV = HOME / "venv"
REQUIREMENTS = ROOT / "requirements"
PYTHONS = ((3, 11), (3, 12))
TORCH = "torch==2.13.0"
PICTURE_SIZE = "1440x900"

# What Qt's platform plug-ins load, with the Debian package that has it (docs/bare-machine.md).
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}

NO_DISPLAY = """\
There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open. Everything is installed.
  on this machine's own screen, or over `ssh -X`:  python3 tasks.py app
  a picture of the window, without a display:      python3 tasks.py app --screenshot window.png
  the same readings as text:                       python3 tasks.py classify"""


class Stop(Exception):
    """A step that cannot go on; the text says what a person can do."""


# --- what is here, what is missing ----------------------------------------------------------------


def say(text: str) -> None:
    """Print one line of progress at once, in order with what child programs print."""
    print(text, flush=True)


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, quiet: bool = False) -> int:
    """Run a program in the repository's root and return its exit status. `quiet` shows its stderr only."""
    stdout = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=env, stdout=stdout, check=False).returncode


def must(command: Sequence[str | Path], why: str, *, env: Mapping[str, str] | None = None, quiet: bool = False) -> None:
    """Run a program; raises Stop with `why` when it fails."""
    if run(command, env=env, quiet=quiet) != 0:
        raise Stop(f"{why}\nThe command was: {' '.join(str(part) for part in command)}")


def digest(paths: Iterable[Path], *words: str) -> str:
    """Return a hash over the contents of files and over words: equal when nothing has to be done again."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for word in words:
        total.update(word.encode() + b"\0")
    return total.hexdigest()


def python_to_use(running: tuple[int, int], found: Mapping[str, str | None]) -> str:
    """Return the Python that makes the environment: the running one if it fits, else one on the PATH; raises Stop."""
    if running in PYTHONS:
        return sys.executable
    for major, minor in reversed(PYTHONS):
        if path := found.get(f"python{major}.{minor}"):
            return path
    wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    raise Stop(
        f"QANA Desktop needs Python {wanted}; this is {running[0]}.{running[1]}, and no other was found on the PATH. "
        "Install one of them and start this command with it."
    )


def missing_packages(loadable: Mapping[str, bool]) -> list[str]:
    """Return the Debian packages of the libraries that cannot be loaded, in the order of LIBRARIES."""
    return [package for library, package in LIBRARIES.items() if not loadable.get(library, False)]


def apt_command(packages: Sequence[str]) -> str:
    """Return the command that a person types to install the packages."""
    return f"apt-get update && apt-get install --yes --no-install-recommends {' '.join(packages)}"


def environment(base: Mapping[str, str], *, offscreen: bool) -> dict[str, str]:
    """Return the variables for our programs: no telemetry from ONNX Runtime, no surprise from the caller's Python."""
    env = {name: value for name, value in base.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
    env["ORT_DISABLE_TELEMETRY"] = "1"
    env["PYTHONUTF8"] = "1"
    if offscreen:
        env["QT_QPA_PLATFORM"] = "offscreen"
    return env


def has_display(env: Mapping[str, str], system: str) -> bool:
    """Say whether a window can open: always on Windows and macOS, on others when a display or a plug-in is named."""
    return system in {"Windows", "Darwin"} or any(
        env.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )


def venv_program(name: str, system: str) -> Path:
    """Return the path of a program of the environment."""
    return VENV / "Scripts" / f"{name}.exe" if system == "Windows" else VENV / "bin" / name


# --- setting up -----------------------------------------------------------------------------------


def loadable_libraries() -> dict[str, bool]:
    """Try each library in a child, so that a broken one cannot take this program along."""
    code = "import ctypes, sys\nctypes.CDLL(sys.argv[1])"
    return {
        name: subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=False).returncode == 0
        for name in LIBRARIES
    }


def venv_packages(python: str) -> list[str]:
    """Return the Debian package that this Python lacks to make environments: Debian leaves ensurepip out of python3."""
    code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    if subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0:
        return []
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return [f"python{version}-venv"]


def install_system_libraries(python: str) -> None:
    """Install what Qt and the environment need from the system; raises Stop with the exact command where it may not."""
    if platform.system() != "Linux":
        return
    stamp = HOME / "system.stamp"
    key = digest([], python, *LIBRARIES)
    if stamp.is_file() and stamp.read_text() == key and VENV.is_dir():
        return
    packages = venv_packages(python) + missing_packages(loadable_libraries())
    if packages:
        _install_packages(packages)
    HOME.mkdir(exist_ok=True)
    stamp.write_text(key)


def _install_packages(packages: list[str]) -> None:
    if shutil.which("apt-get") is None:
        raise Stop(
            f"System libraries are missing. On Debian their packages are: {' '.join(packages)}. "
            "Install them with this system's package manager, or go on without this check with --skip-system."
        )
    if os.geteuid() != 0:
        by_hand = f"sudo sh -c '{apt_command(packages)}'"
        raise Stop(f"System libraries are missing. Install them, then run this again:\n  {by_hand}")
    say(f"Installing system libraries: {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    why = f"The system libraries could not be installed. By hand:\n  {apt_command(packages)}"
    install = ["apt-get", "install", "--yes", "-qq", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", *packages]
    must(["apt-get", "update", "-qq"], why, env=env)
    must(install, why, env=env, quiet=True)


def imports(python: Path, module: str) -> bool:
    """Say whether this Python exists and can import the module."""
    probe: list[str | Path] = [python, "-c", f"import {module}"]
    return python.is_file() and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def make_venv(python: str) -> Path:
    """Make the environment if it is missing or broken; return its Python."""
    ours = venv_program("python", platform.system())
    if imports(ours, "pip"):
        return ours
    say(f"Making an environment in {VENV.relative_to(ROOT)}")
    shutil.rmtree(VENV, ignore_errors=True)
    for stamp in HOME.glob("*.stamp"):
        stamp.unlink()
    HOME.mkdir(exist_ok=True)
    must([python, "-m", "venv", VENV], "The Python environment could not be made.")
    return ours


def pip_install(python: Path, *arguments: str | Path, why: str) -> None:
    """Install with pip, with its own configuration (mirrors, proxies); raises Stop."""
    env = {**environment(os.environ, offscreen=True), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    must([python, "-m", "pip", "install", "--quiet", "--no-input", *arguments], why, env=env)


def install_pins(python: Path, which: str) -> None:
    """Install requirements/<which>.txt, each package checked against its hash, and the program itself, editable."""
    pins = REQUIREMENTS / f"{which}.txt"
    stamp = HOME / f"{which}.stamp"
    key = digest([pins, ROOT / "pyproject.toml"], str(ROOT))
    if stamp.is_file() and stamp.read_text() == key:
        return
    say(f"Installing the pinned packages of {pins.relative_to(ROOT)} (some hundred megabytes the first time)")
    hashed = "The packages could not be installed. Is a package registry reachable from here (pip's settings, a proxy)?"
    checked = ("--require-hashes", "--only-binary=:all:", "--no-warn-conflicts")
    pip_install(python, *checked, "-r", pins, why=hashed)
    own = "The program itself could not be installed into its environment."
    pip_install(python, "--no-deps", "--no-build-isolation", "--editable", ROOT, why=own)
    stamp.write_text(key)


def install_torch(python: Path) -> None:
    """Install torch, which the training needs and the program does not. Not hashed: docs/adr/0003 says why."""
    if not imports(python, "torch"):
        say(f"Installing {TORCH} (on Linux the registry's own build brings gigabytes)")
        why = f"{TORCH} could not be installed. Without --train the training tests are skipped."
        pip_install(python, TORCH, why=why)


def set_up(which: str, *, skip_system: bool = False, train: bool = False) -> Path:
    """Make everything that a command needs and return the environment's Python; raises Stop."""
    python = python_to_use(sys.version_info[:2], {f"python{a}.{b}": shutil.which(f"python{a}.{b}") for a, b in PYTHONS})
    if not skip_system:
        install_system_libraries(python)
    ours = make_venv(python)
    install_pins(ours, which)
    if train:
        install_torch(ours)
    return ours


# --- the commands ---------------------------------------------------------------------------------


def demo_images() -> Path:
    """Draw the demonstration images once and return their folder. They are synthetic and say so."""
    folder = HOME / "demo-images"
    if not folder.is_dir() and command_line(["demo-images", folder]) != 0:
        raise Stop("The demonstration images could not be drawn.")
    return folder


def command_line(arguments: Sequence[str | Path]) -> int:
    """Run the program's command line and return its exit status."""
    program = venv_program("qana-desktop", platform.system())
    return run([program, *arguments], env=environment(os.environ, offscreen=True))


def window_arguments(words: Sequence[str]) -> list[str]:
    """Return the window's arguments: the given ones, and the demonstration images unless there are files among them."""
    files = any(Path(word).exists() for word in words)
    return absolute(words) if files else ["--demo", *words]


def absolute(words: Sequence[str]) -> list[str]:
    """Return the words with those that name a file made independent of the folder that this was called from."""
    return [str(Path(word).resolve()) if Path(word).exists() else word for word in words]


def command_app(options: argparse.Namespace) -> int:
    """Open the window on demonstration images, or on the given files."""
    python = set_up("app", skip_system=options.skip_system)
    window: list[str | Path] = [python, "-m", "qana_desktop.app", *window_arguments(options.rest)]
    if options.screenshot:
        picture = Path(options.screenshot).resolve()
        size = [] if "--size" in options.rest else ["--size", PICTURE_SIZE]
        return run([*window, *size, "--screenshot", picture], env=environment(os.environ, offscreen=True))
    if not has_display(os.environ, platform.system()):
        raise Stop(NO_DISPLAY)
    say("Opening QANA Desktop. Research use, decision support for trained clinicians, not a medical device.")
    return run(window, env=environment(os.environ, offscreen=False))


def command_classify(options: argparse.Namespace) -> int:
    """Read the demonstration images, or the given files, on the command line."""
    set_up("app", skip_system=options.skip_system)
    return command_line(["classify", *(absolute(options.rest) or [str(demo_images())])])


def command_test(options: argparse.Namespace) -> int:
    """Run the tests; arguments after -- go to pytest."""
    python = set_up("test", skip_system=options.skip_system, train=options.train)
    return run([python, "-m", "pytest", *options.rest], env=environment(os.environ, offscreen=True))


def command_lint(options: argparse.Namespace) -> int:
    """Check style, types and the import rules."""
    python = set_up("test", skip_system=options.skip_system)
    env = environment(os.environ, offscreen=True)
    lint_imports = venv_program("lint-imports", platform.system())
    checks: tuple[list[str | Path], ...] = (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "mypy"],
        [lint_imports, "--no-logo"],
    )
    return max(run(check, env=env) for check in checks)


def command_doctor(options: argparse.Namespace) -> int:
    """Say what is installed, which engines answer, and what to do about those that do not."""
    set_up("app", skip_system=options.skip_system)
    return command_line(["doctor", *options.rest])


def command_screenshots(options: argparse.Namespace) -> int:
    """Draw the pictures of docs/screenshots again."""
    python = set_up("test", skip_system=options.skip_system)
    script = ROOT / "packaging" / "screenshots.py"
    return run([python, script, *options.rest], env=environment(os.environ, offscreen=True))


def command_translations(options: argparse.Namespace) -> int:
    """Extract the program's sentences, update and compile the catalogues of assets/locale; says what is missing."""
    python = set_up("test", skip_system=options.skip_system)
    script = ROOT / "packaging" / "translations.py"
    return run([python, script, *options.rest], env=environment(os.environ, offscreen=True))


def command_setup(options: argparse.Namespace) -> int:
    """Set up the environment for tests and stop there."""
    set_up("test", skip_system=options.skip_system, train=options.train)
    return 0


def command_pins(_options: argparse.Namespace) -> int:
    """Write the pin files again from pyproject.toml (needs uv). No address of a registry gets into them."""
    common = ["uv", "pip", "compile", "--quiet", "pyproject.toml", "requirements/build.in", "--universal"]
    common += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    common += ["--custom-compile-command", "python3 tasks.py pins"]
    must([*common, "--output-file", "requirements/app.txt"], "The pins could not be resolved.")
    test = ["--extra", "dev", "--constraint", "requirements/app.txt", "--output-file", "requirements/test.txt"]
    must([*common, *test], "The pins could not be resolved.")
    # Installers are built where akida is not: it may not be passed on, and PyInstaller must not find it.
    installer = ["requirements/installer.in", "--no-emit-package", "akida", "--constraint", "requirements/app.txt"]
    must([*common, *installer, "--output-file", "requirements/installer.txt"], "The pins could not be resolved.")
    return 0


COMMANDS = {
    "app": command_app,
    "test": command_test,
    "lint": command_lint,
    "classify": command_classify,
    "doctor": command_doctor,
    "screenshots": command_screenshots,
    "translations": command_translations,
    "setup": command_setup,
    "pins": command_pins,
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. What a command does not know itself goes on to the program behind it."""
    lines = "\n".join(f"  {name:<13}{function.__doc__}" for name, function in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="tasks.py",
        description=f"{__doc__}\ncommands:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    parser.add_argument("--skip-system", action="store_true", help="do not look for system libraries")
    parser.add_argument("--train", action="store_true", help="with torch, so that the training tests run too")
    parser.add_argument("--screenshot", metavar="FILE", help="app: write a picture of the window instead of opening it")
    options, rest = parser.parse_known_args(arguments)
    options.rest = [word for word in rest if word != "--"]
    return options


def main(arguments: Sequence[str] = ()) -> int:
    """Run one command and return its exit status."""
    options = parse(arguments or sys.argv[1:])
    try:
        return COMMANDS[options.command](options)
    except Stop as stop:
        print(stop, file=sys.stderr, flush=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
