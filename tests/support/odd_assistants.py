"""Children behind an assistant that go wrong on order: the first pixel says how."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from qana_desktop.engines.second_reader import SecondAnswer, SecondReaderSession
from qana_desktop.network.bundle import open_bundle

DIE, DIE_ONCE, HANG, BUG, TEXT, NOT_A_NUMBER = 200, 201, 202, 203, 204, 205


def order(value: int, size: int) -> np.ndarray:
    """A batch of two views that makes the child do it."""
    return np.full((2, size, size, 3), value, np.uint8)


class OddReader:
    """Obeys batches of one colour; reads all others as it should."""

    def __init__(self, bundle: str) -> None:
        self._session = SecondReaderSession(open_bundle(Path(bundle)))
        self._mark = Path(bundle).parent / "died-once"

    def __call__(self, request: object) -> object:
        batch = np.asarray(request)
        if len(batch) == 2 and np.all(batch == batch.flat[0]):
            self._obey(int(batch.flat[0]))
            if batch.flat[0] == TEXT:
                return "benign"
            if batch.flat[0] == NOT_A_NUMBER:
                answer = self._session(request)
                return replace(answer, logits=np.full_like(answer.logits, np.nan))
        return self._session(request)

    def _obey(self, what: int) -> None:
        if what == DIE or (what == DIE_ONCE and not self._mark.exists()):
            self._mark.touch()
            os._exit(3)
        if what == HANG:
            threading.Event().wait()
        if what == BUG:
            raise RuntimeError("nobody foresaw this")


def serve_odd(bundle: str) -> OddReader:
    return OddReader(bundle)


class OffByOne:
    """A processor on which every logit comes out a little wrong."""

    def __init__(self, bundle: str) -> None:
        self._session = SecondReaderSession(open_bundle(Path(bundle)))

    def __call__(self, request: object) -> SecondAnswer:
        answer = self._session(request)
        return replace(answer, logits=answer.logits + np.float32(1.0))


def serve_off_by_one(bundle: str) -> OffByOne:
    return OffByOne(bundle)
