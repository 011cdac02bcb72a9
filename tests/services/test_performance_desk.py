"""What is counted from a real store, by whom, and that the file which leaves holds numbers and no names."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qana_desktop.reports.performance_tables import panels
from qana_desktop.services.case_desk import NotAllowed
from qana_desktop.services.jobs import Cancelled, CancelToken
from qana_desktop.services.performance_desk import PerformanceDesk
from qana_desktop.store import cases
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import (
    Action,
    Case,
    ClinicalAssessment,
    Finding,
    ProofSource,
    ProvenOutcome,
    SkinTone,
    SkinToneScale,
)
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.site_figures import SitePerformance
from tests.support.stores import REFUSED, add_case, assessed, new_desk, new_store

ANSWERS = (assessed(Triage.REVIEW_NOW, 0.9), assessed(Triage.LOW_CONCERN, 0.05), REFUSED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _code = new_store(tmp_path / "store")
    yield made
    made.close()


def read(store: Store, encounter: str) -> Case:
    with store.reading() as connection:
        return cases.read_case(connection, encounter)


def fill(store: Store, count: int = 36) -> None:
    """Cases with answers in turn; every second is overridden, every one proven: melanoma where it was review now."""
    for number in range(count):
        encounter = add_case(store, number, outcome=ANSWERS[number % 3])
        case = read(store, encounter)
        truth = Diagnosis.MEL if number % 3 == 0 else Diagnosis.NV
        opinion = ClinicalAssessment(Finding(truth), Action.EXCISE, override_reason="seen" if number % 2 else "")
        puts = [
            Put(replace(case.patient.value, name="Erika Mustermann", birth_year=1961), case.patient.entity, based_on=1),
            Put(SkinTone(SkinToneScale.FITZPATRICK, 5 if number % 2 else 2), new_id(), case.patient.entity),
            Put(opinion, new_id(), encounter),
            Put(ProvenOutcome(Finding(truth), ProofSource.SINGLE_OPINION, "2026-02-01"), new_id(), case.lesion.entity),
            Put(ProvenOutcome(Finding(truth), ProofSource.HISTOLOGY, "2026-01-20"), new_id(), case.lesion.entity),
        ]
        store.file(puts, by="tester", what="fill in")


def look(store: Store, **options: object) -> SitePerformance:
    return PerformanceDesk(store, new_desk(store).allowed).look(**options)


def test_the_store_is_counted(store: Store) -> None:
    fill(store)
    found = look(store)
    assert (found.cases, found.images, found.bundle) == (36, 36, "b" * 64)
    assert (found.overrides.overridden.count, found.overrides.overridden.n) == (12, 24)
    (proof,) = found.against
    assert proof.source == "histology", "the strongest proof counts, whichever was entered later"
    assert (proof.lesions, proof.malignant, proof.sent.count, proof.spared.count) == (36, 12, 12, 12)
    assert {group.name for group in found.groups if group.kind == "skin tone"} == {
        "Fitzpatrick 2 of 6",
        "Fitzpatrick 5 of 6",
    }
    assert found.without_energy == 36


def test_the_tables_leave_as_numbers_without_names_and_on_record(store: Store, tmp_path: Path) -> None:
    fill(store)
    desk = PerformanceDesk(store, new_desk(store).allowed)
    found = desk.look()
    desk.save(found, tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_text("utf-8-sig")
    assert "Mustermann" not in content
    lines = list(csv.DictReader(content.splitlines()))
    assert {line["table"] for line in lines} >= {"overrides", "proof", "calibration", "months", "groups", "times"}
    values = {(line["table"], line["row"], line["column"]): line["value"] for line in lines}
    assert float(values["overrides", "1", "Share of cases"]) == pytest.approx(0.5)
    assert values["overrides", "1", "Share of cases, n"] == "24"
    with store.reading() as connection:
        assert [row.event.action for row in store.log.rows(connection)][-1] == "performance-exported"


def test_every_table_has_a_cell_under_every_column(store: Store) -> None:
    fill(store, 3)
    for found in (look(store), PerformanceDesk(store, new_desk(store, name="Carl").allowed).look("another")):
        for panel in panels(found):
            assert all(len(row) == len(panel.columns) for row in panel.rows), panel.key


def test_few_cases_give_a_warning_and_no_share(store: Store) -> None:
    fill(store, 3)
    told = {panel.key: panel for panel in panels(look(store))}
    assert told["overrides"].warning == "Fewer than 10: no share can be given yet."
    assert told["calibration"].picture is None
    assert "which is not zero" in told["energy"].warning


def test_an_empty_store_says_what_is_missing(store: Store) -> None:
    told = {panel.key: panel for panel in panels(look(store))}
    assert "enter histology" in told["proof"].warning


def test_who_may_not_see_or_save_does_not(store: Store, tmp_path: Path) -> None:
    viewer = PerformanceDesk(store, new_desk(store, role=Role.VIEWER).allowed)
    found = viewer.look()
    with pytest.raises(NotAllowed):
        viewer.save(found, tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_counting_can_be_cancelled(store: Store) -> None:
    fill(store, 3)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        look(store, token=token)
