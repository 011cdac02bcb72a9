"""All lesions of a patient: the body map, and beside it the timeline of the one that is chosen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.triage.case import Case
from qana_desktop.triage.worklist import WorklistQuery, WorklistRow
from qana_desktop.ui.presenters.kept import hides_answer
from qana_desktop.ui.presenters.patient_map import mapped
from qana_desktop.ui.presenters.timeline import timeline
from qana_desktop.ui.store_session import StoreSession
from qana_desktop.ui.texts import tr
from qana_desktop.ui.theme.manager import TITLE, Theme
from qana_desktop.ui.views.sheets import Sheet
from qana_desktop.ui.widgets.body_map import BodyMap
from qana_desktop.ui.widgets.labels import TextLabel
from qana_desktop.ui.widgets.timeline import LesionTimeline

MOST_CASES = 2000


class PatientMap(Sheet):
    """`case_chosen` carries the encounter that a person wants to see."""

    case_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget, store: StoreSession, *, clinician_first: bool) -> None:
        super().__init__(theme, parent, tr("Body map"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._store, self._clinician_first = store, clinician_first
        self._newest: dict[str, str] = {}
        self._case_of_image: dict[str, str] = {}
        self._lesion = ""
        self.title = TextLabel(theme, TITLE, bold=True)
        self.map = BodyMap(theme, can_add=False)
        self.timeline = LesionTimeline(theme)
        self.go = QPushButton(tr("Open the newest case"))
        self.go.setAccessibleName(tr("Open the newest case"))
        self.go.setToolTip(tr("Open the newest case of the chosen lesion (Enter in the list)"))
        self.go.setEnabled(False)
        side = QVBoxLayout()
        side.setSpacing(2 * theme.unit)
        side.addWidget(self.timeline, 1)
        side.addWidget(self.go)
        row = QHBoxLayout()
        row.setSpacing(4 * theme.unit)
        row.addWidget(self.map, 3)
        row.addLayout(side, 1)
        self.body.addWidget(self.title)
        self.body.addLayout(row, 1)
        self.map.list.currentRowChanged.connect(lambda _row: self._chose())
        self.map.lesion_chosen.connect(self._open)
        self.go.clicked.connect(lambda: self._open(self._lesion))
        self.timeline.chosen.connect(self._open_image)

    def sizeHint(self) -> QSize:
        """Return room for the figure and two lists."""
        return QSize(260 * self._theme.unit, 160 * self._theme.unit)

    def show_patient(self, case: Case) -> None:
        """Show the lesions of a case's patient, with that case's lesion chosen."""
        patient, pseudonym, lesion = case.patient.entity, case.patient.value.pseudonym, case.lesion.entity
        self.title.say(pseudonym)

        def work(desk: CaseDesk) -> list[WorklistRow]:
            found = desk.worklist(WorklistQuery(text=pseudonym, limit=MOST_CASES))
            return [row for row in found if row.patient == patient]

        self._store.run(work, lambda rows: self._show(rows, lesion))

    def _show(self, rows: list[WorklistRow], lesion: str) -> None:
        lesions, self._newest = mapped(rows, clinician_first=self._clinician_first)
        self.map.show_lesions(lesions, lesion)
        self._chose()

    def _chose(self) -> None:
        lesion = self.map.chosen
        self.go.setEnabled(bool(lesion))
        if not lesion or lesion == self._lesion:
            return
        self._lesion = lesion
        self._store.run(lambda desk: desk.lesion_history(lesion), lambda cases: self._tell(lesion, cases))

    def _tell(self, lesion: str, cases: tuple[Case, ...]) -> None:
        if lesion != self._lesion:
            return
        self._case_of_image = {image.image.entity: case.encounter.entity for case in cases for image in case.images}
        user, first = self._store.user_id, self._clinician_first
        self.timeline.show_events(timeline(cases, lambda case: hides_answer(case, user, clinician_first=first)))

    def _open(self, lesion: str) -> None:
        if lesion in self._newest:
            self.case_chosen.emit(self._newest[lesion])
            self.close()

    def _open_image(self, image: str) -> None:
        if image in self._case_of_image:
            self.case_chosen.emit(self._case_of_image[image])
            self.close()
