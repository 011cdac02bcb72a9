"""Rows of local learning are written once, are in the audit record, and a changed or lost one is found."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from qana_desktop.store import cases, learning
from qana_desktop.store.faults import StoreError
from qana_desktop.store.learning import (
    ActivationRow,
    ConfirmationRow,
    ConsentRow,
    EvaluationRow,
    LookRow,
    ProposalRow,
    RoleRow,
    VersionRow,
)
from qana_desktop.store.learning_schema import LOOK, TABLES
from qana_desktop.store.migrations.m0002_learning import TABLES as MADE
from qana_desktop.store.schema import AUDIT
from qana_desktop.store.verify import verify
from tests.support.stores import add_case

VERSION = VersionRow("small-111111111111", "small-000000000000", "head", "0" * 64, "1" * 64, "{}")


def proposal(case, number: int = 1) -> ProposalRow:
    image = case.images[0].image
    return ProposalRow(
        id=f"{number:032x}",
        image=image.entity,
        lesion=case.lesion.entity,
        patient=case.patient.entity,
        sha256=image.value.sha256,
        picture="00" * 8,
        features=bytes([0, 1, 2, 15] * 2),
        views=2,
        backbone="small-000000000000",
        label="nv",
        source="histology",
        reported="2026-02-03",
        note="",
        second="",
        answer="nv",
    )


@pytest.fixture
def case(store):
    with store.reading() as connection:
        return cases.read_case(connection, add_case(store, 1))


def put(store, *rows):
    with store.transaction("clara") as action:
        return [learning.put(action, row) for row in rows]


def everything(store, kind):
    with store.reading() as connection:
        return learning.all_of(connection, kind)


def test_rows_come_back_as_they_were_entered_with_who_and_when(store, case, clock):
    row = proposal(case)
    put(store, RoleRow(case.patient.entity, "training"), row)
    (kept,) = everything(store, ProposalRow)
    assert (kept.row, kept.by, kept.number) == (row, "clara", 0)
    assert kept.at == clock.now.isoformat(timespec="milliseconds")
    first, second = put(
        store, ConsentRow(case.patient.entity, True, "asked"), ConsentRow(case.patient.entity, False, "")
    )
    assert second == first + 1
    assert [kept.row.given for kept in everything(store, ConsentRow)] == [True, False]
    with store.reading() as connection:
        assert learning.find(connection, ConsentRow, given=False)[0].number == second


def test_every_row_is_in_the_audit_record_with_its_hash_and_the_version_it_is_about(store, case):
    put(store, VERSION, LookRow("factory", VERSION.id), EvaluationRow(VERSION.id, False, "{}"))
    with store.reading() as connection:
        rows = connection.execute(sa.select(AUDIT).where(AUDIT.c.action.startswith("learning-"))).all()
    assert [row.action for row in rows] == ["learning-version", "learning-look", "learning-evaluation"]
    assert {row.bundle for row in rows} == {VERSION.id}
    assert all(len(row.after) == 64 for row in rows)
    assert verify(store).good


@pytest.mark.parametrize("table", [table.name for table in TABLES])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET at = ''"])
def test_no_table_of_learning_lets_a_row_be_changed_or_removed(store, case, table, deed):
    put(store, RoleRow(case.patient.entity, "holdout"), ConsentRow(case.patient.entity, True, ""), proposal(case))
    put(store, ConfirmationRow(f"{1:032x}", True, ""), learning.WithdrawalRow(f"{1:032x}", ""), VERSION)
    put(store, LookRow("local", VERSION.id), EvaluationRow(VERSION.id, True, "{}"))
    put(store, learning.ApprovalRow(VERSION.id, 1, True, "good"))
    put(store, ActivationRow("activate", "done", VERSION.id, VERSION.parent, "good", "{}"))
    with pytest.raises(sa.exc.DatabaseError, match="only grows"), store.engine.connect() as connection:
        connection.exec_driver_sql(deed.format(table))


def test_the_tables_that_are_guarded_are_all_there_are():
    assert tuple(table.name for table in TABLES) == MADE
    assert set(learning.TABLE_OF.values()) == set(TABLES)


def test_a_patients_part_is_given_once(store, case):
    put(store, RoleRow(case.patient.entity, "holdout"))
    with pytest.raises(sa.exc.IntegrityError):
        put(store, RoleRow(case.patient.entity, "training"))
    assert [kept.row.role for kept in everything(store, RoleRow)] == ["holdout"]


def test_nobody_confirms_twice(store, case):
    put(store, proposal(case), ConfirmationRow(f"{1:032x}", True, ""))
    with pytest.raises(sa.exc.IntegrityError):
        put(store, ConfirmationRow(f"{1:032x}", False, ""))


def test_a_row_changed_behind_the_programs_back_is_not_used_and_is_found(store, case):
    put(store, proposal(case))
    with store.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("DROP TRIGGER learning_proposal_no_update")
        connection.exec_driver_sql("UPDATE learning_proposal SET label = 'mel'")
    with pytest.raises(StoreError, match="damaged"):
        everything(store, ProposalRow)
    assert any("learning_proposal was changed" in problem.what for problem in verify(store).problems)


def test_a_row_slipped_in_is_not_used_and_is_found(store, case):
    put(store, VERSION)
    with store.engine.connect() as connection, connection.begin():
        connection.execute(sa.insert(LOOK).values(holdout="local", version=VERSION.id, at="", by=""))
    assert everything(store, LookRow) == ()
    assert any("was not entered by this program" in problem.what for problem in verify(store).problems)


def test_a_row_that_was_removed_is_missed(store, case):
    put(store, ConsentRow(case.patient.entity, False, "asked to"))
    with store.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("DROP TRIGGER learning_consent_no_delete")
        connection.exec_driver_sql("DELETE FROM learning_consent")
    assert any("learning_consent is missing" in problem.what for problem in verify(store).problems)
