"""Opening, reading and engines, decided without a window."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.sources import ImageSource
from qana_desktop.system.faults import Fault
from qana_desktop.triage.outcome import Assessed, CannotAssess, Reading
from qana_desktop.ui.presenters.batch import BatchPresenter
from qana_desktop.ui.presenters.engine import EnginePresenter, Health
from qana_desktop.ui.presenters.notices import Notice, Tone
from qana_desktop.ui.presenters.opening import OpeningPresenter, find
from qana_desktop.ui.presenters.worklist import Worklist
from tests.support.fake_desks import LOST, NOT_AN_IMAGE, FakeDeviceDesk, FakeTriageDesk, draw_lesion, outcome_by_name
from tests.support.inline_runner import InlineRunner, Screen


class Desk:
    """All presenters on small desks, as the window joins them."""

    def __init__(self) -> None:
        self.devices = FakeDeviceDesk()
        self.triage = FakeTriageDesk(self.devices)
        self.runner, self.screen, self.worklist = InlineRunner(), Screen(), Worklist()
        self.batch = BatchPresenter(self.worklist, self.runner, self.screen, lambda fault: self.engine.lost(fault))
        self.engine = EnginePresenter(
            self.runner,
            self.screen,
            lambda: len(self.worklist.unread_ids()),
            lambda: self.batch.running,
            self.batch.resume,
            self.batch.go_on,
            self.batch.leave,
        )
        self.opening = OpeningPresenter(
            self.worklist, self.runner, self.screen, lambda fresh: self.batch.enqueue([e.entry_id for e in fresh])
        )

    def attach(self) -> Desk:
        self.opening.attach(self.triage)
        self.batch.attach(self.triage)
        self.engine.attach(self.devices)
        return self

    def settle(self) -> None:
        self.runner.settle(lambda: not self.batch.running)


@pytest.fixture
def desk() -> Desk:
    return Desk().attach()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("a-m71.png", "b-m05.png", "c-blurred.png")):
        draw_lesion(tmp_path / name, seed=seed)
    return tmp_path


def test_a_folder_is_listed_and_read(desk: Desk, folder: Path) -> None:
    desk.opening.open_paths([folder])
    desk.settle()
    assert [entry.reading is not None for entry in desk.worklist.entries()] == [True] * 3
    assert desk.screen.batches[-1] is None
    assert next(batch.text for batch in desk.screen.batches if batch) == "Reading 1 of 3"


def test_what_is_brought_before_the_desks_are_there_waits_and_is_read_then(folder: Path) -> None:
    early = Desk()
    early.opening.open_paths([folder / "a-m71.png"])
    assert len(early.worklist) == 0
    early.attach()
    early.settle()
    assert early.worklist.entry(0).reading is not None


def test_one_bad_path_does_not_hide_the_good_ones(desk: Desk, folder: Path) -> None:
    desk.opening.open_paths([folder / "missing.jpg", folder / "b-m05.png"])
    desk.settle()
    assert len(desk.worklist) == 1
    notice = desk.screen.notices["refused"]
    assert notice.tone is Tone.WARNS
    assert "1 item could not be opened. 1 image was added." in notice.text
    desk.screen.answer("refused", "Show list")
    assert [refusal.label for refusal in desk.screen.refusals] == ["missing.jpg"]


def test_the_same_file_twice_is_told_and_not_read_twice(desk: Desk, folder: Path) -> None:
    desk.opening.open_paths([folder / "a-m71.png"])
    desk.settle()
    desk.opening.open_paths([folder / ".." / folder.name / "a-m71.png"])
    desk.settle()
    assert len(desk.triage.read_labels) == 1
    assert "already in the list" in desk.screen.notices["repeated"].text
    assert desk.screen.selected == [0]


def test_a_file_that_was_refused_is_read_again_when_it_is_opened_again(desk: Desk, folder: Path) -> None:
    mended = folder / "a-m71.png"
    desk.triage.outcome = lambda _name: CannotAssess(NOT_AN_IMAGE)
    desk.opening.open_paths([mended])
    desk.settle()
    desk.triage.outcome = outcome_by_name
    desk.opening.open_paths([mended])
    desk.settle()
    assert len(desk.worklist) == 1
    assert [type(reading.outcome) for reading in desk.worklist.entry(0).readings] == [CannotAssess, Assessed]
    assert "repeated" not in desk.screen.notices


def test_a_file_that_changed_under_its_name_is_read_again_when_it_is_opened_again(desk: Desk, folder: Path) -> None:
    retaken = folder / "a-m71.png"
    desk.opening.open_paths([retaken])
    desk.settle()
    draw_lesion(retaken, seed=99)
    os.utime(retaken, ns=(1, 1))
    desk.opening.open_paths([retaken])
    desk.settle()
    assert len(desk.worklist) == 1
    assert len(desk.worklist.entry(0).readings) == 2
    assert "repeated" not in desk.screen.notices


def test_an_image_left_unread_is_read_when_it_is_opened_again(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "a-m71"
    desk.opening.open_paths([folder / "a-m71.png"])
    desk.settle()
    desk.devices.restart()
    desk.batch.release()
    desk.opening.open_paths([folder / "a-m71.png"])
    desk.settle()
    assert desk.worklist.unread_ids() == []


def test_a_link_that_leads_to_itself_does_not_hide_the_other_files(desk: Desk, folder: Path) -> None:
    (folder / "loop.png").symlink_to(folder / "loop.png")
    found = find(desk.triage, [folder])
    assert len(found.sources) == 4
    assert found.refusals == []


def test_a_pasted_image_gets_a_number_and_is_read(desk: Desk, folder: Path) -> None:
    data = (folder / "a-m71.png").read_bytes()
    desk.opening.paste(lambda: data)
    desk.settle()
    assert desk.worklist.entry(0).title == "Pasted image 1"
    desk.opening.paste(lambda: data)
    assert "repeated" in desk.screen.notices


def test_cancel_leaves_the_rest_unread_and_they_can_be_resumed(desk: Desk, folder: Path) -> None:
    class CancelsAfterOne(FakeTriageDesk):
        def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
            desk.batch.cancel()
            return super().read(source, ignore_quality=ignore_quality)

    desk.batch.attach(CancelsAfterOne(desk.devices))
    desk.opening.open_paths([folder])
    desk.settle()
    assert len(desk.worklist.unread_ids()) == 2
    assert not any(entry.waiting for entry in desk.worklist.entries())
    desk.batch.attach(desk.triage)
    desk.batch.resume()
    desk.settle()
    assert desk.worklist.unread_ids() == []


def test_a_lost_engine_asks_and_reads_nothing_until_someone_decides(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    notice = desk.screen.notices["engine"]
    assert notice.tone is Tone.ASKS
    assert "2 images are unread" in notice.text
    assert [answer.label for answer in notice.answers] == ["Try again", "Choose another engine", "Leave unread"]
    draw_lesion(folder / "late.png", seed=9)
    desk.opening.open_paths([folder / "late.png"])
    desk.settle()
    assert len(desk.worklist.unread_ids()) == 3
    assert desk.devices.chosen == "onnx-cpu"


def test_try_again_restarts_the_same_engine_and_reads_the_rest(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    desk.screen.answer("engine", "Try again")
    desk.settle()
    assert desk.devices.restarts == 1
    assert desk.worklist.unread_ids() == []
    assert "engine" not in desk.screen.notices


def test_when_trying_again_fails_the_question_stands_again(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    desk.devices.refuses.add("onnx-cpu")
    desk.screen.answer("engine", "Try again")
    desk.settle()
    assert desk.screen.notices["engine"].tone is Tone.ASKS
    assert len(desk.worklist.unread_ids()) == 2


def test_another_engine_reads_the_rest_only_after_it_was_chosen(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    desk.screen.answer("engine", "Choose another engine")
    assert desk.screen.chooser_opened == 1
    assert len(desk.worklist.unread_ids()) == 2
    desk.engine.choose("second")
    desk.settle()
    engines = {e.reading.provenance.engine for e in desk.worklist.entries() if e.reading and e.reading.provenance}
    assert engines == {"onnx-cpu", "second"}
    assert desk.screen.chosen == ["second"]
    assert desk.worklist.unread_ids() == []


def test_leave_unread_closes_the_question_and_marks_stay(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    desk.screen.answer("engine", "Leave unread")
    assert "engine" not in desk.screen.notices
    assert len(desk.worklist.unread_ids()) == 2


def test_an_engine_lost_while_nothing_is_read_asks_too(desk: Desk) -> None:
    desk.devices.lose()
    desk.settle()
    assert "No image is affected" in desk.screen.notices["engine"].text
    assert desk.screen.engine is not None
    assert desk.screen.engine.health is Health.BROKEN


def test_an_engine_that_is_started_again_within_a_run_is_told_and_nothing_is_asked(desk: Desk, folder: Path) -> None:
    told: list[tuple[Tone, str]] = []

    class StopsOnce(FakeTriageDesk):
        stopped = False

        def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
            if not self.stopped:
                self.stopped = True
                desk.devices.lose()
                desk.runner.post(lambda: told.append((notice().tone, notice().text)))
                desk.devices.restart()
            return super().read(source, ignore_quality=ignore_quality)

    def notice() -> Notice:
        return desk.screen.notices["engine"]

    desk.batch.attach(StopsOnce(desk.devices))
    desk.opening.open_paths([folder])
    desk.settle()
    text = "The engine stopped. It is started again, tested, and asked for the same image once more."
    assert told == [(Tone.TELLS, text)]
    assert (notice().tone, notice().answers) == (Tone.TELLS, ())
    assert notice().text == "The engine stopped, was started again and works."


def test_a_run_goes_on_where_it_was_when_its_engine_comes_back_by_itself(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    draw_lesion(folder / "late.png", seed=9)
    desk.opening.open_paths([folder / "late.png"])
    assert len(desk.worklist.unread_ids()) == 3
    desk.devices.restart()
    desk.settle()
    notice = desk.screen.notices["engine"]
    assert (notice.tone, notice.answers) == (Tone.TELLS, ())
    assert notice.text == "The engine stopped, was started again and works. Reading goes on with 3 images."
    assert desk.worklist.unread_ids() == []
    assert len(desk.triage.read_labels) == len(set(desk.triage.read_labels)) == 4


def test_what_a_person_cancelled_is_not_read_when_the_engine_comes_back(desk: Desk, folder: Path) -> None:
    class CancelsAfterOne(FakeTriageDesk):
        def read(self, source: ImageSource, *, ignore_quality: bool = False) -> Reading:
            desk.batch.cancel()
            return super().read(source, ignore_quality=ignore_quality)

    desk.batch.attach(CancelsAfterOne(desk.devices))
    desk.opening.open_paths([folder])
    desk.settle()
    desk.devices.lose()
    desk.devices.restart()
    desk.settle()
    notice = desk.screen.notices["engine"]
    assert notice.text == "The engine stopped, was started again and works. 2 images are unread."
    assert len(desk.worklist.unread_ids()) == 2
    desk.batch.attach(desk.triage)
    desk.screen.answer("engine", "Read")
    desk.settle()
    assert desk.worklist.unread_ids() == []


def test_what_a_person_left_unread_stays_so_when_the_engine_comes_back(desk: Desk, folder: Path) -> None:
    desk.triage.lose_before = "b-m05"
    desk.opening.open_paths([folder])
    desk.settle()
    desk.screen.answer("engine", "Leave unread")
    desk.devices.restart()
    desk.settle()
    assert len(desk.worklist.unread_ids()) == 2


def test_all_engines_are_listed_broken_ones_with_reason_and_remedy(desk: Desk) -> None:
    desk.engine.probe()
    board = next(line for line in desk.screen.engines if line.engine_id == "akida-board:0")
    assert board.problem == "The akida package is not installed. Install it, then press Look again."
    assert not board.can_choose
    assert [line.engine_id for line in desk.screen.engines if line.can_choose] == ["second"]


def test_a_board_that_left_the_others_is_told_without_a_question(desk: Desk, folder: Path) -> None:
    why = Fault("device-lost", "A board does not answer; 1 of 2 go on.", "Check its cable.")
    desk.devices.worry(why)
    desk.opening.open_paths([folder])
    desk.settle()
    notice = desk.screen.notices["engine-member"]
    assert (notice.tone, notice.text) == (Tone.WARNS, "A board does not answer; 1 of 2 go on. Check its cable.")
    assert "engine" not in desk.screen.notices
    assert desk.worklist.unread_ids() == []
    desk.devices.restart()
    desk.settle()
    assert "engine-member" not in desk.screen.notices


def test_an_engine_that_refuses_keeps_the_old_choice_and_says_so(desk: Desk) -> None:
    desk.engine.probe()
    desk.devices.refuses.add("second")
    desk.engine.choose("second")
    assert desk.devices.chosen == "onnx-cpu"
    assert desk.screen.chosen == []
    assert "The engine was not changed" in desk.screen.notices["engine-choice"].text


def test_reading_anyway_adds_a_marked_reading(desk: Desk, folder: Path) -> None:
    desk.opening.open_paths([folder / "c-blurred.png"])
    desk.settle()
    desk.batch.read_anyway(0)
    desk.settle()
    entry = desk.worklist.entry(0)
    assert len(entry.readings) == 2
    assert isinstance(entry.reading.outcome, Assessed)
    assert entry.reading.outcome.ignored


def test_a_bug_in_the_desk_reaches_the_crash_record_and_images_stay_unread(desk: Desk, folder: Path) -> None:
    class Broken(FakeTriageDesk):
        def read_all(self, *args: object, **kwargs: object) -> None:
            raise ZeroDivisionError

    desk.batch.attach(Broken(desk.devices))
    desk.opening.open_paths([folder])
    desk.settle()
    assert [type(bug) for bug in desk.runner.bugs] == [ZeroDivisionError]
    assert len(desk.worklist.unread_ids()) == 3


def test_images_that_come_while_others_are_read_join_the_same_run(desk: Desk, folder: Path) -> None:
    late = draw_lesion(folder / "z-m60.png", seed=12)

    class BringsMore(FakeTriageDesk):
        brought = False

        def read_all(self, sources, *, on_reading, report, token: CancelToken, ignore_quality: bool = False) -> None:
            def more(progress: Progress) -> None:
                report(progress)
                if not self.brought:
                    self.brought = True
                    desk.runner.post(lambda: desk.opening.open_paths([late]))

            super().read_all(sources, on_reading=on_reading, report=more, token=token, ignore_quality=ignore_quality)

    desk.batch.attach(BringsMore(desk.devices))
    desk.opening.attach(desk.triage)
    desk.opening.open_paths([folder / "a-m71.png", folder / "b-m05.png"])
    desk.settle()
    assert desk.worklist.unread_ids() == []
    assert len(desk.worklist) == 3


def test_a_fault_that_is_no_engine_fault_is_asked_about_in_its_own_words(desk: Desk) -> None:
    desk.engine.lost(Fault("device-lost", "The cable is out.", "Put it in."))
    assert desk.screen.notices["engine"].text == "The cable is out. No image is affected. Put it in."
    assert LOST.message not in desk.screen.notices["engine"].text
