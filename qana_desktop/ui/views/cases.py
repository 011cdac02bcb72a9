"""The Cases page: the way into the store, then its worklist, the image of the open case, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from qana_desktop.services.queues import RE_READ, take_out
from qana_desktop.services.sources import ImageSource
from qana_desktop.services.store_state import StoreState
from qana_desktop.system.faults import Fault
from qana_desktop.triage.access import Permission
from qana_desktop.triage.case import FiledImage
from qana_desktop.triage.explanation import Explanation, NoExplanation
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.ui.desks import Desks
from qana_desktop.ui.dialogs import open_sheet
from qana_desktop.ui.models.cases import CasesModel
from qana_desktop.ui.pages import Page, PageContext
from qana_desktop.ui.pictures import Picture, to_picture
from qana_desktop.ui.presenters.compare import Compared
from qana_desktop.ui.presenters.kept import OpenCase, backup_line, day_of, hides_answer, opinions_by
from qana_desktop.ui.presenters.timeline import written_day
from qana_desktop.ui.settings import AnswerOrder
from qana_desktop.ui.shortcuts import Command
from qana_desktop.ui.soon import Soon
from qana_desktop.ui.texts import tr
from qana_desktop.ui.views.case_list import CaseList
from qana_desktop.ui.views.case_panel import CasePanel
from qana_desktop.ui.views.frame import ImagePane
from qana_desktop.ui.views.gate import StoreGate
from qana_desktop.ui.views.image_tools import ImageTools, Shown
from qana_desktop.ui.widgets.forms import named

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qana_desktop.services.case_desk import CaseDesk

PAUSE_MS = 120
"""How long a case must stay selected before it is opened: opening is on record."""

STATEMENT = "I have looked at the images and answer for this case as it stands."


class CasesPage(Page):
    """Cases of the store, for the person who is signed in."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context, self._theme, self._store = context, context.theme, context.store
        self._desks: Desks | None = None
        self._wanted = ""
        self._opened: OpenCase | None = None
        self._shown: FiledImage | None = None
        self._loading = ""
        self._soon = Soon(PAUSE_MS, self)
        self._soon.due.connect(self._open)
        self.model = CasesModel(self._store, self)
        self.gate = StoreGate(self._theme, self._store, lambda: context.go(Command.TRIAGE))
        self.list = CaseList(self._theme, self.model, context.settings, self._clinician_first)
        self.image = ImagePane(self._theme, context.actions)
        self.panel = CasePanel(self._theme, self._store, self._reload)
        self._lay_out()
        self.list.selected.connect(self._selected)
        self.list.back_up.clicked.connect(context.actions[Command.BACK_UP].trigger)
        self.model.arrived.connect(self._rows_arrived)
        self.panel.sign_pressed.connect(self.sign)
        self.panel.report_pressed.connect(self.show_report)
        self._store.stored.connect(self._refresh)
        self._was = StoreState.NONE
        self.panel.forget()

    def attach(self, desks: Desks) -> None:
        """Decode images with these desks."""
        self._desks = desks

    def entered(self) -> None:
        """Show the step that comes next, or the cases."""
        self._context.notices.drop_notice("kept")
        self.store_changed()
        if self._was is not StoreState.OPEN:
            self.gate.focus()

    def store_changed(self) -> None:
        """Show the way in, or the cases as soon as someone is signed in."""
        state = self._store.state
        self.gate.refresh()
        is_open = state is StoreState.OPEN and not self.gate.showing_code
        self.body.setCurrentWidget(self.splitter if is_open else self.gate)
        if is_open and self._was is not StoreState.OPEN:
            self.list.start()
            self._show_backup()
        elif not is_open and self._was is StoreState.OPEN and state is not StoreState.LOCKED:
            self.forget()
        self._was = StoreState.OPEN if is_open or state is StoreState.LOCKED else state
        self.commands_changed.emit()

    def forget(self) -> None:
        """Hold nothing of the store."""
        self._wanted, self._opened, self._shown = "", None, None
        self.model.forget()
        self.panel.forget()
        self.tools.show_entry(None)
        self.image.canvas.show_picture(None, "", "")
        self.image.caption.say("")

    @property
    def idle(self) -> bool:
        """Whether list and case are as they were asked for."""
        return not (self._soon.waits or self.model.busy or self.list.waits)

    # --- building ---

    def _lay_out(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.strip = QWidget()
        self.strip.setObjectName("canvasBar")
        self.strip.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._strip = QHBoxLayout(self.strip)
        self._strip.addStretch(1)
        self.images = QStackedWidget()
        self.images.addWidget(self.image)
        actions = self._context.actions
        moving = (actions[Command.NEXT], actions[Command.PREVIOUS])
        self.tools = ImageTools(self._theme, self._context.bridge, self.image, self.images, moving)
        column.addWidget(self.images, 1)
        column.addWidget(self.strip)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for panel in (self.list, middle, self.panel):
            self.splitter.addWidget(panel)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.body = QStackedWidget()
        self.body.addWidget(self.gate)
        self.body.addWidget(self.splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.body)

    def handlers(self) -> Mapping[Command, Callable[[], object]]:
        """Return what is done for the keys of this page."""
        return {
            **self.tools.handlers(),
            Command.NEXT: lambda: self.list.step(1),
            Command.PREVIOUS: lambda: self.list.step(-1),
            Command.SEARCH: self._search,
            Command.CANCEL: self._cancel,
            Command.SIGN: self.sign,
            Command.REPORT: self.show_report,
            Command.BODY_MAP: self.show_body_map,
            Command.WORKLIST: lambda: self.list.setVisible(self.list.isHidden()),
            Command.READING: lambda: self.panel.setVisible(self.panel.isHidden()),
        }

    def enabled(self) -> Mapping[Command, bool]:
        """Return which commands can be done now."""
        is_open = self._store.state is StoreState.OPEN
        states = dict.fromkeys(self.handlers(), is_open)
        states |= {command: is_open and can for command, can in self.tools.enabled().items()}
        states[Command.BODY_MAP] = is_open and self._opened is not None
        states[Command.REPORT] = is_open and self._opened is not None
        states[Command.SIGN] = is_open and self._opened is not None and self._store.can_save(Permission.SIGN)
        return states

    # --- what a person does ---

    def sign(self) -> None:
        """Save what stands in the form, then answer for the case."""
        opened = self._opened
        if opened is None or not self._store.can_save(Permission.SIGN):
            return
        unsaved = self.panel.assessment.changed and not opened.case.second_readings
        if unsaved or self._store.user_id not in opinions_by(opened.case):
            self.panel.show_tab(1)
            self.panel.assessment.save_then(self._sign_now)
        else:
            self._sign_now()

    def show_report(self) -> None:
        """Show the report of the open case."""
        if self._opened is not None:
            from qana_desktop.ui.views.report import show_report

            encounter = self._opened.case.encounter.entity
            show_report(self.window(), self._theme, self._context.bridge, self._store, encounter)

    def show_body_map(self) -> None:
        """Show all lesions of the open case's patient; a case may be opened from there."""
        if self._opened is not None:
            from qana_desktop.ui.views.patient_map import PatientMap

            sheet = PatientMap(self._theme, self.window(), self._store, clinician_first=self._clinician_first())
            sheet.case_chosen.connect(self._open_other)
            sheet.show_patient(self._opened.case)
            open_sheet(sheet)

    def _open_other(self, encounter: str) -> None:
        self.list.mark(encounter)
        self._selected(encounter)

    def _sign_now(self) -> None:
        opened = self._opened
        if opened is None:
            return
        case, encounter = opened.case, opened.case.encounter.entity

        def work(desk: CaseDesk) -> None:
            take_out(desk, desk.open_case(encounter), RE_READ)
            desk.sign_off(encounter, tr(STATEMENT))

        self._store.run(work, lambda _done: self._reload(case.encounter.entity), stores=True)

    def _search(self) -> None:
        self.list.show()
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def _cancel(self) -> None:
        self.list.search.clear()
        self.list.list.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- showing ---

    def _clinician_first(self) -> bool:
        return self._context.settings.answer_order is AnswerOrder.CLINICIAN_FIRST

    def _selected(self, encounter: str) -> None:
        self._wanted = encounter
        self._soon.ask()

    def _rows_arrived(self) -> None:
        """Mark the open case again; with none open, the first is opened."""
        if self._wanted:
            self.list.mark(self._wanted)
        elif (first := self.model.row(0) if self.model.rowCount() else None) is not None:
            self._selected(first.encounter)
            self.list.mark(first.encounter)
        self.list.list.viewport().update()

    def _refresh(self) -> None:
        if self._store.state is StoreState.OPEN:
            self.model.reload()
            self._show_backup()

    def _open(self) -> None:
        if self._wanted:
            self._reload(self._wanted)

    def _reload(self, encounter: str) -> None:
        """Open a case, or show it as it is now."""
        self._loading = encounter

        def work(desk: CaseDesk) -> OpenCase:
            case = desk.open_case(encounter)
            return OpenCase(case, desk.lesion_history(case.lesion.entity), desk.people())

        self._store.run(work, lambda opened: self._show(encounter, opened), lambda fault: self._gone(encounter, fault))

    def _gone(self, encounter: str, fault: Fault) -> None:
        if encounter == self._loading and fault.code == "record-missing":
            self._wanted, self._opened, self._shown = "", None, None
            self.panel.forget()
            self.tools.show_entry(None)
            self.image.canvas.show_picture(None, "", fault.sentence())
        elif fault.code not in {"screen-locked", "not-signed-in"}:
            self._store.tell(fault)

    def _show(self, encounter: str, opened: OpenCase) -> None:
        if encounter != self._loading:
            return
        same = self._shown.image.entity if self._shown is not None else ""
        self._opened = opened
        images = [image for case in reversed(opened.history) for image in case.images]
        here = list(opened.case.images)
        self._fill_strip(images)
        again = next((image for image in images if image.image.entity == same), None)
        self._show_image(again or (here[0] if here else None), reload=again is None)

    def _show_image(self, image: FiledImage | None, *, reload: bool = True) -> None:
        opened = self._opened
        if opened is None:
            return
        self._shown = image
        hidden = hides_answer(opened.case, self._store.user_id, clinician_first=self._clinician_first())
        self.panel.show_case(opened, image, self._policy(image), hidden=hidden)
        self.tools.show_entry(None if image is None else self._for_tools(opened, image, hidden=hidden))
        if reload:
            self._fetch(image)
        self.commands_changed.emit()

    def _for_tools(self, opened: OpenCase, image: FiledImage, *, hidden: bool) -> Shown:
        """What the tools of the image may ask: it is compared with the other images of its lesion, newest first."""
        images = [one for case in reversed(opened.history) for one in case.images]
        others = [one for one in images if one.image.entity != image.image.entity]
        key = (image.image.entity, hidden, len(images))
        today = self._compared(image, hidden=hidden)
        if today is None:
            return Shown(key)

        def compared() -> list[Compared]:
            found = (self._compared(one, hidden=hidden) for one in others)
            return [one for one in found if one is not None]

        explain = None if hidden else self._explain(image)
        return Shown(key, today, compared, explain, lambda: image.image.value.facts.mm_per_pixel)

    def _explain(self, image: FiledImage) -> Callable[[], Explanation | NoExplanation] | None:
        """How to compute the heat-map of the last reading; None where nothing was read."""
        desks, clinic = self._desks, self._store.clinic
        if desks is None or clinic is None or not image.readings:
            return None
        sha256, reading = image.image.value.sha256, image.readings[-1].value
        return lambda: desks.triage.explain(ImageSource("case", data=clinic.desk.image(sha256)), reading)

    def _compared(self, image: FiledImage, *, hidden: bool) -> Compared | None:
        desks, clinic = self._desks, self._store.clinic
        if desks is None or clinic is None:
            return None
        sha256 = image.image.value.sha256
        reading = image.readings[-1].value if image.readings and not hidden else None

        def load() -> npt.NDArray[np.uint8]:
            return desks.triage.display_image(ImageSource("case", data=clinic.desk.image(sha256)))

        facts = image.image.value.facts
        taken = facts.captured_at or image.image.at
        return Compared(self.panel.title.text(), written_day(taken), load, reading, facts.mm_per_pixel, taken)

    def _policy(self, image: FiledImage | None) -> ReadingPolicy | None:
        """The cuts of the bundle that read the image; those of another bundle would mislead."""
        desks, readings = self._desks, image.readings if image is not None else ()
        source = readings[-1].value.provenance if readings else None
        if desks is None or source is None or source.bundle != desks.triage.bundle_id:
            return None
        return desks.triage.policy

    def _fetch(self, image: FiledImage | None) -> None:
        desks = self._desks
        if image is None or desks is None:
            self.image.canvas.show_picture(None, "", tr("This case has no image."))
            return
        sha256, encounter = image.image.value.sha256, self._loading
        self.image.caption.say(day_of(image.image.at), sha256)
        self.image.canvas.show_picture(None, "", "")

        def work(desk: CaseDesk) -> Picture:
            data = desk.image(sha256)
            return to_picture(desks.triage.display_image(ImageSource("case", data=data)))

        def show(found: Picture | Fault) -> None:
            if self._shown is not None and self._shown.image.value.sha256 == sha256 and encounter == self._loading:
                message = found.sentence() if isinstance(found, Fault) else ""
                title = self.panel.title.text()
                self.image.canvas.show_picture(found if isinstance(found, Picture) else None, title, message)

        self._store.run(work, show, show, lane="pictures")

    def _fill_strip(self, images: list[FiledImage]) -> None:
        while self._strip.count() > 1:
            item = self._strip.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.strip.setVisible(len(images) > 1)
        for number, image in enumerate(images if len(images) > 1 else []):
            chip = QToolButton()
            chip.setText(day_of(image.image.at)[:10] if number else tr("Newest"))
            named(chip, tr("Image of {day}", day=day_of(image.image.at)), tr("Show this image of the lesion"))
            chip.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            chip.clicked.connect(lambda _on, one=image: self._show_image(one))
            self._strip.insertWidget(number, chip)

    def _show_backup(self) -> None:
        def show(age: timedelta | None) -> None:
            text, good = backup_line(age)
            self.list.backup.say(("● " if good else "▲ ") + text)

        self._store.run(lambda desk: desk.backup_age(), show)
