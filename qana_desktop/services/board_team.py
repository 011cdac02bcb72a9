"""Several engines that a person chose to share a batch: each image goes to the next free one, and says which it was."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import DeviceBusy, DeviceLost, EngineError, EngineInfo, EngineTimeout, engine_error
from qana_desktop.engines.watch import BoardsChanged
from qana_desktop.services.device_desk import NO_ENGINE, Answer, DeviceDesk

_LOST = (DeviceLost, EngineTimeout, DeviceBusy)
"""Errors of a device. What is wrong with the image or the network is the same on all of them."""


class BoardTeam:
    """Infers on whichever of its desks is free. Safe between threads; `width` calls run at once.

    An engine that is lost leaves the team, and its image goes to another of it: a person chose them all. When none is
    left, the last one's error is raised. One engine alone is asked every time. `close` the desks yourself.
    """

    def __init__(self, desks: Sequence[DeviceDesk]) -> None:
        self._desks = tuple(desks)
        self._free = list(self._desks)
        self._in_use: list[DeviceDesk] = []
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """How many calls can run at once."""
        return len(self._desks)

    @property
    def desks(self) -> tuple[DeviceDesk, ...]:
        """The desks, in the order of the choice."""
        return self._desks

    def members(self) -> tuple[EngineInfo, ...]:
        """The engines with their live states, in the order of the choice."""
        return tuple(desk.current() for desk in self._desks)

    def replace(self, desks: Sequence[DeviceDesk]) -> tuple[DeviceDesk, ...]:
        """Make these the team; returns those that left it, once their last image is done. Images that wait go on."""
        with self._changed:
            left = tuple(desk for desk in self._desks if desk not in desks)
            self._desks = tuple(desks)
            self._free = [desk for desk in self._desks if desk not in self._in_use]
            self._changed.notify_all()
            self._changed.wait_for(lambda: not any(desk in left for desk in self._in_use))
        return left

    def infer(self, batch: npt.NDArray[np.uint8]) -> Answer:
        """Run a batch on the next free engine; raises EngineError when no engine of the team is left."""
        lost: EngineError | None = None
        while True:
            desk = self._take(lost)
            try:
                answer = desk.infer(batch)
            except _LOST as error:
                lost = error
                self._give_back(desk, usable=False)
                if self.width == 1:
                    raise
            except BaseException:
                self._give_back(desk, usable=True)
                raise
            else:
                self._give_back(desk, usable=True)
                return answer

    def boards_changed(self, change: BoardsChanged) -> None:
        """Tell every desk of boards that came or went; one whose board came back belongs to the team again."""
        for desk in self._desks:
            desk.boards_changed(change)
        self.welcome()

    def welcome(self) -> None:
        """Take engines that work again into the team again."""
        with self._changed:
            taken = (*self._free, *self._in_use)
            self._free += [desk for desk in self._desks if desk not in taken and desk.current().fault is None]
            self._changed.notify_all()

    def _take(self, lost: EngineError | None) -> DeviceDesk:
        with self._changed:
            while not self._free and self._in_use:
                self._changed.wait()
            if not self._free:
                raise lost or engine_error(self._desks[-1].current().fault or NO_ENGINE)
            self._in_use.append(self._free.pop(0))
            return self._in_use[-1]

    def _give_back(self, desk: DeviceDesk, *, usable: bool) -> None:
        """One that is lost stays out, but for one alone: it knows itself why it does not answer."""
        with self._changed:
            self._in_use.remove(desk)
            if desk in self._desks and (usable or self.width == 1):
                self._free.append(desk)
            self._changed.notify_all()
