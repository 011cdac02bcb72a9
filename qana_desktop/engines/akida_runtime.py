"""The vendor's Akida library at arm's length: loading it, loading a network into it, and naming what went wrong."""

from __future__ import annotations

import importlib
import platform
import sys
from types import ModuleType
from typing import Any, Final

from qana_desktop.engines.akida_install import use_added_runtime
from qana_desktop.engines.batches import Batch
from qana_desktop.engines.contract import DeviceLost, ModelRefused, SdkMissing, SdkVersion
from qana_desktop.network.bundle import Bundle
from qana_desktop.network.export_akida import to_akida
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

MAJOR: Final = "2"
LAST_PYTHON: Final = (3, 12)
INSTALL: Final = N_(
    "Install it under BrainChip's own terms: pip install 'akida>=2.19.3,<2.20', or in an installed program "
    "qana-desktop devices install-runtime WHEEL."
)

_MACHINES: Final = {"linux": {"x86_64", "aarch64"}, "win32": {"AMD64"}}


def load_sdk() -> ModuleType:
    """Import `akida`, installed or added by a person. Raises SdkMissing or SdkVersion, whose fault says what to do."""
    use_added_runtime()
    try:
        sdk = importlib.import_module("akida")
    except ModuleNotFoundError as error:
        if error.name == "akida":
            raise SdkMissing(missing_fault(sys.platform, platform.machine(), sys.version_info[:2])) from error
        raise SdkMissing(broken_fault(str(error))) from error
    except (ImportError, OSError) as error:
        raise SdkMissing(broken_fault(str(error))) from error
    version = str(getattr(sdk, "__version__", "unknown"))
    if version.partition(".")[0] != MAJOR:
        message = _("The Akida library is installed in version {version}; this program knows version {major}.").format(
            version=version, major=MAJOR
        )
        raise SdkVersion(Fault("sdk-version", message, INSTALL))
    return sdk


def missing_fault(system: str, machine: str, python: tuple[int, int]) -> Fault:
    """Say why `akida` is not installed: no wheel for this system or this Python, or nobody installed it."""
    if machine not in _MACHINES.get(system, set()):
        return Fault(
            "sdk-platform",
            _("BrainChip offers no Akida library for this system ({system}, {machine}).").format(
                system=system, machine=machine
            ),
            _("Use ONNX Runtime, which gives the same numbers, or Linux or Windows on a 64-bit processor."),
        )
    if python > LAST_PYTHON:
        return Fault(
            "sdk-platform",
            _("BrainChip offers no Akida library for Python {major}.{minor}.").format(major=python[0], minor=python[1]),
            _("Run QANA Desktop with Python 3.11 or 3.12, or use ONNX Runtime, which gives the same numbers."),
        )
    return Fault("sdk-missing", _("The Akida library is not installed."), INSTALL)


def broken_fault(cause: str) -> Fault:
    """Say that `akida` is installed and cannot be loaded."""
    return Fault(
        "sdk-broken",
        _("The Akida library is installed and cannot be loaded ({cause}).").format(cause=cause),
        _("Remove it and install it again. {install}").format(install=INSTALL),
    )


def runtime_name(sdk: ModuleType) -> str:
    """Return the library's name and version."""
    return f"akida {sdk.__version__}"


def load_model(sdk: ModuleType, bundle: Bundle) -> Any:
    """Return an unmapped `akida.Model` of the bundle: its `.fbz`, or built from its network where it has none.

    Raises ModelRefused when the library does not take it.
    """
    try:
        if bundle.fbz_path is None:
            return to_akida(bundle.network())
        return sdk.Model(str(bundle.fbz_path))
    except (RuntimeError, ValueError) as error:
        raise ModelRefused(
            Fault(
                "model-refused",
                _("The Akida library does not take this version of the network ({error}).").format(error=error),
                _("Choose another version of the network, or another version of the library. {install}").format(
                    install=INSTALL
                ),
            )
        ) from error


def forward(model: Any, images: Batch) -> object:
    """Run checked images. Raises DeviceLost for what the library reports: with checked input it is the device's."""
    try:
        return model.forward(images)
    except (RuntimeError, OSError) as error:
        raise DeviceLost(
            Fault(
                "device-lost",
                _("The Akida board stopped answering ({error}). The image was not assessed.").format(error=error),
                _("Check the board and its cable, then start the engine again."),
            )
        ) from error
