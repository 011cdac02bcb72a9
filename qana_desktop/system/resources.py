"""Finds what is shipped with the program, `assets` and `models`, in its three homes: checkout, wheel, frozen."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

PACKAGE = Path(__file__).resolve().parents[1]


class Home(StrEnum):
    """How this program came onto the machine."""

    CHECKOUT = "checkout"
    WHEEL = "wheel"
    FROZEN = "frozen"


class ResourcesMissing(KnownError):
    """A folder that is shipped with the program is not there: the installation is incomplete."""


def home(*, frozen_root: str | None = getattr(sys, "_MEIPASS", None), package: Path = PACKAGE) -> Home:
    """Return which of the three homes this is. PyInstaller sets `sys._MEIPASS`, a checkout has a pyproject.toml."""
    if frozen_root is not None:
        return Home.FROZEN
    return Home.CHECKOUT if (package.parent / "pyproject.toml").is_file() else Home.WHEEL


def resource_root(*, frozen_root: str | None = getattr(sys, "_MEIPASS", None), package: Path = PACKAGE) -> Path:
    """Return the folder that holds `assets` and `models`: the repository, the package or the frozen folder."""
    where = home(frozen_root=frozen_root, package=package)
    if where is Home.FROZEN:
        return Path(str(frozen_root))
    return package.parent if where is Home.CHECKOUT else package


def assets_dir() -> Path:
    """Return the folder of icons, fonts and texts; raises ResourcesMissing."""
    return _existing(resource_root() / "assets")


def models_dir() -> Path:
    """Return the folder of the bundles that come with the program; raises ResourcesMissing."""
    return _existing(resource_root() / "models")


def _existing(folder: Path) -> Path:
    if folder.is_dir():
        return folder
    raise ResourcesMissing(
        Fault(
            code="resources-missing",
            message=_("The folder {name!r} that comes with QANA Desktop is missing, so no image can be read.").format(
                name=folder.name
            ),
            remedy=_("Install the program again."),
        )
    )
