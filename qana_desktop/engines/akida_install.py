"""The Akida library in the program's data folder: added from the vendor's wheel, found, tried in a child, removed.

An installer of ours never contains it: each site adds it under the vendor's own terms (docs/adr/0004). No network.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from qana_desktop.engines.akida_wheel import Here, WheelFacts, WheelRefused, inspect_wheel, unpack_wheel
from qana_desktop.system.childprocess import ChildFailed, ChildProcess
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.system.paths import find_paths

FOLDER: Final = "akida-runtime"
FACTS: Final = "runtime.json"
LIBRARY: Final = "library"
TRY_S: Final = 90.0


@dataclass(frozen=True)
class AddedRuntime:
    """The library that a person added. `folder` holds its packages; `added` is the time, ISO 8601."""

    version: str
    sha256: str
    added: str
    folder: Path


def this_machine() -> Here:
    """What a wheel must be for to run here."""
    return Here((sys.version_info[0], sys.version_info[1]), sys.platform, platform.machine())


def runtime_folder() -> Path:
    """Where the added library lies, or would."""
    return find_paths().data / FOLDER


def added_runtime(root: Path | None = None) -> AddedRuntime | None:
    """Return the library that was added, None where there is none or its folder is damaged."""
    root = root or runtime_folder()
    try:
        facts = json.loads((root / FACTS).read_text(encoding="utf-8"))
        found = AddedRuntime(str(facts["version"]), str(facts["sha256"]), str(facts["added"]), root / LIBRARY)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if (found.folder / "akida").is_dir() else None


def use_added_runtime(root: Path | None = None) -> None:
    """Let `import akida` find the added library, after everything else that is installed. For children."""
    found = added_runtime(root)
    if found is not None and str(found.folder) not in sys.path:
        sys.path.append(str(found.folder))


def add_runtime(
    wheel: Path, *, seen: WheelFacts | None = None, root: Path | None = None, here: Here | None = None
) -> AddedRuntime:
    """Check, unpack and try a wheel, and put it in the place of the one before; raises WheelRefused, OSError.

    `seen` are the facts that a person agreed to: another file is refused. The library is imported in a child before it
    counts: until then the one before stays.
    """
    root, here = root or runtime_folder(), here or this_machine()
    facts = seen or inspect_wheel(wheel, here)
    fresh = root.with_name(f"{root.name}.new")
    _clear(fresh)
    try:
        unpack_wheel(wheel, fresh / LIBRARY, here, sha256=facts.sha256)
        _try(fresh / LIBRARY, facts)
        _write_facts(fresh, facts)
    except BaseException:
        _clear(fresh)
        raise
    _swap(fresh, root)
    added = added_runtime(root)
    if added is None:
        raise AssertionError("what was just written cannot be read")
    return added


def remove_runtime(root: Path | None = None) -> bool:
    """Remove the added library; returns whether there was one. Engines that have it loaded keep it until they end."""
    root = root or runtime_folder()
    was_there = root.exists()
    _clear(root)
    return was_there


def serve_trial(folder: str) -> Callable[[object], str]:
    """For a child: import the library from this folder alone, and answer with its version."""
    sys.path.insert(0, folder)
    import importlib

    try:
        sdk = importlib.import_module("akida")
    except OSError as error:
        raise ImportError(str(error)) from error
    if not str(getattr(sdk, "__file__", "")).startswith(folder):
        raise ImportError(_("another Akida library was loaded"))
    sdk.devices()
    return lambda _request: str(sdk.__version__)


def _try(folder: Path, facts: WheelFacts) -> None:
    child = ChildProcess(f"{__name__}:serve_trial", (str(folder),), name="akida-trial", start_timeout_s=TRY_S)
    try:
        child.start()
        version = child.call(None, timeout_s=TRY_S)
    except (ChildFailed, KnownError) as error:
        raise _does_not_load(str(error).strip().rpartition("\n")[2]) from error
    finally:
        child.close()
    if version != facts.version:
        raise _does_not_load(
            _("it calls itself {version}, not {expected}").format(version=version, expected=facts.version)
        )


def _does_not_load(cause: str) -> WheelRefused:
    return WheelRefused(
        Fault(
            "wheel-refused",
            _("The file was not added. The library in it cannot be loaded on this computer ({cause}).").format(
                cause=cause
            ),
            _("Choose another version of the library, or use ONNX Runtime, which gives the same numbers."),
        )
    )


def _write_facts(folder: Path, facts: WheelFacts) -> None:
    added = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps(asdict(facts) | {"added": added}, indent=1)
    with (folder / FACTS).open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, root: Path) -> None:
    """Put `fresh` in the place of `root`. On Windows a library in use cannot be moved: the person is told why."""
    old = root.with_name(f"{root.name}.old")
    _clear(old)
    try:
        if root.exists():
            root.replace(old)
        fresh.replace(root)
    except PermissionError as error:
        _clear(fresh)
        fault = Fault(
            "runtime-in-use", _("The Akida library is in use and was not replaced."), _("Close QANA Desktop first.")
        )
        raise WheelRefused(fault) from error
    _clear(old)


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder, onerror=cast("Callable[..., object]", _make_writable))


def _make_writable(function: Callable[[str], object], path: str, _why: object) -> None:
    """Windows does not remove read-only files."""
    Path(path).chmod(0o700)
    function(path)
