"""The figures of a site, against counts made by hand; too few cases give no share, and methods are never mixed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.triage.fit import wilson
from qana_desktop.triage.measured import Method
from qana_desktop.triage.site_figures import FEW, FEWEST, Proof, SiteCase, SiteImage, share
from qana_desktop.triage.site_performance import against, calibration, overrides, site_performance

IMAGE = SiteImage(
    "2026-01", "b-1", "onnx-cpu", "review", 0.4, (("sharpness", 9.0),), 10.0, 5.0, None, "", None, "", "lens"
)
CASE = SiteCase(
    "e", "l", "2026-01", "b-1", "review", 0.4, "nv", ("nv", "mel"), True, "nv", False, (("skin tone", "Fitzpatrick 5"),)
)


def cases(count: int, **changes: object) -> list[SiteCase]:
    label = "-".join(str(change) for change in changes.values())
    made = (replace(CASE, encounter=f"{label}{number}", lesion=f"{label}{number}") for number in range(count))
    return [replace(case, **changes) for case in made]


def proofs(some: list[SiteCase], diagnosis: str, *, malignant: bool | None, source: str = "histology") -> list[Proof]:
    return [Proof(case.lesion, diagnosis, malignant, source) for case in some]


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_has_an_interval_that_holds_it_or_says_that_there_are_too_few(count: int, more: int) -> None:
    found = share(count, count + more)
    if count + more < FEWEST:
        assert found.interval is None
    else:
        assert found.interval is not None
        assert found.interval.low <= found.interval.value <= found.interval.high
    assert found.few == (count + more < FEW)


def test_overrides_are_counted_of_cases_that_a_person_and_the_network_answered() -> None:
    some = [
        *cases(30),
        *cases(10, overridden=True, found="mel"),
        *cases(5, assessed_by_person=False),
        *cases(5, named="", triage="cannot_assess"),
        *cases(4, found=""),
    ]
    found = overrides(some)
    assert (found.overridden.count, found.overridden.n) == (10, 44)
    assert found.overridden.interval == wilson(10, 44)
    assert (found.other_class.count, found.other_class.n) == (10, 40), "a finding in words names no class"
    assert dict(found.by_triage)["review"].n == 44


def test_proof_is_held_against_one_reading_of_each_lesion() -> None:
    sent = cases(18, triage="review_now", named="mel", could_be=("mel",))
    let_go = cases(2, triage="low_concern", named="nv", could_be=("nv",), malignancy=0.02)
    spared = cases(30, triage="low_concern", named="nv", could_be=("nv",))
    alarmed = cases(10, triage="review", named="bkl", could_be=("bkl", "nv"))
    worded = cases(3, triage="low_concern", named="df")
    again = [replace(sent[0], encounter="older", month="2025-01", triage="low_concern")]
    known = [
        *proofs(sent, "mel", malignant=True),
        *proofs(let_go, "mel", malignant=True),
        *proofs(spared, "nv", malignant=False),
        *proofs(alarmed, "nv", malignant=False),
        *proofs(worded, "", malignant=None),
    ]
    everything = [*sent, *let_go, *spared, *alarmed, *worded, *again, *cases(50, month="2026-02")]
    (found,) = against(everything, {proof.lesion: proof for proof in known})
    assert (found.lesions, found.malignant, found.let_go, found.unclassed) == (63, 20, 2, 3)
    assert (found.sent.count, found.sent.n) == (18, 20)
    assert (found.spared.count, found.spared.n) == (30, 40)
    assert (found.right.count, found.right.n) == (48, 60)
    assert (found.held.count, found.held.n) == (58, 60)


def test_a_malignant_lesion_that_could_not_be_assessed_counts_as_sent_to_a_person() -> None:
    some = cases(12, triage="cannot_assess", named="", malignancy=None, could_be=())
    (found,) = against(some, {proof.lesion: proof for proof in proofs(some, "mel", malignant=True)})
    assert (found.sent.count, found.let_go, found.right.n) == (12, 0, 0)


def test_sources_of_proof_are_told_apart() -> None:
    first, second = cases(12, month="2026-01"), cases(11, month="2026-02")
    known = [*proofs(first, "nv", malignant=False), *proofs(second, "nv", malignant=False, source="follow_up")]
    found = against([*first, *second], {proof.lesion: proof for proof in known})
    assert [(one.source, one.lesions) for one in found] == [("follow_up", 11), ("histology", 12), ("", 23)]


def test_calibration_puts_each_proven_lesion_into_its_bin() -> None:
    low, high = cases(20, malignancy=0.1), cases(10, malignancy=1.0)
    known = [*proofs(low, "nv", malignant=False), *proofs(high, "mel", malignant=True)]
    found = calibration([*low, *high], {proof.lesion: proof for proof in known})
    assert [one.observed.n for one in found] == [20, 0, 0, 0, 10]
    assert [one.observed.count for one in found] == [0, 0, 0, 0, 10]
    assert found[0].mean == pytest.approx(0.1)
    assert found[1].mean is None


def test_versions_are_never_counted_together() -> None:
    images = [IMAGE] * 5 + [replace(IMAGE, bundle="b-2", month="2026-02")] * 3
    some = [*cases(20), *cases(4, bundle="b-2")]
    newest = site_performance(some, images, [])
    assert (newest.bundle, newest.cases, newest.images) == ("b-2", 4, 3)
    older = site_performance(some, images, [], bundle="b-1")
    assert (older.cases, older.images, older.bundles) == (20, 5, (("b-1", 5), ("b-2", 3)))


def test_months_show_what_was_refused_and_how_images_were() -> None:
    refused = replace(IMAGE, triage="cannot_assess", malignancy=None, quality=(("sharpness", 2.0),))
    images = (
        [IMAGE] * 12 + [refused] * 4 + [replace(IMAGE, month="2026-02", triage="low_concern", malignancy=0.02)] * 11
    )
    january, february = site_performance([], images, []).months
    assert (january.cannot.count, january.cannot.n, january.review.count, january.review.n) == (4, 16, 12, 12)
    assert january.malignancy == (0.4, 0.4, 0.4)
    assert january.quality == (("sharpness", 9.0),)
    assert (february.review.count, february.review.n) == (0, 11)


def test_energy_is_never_averaged_over_two_methods_and_what_is_missing_is_counted() -> None:
    measured = replace(
        IMAGE, energy=2.0, energy_unit="mJ", energy_method=Method.MEASURED_DEVICE, energy_scope="one image"
    )
    estimated = replace(measured, energy=0.5, energy_method=Method.ESTIMATED)
    package = replace(measured, energy=9.0, energy_scope="whole package")
    found = site_performance([], [measured, measured, estimated, package, IMAGE], [])
    assert {(one.method, one.scope, one.readings, one.median) for one in found.energies} == {
        (Method.MEASURED_DEVICE, "one image", 2, 2.0),
        (Method.MEASURED_DEVICE, "whole package", 1, 9.0),
        (Method.ESTIMATED, "one image", 1, 0.5),
    }
    assert found.without_energy == 1


def test_time_is_of_each_engine_and_only_where_one_took_part() -> None:
    images = [replace(IMAGE, total_ms=float(ms)) for ms in range(1, 101)]
    images += [replace(IMAGE, engine="akida-board:0", total_ms=3.0), replace(IMAGE, inference_ms=None, total_ms=999.0)]
    found = {one.engine: one for one in site_performance([], images, []).times}
    assert found["onnx-cpu"].readings == 100
    assert found["onnx-cpu"].median_ms == pytest.approx(50.5)
    assert found["onnx-cpu"].p95_ms == pytest.approx(95.05)
    assert found["akida-board:0"].median_ms == pytest.approx(3.0)


def test_groups_are_counted_by_kind() -> None:
    some = [*cases(12), *cases(12, triage="cannot_assess", named="", groups=(("skin tone", "not entered"),))]
    known = proofs(some[:12], "mel", malignant=True)
    found = {one.name: one for one in site_performance(some, [IMAGE], known).groups}
    assert (found["Fitzpatrick 5"].cases, found["Fitzpatrick 5"].cannot.count) == (12, 0)
    assert (found["Fitzpatrick 5"].malignant_sent.count, found["Fitzpatrick 5"].malignant_sent.n) == (12, 12)
    assert found["not entered"].cannot.count == 12


def test_an_empty_store_has_no_figures_and_does_not_fail() -> None:
    found = site_performance([], [], [])
    assert (found.bundle, found.cases, found.images, found.against, found.months) == ("", 0, 0, (), ())
    assert found.overrides.overridden.interval is None
