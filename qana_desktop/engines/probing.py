"""Why no Akida board is listed: what the system shows of cards, drivers, nodes and permissions, a remedy each."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from qana_desktop.system.faults import Fault

NODES: Final = ("akida[0-9]*", "akd1500_[0-9]*")
VENDOR: Final = "0x1e7c"
CARDS: Final = {"0xbca1": "AKD1000", "0xa500": "AKD1500"}
OLDEST_KERNEL, NEWEST_KERNEL = (5, 4), (6, 8)
"""Kernels on which the vendor's driver is known to build."""

OTHER_ENGINE: Final = "ONNX Runtime gives the same numbers."


def _may_open(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Machine:
    """Where to look. The defaults are this computer."""

    system: str = sys.platform
    kernel: str = field(default_factory=platform.release)
    dev: Path = Path("/dev")
    pci: Path = Path("/sys/bus/pci/devices")
    may_open: Callable[[Path], bool] = _may_open

    def nodes(self) -> tuple[Path, ...]:
        """The device nodes that the driver made."""
        return tuple(sorted(node for pattern in NODES for node in self.dev.glob(pattern)))

    def cards(self) -> tuple[str, ...]:
        """The names of the Akida cards on the PCI bus, with or without a driver."""
        found = (_card(device) for device in sorted(self.pci.glob("*")))
        return tuple(name for name in found if name)


def _card(device: Path) -> str:
    try:
        vendor = (device / "vendor").read_text(encoding="ascii").strip()
        product = (device / "device").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return CARDS.get(product, "Akida card") if vendor == VENDOR else ""


def why_no_board(machine: Machine) -> Fault:
    """Return the reason why the library lists no board, the first that holds."""
    if machine.system != "linux":
        return Fault("device-missing", "Akida boards are supported on Linux only.", OTHER_ENGINE)
    nodes, cards = machine.nodes(), machine.cards()
    if not nodes:
        return _no_driver(cards, machine.kernel) if cards else _no_board()
    closed = [node for node in nodes if not machine.may_open(node)]
    return _no_permission(closed[0]) if closed else _silent(nodes[0])


def _no_board() -> Fault:
    return Fault(
        "device-missing",
        "No Akida board was found in this computer.",
        f"Switch the computer off, put the board in, and start again. {OTHER_ENGINE}",
    )


def _no_driver(cards: tuple[str, ...], kernel: str) -> Fault:
    number = _kernel_number(kernel)
    if number is not None and not OLDEST_KERNEL <= number <= NEWEST_KERNEL:
        return Fault(
            "driver-kernel",
            f"An {cards[0]} is in this computer without a driver, which builds on Linux 5.4 to 6.8; this is {kernel}.",
            "Start a Linux kernel from 5.4 to 6.8, then install BrainChip's driver (akida_dw_edma).",
        )
    return Fault(
        "driver-missing",
        f"An {cards[0]} is in this computer, but its driver is not loaded.",
        "Install BrainChip's driver (akida_dw_edma) for this kernel, then start the computer again.",
    )


def _no_permission(node: Path) -> Fault:
    return Fault(
        "no-permission",
        f"An Akida board is there, but you may not open it ({node}).",
        "Ask the administrator for a udev rule that gives your group read and write access, then log in again.",
    )


def _silent(node: Path) -> Fault:
    return Fault(
        "device-silent",
        f"The driver shows an Akida board ({node.name}), but the Akida library does not list it: another program holds "
        "it, or it stopped answering.",
        "Close other programs that use the board. If that does not help, switch the computer off and on again.",
    )


def _kernel_number(kernel: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", kernel)
    return (int(match[1]), int(match[2])) if match else None
