"""The audit chain: whatever is done to its rows without the key is found."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.audit import AuditEvent, AuditRow, ChainVerdict, Head, check_chain, genesis, seal

KEY = bytes(range(32))
STORE = "store-1"
EVENTS = st.builds(AuditEvent, **{field.name: st.text(max_size=8) for field in fields(AuditEvent)})


def chain(events: list[AuditEvent], key: bytes = KEY) -> list[AuditRow]:
    rows, previous = [], genesis(key, STORE)
    for seq, event in enumerate(events, 1):
        previous = seal(key, previous, seq, event)
        rows.append(AuditRow(seq, event, previous))
    return rows


def head_of(rows: list[AuditRow]) -> Head:
    return Head(rows[-1].seq, rows[-1].mac)


def check(rows: list[AuditRow], *witnesses: Head) -> ChainVerdict:
    return check_chain(KEY, STORE, rows, witnesses)


@given(st.lists(EVENTS, max_size=8))
def test_an_untouched_chain_holds_and_ends_at_its_last_row(events):
    rows = chain(events)
    verdict = check(rows)
    assert not verdict.breaks
    assert verdict.head == (head_of(rows) if rows else Head(0, genesis(KEY, STORE)))


@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_one_changed_field_is_one_break_at_that_row(events, data):
    rows = chain(events)
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(AuditEvent)]))
    changed = replace(rows[place].event, **{name: getattr(rows[place].event, name) + "x"})
    rows[place] = replace(rows[place], event=changed)
    assert [found.seq for found in check(rows).breaks] == [place + 1]


@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_one_flipped_bit_of_a_seal_is_found(events, data):
    rows = chain(events)
    place = data.draw(st.integers(0, len(rows) - 1))
    mac = bytearray(rows[place].mac)
    mac[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    rows[place] = replace(rows[place], mac=bytes(mac))
    assert place + 1 in {found.seq for found in check(rows).breaks}


@given(st.lists(EVENTS, min_size=2, max_size=6), st.data())
def test_a_deleted_row_that_is_not_the_last_is_found(events, data):
    rows = chain(events)
    del rows[data.draw(st.integers(0, len(rows) - 2))]
    assert check(rows).breaks


@given(st.lists(EVENTS, min_size=2, max_size=6, unique_by=astuple), st.data())
def test_two_swapped_rows_are_found_with_and_without_swapped_numbers(events, data):
    rows = chain(events)
    first, second = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    moved = list(rows)
    moved[first], moved[second] = rows[second], rows[first]
    assert check(moved).breaks
    moved[first], moved[second] = replace(rows[second], seq=first + 1), replace(rows[first], seq=second + 1)
    assert check(moved).breaks


@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_a_replayed_row_is_found_under_its_own_number_and_under_the_next(events, data):
    rows = chain(events)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    assert check([*rows, row]).breaks
    assert check([*rows, replace(row, seq=len(rows) + 1)]).breaks


@given(st.lists(EVENTS, min_size=1, max_size=6), st.data())
def test_rows_cut_off_the_end_are_found_by_a_head_kept_elsewhere_and_only_by_it(events, data):
    rows = chain(events)
    kept = rows[: data.draw(st.integers(0, len(rows) - 1))]
    assert not check(kept).breaks
    assert check(kept, head_of(rows)).breaks


def test_a_history_rewritten_with_the_key_is_found_by_a_head_kept_elsewhere():
    old = chain([AuditEvent("t", "u", "a"), AuditEvent("t", "u", "b")])
    new = chain([AuditEvent("t", "u", "a"), AuditEvent("t", "u", "c"), AuditEvent("t", "u", "d")])
    assert not check(new).breaks
    assert [found.seq for found in check(new, head_of(old)).breaks] == [2]


def test_a_chain_of_another_key_or_another_store_does_not_hold():
    rows = chain([AuditEvent("t", "u", "a")])
    assert check_chain(bytes(32), STORE, rows).breaks
    assert check_chain(KEY, "store-2", rows).breaks


def test_a_field_cannot_lend_characters_to_its_neighbour():
    first, second = AuditEvent("t", "ab", "c"), AuditEvent("t", "a", "bc")
    assert seal(KEY, b"", 1, first) != seal(KEY, b"", 1, second)


def test_a_check_can_go_on_from_a_trusted_row():
    rows = chain([AuditEvent("t", "u", str(number)) for number in range(5)])
    assert not check_chain(KEY, STORE, rows[3:], after=head_of(rows[:3])).breaks
    assert check_chain(KEY, STORE, rows[3:]).breaks


def test_a_printed_head_has_the_count_and_eighty_bits():
    assert Head(1204, b"\0" * 32).printed() == "1204-AAAA-AAAA-AAAA-AAAA"


@pytest.mark.parametrize("many", [100])
def test_a_ruined_chain_names_some_breaks_not_all(many):
    rows = [replace(row, mac=b"x" * 32) for row in chain([AuditEvent("t", "u", "a")] * many)]
    assert 20 <= len(check(rows).breaks) < many
