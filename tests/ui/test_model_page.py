"""The Model page on the shipped version and on broken ones: what is shown is what the bundle says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from qana_desktop.services.learning_homes import ModelHomes, find_homes
from qana_desktop.services.model_desk import ModelDesk, limits_of
from qana_desktop.ui.bridge import Bridge
from qana_desktop.ui.pages import PageContext
from qana_desktop.ui.presenters.model import fact_rows, history, tables, version_line
from qana_desktop.ui.settings import WindowSettings
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.views.model import Card, FactGrid, ModelPage
from qana_desktop.ui.views.performance import PanelView
from tests.support.signed_in import Notices
from tests.support.stage import at_size, make_theme, shortcomings


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bugs: list[BaseException] = []
    made = Bridge(bugs.append)
    yield made
    made.close()
    made.join(10)
    assert bugs == []


def opened(bridge: Bridge, qtbot: QtBot, tmp_path: Path, *, theme: str = "light") -> ModelPage:
    notices = Notices()
    context = PageContext(
        make_theme(theme), bridge, None, WindowSettings(tmp_path), notices, StoreSession(bridge, notices, None),
        lambda: None, lambda _command: None,
    )  # fmt: skip
    page = ModelPage(context)
    qtbot.addWidget(page)
    page.resize(1200, 900)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: page.idle and bridge.idle, timeout=30_000)
    return page


def test_the_version_in_use_is_shown_with_its_limits_cuts_and_card(
    bridge: Bridge, qtbot: QtBot, tmp_path: Path
) -> None:
    page = opened(bridge, qtbot, tmp_path)
    (facts, *_others) = page.versions
    assert facts.in_use
    assert facts.fault is None
    limits, card = page.findChildren(Card)
    assert "dark skin" in limits.toPlainText()
    assert "Model card" in card.toPlainText()
    assert page.findChildren(FactGrid)
    keys = [view.panel.key for view in page.findChildren(PanelView)]
    assert keys == ["cuts", "classes", "prevalence", "history"]
    assert "not a medical device" in page.use.text()


def test_every_figure_of_the_policy_is_there_with_its_interval() -> None:
    (facts, *_others) = ModelDesk(find_homes()).versions()
    assert facts.policy is not None
    cuts, classes, prevalence = tables(facts.policy)
    assert len(cuts.rows) == len(facts.policy.operating_points)
    assert all("n " in row[3] and " to " in row[3] for row in cuts.rows)
    assert len(classes.rows) == len(prevalence.rows) == len(facts.policy.classes)
    assert facts.policy.calibration.prevalence_name in prevalence.explains


def test_a_version_that_was_changed_is_listed_with_the_reason(tmp_path: Path) -> None:
    homes = find_homes()
    broken = tmp_path / "models" / homes.factory_id()
    shutil.copytree(homes.path_of(homes.factory_id()), broken)
    (broken / "MODEL_CARD.md").write_text("All is well.")
    (facts,) = ModelDesk(ModelHomes(homes.factory, tmp_path / "models")).versions()
    assert facts.fault is not None
    assert facts.fault.code == "bundle-changed"
    assert "cannot be used" in version_line(facts)
    assert fact_rows(facts) == ()
    assert tables(facts.policy) == ()
    assert "was changed after it was written" in str(history((facts,)).rows[0][4])


def test_limits_are_the_section_of_that_name() -> None:
    assert limits_of("# Card\n\n## Limits\n\n- One.\n\n## More\n\ntext") == "- One."
    assert limits_of("# Card\n\nno such section") == ""


@pytest.mark.usefixtures("font_kept")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [1.0, 2.0])
def test_every_control_can_be_used_by_everybody(
    bridge: Bridge, qtbot: QtBot, tmp_path: Path, theme: str, size: float
) -> None:
    page = opened(bridge, qtbot, tmp_path, theme=theme)
    at_size(page._theme, size)
    page.resize(round(1200 * size), 900)
    qtbot.waitUntil(lambda: shortcomings(page) == [], timeout=5000)
