"""A board's desk and what a person does to boards, answering at once: for tests of the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from qana_desktop.engines.akida_install import AddedRuntime
from qana_desktop.engines.akida_wheel import WheelFacts, WheelRefused
from qana_desktop.engines.contract import BoardStatus, DeviceLost, EngineInfo, EngineState
from qana_desktop.engines.mapping import BoardMapping, LayerPlace
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.board_care import BoardCare
from qana_desktop.system.faults import Fault

CLOCKS = ("Performance", "Economy", "LowPower")
GONE = Fault("device-lost", "The Akida board is gone. The image was not assessed.", "Put it back.")
NO_FIT = Fault("model-refused", "This version of the network does not fit onto AKD1500.", "Choose another board.")
FACTS = WheelFacts("2.19.3", ("cp311-cp311-manylinux_2_28_x86_64",), "ab" * 32, 1000)


@dataclass
class FakeBoardDesk:
    """One board, ready, with a meter."""

    info: EngineInfo = field(
        default_factory=lambda: EngineInfo(
            "akida-board:pci-0000:03:00.0", "Akida board (AKD1000)", "akida 2", "PCIe", EngineState.READY
        )
    )
    answer: BoardStatus = field(default_factory=lambda: BoardStatus("Performance", CLOCKS, 1010.4, 903.0, None))
    asked: int = 0
    restarts: int = 0
    listeners: list[Callable[[EngineInfo], None]] = field(default_factory=list)
    board_listeners: list[Callable[[BoardsChanged], None]] = field(default_factory=list)

    def current(self) -> EngineInfo:
        return self.info

    def restart(self) -> EngineInfo:
        self.restarts += 1
        self.become(EngineState.READY, None)
        return self.info

    def status(self) -> BoardStatus:
        self.asked += 1
        if self.info.fault is not None:
            raise DeviceLost(self.info.fault)
        return self.answer

    def set_clock(self, mode: str) -> EngineInfo:
        self.answer = replace(self.answer, clock=mode)
        return self.info

    def subscribe(self, listener: Callable[[EngineInfo], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def subscribe_boards(self, listener: Callable[[BoardsChanged], None]) -> Callable[[], None]:
        self.board_listeners.append(listener)
        return lambda: self.board_listeners.remove(listener)

    def boards_changed(self, change: BoardsChanged) -> None:
        for listener in list(self.board_listeners):
            listener(change)

    def become(self, state: EngineState, fault: Fault | None) -> None:
        self.info = replace(self.info, state=state, fault=fault)
        for listener in list(self.listeners):
            listener(self.info)


def mapped() -> list[BoardMapping]:
    """It fits one board and not the other."""
    fits = BoardMapping("AKD1000", "virtual", True, 78, 3, 1, (LayerPlace("head", 1),), (("program", 4096),), None)
    return [fits, BoardMapping("AKD1500", "virtual", True, 32, 0, 0, (), (), NO_FIT)]


@dataclass(frozen=True)
class FakeCare(BoardCare):
    """Adds and removes in memory; `bad` files are refused."""

    mapping: Callable[[], list[BoardMapping]] = mapped
    held: list[AddedRuntime] = field(default_factory=list)
    added: Callable[[], AddedRuntime | None] = lambda: None

    def inspect(self, wheel: Path) -> WheelFacts:
        if "bad" in wheel.name:
            raise WheelRefused(Fault("wheel-refused", "The file was not added. It is no wheel.", "Choose another."))
        return FACTS

    def add(self, wheel: Path, seen: WheelFacts) -> AddedRuntime:
        self.held.append(AddedRuntime(seen.version, seen.sha256, "2026-01-01", wheel.parent))
        return self.held[-1]

    def remove(self) -> bool:
        self.held.clear()
        return True
