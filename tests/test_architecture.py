"""What holds for the repository as a whole: import rules, pins, sizes of files, what is in none of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "qana_desktop"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CODE = sorted(PACKAGE.rglob("*.py"))
PINS = sorted((ROOT / "requirements").glob("*.txt"))
WITHOUT_QT = {"app", "ui"}


def ours(*patterns: str) -> list[Path]:
    """Return the files of the repository that Git knows or would take."""
    command = ["git", "ls-files", "-z", "-c", "-o", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def contract(name: str) -> dict[str, list[str]]:
    """Return one import rule of pyproject.toml."""
    return next(rule for rule in PROJECT["tool"]["importlinter"]["contracts"] if rule["id"] == name)


def test_imports_obey_the_rules_of_pyproject():
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    linted = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_rule_about_qt_names_every_package_but_the_window():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - WITHOUT_QT
    single = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"} - WITHOUT_QT
    named = {name.removeprefix("qana_desktop.") for name in contract("qt")["source_modules"]}
    assert packages | single <= named


def test_every_module_says_first_what_it_is_for():
    silent = [str(path.relative_to(ROOT)) for path in CODE if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert silent == []


def test_no_file_of_code_is_longer_than_500_lines():
    long = {str(path.relative_to(ROOT)): n for path in ours("*.py") if (n := len(path.read_bytes().splitlines())) > 500}
    assert long == {}


def loaded_by(module: str, suspects: set[str]) -> str:
    """Return which of the suspects are loaded after importing the module in a fresh Python."""
    code = f"import sys, {module}; print(sorted({suspects!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("module", ["qana_desktop.app", "qana_desktop.cli"])
def test_starting_the_program_loads_no_runtime_of_an_engine(module):
    assert loaded_by(module, {"akida", "onnxruntime", "torch"}) == "[]"


def test_the_command_line_loads_no_qt():
    assert loaded_by("qana_desktop.cli", {"PySide6"}) == "[]"


# --- pins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pins", PINS, ids=lambda path: path.name)
def test_pins_name_no_address(pins):
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|--trusted-host|\b@\s", pins.read_text())


@pytest.mark.parametrize("pins", PINS, ids=lambda path: path.name)
def test_each_pin_is_exact_and_has_a_hash(pins):
    entries = re.split(r"\n(?=[a-zA-Z0-9])", re.sub(r"^\s*#.*\n", "", pins.read_text(), flags=re.MULTILINE))
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^\s;]+", entry), entry
        assert "--hash=sha256:" in entry, entry


def pinned(which: str) -> set[str]:
    """Return the lines `name==version` of a pin file."""
    text = (ROOT / "requirements" / f"{which}.txt").read_text()
    return set(re.findall(r"^[a-z0-9._-]+==[^\s;]+", text, re.MULTILINE))


def test_tests_run_with_the_very_versions_that_users_get():
    assert pinned("app") <= pinned("test")


def test_the_pins_hold_what_must_not_come_in():
    names = {pin.split("==")[0] for pin in pinned("test")}
    assert "opencv-python-headless" in names
    assert not names & {"opencv-python", "pyqt5", "pyqt6", "pymupdf", "onnx", "torch", "ultralytics", "pyside6-addons"}


def test_onnxruntime_stays_below_the_versions_with_telemetry():
    (version,) = (pin.split("==")[1] for pin in pinned("app") if pin.startswith("onnxruntime=="))
    assert tuple(int(part) for part in version.split(".")[:2]) < (1, 29)


# --- what is in no file -------------------------------------------------------------------------


def test_no_photograph_lies_in_the_repository_outside_the_programs_own_drawings():
    allowed = ("docs/screenshots/", "assets/icons/")
    pictures = ours(*(f"*.{kind}" for kind in ("jpg", "jpeg", "tif", "tiff", "bmp", "webp", "png")))
    found = [path.relative_to(ROOT).as_posix() for path in pictures]
    assert [name for name in found if not name.startswith(allowed)] == []


def test_no_wheel_or_library_of_a_vendor_lies_in_the_repository():
    assert ours("*.whl", "*.so", "*.dll", "*.pyd", "*.dylib") == []


def test_the_version_is_in_the_changelog():
    from qana_desktop import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_document_points_at_a_file_that_is_not_there():
    link = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
    links = [(document, target) for document in ours("*.md") for target in link.findall(document.read_text("utf-8"))]
    assert [f"{document.name}: {target}" for document, target in links if not (document.parent / target).exists()] == []


def test_no_file_names_a_place_on_the_machine_that_it_was_written_on():
    home = re.compile(r"/(root|work|home/(?!anna|x\b)[a-z]+)/[\w.]+/|[A-Z]:\\Users\\(?!Anna)")
    texts = ours("*.md", "*.toml", "*.json", "*.in", "requirements/*.txt", "models/**")
    found = [path.relative_to(ROOT).as_posix() for path in texts if home.search(path.read_text("utf-8", "ignore"))]
    assert found == []
