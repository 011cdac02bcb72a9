"""Energy of one image from the energy of one view of it."""

from __future__ import annotations

from dataclasses import replace

from qana_desktop.engines.energy import ONE_VIEW
from qana_desktop.system.language import _
from qana_desktop.triage.measured import MeasuredValue


def energy_of_image(per_view: MeasuredValue, view_count: int) -> MeasuredValue:
    """Energy of one reading from that of one network input: all views belong to it."""
    views_text = "1 view" if view_count == 1 else f"{view_count} views"
    value = None if per_view.value is None else per_view.value * view_count
    return replace(
        per_view,
        value=value,
        scope=per_view.scope.replace(ONE_VIEW, _("one image, {views_text}").format(views_text=views_text)),
    )
