"""The desk that reads images: file in, reading out, one by one or many with decoding and inference overlapped."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

import qana_desktop
from qana_desktop.intake.dicom_facts import DicomFacts
from qana_desktop.intake.refusals import FileRefused
from qana_desktop.network.preprocess import PREPROCESS_VERSION, views
from qana_desktop.services.device_desk import Answer
from qana_desktop.services.explaining import Explaining
from qana_desktop.services.find_images import find_images
from qana_desktop.services.image_energy import energy_of_image
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.second_opinion import SecondOpinion
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.clock import Clock
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_, _
from qana_desktop.triage.assess import assess, refusals_of
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.outcome import Assessed, CannotAssess, Latency, Provenance, Reading
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.quality import QualityReport

Item = TypeVar("Item")
Result = TypeVar("Result")

_NO_HEAT_MAP: Final = Fault(
    "no-heat-map",
    N_("Heat-maps are not available here."),
    N_("Judge the image without one."),
)
_AHEAD: Final = 4
"""Images decoded ahead of the one that is inferred: enough to overlap, few enough that memory does not grow."""


class PreparedImage(Protocol):
    """What the image reader makes of a file: the network's input (S, S, 3) uint8, quality verdict, times."""

    @property
    def network_input(self) -> npt.NDArray[np.uint8]: ...
    @property
    def quality(self) -> QualityReport: ...
    @property
    def sha256(self) -> str: ...
    @property
    def decode_ms(self) -> float: ...
    @property
    def preprocess_ms(self) -> float: ...


class ReadsImages(Protocol):
    """`intake.reader`: decodes untrusted files in a child. Any thread may call.

    All raise FileRefused for a bad image, and KnownError when no image can be read at all.
    """

    def prepare(self, source: Path | bytes, *, input_size: int) -> PreparedImage:
        """Decode, judge and preprocess one image for a network of `input_size` squared."""
        ...

    def display(self, source: Path | bytes, *, longest_side: int | None = None) -> npt.NDArray[np.uint8]:
        """Decode one image for the screen."""
        ...

    def facts(self, source: Path | bytes) -> DicomFacts | None:
        """Read what a DICOM file says of itself; None for other images."""
        ...


class Infers(Protocol):
    """The device desk, as far as a reading needs it."""

    def infer(self, batch: npt.NDArray[np.uint8]) -> Answer:
        """Run a batch on the chosen engine; raises EngineError."""
        ...


@dataclass(frozen=True)
class ActiveBundle:
    """What a reading needs to know of the bundle."""

    id: str
    path: Path
    input_size: int
    policy: ReadingPolicy


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A decoded image, or the reason why there is none; `took_ms` is the whole time that preparing took."""

    result: PreparedImage | CannotAssess
    took_ms: float


class TriageDesk:
    """Keeps `TriageDeskLike`."""

    def __init__(
        self,
        reader: ReadsImages,
        device: Infers,
        bundle: ActiveBundle,
        clock: Clock,
        host: str,
        *,
        second: SecondOpinion | None = None,
        explaining: Explaining | None = None,
    ) -> None:
        self._reader, self._device, self._bundle, self._clock, self._host = reader, device, bundle, clock, host
        self._second, self._explaining = second, explaining

    @property
    def policy(self) -> ReadingPolicy:
        """The reading policy of the active bundle."""
        return self._bundle.policy

    @property
    def bundle_id(self) -> str:
        """The active bundle's id."""
        return self._bundle.id

    @property
    def second_reader(self) -> str | None:
        """The name of the network that reads too where the first is uncertain; None where the bundle has none."""
        return None if self._second is None else self._second.name

    def use_second_reader(self, on: bool) -> None:
        """Switch the second reader on or off: a person's decision, kept in each reading that it concerns."""
        if self._second is not None:
            self._second.on = on

    def explain(self, source: ImageSource, reading: Reading) -> Explanation | NoExplanation:
        """Return where in the image the network saw what it answered, or why that cannot be shown.

        Takes up to seconds the first time: call from a worker.
        """
        if self._explaining is None:
            return NoExplanation(_NO_HEAT_MAP)
        return self._explaining.explain(source.content, reading)

    def find_images(self, paths: Iterable[Path]) -> list[ImageSource]:
        """Return the sources in files, folders and patterns; raises NothingToRead for a path with no image."""
        return find_images(paths)

    def display_image(self, source: ImageSource, *, longest_side: int | None = None) -> npt.NDArray[np.uint8]:
        """Return the decoded image for the screen (uint8 RGB, upright); raises KnownError."""
        return self._reader.display(source.content, longest_side=longest_side)

    def mm_per_pixel(self, source: ImageSource) -> float | None:
        """Return the scale that a DICOM file states, None for every other image: no scale is guessed."""
        facts = self._reader.facts(source.content)
        return None if facts is None else facts.mm_per_pixel

    def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
        """Read one image; a bad one comes back as `CannotAssess`. Raises EngineError when no engine answers."""
        return self._finish(source, self._prepare(source), ignore_quality=ignore_quality)

    def read_all(
        self,
        sources: Iterable[ImageSource],
        *,
        on_reading: Callable[[ImageSource, Reading], None],
        report: Callable[[Progress], None],
        token: CancelToken,
        ignore_quality: bool = False,
    ) -> None:
        """Read many in order, decoding the next images while the engine has the present one.

        Where the device is a team of engines, as many images are inferred at once; they come back in order. What was
        handed over stays valid when the batch ends early: by EngineError, by `Cancelled`, by a bug.
        """
        total = len(sources) if isinstance(sources, Sized) else None
        report(Progress(0, total, _("Reading images")))
        with self._prepared_ahead(sources) as stream:
            finished = self._finished(_until_cancelled(stream, token), ignore_quality=ignore_quality)
            with contextlib.closing(finished):
                for done, (source, reading) in enumerate(finished, start=1):
                    on_reading(source, reading)
                    report(Progress(done, total, _("Reading images")))

    def _finished(
        self, stream: Iterator[tuple[ImageSource, _Prepared]], *, ignore_quality: bool
    ) -> Generator[tuple[ImageSource, Reading], None, None]:
        """Readings in order; several at once where the device is a team."""

        def finish(item: tuple[ImageSource, _Prepared]) -> tuple[ImageSource, Reading]:
            return item[0], self._finish(*item, ignore_quality=ignore_quality)

        width = getattr(self._device, "width", 1)
        if width == 1:
            yield from map(finish, stream)
            return
        pool = ThreadPoolExecutor(max_workers=width, thread_name_prefix="infer")
        try:
            for _item, done in _window(pool, finish, stream, ahead=width):
                yield done
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    @contextmanager
    def _prepared_ahead(self, sources: Iterable[ImageSource]) -> Iterator[Iterator[tuple[ImageSource, _Prepared]]]:
        """Prepared images in the order of the sources, a few ahead; on leaving, what has not begun is dropped."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        try:
            yield _window(pool, self._prepare, iter(sources), ahead=_AHEAD)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, source: ImageSource) -> _Prepared:
        start = self._clock.ms()
        try:
            image = self._reader.prepare(source.content, input_size=self._bundle.input_size)
        except FileRefused as error:
            return _Prepared(CannotAssess(error.fault), self._clock.ms() - start)
        return _Prepared(image, self._clock.ms() - start)

    def _finish(self, source: ImageSource, prepared: _Prepared, *, ignore_quality: bool) -> Reading:
        image = prepared.result
        if isinstance(image, CannotAssess):
            return self._refused(source, image, Latency(None, None, None, prepared.took_ms))
        refusals = refusals_of(image.quality)
        if refusals and not ignore_quality:
            latency = Latency(image.decode_ms, image.preprocess_ms, None, prepared.took_ms)
            refused = self._refused(source, CannotAssess(refusals[0]), latency)
            return replace(refused, image_sha256=image.sha256, quality=image.quality)
        return self._inferred(source, image, prepared.took_ms, ignore_quality=ignore_quality)

    def _refused(self, source: ImageSource, outcome: CannotAssess, latency: Latency) -> Reading:
        """A reading for which no engine was asked."""
        return Reading(
            source=source.label,
            image_sha256=None,
            outcome=outcome,
            quality=None,
            logits=(),
            latency=latency,
            energy=None,
            provenance=None,
            when=self._clock.now(),
        )

    def _inferred(
        self, source: ImageSource, image: PreparedImage, prepared_ms: float, *, ignore_quality: bool
    ) -> Reading:
        start, policy = self._clock.ms(), self._bundle.policy
        batch = views(image.network_input, policy.views)
        turned = self._clock.ms()
        answer = self._device.infer(batch)
        answered = self._clock.ms()
        potentials, classes = answer.inference.potentials, len(policy.classes)
        logits = potentials[:, :classes]
        outcome = assess(logits, potentials[:, classes:], policy, quality=image.quality, ignore_quality=ignore_quality)
        second = None
        if self._second is not None and isinstance(outcome, Assessed):
            outcome, second = self._second.consult(source.content, image.sha256, outcome)
        return Reading(
            source=source.label,
            image_sha256=image.sha256,
            outcome=outcome,
            quality=image.quality,
            logits=tuple(tuple(int(value) for value in row) for row in logits),
            latency=Latency(
                decode=image.decode_ms,
                preprocess=image.preprocess_ms + (turned - start),
                inference=answered - turned,
                total=prepared_ms + (self._clock.ms() - start),
            ),
            energy=energy_of_image(answer.inference.energy, len(batch)),
            provenance=self._provenance(answer),
            when=self._clock.now(),
            second_reader=second,
        )

    def _provenance(self, answer: Answer) -> Provenance:
        return Provenance(
            bundle=self._bundle.id,
            engine=answer.engine.engine_id,
            runtime=answer.engine.runtime,
            host=self._host,
            preprocess=PREPROCESS_VERSION,
            program=qana_desktop.__version__,
        )


def _until_cancelled(
    stream: Iterator[tuple[ImageSource, _Prepared]], token: CancelToken
) -> Iterator[tuple[ImageSource, _Prepared]]:
    token.check()
    for item in stream:
        token.check()
        yield item


def _window(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterator[Item], *, ahead: int
) -> Iterator[tuple[Item, Result]]:
    """Keep `ahead` items under way, and give them out in order with what the work made of them."""
    waiting: deque[tuple[Item, Future[Result]]] = deque(
        (item, pool.submit(work, item)) for item in islice(items, ahead)
    )
    while waiting:
        item, future = waiting.popleft()
        result = future.result()
        waiting.extend((following, pool.submit(work, following)) for following in islice(items, 1))
        yield item, result
