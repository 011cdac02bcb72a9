"""Undo and redo are recorded changes: they survive a restart and never run over someone else's work."""

from __future__ import annotations

import pytest

from qana_desktop.store import cases, undo
from qana_desktop.store.faults import ChangedMeanwhile, RecordMissing, StoreError
from qana_desktop.store.records import Put
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import Patient
from tests.support.stores import add_case, open_again


def patient_of(store, encounter):
    with store.reading() as connection:
        return cases.read_case(connection, encounter).patient


def rename(store, encounter, pseudonym, by="tester"):
    old = patient_of(store, encounter)
    store.file([Put(Patient(pseudonym), old.entity, based_on=old.version)], by=by, what="correct patient")


def test_undo_and_redo_of_corrections_in_several_steps(store):
    encounter = add_case(store, 1)
    rename(store, encounter, "B")
    rename(store, encounter, "C")
    seen = []
    for deed in (undo.undo, undo.undo, undo.redo, undo.redo, undo.undo):
        assert deed(store, "tester") == "correct patient"
        seen.append(patient_of(store, encounter).value.pseudonym)
    assert seen == ["B", "P-00001", "B", "C", "B"]
    assert verify(store).good


def test_undo_of_a_whole_case_and_its_redo_after_a_restart(store, folder, clock):
    encounter = add_case(store, 1)
    assert undo.undo(store, "tester") == "add a case"
    with pytest.raises(RecordMissing):
        patient_of(store, encounter)
    store.close()
    again = open_again(folder, clock=clock)
    undo.redo(again, "tester")
    assert patient_of(again, encounter).value.pseudonym == "P-00001"
    assert verify(again).good
    again.close()


def test_nobody_undoes_what_someone_else_did(store):
    add_case(store, 1, by="anna")
    with pytest.raises(StoreError, match="no change of yours"):
        undo.undo(store, "ben")


def test_what_someone_changed_since_is_not_undone(store):
    encounter = add_case(store, 1, by="anna")
    rename(store, encounter, "B", by="anna")
    rename(store, encounter, "C", by="ben")
    with pytest.raises(ChangedMeanwhile):
        undo.undo(store, "anna")
    assert patient_of(store, encounter).value.pseudonym == "C"


def test_a_new_change_ends_what_could_be_redone(store):
    encounter = add_case(store, 1)
    rename(store, encounter, "B")
    undo.undo(store, "tester")
    rename(store, encounter, "D")
    with pytest.raises(StoreError, match="no change of yours to redo"):
        undo.redo(store, "tester")
