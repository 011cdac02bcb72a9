"""What this computer shows of Akida boards without the vendor's library: cards, nodes, places, drivers, holders."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NODES: Final = ("akida[0-9]*", "akd1500_[0-9]*")
VENDOR: Final = "0x1e7c"
CARDS: Final = {"0xbca1": "AKD1000", "0xa500": "AKD1500"}
MODULE: Final = "akida-pcie"
"""The driver's kernel module (BrainChip, akida_dw_edma, dkms.conf); `_` for `-` once it is loaded."""


@dataclass(frozen=True)
class BoardPlace:
    """A board's device node, and where it sits: `pci-0000:03:00.0`, "" where the system does not say.

    The driver gives the numbers of the nodes anew at each replugging; the place stays, as long as the slot does.
    """

    node: str
    place: str
    usable: bool

    @property
    def label(self) -> str:
        """The place, or else the node."""
        return self.place or self.node


def _may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Machine:
    """Where to look. The defaults are this computer."""

    system: str = sys.platform
    kernel: str = field(default_factory=platform.release)
    dev: Path = Path("/dev")
    pci: Path = Path("/sys/bus/pci/devices")
    misc: Path = Path("/sys/class/misc")
    modules: Path = Path("/lib/modules")
    loaded: Path = Path("/sys/module")
    proc: Path = Path("/proc")
    may_open: Callable[[Path], bool] = _may_open

    def nodes(self) -> tuple[Path, ...]:
        """The device nodes that the driver made."""
        return tuple(sorted(node for pattern in NODES for node in self.dev.glob(pattern)))

    def places(self) -> tuple[BoardPlace, ...]:
        """The boards that have a node, with their place."""
        return tuple(BoardPlace(node.name, self._place(node.name), self.may_open(node)) for node in self.nodes())

    def place_of(self, node: str) -> str:
        """Return where the board of this node sits, "" where there is no such node or the system does not say."""
        return self._place(node) if (self.dev / node).exists() else ""

    def cards(self) -> tuple[str, ...]:
        """The names of the Akida cards on the PCI bus, with or without a driver."""
        found = (_card(device) for device in sorted(self.pci.glob("*")))
        return tuple(name for name in found if name)

    def driver_is_loaded(self) -> bool:
        """Whether the running kernel has the driver in it."""
        return (self.loaded / MODULE.replace("-", "_")).exists()

    def driver_kernels(self) -> tuple[str, ...]:
        """The kernels of this computer for which the driver was built."""
        found = (kernel.name for kernel in sorted(self.modules.glob("*")) if _has_driver(kernel))
        return tuple(found)

    def holder(self, node: Path) -> str:
        """Return "name (pid)" of a process that has the node open, "" where none is seen: others' are not shown."""
        return next(self._holders(node), "")

    def _holders(self, node: Path) -> Iterator[str]:
        for process in self.proc.glob("[0-9]*"):
            if process.name != str(os.getpid()) and _has_open(process, node):
                yield f"{_name(process)} ({process.name})"

    def _place(self, node: str) -> str:
        """The misc device's parent is the PCI device (BrainChip, akida-pcie-core.c)."""
        try:
            parent = (self.misc / node / "device").resolve(strict=True)
        except OSError:
            return ""
        return f"pci-{parent.name}"


def _card(device: Path) -> str:
    try:
        vendor = (device / "vendor").read_text(encoding="ascii").strip()
        product = (device / "device").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return CARDS.get(product, "Akida card") if vendor == VENDOR else ""


def _has_driver(kernel: Path) -> bool:
    places = ("updates", "updates/dkms", "extra", "kernel/drivers")
    return any(True for place in places for _found in (kernel / place).glob(f"{MODULE}.ko*"))


def _has_open(process: Path, node: Path) -> bool:
    try:
        return any(str(link.readlink()) == str(node) for link in (process / "fd").iterdir())
    except OSError:
        return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
