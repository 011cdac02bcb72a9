"""What no installer of ours may contain, asked of the list of files and modules after PyInstaller's analysis."""

from __future__ import annotations

import re
from collections.abc import Iterable

PROPRIETARY = {"akida", "cnn2snn", "quantizeml", "akida_models"}
OTHER_LICENCE = {"PyQt4", "PyQt5", "PyQt6", "PySide2", "readline", "_gdbm"}
NOT_FOR_USE = {"torch", "torchvision", "sklearn", "scipy", "pytest", "_pytest", "hypothesis", "mypy", "tests"}

# Qt's modules that are offered under the GPL or a commercial licence, not under the LGPL.
GPL_ONLY_QT = (
    "Charts", "CoAp", "DataVisualization", "Graphs", "GrpcQuick", "HttpServer", "Insight", "Lottie", "Mqtt",
    "NetworkAuth", "OpcUa", "Quick3D", "QuickTimeline", "ShaderTools", "VirtualKeyboard", "WaylandCompositor",
)  # fmt: skip

_QT_MODULE = re.compile(rf"(^|[/.])(lib)?Qt6?({'|'.join(GPL_ONLY_QT)})([.\d]|Qml|$)")
_TESTS = re.compile(r"(^|[/.])tests?[/.]|(^|[/.])_[a-z_]+_tests(\.|$)")


class ForbiddenInside(Exception):
    """Something is about to be passed on that must not be; the text names every entry."""


def reason(entry: str) -> str | None:
    """Return why an entry (a module's name or a path inside the folder) must not be inside; None when it may."""
    path = entry.replace("\\", "/")
    first = re.split(r"[-/.]", path)[0]
    if first in PROPRIETARY or re.search(r"(^|/)lib(akida|akd)", path):
        return "proprietary"
    if first in OTHER_LICENCE:
        return "its licence does not allow it"
    if first in NOT_FOR_USE or path.startswith(("qana_desktop.training", "qana_desktop/training")):
        return "not for use in a clinic"
    if _QT_MODULE.search(path) or "virtualkeyboard" in path.lower():
        return "a part of Qt that is not under the LGPL"
    return "tests" if _TESTS.search(path) else None


def refuse_forbidden(entries: Iterable[str]) -> None:
    """Raise ForbiddenInside when any entry must not be inside."""
    found = [f"{entry}: {why}" for entry in sorted(set(entries)) if (why := reason(entry))]
    if found:
        raise ForbiddenInside("These must not be in an installer:\n  " + "\n  ".join(found))
