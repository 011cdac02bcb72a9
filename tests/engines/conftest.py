"""Engines for the tests of engines: a small real bundle, and hosts that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.contract import EngineInfo, EngineState
from qana_desktop.engines.host import EngineHost, Limits
from qana_desktop.network.bundle import Bundle, open_bundle
from tests.support.bundles import small_bundle

QUICK = Limits(call_s=30.0, image_s=1.0)
HASTY = Limits(call_s=1.0, image_s=0.0)
"""So that a test of a hang takes a moment. Self-tests have the time of a start."""


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a small random network; read-only, shared by all tests."""
    return small_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def bundle(bundle_path: Path) -> Bundle:
    return open_bundle(bundle_path)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., EngineHost]]:
    """Make hosts that are closed when the test ends; the bundle is the test's own, so that children may mark it."""
    hosts: list[EngineHost] = []
    own = small_bundle(tmp_path / "models")

    def make(adapter: str = "OddAdapter", *, limits: Limits = QUICK, bundle: Path = own) -> EngineHost:
        info = EngineInfo("odd", "Odd engine", "", "", EngineState.UNAVAILABLE)
        host = EngineHost(info, f"tests.support.odd_engines:{adapter}", open_bundle(bundle), limits)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.close()
