"""The tools of the image: compare, view, heat-map, ruler, a window of its own. Joined to one image pane.

The page that owns the pane says what is shown with `Shown`, puts `handlers` to its commands and calls `show_entry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QStackedWidget

from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.ui.presenters.adjustment import AS_TAKEN, Adjustment
from qana_desktop.ui.presenters.compare import Compared
from qana_desktop.ui.presenters.ruler import Ruler
from qana_desktop.ui.presenters.runner import Runner
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import Theme
from qana_desktop.ui.views.adjust import AdjustBar, AdjustedLayer
from qana_desktop.ui.views.canvas import ImageCanvas
from qana_desktop.ui.views.compare import ComparePane
from qana_desktop.ui.views.detached import ImageWindow, other_screen
from qana_desktop.ui.views.frame import ImagePane
from qana_desktop.ui.views.heat import HeatBar, HeatLayer
from qana_desktop.ui.views.ruler import RulerTool, ScaleBarLayer
from qana_desktop.ui.widgets.tool_bar import ToolRow

LANE = "image-tools"


@dataclass(frozen=True, eq=False)
class Shown:
    """One image that is shown, and what can be asked about it. What is not known is None or empty.

    `key` names it: another key is another image. `image` is for comparing, `others` are what it may be compared with,
    the best first. `explain` computes its heat-map and `scale` finds its millimetres per pixel, both in a worker; both
    may raise KnownError.
    """

    key: object
    image: Compared | None = None
    others: Callable[[], Sequence[Compared]] = tuple
    explain: Callable[[], Explanation | NoExplanation] | None = None
    scale: Callable[[], float | None] | None = None


class ImageTools(QObject):
    """All tools of one image pane."""

    def __init__(
        self, theme: Theme, runner: Runner, pane: ImagePane, stack: QStackedWidget, moving: Sequence[QAction] = ()
    ) -> None:
        super().__init__(pane)
        self._theme, self._runner, self._pane, self._stack = theme, runner, pane, stack
        self._shown: Shown | None = None
        self._moving = list(moving)
        self.window: ImageWindow | None = None
        self.canvas: ImageCanvas = pane.canvas
        self.compare = ComparePane(theme, runner)
        stack.addWidget(self.compare)
        self.adjust = AdjustBar(theme)
        self.heat_layer = HeatLayer()
        self.heat = HeatBar(theme, self.heat_layer)
        self.scale_bar = ScaleBarLayer(theme)
        self.ruler = RulerTool(theme, self.canvas, self._say_lengths, self.leave_ruler)
        self.ruler_bar = ToolRow(theme, tr("Ruler"), [])
        self.alone = ToolRow(
            theme,
            tr("Compare"),
            [],
            tr("There is no other image to compare with. Open an earlier image of this lesion, then press C."),
        )
        self.canvas.layers += [self.heat_layer, self.ruler, self.scale_bar, AdjustedLayer(theme)]
        self.compare.today.layers.append(AdjustedLayer(theme))
        self.compare.earlier.layers.append(AdjustedLayer(theme))
        for row in (self.adjust, self.heat, self.ruler_bar, self.alone):
            pane.add_row(row)
        self._connect()

    def _connect(self) -> None:
        self.adjust.adjusted.connect(self._adjusted)
        self.adjust.closed.connect(self.adjust.hide)
        self.heat.changed.connect(self._redraw)
        self.heat.closed.connect(self._leave_heat)
        self.alone.closed.connect(self.alone.hide)
        self.ruler_bar.closed.connect(self.leave_ruler)
        self.compare.closed.connect(self.leave_compare)

    # --- what the page says ---

    def show_entry(self, shown: Shown | None) -> None:
        """Another image is shown, or more is known of the same one: overlays and adjustments belong to one image."""
        before, self._shown = self._shown, shown
        same = shown is not None and before is not None and shown.key == before.key
        if not same:
            self._put_away()
        if shown is not None and shown.scale is not None and not (same and before is not None and before.scale):
            self._runner.run(LANE, shown.scale, lambda mm: self._scale_known(shown, mm))

    def _put_away(self) -> None:
        self.adjust.show_adjustment(AS_TAKEN)
        self._leave_heat()
        self.alone.hide()
        self.scale_bar.mm_per_pixel = None
        self.ruler.show(Ruler())
        if self._stack.currentWidget() is self.compare:
            self.leave_compare()

    def handlers(self) -> dict[Command, Callable[[], object]]:
        """Return what is done for the commands of the image, also while two are compared."""
        return {
            Command.FIT: lambda: self._each(ImageCanvas.fit),
            Command.ONE_TO_ONE: lambda: self._each(ImageCanvas.one_to_one),
            Command.ZOOM_IN: lambda: self._each(ImageCanvas.zoom_in),
            Command.ZOOM_OUT: lambda: self._each(ImageCanvas.zoom_out),
            Command.ROTATE: lambda: self._each(ImageCanvas.rotate),
            Command.COMPARE: self.toggle_compare,
            Command.ADJUST: lambda: self.adjust.setVisible(self.adjust.isHidden()),
            Command.AS_TAKEN: lambda: self.adjust.show_adjustment(AS_TAKEN),
            Command.HEAT_MAP: self.toggle_heat,
            Command.RULER: self.toggle_ruler,
            Command.WHOLE_IMAGE: lambda: self._open_window(whole=True),
            Command.IMAGE_WINDOW: lambda: self._open_window(whole=False),
        }

    def enabled(self) -> Mapping[Command, bool]:
        """Return which of them can be done now."""
        shown = self._shown is not None
        states = dict.fromkeys(self.handlers(), shown)
        states[Command.COMPARE] = self._shown is not None and self._shown.image is not None
        return states

    # --- compare ---

    def toggle_compare(self) -> None:
        """Compare this image with an earlier one, or no longer."""
        shown = self._shown
        if self._stack.currentWidget() is self.compare:
            self.leave_compare()
        elif shown is not None and shown.image is not None and (others := list(shown.others())):
            self._stack.setCurrentWidget(self.compare)
            self.compare.show_pair(shown.image, others)
        elif shown is not None and shown.image is not None:
            self.alone.show()

    def leave_compare(self) -> None:
        """Show the one image again."""
        self._stack.setCurrentWidget(self._pane)
        self.canvas.setFocus()

    def _each(self, do: Callable[[ImageCanvas], None]) -> None:
        if self._stack.currentWidget() is self.compare:
            self.compare.each(do)
        else:
            do(self.canvas)

    # --- view, heat-map, ruler ---

    def _adjusted(self, adjustment: Adjustment) -> None:
        for canvas in (self.canvas, self.compare.today, self.compare.earlier):
            canvas.adjust(adjustment)

    def toggle_heat(self) -> None:
        """Show where the answer came from, or no longer."""
        shown = self._shown
        if shown is None or not self.heat.isHidden():
            self._leave_heat()
            return
        self.heat.show()
        if shown.explain is None:
            self.heat.show_explanation(None)
            return
        self.heat.wait()

        def arrived(found: Explanation | NoExplanation) -> None:
            if self._shown is not None and self._shown.key == shown.key and not self.heat.isHidden():
                self.heat.show_explanation(found)

        self._runner.run(LANE, shown.explain, arrived, lambda fault: arrived(NoExplanation(fault)))

    def _leave_heat(self) -> None:
        self.heat.hide()
        self.heat_layer.image = None
        self._redraw()

    def toggle_ruler(self) -> None:
        """Measure, or no longer."""
        if self.canvas.tool is self.ruler:
            self.leave_ruler()
            return
        self.canvas.use_tool(self.ruler)
        self.ruler_bar.show()
        self._say_lengths()
        self.canvas.setFocus()

    def leave_ruler(self) -> None:
        """Put the ruler away, and its lines with it."""
        self.canvas.use_tool(None)
        self.ruler.show(self.ruler.ruler.cleared())
        self.ruler_bar.hide()

    def _scale_known(self, shown: Shown, mm_per_pixel: float | None) -> None:
        if self._shown is not None and self._shown.key == shown.key:
            self.scale_bar.mm_per_pixel = mm_per_pixel
            self.ruler.show(Ruler(mm_per_pixel, self.ruler.ruler.lines, self.ruler.ruler.begun))

    def _say_lengths(self) -> None:
        self.ruler_bar.sentence.say(self.ruler.ruler.sentence)

    def _redraw(self) -> None:
        self.canvas.update()
        if self.window is not None:
            self.window.canvas.update()

    # --- a window of its own ---

    def _open_window(self, *, whole: bool) -> None:
        """Open the image over the whole screen, or on another screen; close it when it is open like this already."""
        if self.window is None:
            self.window = ImageWindow(self._theme, self.canvas, self._pane.window(), self._moving)
        elif self.window.isVisible() and self.window.isFullScreen() == whole:
            self.window.close()
            return
        screens = QGuiApplication.screens()
        here = self._pane.screen()
        other = other_screen(self._pane, screens)
        self.window.show_on(here if whole or other is None else other, whole=whole or other is not None)
