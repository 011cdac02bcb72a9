"""Numbered steps from each database version to the next. A step that has been released is never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import sqlalchemy as sa

from qana_desktop.store.migrations import m0001_first, m0002_learning

Step: TypeAlias = Callable[[sa.Connection], None]

STEPS: Final[Mapping[int, Step]] = MappingProxyType({1: m0001_first.apply, 2: m0002_learning.apply})
"""The steps by the version that they lead to. Named here one by one, so that a frozen program finds them."""
