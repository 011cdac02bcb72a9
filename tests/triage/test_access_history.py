"""Who may do what, waiting after wrong passwords, locking, undo and redo as a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.access import AutoLock, Permission, Role, User, still_to_wait, wait_after
from qana_desktop.triage.history import Change, history_of


def test_whoever_manages_keys_and_users_signs_no_patients():
    admin = User("Ada", Role.ADMIN)
    assert admin.may(Permission.MANAGE)
    assert not admin.may(Permission.SIGN)


def test_a_viewer_only_looks_and_a_user_who_left_not_even_that():
    assert {p for p in Permission if User("Vera", Role.VIEWER).may(p)} == {Permission.SEE}
    assert not any(User("Vera", Role.ADMIN, active=False).may(p) for p in Permission)


def test_three_wrong_passwords_are_free_then_each_wait_doubles_up_to_a_quarter_of_an_hour():
    waits = [wait_after(failures) for failures in range(14)]
    assert waits[:6] == [0, 0, 0, 2, 4, 8]
    assert waits == sorted(waits)
    assert wait_after(10_000) == 900


@given(st.integers(3, 1000), st.floats(-1e9, -1e-3))
def test_setting_the_clock_back_does_not_shorten_the_wait(failures, seconds):
    assert still_to_wait(failures, seconds) == wait_after(failures)


def test_the_screen_locks_after_the_limit_and_moving_the_mouse_does_not_open_it():
    lock = AutoLock(limit=600, last_action=0)
    assert not lock.acted(599).checked(1198).locked
    assert lock.checked(600).locked
    assert lock.acted(601).acted(602).locked
    assert not lock.checked(600).unlocked(700).checked(1299).locked


class Editor:
    """An ordinary undo stack, as a model: the history must offer what it offers."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.done: list[Change] = []
        self.undone: list[Change] = []

    def do(self) -> None:
        self.done.append(self._add(None))
        self.undone.clear()

    def undo(self) -> None:
        if self.done:
            self.undone.append(self._add(self.done.pop().seq))

    def redo(self) -> None:
        if self.undone:
            self.done.append(self._add(self.undone.pop().seq))

    def _add(self, undoes: int | None) -> Change:
        self.changes.append(Change(len(self.changes) + 1, "change", undoes))
        return self.changes[-1]


@given(st.lists(st.sampled_from(["do", "undo", "redo"]), max_size=40))
def test_history_offers_what_an_undo_stack_would(deeds):
    editor = Editor()
    for deed in deeds:
        getattr(editor, deed)()
    history = history_of(editor.changes)
    assert list(history.undo) == editor.done
    assert list(history.redo) == editor.undone


@pytest.mark.parametrize("name", ["", " ", " Ada", "Ada "])
def test_a_user_has_a_name_without_spaces_around_it(name):
    with pytest.raises(ValueError, match="name"):
        User(name, Role.VIEWER)
