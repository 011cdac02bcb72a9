"""Secrets: only real keychains count, boxes open with their own key and label only, keys differ by purpose."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from qana_desktop.system.secrets import (
    BoxBroken,
    KeychainFailed,
    OsKeychain,
    derive,
    open_box,
    seal_box,
)

KEY = bytes(range(32))


class PlaintextKeyring(KeyringBackend):
    """As `keyrings.alt` has it: writes into a file that everyone can read."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("a key was about to be written in the clear")

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError("not reached")


@pytest.fixture(params=[fail.Keyring, null.Keyring, PlaintextKeyring])
def unreal(request) -> Iterator[None]:
    """A stand-in that keeps no secret is the chosen keychain."""
    before = keyring.get_keyring()
    keyring.set_keyring(request.param())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("unreal")
def test_a_stand_in_for_a_keychain_is_never_given_a_key():
    assert not OsKeychain().available()
    for deed in (
        lambda: OsKeychain().write("name", KEY),
        lambda: OsKeychain().read("name"),
        lambda: OsKeychain().forget("name"),
    ):
        with pytest.raises(KeychainFailed, match="recovery code or the passphrase"):
            deed()


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_a_box_gives_back_what_was_put_in(content, label):
    assert open_box(KEY, seal_box(KEY, content, label), label) == content


@given(st.binary(max_size=100), st.data())
def test_a_changed_box_does_not_open(content, data):
    box = bytearray(seal_box(KEY, content, b"label"))
    box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BoxBroken):
        open_box(KEY, bytes(box), b"label")


@pytest.mark.parametrize("box", [b"", b"x" * 27])
def test_what_is_too_short_to_be_a_box_does_not_open(box):
    with pytest.raises(BoxBroken):
        open_box(KEY, box, b"label")


def test_a_box_opens_with_its_own_key_and_label_only():
    box = seal_box(KEY, b"content", b"label")
    for key, label in ((bytes(32), b"label"), (KEY, b"other")):
        with pytest.raises(BoxBroken):
            open_box(key, box, label)


def test_two_boxes_of_the_same_content_differ_and_so_do_keys_of_two_purposes():
    assert seal_box(KEY, b"content", b"") != seal_box(KEY, b"content", b"")
    assert derive(KEY, "database/1") != derive(KEY, "blobs/1")
