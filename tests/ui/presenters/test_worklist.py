"""The worklist's order, counts, filter and search."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.services.sources import ImageSource
from qana_desktop.triage.outcome import CannotAssess
from qana_desktop.ui.presenters.entries import Group
from qana_desktop.ui.presenters.worklist import Worklist
from tests.support.fake_desks import BLURRED, assessed, reading_of


class Rows:
    """Follows a worklist by its messages alone, as Qt's model does."""

    def __init__(self, worklist: Worklist) -> None:
        self.ids: list[int] = []
        worklist.listen(self)

    def rows_inserted(self, row: int, entry_ids: Sequence[int]) -> None:
        self.ids[row:row] = entry_ids

    def row_moved(self, row: int, to: int) -> None:
        self.ids.insert(to, self.ids.pop(row))

    def row_removed(self, row: int) -> None:
        del self.ids[row]

    def rows_changed(self, first: int, last: int) -> None:
        assert 0 <= first <= last < len(self.ids)

    def rows_reset(self, entry_ids: Sequence[int]) -> None:
        self.ids = list(entry_ids)

    def counts_changed(self) -> None:
        pass


def sources(*labels: str) -> list[tuple[str, ImageSource]]:
    return [(label, ImageSource(label, data=label.encode())) for label in labels]


def labels(worklist: Worklist) -> list[str]:
    return [worklist.entry(entry_id).title for entry_id in worklist.visible_ids()]


def test_what_needs_a_person_most_stands_on_top() -> None:
    worklist = Worklist()
    worklist.add(sources("low", "blurred", "now", "unread", "review"))
    outcomes = {"low": assessed(0.05), "blurred": CannotAssess(BLURRED), "now": assessed(0.8), "review": assessed(0.3)}
    for label, outcome in outcomes.items():
        worklist.add_reading(worklist.id_of(ImageSource(label, data=label.encode())), reading_of(label, outcome))
    assert labels(worklist) == ["blurred", "now", "review", "unread", "low"]


def test_within_a_group_the_most_malignant_stands_first_and_then_the_longest_waiting() -> None:
    worklist = Worklist()
    worklist.add(sources("a", "b", "c", "d"))
    for entry_id, value in enumerate((0.6, 0.9, 0.6, 0.7)):
        worklist.add_reading(entry_id, reading_of(str(entry_id), assessed(value)))
    assert labels(worklist) == ["b", "d", "a", "c"]


def test_the_same_file_is_listed_once() -> None:
    worklist = Worklist()
    worklist.add(sources("a"))
    assert worklist.add(sources("a", "b")) == [worklist.entry(1)]
    assert len(worklist) == 2


def test_the_same_content_under_another_name_is_noticed_after_reading() -> None:
    worklist = Worklist()
    worklist.add(sources("first", "copy"))
    worklist.add_reading(0, reading_of("first", assessed(0.1), sha="f00"))
    worklist.add_reading(1, reading_of("copy", assessed(0.1), sha="f00"))
    assert worklist.entry(0).same_as is None
    assert worklist.entry(1).same_as == "first"


def test_a_later_reading_is_added_and_the_earlier_one_kept() -> None:
    worklist = Worklist()
    worklist.add(sources("a"))
    worklist.add_reading(0, reading_of("a", CannotAssess(BLURRED)))
    worklist.add_reading(0, reading_of("a", assessed(0.4)))
    assert len(worklist.entry(0).readings) == 2
    assert worklist.counts()[Group.CANNOT_ASSESS] == 0
    assert worklist.counts()[Group.REVIEW] == 1


def test_a_filter_shows_one_group_and_counts_stay_those_of_all() -> None:
    worklist = Worklist()
    worklist.add(sources("a", "b", "c"))
    worklist.add_reading(1, reading_of("b", assessed(0.9)))
    worklist.set_filter(Group.REVIEW_NOW)
    assert labels(worklist) == ["b"]
    assert worklist.counts()[Group.UNREAD] == 2
    assert worklist.row_of(0) is None


def test_search_finds_all_words_in_any_case() -> None:
    worklist = Worklist()
    worklist.add(sources("Back-Left 01", "back right 02", "arm 03"))
    worklist.set_search(" RIGHT back ")
    assert labels(worklist) == ["back right 02"]


OUTCOMES = st.one_of(
    st.just(CannotAssess(BLURRED)), st.floats(0, 1).map(assessed), st.sampled_from([0.3, 0.6]).map(assessed)
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 4)),
        st.tuples(st.just("read"), st.tuples(st.integers(0, 30), OUTCOMES)),
        st.tuples(st.just("filter"), st.sampled_from([None, *Group])),
        st.tuples(st.just("search"), st.sampled_from(["", "1", "image 2"])),
        st.tuples(st.just("wait"), st.integers(0, 30)),
    ),
    max_size=25,
)


@given(STEPS)
def test_rows_that_follow_the_messages_always_equal_the_list_sorted_anew(steps: list[tuple[str, object]]) -> None:
    worklist = Worklist()
    rows = Rows(worklist)
    added = 0
    for step, value in steps:
        if step == "add":
            worklist.add(sources(*(f"image {added + k}" for k in range(int(str(value))))))
            added += int(str(value))
        elif step == "filter":
            worklist.set_filter(value)
        elif step == "search":
            worklist.set_search(str(value))
        elif step == "wait" and added:
            worklist.set_waiting([value % added], waiting=True)
        elif step == "read" and added:
            number, outcome = value
            worklist.add_reading(number % added, reading_of(str(number), outcome))
        anew = sorted(
            (e.order for e in worklist.entries() if worklist.filter in (None, e.group)),
        )
        words = worklist.search.split()
        expected = [o[2] for o in anew if all(word in worklist.entry(o[2]).title for word in words)]
        assert rows.ids == worklist.visible_ids() == expected
        assert sum(worklist.counts().values()) == len(worklist)
