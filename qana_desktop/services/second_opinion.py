"""Asks the second reader about images of which the first is uncertain; keeps what each said, or why one was silent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.second_reader import SecondAnswer
from qana_desktop.network.preprocess import views
from qana_desktop.network.second_reader import SecondReaderSpec
from qana_desktop.services.image_energy import energy_of_image
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.outcome import Assessed, SecondAsked, SecondSilent
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.second_reader import judge_second, read_together, uncertainty, without_second

SWITCHED_OFF: Final = "second-reader-off"
"""The code of the fault of a second reader that a person switched off."""

log = logging.getLogger(__name__)


class PreparedPixels(Protocol):
    """What the image reader makes of a file, as far as it matters here."""

    @property
    def network_input(self) -> npt.NDArray[np.uint8]: ...
    @property
    def sha256(self) -> str: ...


Prepare = Callable[[Path | bytes, int], PreparedPixels]
"""Decode an image to a square of so many pixels; raises KnownError."""


class ReadsSecond(Protocol):
    """`engines.second_reader.SecondReader`."""

    @property
    def spec(self) -> SecondReaderSpec:
        """What it is."""
        ...

    def start(self) -> None:
        """Be ready for the first image; raises EngineError."""
        ...

    def read(self, batch: npt.NDArray[np.uint8]) -> SecondAnswer:
        """Read the views of one image; raises EngineError."""
        ...


class SecondOpinion:
    """Keeps whether the second reader is asked, and asks it. Safe between threads.

    `reader` is None where the bundle's policy asks a second reader that its files do not hold.
    """

    def __init__(self, reader: ReadsSecond | None, prepare: Prepare, policy: ReadingPolicy, clock: Clock) -> None:
        self._reader, self._prepare, self._policy, self._clock = reader, prepare, policy, clock
        self.on = True
        """A person may switch it off; each reading keeps that it was."""
        self._expected = False

    @property
    def name(self) -> str | None:
        """What the second reader is called, None where the bundle has none."""
        return None if self._policy.second_reader is None or self._reader is None else self._reader.spec.name

    def consult(
        self, source: Path | bytes, sha256: str, first: Assessed
    ) -> tuple[Assessed, SecondAsked | SecondSilent | None]:
        """Return the outcome of an image that the first reader answered, and what the second had to do with it.

        An image whose second reader failed is never of low concern.
        """
        rule = self._policy.second_reader
        if rule is None:
            return first, None
        doubt = uncertainty(first)
        if doubt <= rule.ask_above:
            self._expect()
            return first, None
        if not self.on:
            return first, SecondSilent(doubt, rule.ask_above, _switched_off())
        if self._reader is None:
            return without_second(first), SecondSilent(doubt, rule.ask_above, _missing())
        start = self._clock.ms()
        try:
            answer = self._read(self._reader, source, sha256)
        except KnownError as error:
            log.info("the second reader could not be asked: %s", error.fault.code)
            return without_second(first), SecondSilent(doubt, rule.ask_above, could_not(error.fault))
        second = judge_second(answer.logits.astype(np.float64), self._policy, rule)
        asked = SecondAsked(
            uncertainty=doubt,
            limit=rule.ask_above,
            reader=self._reader.spec.name,
            runtime=answer.runtime,
            logits=tuple(tuple(float(value) for value in row) for row in answer.logits),
            first=first,
            second=second,
            latency_ms=self._clock.ms() - start,
            energy=energy_of_image(answer.energy, len(answer.logits)),
        )
        return read_together(first, second, self._policy, rule), asked

    def _expect(self) -> None:
        """Images are being read, so one may be passed on soon: let the second reader start beside them, once."""
        if self._reader is None or not self.on or self._expected:
            return
        self._expected = True
        threading.Thread(target=_started, args=(self._reader,), name="second-reader-start", daemon=True).start()

    def _read(self, reader: ReadsSecond, source: Path | bytes, sha256: str) -> SecondAnswer:
        image = self._prepare(source, reader.spec.input_size)
        if image.sha256 != sha256:
            raise KnownError(file_changed())
        return reader.read(views(image.network_input, reader.spec.views))


def _started(reader: ReadsSecond) -> None:
    """Start it; what goes wrong is said by the first image that needs it."""
    with suppress(KnownError):
        reader.start()


def could_not(cause: Fault) -> Fault:
    """The fault of a second reader that failed: what it means for this image, and the cause."""
    return Fault(
        "second-reader-failed",
        _("The network was uncertain, and the second reader could not be asked: {cause}").format(cause=cause.message),
        _("Have a person read this image. {remedy}").format(remedy=cause.remedy),
    )


def file_changed() -> Fault:
    """The file is no longer the one that was read."""
    return Fault(
        "file-changed",
        _("The file was changed after it was read."),
        _("Read the image again."),
    )


def _switched_off() -> Fault:
    return Fault(
        SWITCHED_OFF,
        _("The network was uncertain, and the second reader is switched off."),
        _("Switch it on to have such images read by a second, larger network."),
    )


def _missing() -> Fault:
    return Fault(
        "second-reader-missing",
        _("The network was uncertain, and this version of it comes without the second reader that it should ask."),
        _("Have a person read this image; install the version of the network again."),
    )
