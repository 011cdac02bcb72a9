"""docs/evaluation.md says what the runs measured, and nothing older."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: training tests need it")

from qana_desktop.training.studies.__main__ import current_page

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_active_bundle_and_the_latest_studies() -> None:
    written = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert written == current_page(ROOT / "models", ROOT / "docs" / "measurements"), (
        "docs/evaluation.md is out of date: run `python -m qana_desktop.training.studies page`."
    )
