"""The recipes for systems that are not here: what can be asked of them without Windows and macOS."""

from __future__ import annotations

import plistlib
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
WORKFLOW = ROOT / ".github" / "workflows" / "installers.yml"


@pytest.fixture(autouse=True)
def packaging_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The scripts of packaging/ are no package: they find each other by their folder."""
    before = set(sys.modules)
    for folder in (PACKAGING, PACKAGING / "linux", PACKAGING / "macos", PACKAGING / "windows"):
        monkeypatch.syspath_prepend(str(folder))
    yield
    for name in set(sys.modules) - before:
        if str(PACKAGING) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


INSIDE = [
    "Contents/Info.plist",
    "Contents/MacOS/qana-desktop-cli",
    "Contents/MacOS/qana-desktop-window",
    "Contents/Frameworks/libpython3.11.dylib",
    "Contents/Frameworks/numpy/_core/_multiarray_umath.so",
    "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore",
    "Contents/Frameworks/PySide6/Qt/plugins/platforms/libqcocoa.dylib",
    "Contents/Resources/licenses/QT.md",
]


def test_what_lies_inside_is_signed_before_what_lies_around_it():
    from app_facts import signing_order

    order = signing_order(INSIDE)
    assert order[-1] == "Contents/MacOS/qana-desktop-window"
    assert order[-2] == "Contents/MacOS/qana-desktop-cli"
    assert "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework" in order
    assert not [name for name in order if name.endswith((".md", ".plist"))]
    for place, name in enumerate(order):
        assert not [later for later in order[place + 1 :] if later.startswith(f"{name}/")]


def test_an_app_is_signed_for_the_hardened_runtime_verified_and_notarised(tmp_path):
    from app_facts import ENTITLEMENTS, codesign_commands, notarise_commands

    commands = codesign_commands(tmp_path / "X.app", "Developer ID Application: A", tmp_path / "e.plist", INSIDE)
    *signs, app, verify = commands
    assert all(command[:1] == ["codesign"] and "runtime" in command and "--timestamp" in command for command in signs)
    assert app[-1] == str(tmp_path / "X.app")
    assert "--entitlements" in app
    assert verify[1] == "--verify"
    assert plistlib.loads(ENTITLEMENTS.encode())["com.apple.security.cs.disable-library-validation"] is True
    tools = [command[1] for command in notarise_commands(tmp_path / "x.dmg", "profile")]
    assert tools[:2] == ["notarytool", "stapler"]


def test_the_plist_names_the_window_and_can_be_written():
    from app_facts import info_plist

    read = plistlib.loads(plistlib.dumps(info_plist("1.2.3")))
    assert read["CFBundleExecutable"] == "qana-desktop-window"
    assert "not a medical device" in read["NSHumanReadableCopyright"]


def test_the_icon_for_macos_holds_a_picture_of_every_size(tmp_path, qapp):
    from icons import ICNS_SIZES, write_icns

    target = tmp_path / "x.icns"
    write_icns(ROOT / "assets" / "qana-desktop.svg", target)
    content = target.read_bytes()
    assert content[:4] == b"icns"
    assert struct.unpack(">I", content[4:8])[0] == len(content)
    place, widths = 8, {}
    while place < len(content):
        kind, size = content[place : place + 4], struct.unpack(">I", content[place + 4 : place + 8])[0]
        assert content[place + 8 : place + 12] == b"\x89PNG"
        widths[kind] = struct.unpack(">I", content[place + 24 : place + 28])[0]
        place += size
    assert widths == ICNS_SIZES


@pytest.mark.parametrize(
    ("system", "scripts"),
    [
        ("linux", ["freeze.py", "build_deb.py", "build_tarball.py"]),
        ("win32", ["freeze.py", "build_setup.py"]),
        ("darwin", ["freeze.py", "build_image.py"]),
    ],
)
def test_one_command_freezes_and_packs_on_every_system(tmp_path, system, scripts):
    from make import commands

    planned = commands(Path("python"), tmp_path, system, quick=False)
    assert [Path(str(command[1])).name for command in planned] == scripts
    for command in planned:
        script = Path(str(command[1]))
        options = [str(word) for word in command[2:] if str(word).startswith("--")]
        text = script.read_text(encoding="utf-8")
        assert [option for option in options if f'"{option}"' not in text] == []


def test_the_pins_hold_what_freezes_the_program_and_not_akida():
    pins = (ROOT / "requirements" / "installer.txt").read_text(encoding="utf-8")
    assert re.search(r"^pyinstaller==[\d.]+ ", pins, re.MULTILINE)
    assert re.search(r"^pyinstaller-hooks-contrib==[\d.]+ ", pins, re.MULTILINE)
    assert not re.search(r"^akida==", pins, re.MULTILINE)
    app = (ROOT / "requirements" / "app.txt").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", app, re.MULTILINE))
    frozen = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", pins, re.MULTILINE))
    versions.pop("akida")
    assert {name: frozen.get(name) for name in versions} == versions
    assert "http" not in pins


def test_the_workflow_calls_scripts_that_are_there_and_names_no_registry():
    text = WORKFLOW.read_text(encoding="utf-8")
    called = set(re.findall(r"[\w.\\/]+\.py", text)) | set(re.findall(r"python3? ([\w.\\/]+\.py)", text))
    assert called
    assert [name for name in called if not (ROOT / name.replace("\\", "/")).is_file()] == []
    assert not re.search(r"https?://|index-url|extra-index|\bpypi\b", text)
    assert {"linux:", "windows:", "macos:"} <= {line.strip() for line in text.splitlines()}


def test_the_trial_of_the_windows_setup_installs_uses_and_installs_again(tmp_path):
    from try_setup import steps

    planned = steps(tmp_path / "x-setup.exe", tmp_path / "place", tmp_path / "images")
    assert planned[0][0].startswith("installs silently")
    assert sum("/S" in command for _what, command, _status in planned) == 2


@pytest.mark.skipif(shutil.which("makensis") is None, reason="NSIS is not installed, so its script is not compiled")
def test_the_windows_script_compiles_on_a_stand_in_and_twice_to_the_same_bytes(tmp_path):
    made = []
    for number in range(2):
        out = tmp_path / str(number)
        build = [sys.executable, PACKAGING / "windows" / "build_setup.py", "--stand-in", "--out", out]
        subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
        (setup,) = out.glob("*-stand-in-setup.exe")
        made.append(setup.read_bytes())
    assert made[0][:2] == b"MZ"
    assert made[0] == made[1]


def test_who_gives_a_package_away_is_named_or_nobody_is(monkeypatch):
    from build_deb import NOBODY, maintainer

    monkeypatch.delenv("DEBEMAIL", raising=False)
    monkeypatch.setenv("DEBFULLNAME", "A. Packager")
    assert maintainer() == NOBODY
    assert NOBODY.endswith(".invalid>")
    monkeypatch.setenv("DEBEMAIL", "packager@clinic.test")
    assert maintainer() == "A. Packager <packager@clinic.test>"


@pytest.mark.parametrize(
    "script", ["make.py", "freeze.py", "linux/build_deb.py", "windows/build_setup.py", "macos/build_image.py"]
)
def test_every_script_tells_its_options(script):
    said = subprocess.run(
        [sys.executable, PACKAGING / script, "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "--out" in said.stdout or "--dist" in said.stdout
