"""Looks at images for learning: prepares files and reads integer features with any version of the network."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import EngineInfo, Inference
from qana_desktop.network.preprocess import views
from qana_desktop.services.learning_pictures import turned_hashes
from qana_desktop.services.triage_desk import ReadsImages
from qana_desktop.triage.quality import QualityReport

UInt8Image = npt.NDArray[np.uint8]
ENGINE: Final = "onnx-cpu"
"""The engine that is always there; every engine gives the same integers."""


class OpenEngine(Protocol):
    """An engine that was opened with a bundle, and tested."""

    @property
    def info(self) -> EngineInfo: ...
    def infer(self, batch: UInt8Image) -> Inference: ...
    def close(self) -> None: ...


class EngineShelf(Protocol):
    """All engines of this machine (`engines.registry`)."""

    def probe(self) -> list[EngineInfo]:
        """List the engines, broken ones with their fault."""
        ...

    def open(self, engine_id: str, bundle: Path) -> OpenEngine:
        """Start and self-test one engine; raises EngineError."""
        ...


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image before the network: its input (S, S, 3) uint8, its quality, the file's hash, its perceptual hashes."""

    network_input: UInt8Image
    quality: QualityReport
    sha256: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network says of one image: logits (views, C) int32 and features (views, F) uint8."""

    logits: npt.NDArray[np.int32]
    features: npt.NDArray[np.uint8]


class Eye:
    """Prepares and reads images. Keeps one engine open between calls; `close` ends it. Any thread may call."""

    def __init__(self, reader: ReadsImages, shelf: EngineShelf, *, engine: str = ENGINE) -> None:
        self._reader, self.shelf, self._engine = reader, shelf, engine
        self._turn = threading.Lock()
        self._open: tuple[Path, OpenEngine] | None = None

    def prepare(self, content: Path | bytes, *, input_size: int) -> Prepared:
        """Decode and measure one image; raises FileRefused."""
        found = self._reader.prepare(content, input_size=input_size)
        return Prepared(found.network_input, found.quality, found.sha256, turned_hashes(found.network_input))

    def read(
        self,
        bundle: Path,
        image: UInt8Image,
        *,
        classes: int,
        named_views: tuple[str, ...],
    ) -> Seen:
        """Read one network input (S, S, 3) with the network of `bundle`; raises EngineError."""
        with self._turn:
            potentials = self._engine_of(bundle).infer(views(image, named_views)).potentials
        return Seen(potentials[:, :classes], potentials[:, classes:].astype(np.uint8))

    def close(self) -> None:
        """End the engine. Safe to call twice; a later read starts one again."""
        with self._turn:
            self._forget()

    def _engine_of(self, bundle: Path) -> OpenEngine:
        if self._open is None or self._open[0] != bundle:
            self._forget()
            self._open = bundle, self.shelf.open(self._engine, bundle)
        return self._open[1]

    def _forget(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None
