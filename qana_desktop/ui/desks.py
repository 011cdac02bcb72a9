"""What the window is joined to once it has been painted: the desks, and how to end them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qana_desktop.system.faults import Fault

if TYPE_CHECKING:
    from qana_desktop.services.contract import DeviceDeskLike, TriageDeskLike


@dataclass(frozen=True)
class Desks:
    """The services of one run.

    `demo` writes demonstration images and returns their folder; `close` ends all children. `engine_fault` says why the
    engine that was asked for did not start (there is none now), `passed_over` why others were not taken.
    """

    triage: TriageDeskLike
    devices: DeviceDeskLike
    demo: Callable[[], Path]
    close: Callable[[], None]
    engine_fault: Fault | None = None
    passed_over: tuple[Fault, ...] = ()
