"""The recovery code: what is typed wrong is found before any key is tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.system.recovery_code import (
    ALPHABET,
    BadRecoveryCode,
    format_recovery_code,
    new_recovery_code,
    read_recovery_code,
)

VALUES = st.integers(0, 2**130 - 1)


@given(VALUES)
def test_a_code_is_read_back_in_any_case_with_any_spaces(value):
    code = format_recovery_code(value)
    assert len(code) == 7 * 4 + 6
    for typed in (code, code.lower(), code.replace("-", " "), f"  {code.replace('-', '')}\n"):
        assert int.from_bytes(read_recovery_code(typed), "big") == value


@given(VALUES, st.integers(0, 27), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(value, place, other):
    text = format_recovery_code(value).replace("-", "")
    typed = text[:place] + other + text[place + 1 :]
    if typed != text:
        with pytest.raises(BadRecoveryCode, match="typing error"):
            read_recovery_code(typed)


@given(VALUES, st.integers(0, 25), st.integers(0, 25))
def test_every_swap_of_two_characters_is_found(value, first, second):
    text = list(format_recovery_code(value).replace("-", ""))
    swapped = list(text)
    swapped[first], swapped[second] = text[second], text[first]
    if swapped != text:
        with pytest.raises(BadRecoveryCode, match="typing error"):
            read_recovery_code("".join(swapped))


def test_letters_that_look_like_digits_are_read_as_digits():
    code = format_recovery_code(0)
    assert read_recovery_code(code.replace("0", "O")) == bytes(17)
    one = format_recovery_code(1)
    assert read_recovery_code(one.replace("1", "l")) == (1).to_bytes(17, "big")


@pytest.mark.parametrize(("typed", "why"), [("", "0 characters"), ("ABCD", "4 characters"), ("U" * 28, "'U'")])
def test_what_cannot_be_a_code_says_why(typed, why):
    with pytest.raises(BadRecoveryCode, match=why):
        read_recovery_code(typed)


def test_two_new_codes_differ():
    assert new_recovery_code() != new_recovery_code()
