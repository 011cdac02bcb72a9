"""Machines drawn in a folder: cards, nodes, drivers and processes as the system would show them."""

from __future__ import annotations

from pathlib import Path

from qana_desktop.engines.machine import Machine

PCI_AKD1000 = ("0x1e7c", "0xbca1")
PCI_AKD1500 = ("0x1e7c", "0xa500")
KERNEL = "6.1.0-13-amd64"


def machine(
    root: Path,
    *,
    nodes: tuple[str, ...] = (),
    cards: tuple[tuple[str, str], ...] = (),
    kernel: str = KERNEL,
    system: str = "linux",
    permitted: bool = True,
    built_for: tuple[str, ...] = (),
    loaded: bool = False,
) -> Machine:
    """A machine drawn in `root`; nothing of the real one is seen."""
    dev, pci, misc, modules, proc = (root / name for name in ("dev", "pci", "misc", "modules", "proc"))
    for folder in (dev, pci, misc, modules, proc):
        folder.mkdir(parents=True)
    for number, (vendor, device) in enumerate((("0x8086", "0x1234"), *cards)):
        slot = pci / f"0000:0{number}:00.0"
        slot.mkdir()
        (slot / "vendor").write_text(f"{vendor}\n")
        (slot / "device").write_text(f"{device}\n")
    for release in built_for:
        (modules / release / "updates" / "dkms").mkdir(parents=True)
        (modules / release / "updates" / "dkms" / "akida-pcie.ko.xz").touch()
    if loaded:
        (root / "module" / "akida_pcie").mkdir(parents=True)
    drawn = Machine(
        system=system,
        kernel=kernel,
        dev=dev,
        pci=pci,
        misc=misc,
        modules=modules,
        loaded=root / "module",
        proc=proc,
        may_open=lambda _node: permitted,
    )
    for node in nodes:
        plug_in(drawn, node)
    return drawn


def plug_in(drawn: Machine, node: str, slot: str = "") -> None:
    """Make a node as the driver does; with `slot`, as the child of that PCI device."""
    (drawn.dev / node).touch()
    if slot:
        (drawn.pci / slot).mkdir(exist_ok=True)
        (drawn.misc / node).mkdir()
        (drawn.misc / node / "device").symlink_to(drawn.pci / slot)


def unplug(drawn: Machine, node: str) -> None:
    """Take a node away as the driver does."""
    (drawn.dev / node).unlink()
    if (drawn.misc / node).exists():
        (drawn.misc / node / "device").unlink()
        (drawn.misc / node).rmdir()


def hold(drawn: Machine, node: str, *, pid: int, name: str) -> None:
    """Let a process have the node open."""
    process = drawn.proc / str(pid)
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text(f"{name}\n")
    (process / "fd" / "7").symlink_to(drawn.dev / node)
