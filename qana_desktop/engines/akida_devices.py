"""The boards that the Akida library lists: who they are, whether they can be used, their clock, meter and state."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from qana_desktop.engines.akida_runtime import runtime_name
from qana_desktop.engines.contract import (
    BoardStatus,
    DeviceBusy,
    EngineError,
    EngineInfo,
    EngineState,
    ModelRefused,
)
from qana_desktop.engines.machine import Machine
from qana_desktop.engines.probing import why_busy
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _

KIND: Final = "akida-board"
NAME: Final = N_("Akida board")
CLOCKS: Final = ("Performance", "Economy", "LowPower")
_NAMES: Final = {"NSoC_v2": "AKD1000", "AKD1500_v1": "AKD1500"}
_NODES: Final = {"AKD1000": "akida", "AKD1500": "akd1500_"}


@dataclass(frozen=True, eq=False)
class Board:
    """One board of the library's list. `suffix` is its place, or its number in the list where that is not known."""

    device: Any
    suffix: str
    index: int

    @property
    def engine_id(self) -> str:
        """The engine's id, the same after replugging where the place is known."""
        return f"{KIND}:{self.suffix}"

    def answers_to(self, suffix: str) -> bool:
        """Whether `akida-board:<suffix>` names this board: its place, or its number in the list."""
        return suffix in (self.suffix, str(self.index))


def boards(sdk: ModuleType, machine: Machine) -> list[Board]:
    """List the boards; raises DeviceBusy, whose fault says who holds one where that can be seen."""
    try:
        devices = list(sdk.devices())
    except (RuntimeError, OSError) as error:
        raise DeviceBusy(why_busy(machine, str(error))) from error
    places = [_place(sdk, device, machine) for device in devices]
    return [
        Board(device, place if place and places.count(place) == 1 else str(index), index)
        for index, (device, place) in enumerate(zip(devices, places, strict=True))
    ]


def listed(sdk: ModuleType, board: Board) -> EngineInfo:
    """Return a board's entry; one with other processors is listed with that fault."""
    runtime, device = runtime_name(sdk), board.device
    try:
        refuse_other_ip(sdk, device)
    except EngineError as error:
        return EngineInfo(board.engine_id, NAME, runtime, str(device.desc), EngineState.UNAVAILABLE, error.fault)
    return EngineInfo(board.engine_id, board_name(sdk, device), runtime, detail(device), EngineState.AVAILABLE)


def board_name(sdk: ModuleType, device: Any) -> str:
    """Return `Akida board (AKD1000)`; without a model where the library knows none."""
    model = model_name(sdk, device)
    return f"{NAME} ({model})" if model else NAME


def model_name(sdk: ModuleType, device: Any) -> str:
    """Return AKD1000 or AKD1500, "" for another board."""
    return next((name for key, name in _NAMES.items() if device.version == getattr(sdk, key, None)), "")


def detail(device: Any) -> str:
    """Return the line for a person: the library's description, meter, clock."""
    if device.soc is None:
        return _("{desc}, no power meter").format(desc=device.desc)
    mode = clock_of(device)
    return ", ".join(
        part
        for part in (str(device.desc), _("power meter"), _("clock {mode}").format(mode=mode) if mode else "")
        if part
    )


def refuse_other_ip(sdk: ModuleType, device: Any) -> None:
    """Raise ModelRefused for a board whose processors are of another generation than our networks."""
    if device.ip_version != sdk.IpVersion.v1:
        raise ModelRefused(
            Fault(
                "ip-version",
                _("This board ({desc}) has Akida 2 processors; the networks of this program are for Akida 1.").format(
                    desc=device.desc
                ),
                _("Use an AKD1000 or AKD1500 board, or ONNX Runtime, which gives the same numbers."),
            )
        )


def clock_of(device: Any) -> str:
    """Return the clock mode's name, "" for a board without one."""
    return "" if device.soc is None else str(getattr(device.soc.clock_mode, "name", ""))


def set_clock(sdk: ModuleType, device: Any, mode: str) -> None:
    """Set the clock mode; raises EngineError for a board without one, or a mode that it does not have."""
    wanted = getattr(sdk.soc.ClockMode, mode, None) if mode in CLOCKS else None
    if device.soc is None or wanted is None:
        raise EngineError(
            Fault(
                "clock-mode",
                _("This board has no clock mode “{mode}”. Nothing was changed.").format(mode=mode),
                _("An AKD1000 has {clocks}; other boards have one clock.").format(clocks=", ".join(CLOCKS)),
            )
        )
    device.soc.clock_mode = wanted


def status(device: Any) -> BoardStatus:
    """Return what the board says of itself now: clock and power; no board tells its temperature by this library."""
    if device.soc is None:
        return BoardStatus("", (), None, None, None)
    events = device.soc.power_meter.events()
    power = float(events[-1].power) if events else None
    return BoardStatus(clock_of(device), CLOCKS, power, float(device.soc.power_meter.floor), None)


def _place(sdk: ModuleType, device: Any, machine: Machine) -> str:
    """Where the board sits: `PCIe/NSoC_v2/0` is the board of node `akida0`."""
    bus, _, rest = str(device.desc).partition("/")
    number, prefix = rest.rpartition("/")[2], _NODES.get(model_name(sdk, device))
    if bus != "PCIe" or prefix is None or not number.isdecimal():
        return ""
    return machine.place_of(f"{prefix}{number}")
