"""Which pages the window has, in the order of the rail. `pages` says how one is added."""

from __future__ import annotations

from qana_desktop.ui.pages import Page, PageContext, PageSpec
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr


def page_list() -> list[PageSpec]:
    """Return all pages, top first."""
    return [
        PageSpec(Command.TRIAGE, tr("Triage"), tr("Read images and see them in order of urgency"), "triage", _triage),
        PageSpec(Command.CASES, tr("Cases"), tr("The cases that are kept on this computer"), "cases", _cases),
        PageSpec(
            Command.LEARNING, tr("Learning"), tr("Let the network learn from proven cases"), "learning", _learning
        ),
        PageSpec(
            Command.PERFORMANCE,
            tr("Performance"),
            tr("What the network did here, counted from the cases"),
            "performance",
            _performance,
        ),
        PageSpec(Command.MODEL, tr("Model"), tr("The network that reads here, and its limits"), "model", _model),
    ]


def _triage(context: PageContext) -> Page:
    from qana_desktop.ui.views.triage import TriagePage

    return TriagePage(context)


def _cases(context: PageContext) -> Page:
    from qana_desktop.ui.views.cases import CasesPage

    return CasesPage(context)


def _learning(context: PageContext) -> Page:
    from qana_desktop.ui.views.learning import LearningPage

    return LearningPage(context)


def _performance(context: PageContext) -> Page:
    from qana_desktop.ui.views.performance import PerformancePage

    return PerformancePage(context)


def _model(context: PageContext) -> Page:
    from qana_desktop.ui.views.model import ModelPage

    return ModelPage(context)
