"""Users: passwords are hashed slowly, wrong ones make everyone wait, and the waiting survives a restart."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa

from qana_desktop.store import undo
from qana_desktop.store.faults import StoreError
from qana_desktop.store.schema import CREDENTIAL
from qana_desktop.store.users import SignInRefused, Users
from qana_desktop.store.verify import verify
from qana_desktop.system.secrets import PasswordHash
from qana_desktop.triage.access import Role
from tests.support.stores import PASSWORD, QUICK, open_again


@pytest.fixture
def users(store):
    return Users(store, cost=QUICK)


def test_a_user_signs_in_whatever_the_case_of_the_name(users):
    made = users.add("Dr. Ada Lang", Role.ADMIN, PASSWORD, by="system")
    assert users.sign_in("dr. ada  lang", PASSWORD).entity == made.entity


@pytest.mark.parametrize("name", ["Ada", "Nobody"])
def test_a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words(users, name):
    users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    with pytest.raises(SignInRefused, match="do not belong together"):
        users.sign_in(name, "wrong password")


def test_after_four_wrong_passwords_the_right_one_waits_too_and_a_restart_does_not_help(users, store, folder, clock):
    users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    for _ in range(4):
        with pytest.raises(SignInRefused, match="do not belong"):
            users.sign_in("Ada", "wrong password")
        clock.forward(seconds=3)
    store.close()
    with closing(open_again(folder, clock=clock)) as again:
        users = Users(again, cost=QUICK)
        with pytest.raises(SignInRefused, match="next try is possible in 1 seconds"):
            users.sign_in("Ada", PASSWORD)
        clock.forward(seconds=-3600)
        with pytest.raises(SignInRefused, match="in 4 seconds"):
            users.sign_in("Ada", PASSWORD)
        clock.forward(seconds=3610)
        users.sign_in("Ada", PASSWORD)
        users.sign_in("Ada", PASSWORD)


def test_a_user_who_left_does_not_sign_in_and_is_not_deleted(users):
    users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    clara = users.add("Clara", Role.CLINICIAN, PASSWORD, by="system")
    users.change(clara, by="admin", active=False)
    with pytest.raises(SignInRefused):
        users.sign_in("Clara", PASSWORD)
    assert [user.value.name for user in users.all()] == ["Ada", "Clara"]


def test_the_last_administrator_stays(users):
    ada = users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    with pytest.raises(StoreError, match="only administrator"):
        users.change(ada, by="ada", role=Role.VIEWER)
    users.add("Ben", Role.ADMIN, PASSWORD, by="ada")
    users.change(ada, by="ben", role=Role.VIEWER)


def test_a_name_is_given_once_and_a_password_is_long(users):
    users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    with pytest.raises(StoreError, match="already a user"):
        users.add("ADA", Role.VIEWER, PASSWORD, by="system")
    with pytest.raises(StoreError, match="shorter than 10"):
        users.add("Ben", Role.VIEWER, "short", by="system")


def test_a_new_password_replaces_the_old_one_and_ends_the_waiting(users):
    ada = users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    for _ in range(4):
        with pytest.raises(SignInRefused):
            users.sign_in("Ada", "wrong password")
    users.set_password(ada.entity, "another password", by="ada")
    users.sign_in("Ada", "another password")
    with pytest.raises(SignInRefused):
        users.sign_in("Ada", PASSWORD)


def test_a_password_exchanged_in_the_database_is_found(users, store):
    users.add("Ada", Role.ADMIN, PASSWORD, by="system")
    with store.engine.connect() as connection, connection.begin():
        connection.execute(sa.update(CREDENTIAL).values(password=PasswordHash.of("mine now, friend", QUICK).to_text()))
    assert [problem.part for problem in verify(store).problems] == ["passwords"]


def test_managing_users_is_not_undone_by_a_key_stroke(users, store):
    users.add("Ada", Role.ADMIN, PASSWORD, by="admin")
    assert undo.history(store, "admin").undo == ()


def test_hashes_of_the_same_password_differ_and_both_fit():
    first, second = (PasswordHash.of(PASSWORD, QUICK) for _ in range(2))
    assert first != second
    assert PasswordHash.from_text(first.to_text()).fits(PASSWORD)
    assert not second.fits(PASSWORD + " ")


@pytest.mark.parametrize("text", ["", "md5$1,64,1$00$00", "argon2id$1,64$00$00", "argon2id$99,64,1$00$00"])
def test_a_damaged_hash_is_an_error_not_an_open_door(text):
    with pytest.raises((ValueError, TypeError)):
        PasswordHash.from_text(text)
