"""Why no Akida board is listed: the first reason that holds, with one remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from qana_desktop.engines.machine import Machine
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

OLDEST_KERNEL, NEWEST_KERNEL = (5, 4), (6, 8)
"""Kernels for which the vendor's driver builds (BrainChip, akida_dw_edma, dkms.conf)."""

OTHER_ENGINE: Final = N_("ONNX Runtime gives the same numbers.")
RULE: Final = "70-qana-akida.rules"


def why_no_board(machine: Machine) -> Fault:
    """Return the reason why the library lists no board, the first that holds."""
    if machine.system != "linux":
        return Fault("device-missing", _("Akida boards are supported on Linux only."), OTHER_ENGINE)
    nodes, cards = machine.nodes(), machine.cards()
    if not nodes:
        return _no_driver(cards, machine) if cards else _no_board()
    closed = [node for node in nodes if not machine.may_open(node)]
    return _no_permission(closed[0]) if closed else _silent(nodes[0], machine)


def why_busy(machine: Machine, cause: str) -> Fault:
    """Return the fault of a board that the library sees and cannot open; `cause` is the library's sentence."""
    for node in machine.nodes():
        if not machine.may_open(node):
            return _no_permission(node)
        if holder := machine.holder(node):
            return _held(node, holder)
    return Fault(
        "device-busy",
        _("An Akida board is there and cannot be opened ({cause}).").format(cause=cause),
        _("Close other programs that use the board. If that does not help, switch the computer off and on."),
    )


def unplugged(label: str) -> Fault:
    """Return the fault of a board whose node is gone while the engine was open."""
    return Fault(
        "device-lost",
        _("The Akida board at {label} is gone. The image was not assessed.").format(label=label),
        _("Put the board back or check its cable, then press Try again."),
    )


def _no_board() -> Fault:
    return Fault(
        "device-missing",
        _("No Akida board was found in this computer."),
        _("Switch the computer off, put the board in, and start again. {other_engine}").format(
            other_engine=OTHER_ENGINE
        ),
    )


def _no_driver(cards: tuple[str, ...], machine: Machine) -> Fault:
    card, kernel = cards[0], machine.kernel
    number = _kernel_number(kernel)
    if number is not None and not OLDEST_KERNEL <= number <= NEWEST_KERNEL:
        return Fault(
            "driver-kernel",
            _(
                "An {card} is in this computer without a driver, which builds on Linux 5.4 to 6.8; this is {kernel}."
            ).format(card=card, kernel=kernel),
            _("Start a Linux kernel from 5.4 to 6.8, then install BrainChip's driver (akida_dw_edma)."),
        )
    built = machine.driver_kernels()
    if built and kernel not in built:
        return Fault(
            "driver-other-kernel",
            _("An {card} is in this computer. Its driver is built for Linux {built}, not for {kernel}.").format(
                card=card, built=", ".join(built), kernel=kernel
            ),
            _("Build it for this kernel: sudo dkms autoinstall -k {kernel}, then start the computer again.").format(
                kernel=kernel
            ),
        )
    if kernel in built and machine.driver_is_loaded():
        return Fault(
            "driver-failed",
            _("An {card} is in this computer and its driver is loaded, but it made no device.").format(card=card),
            _("Switch the computer off and on again; if that does not help, read `sudo dmesg | grep akida`."),
        )
    if kernel in built:
        return Fault(
            "driver-missing",
            _("An {card} is in this computer, but its driver is not loaded.").format(card=card),
            _("Load it: sudo modprobe akida-pcie. It was built for this kernel."),
        )
    return Fault(
        "driver-missing",
        _("An {card} is in this computer, but its driver is not loaded.").format(card=card),
        _("Install BrainChip's driver (akida_dw_edma) for this kernel, then start the computer again."),
    )


def _no_permission(node: Path) -> Fault:
    return Fault(
        "no-permission",
        _("An Akida board is there, but you may not open it ({node}).").format(node=node),
        _(
            "Ask the administrator to install the udev rule {rule} (packaging/udev), which gives the board to the "
            "group akida, and to put you into that group; then log in again."
        ).format(rule=RULE),
    )


def _held(node: Path, holder: str) -> Fault:
    return Fault(
        "device-busy",
        _("The Akida board {name} is held by another program: {holder}.").format(name=node.name, holder=holder),
        _("Close {holder}, then look for engines again.").format(holder=holder),
    )


def _silent(node: Path, machine: Machine) -> Fault:
    if holder := machine.holder(node):
        return _held(node, holder)
    return Fault(
        "device-silent",
        _(
            "The driver shows an Akida board ({name}), but the Akida library does not list it: another program "
            "holds it, or it stopped answering."
        ).format(name=node.name),
        _("Close other programs that use the board. If that does not help, switch the computer off and on again."),
    )


def _kernel_number(kernel: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", kernel)
    return (int(match[1]), int(match[2])) if match else None
