"""`doctor`: what is installed, which engines work, why others do not, what to do. No patient data, no user's name."""

from __future__ import annotations

import importlib.metadata
import json
import locale
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import qana_desktop
from qana_desktop.cli import exit_codes
from qana_desktop.cli.devices_run import library_line
from qana_desktop.cli.terminal import INTENDED_USE, console, plain, write_line
from qana_desktop.engines.contract import EngineInfo
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.services.composition import load_bundle
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.host import describe_host
from qana_desktop.system.paths import find_paths
from qana_desktop.system.resources import home

Report = dict[str, Any]

PACKAGES: Final = (
    "akida",
    "cryptography",
    "keyring",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "platformdirs",
    "pydicom",
    "PySide6-Essentials",
    "rich",
    "sqlalchemy",
    "sqlcipher3",
    "typer",
)


def run_doctor(bundle: Path | None, *, as_json: bool) -> int:
    """Look, tell, and say by the exit code whether images can be read."""
    engines = EngineRegistry().probe()
    report = make_report(bundle, engines)
    if as_json:
        write_line(json.dumps(report, ensure_ascii=True, indent=1))
    else:
        _print(report)
    usable = report["bundle"]["fault"] is None and any(engine.fault is None for engine in engines)
    return exit_codes.ALL_READ if usable else exit_codes.NO_ENGINE


def make_report(bundle: Path | None, engines: list[EngineInfo]) -> Report:
    """All findings as plain values; every text has lost the name and the folders of the user."""
    report: Report = {
        "program": {
            "version": qana_desktop.__version__,
            "installed_as": home().value,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()}",
            "machine": describe_host(),
            "encoding": f"{sys.stdout.encoding or '?'} / {locale.getpreferredencoding(do_setlocale=False)}",
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "added_library": library_line(),
        "bundle": _bundle(bundle),
        "engines": [_engine(info) for info in engines],
        "folders": {name: _folder(path) for name, path in vars(find_paths()).items()},
        "intended_use": INTENDED_USE,
    }
    cleaned: Report = _without_user(report, _withholder())
    return cleaned


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _bundle(path: Path | None) -> Report:
    """The bundle's id after every file of it was checked; or the fault."""
    try:
        return {"id": load_bundle(path).id, "fault": None}
    except KnownError as error:
        return {"id": None, "fault": asdict(error.fault)}


def _engine(info: EngineInfo) -> Report:
    return {
        "engine": info.engine_id,
        "name": info.name,
        "runtime": info.runtime,
        "detail": info.detail,
        "state": info.state.value,
        "fault": asdict(info.fault) if info.fault else None,
    }


def _folder(path: Path) -> Report:
    existing = next((place for place in (path, *path.parents) if place.exists()), None)
    free = shutil.disk_usage(existing).free // 2**20 if existing else None
    return {"path": str(path), "exists": path.is_dir(), "free_mib": free}


def _withholder() -> Callable[[str], str]:
    """Replaces the home folder by ~, and the user's name, which is the folder's, wherever it stands alone."""
    folder = str(Path.home())

    def withhold(text: str) -> str:
        return text.replace(folder, "~") if len(folder) > 1 else text

    return withhold


def _without_user(value: Any, withhold: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return withhold(value)
    if isinstance(value, dict):
        return {key: _without_user(item, withhold) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_user(item, withhold) for item in value]
    return value


def _print(report: Report) -> None:
    sections = [
        ("Program", [f"{name}: {value}" for name, value in report["program"].items()]),
        ("Packages", _package_lines(report)),
        ("Bundle", _bundle_lines(report["bundle"])),
        ("Engines", [line for engine in report["engines"] for line in _engine_lines(engine)]),
        ("Folders", [_folder_line(name, folder) for name, folder in report["folders"].items()]),
    ]
    screen = console()
    for title, lines in sections:
        screen.print(title, style="bold")
        for line in lines:
            screen.print(plain(f"  {line}"), soft_wrap=True)
    screen.print(plain(INTENDED_USE))


def _package_lines(report: Report) -> list[str]:
    installed = [f"{name}: {version or 'not installed'}" for name, version in report["packages"].items()]
    added = report["added_library"]
    return [*installed, f"added by a person: {added}"] if added else installed


def _bundle_lines(bundle: Report) -> list[str]:
    return [f"{bundle['id']}: complete and unchanged"] if bundle["id"] else _fault_lines("✗ ", bundle["fault"])


def _engine_lines(engine: Report) -> list[str]:
    detail = ", ".join(text for text in (engine["runtime"], engine["detail"]) if text)
    head = f"{'✗' if engine['fault'] else '✓'} {engine['engine']}: {engine['name']}"
    return [f"{head} ({detail})" if detail else head, *_fault_lines("    ", engine["fault"])]


def _fault_lines(indent: str, fault: Report | None) -> list[str]:
    return [] if fault is None else [f"{indent}{Fault(**fault).sentence()}"]


def _folder_line(name: str, folder: Report) -> str:
    made = "" if folder["exists"] else ", not made yet"
    return f"{name}: {folder['path']}{made}, {folder['free_mib']} MiB free"
