"""A small store of its own for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qana_desktop.store.store import Store
from tests.support.stores import Clock, new_store


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until the test moves it."""
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the test's store is."""
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    """An open, empty store; closed at the end."""
    made, _code = new_store(folder, clock=clock)
    yield made
    made.close()
