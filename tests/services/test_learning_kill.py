"""A process that is killed while it trains, judges, activates or rolls back leaves the version in use whole."""

from __future__ import annotations

import sys

import pytest

from tests.support.kill_learning import DEEDS, kill_at_every_step, prepare
from tests.support.learning_clinic import factory_models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return factory_models(tmp_path_factory.mktemp("models"))


@pytest.mark.skipif(sys.platform == "win32", reason="the process is forked, which Windows cannot")
@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed != "approve"])
def test_kill_9_at_every_step_leaves_what_was_or_what_was_to_be(tmp_path, models, deed):
    prepare(tmp_path / "clinic", models, deed)
    assert kill_at_every_step(tmp_path / "clinic", models, deed) >= 4
