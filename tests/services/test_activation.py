"""A version of the network becomes the active one only when it is whole and fits the boards that have to run it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qana_desktop.engines.contract import EngineError, SdkMissing
from qana_desktop.network.bundle import activate, active_bundle
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.services.activation import DoesNotFit, activate_version
from qana_desktop.system.faults import Fault
from tests.support.bundles import small_bundle
from tests.support.fake_boards import mapped


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    activate(folder, small_bundle(folder, seed=1).name)
    return folder


@pytest.fixture
def candidate(models):
    return small_bundle(models, seed=2).name


def fits_all(_bundle):
    return [replace(entry, fault=None) for entry in mapped()]


def test_a_version_that_fits_becomes_active_and_says_how_it_lies(models, candidate):
    found = activate_version(models, candidate, report=fits_all)
    assert active_bundle(models).id == found.bundle.id == candidate
    assert [entry.board for entry in found.boards] == ["AKD1000", "AKD1500"]


def test_a_version_that_does_not_fit_a_board_is_refused_and_the_one_before_stays(models, candidate):
    before = active_bundle(models).id
    with pytest.raises(DoesNotFit, match=r"does not fit onto AKD1500\. The version that was in use stays in use"):
        activate_version(models, candidate, report=lambda _bundle: mapped())
    assert active_bundle(models).id == before


def test_a_clinic_with_one_kind_of_board_asks_for_that_one_alone(models, candidate):
    activate_version(models, candidate, needed=frozenset({"AKD1000"}), report=lambda _bundle: mapped())
    assert active_bundle(models).id == candidate


def test_without_the_library_no_board_can_refuse_it(models, candidate):
    def missing(_bundle):
        raise SdkMissing(Fault("sdk-missing", "The Akida library is not installed.", "Install it."))

    assert activate_version(models, candidate, report=missing).boards == ()
    assert active_bundle(models).id == candidate


def test_a_library_that_is_broken_is_no_reason_to_go_on_unasked(models, candidate):
    def broken(_bundle):
        raise EngineError(Fault("sdk-broken", "The Akida library cannot be loaded.", "Install it again."))

    before = active_bundle(models).id
    with pytest.raises(EngineError, match="cannot be loaded"):
        activate_version(models, candidate, report=broken)
    assert active_bundle(models).id == before


def test_a_damaged_version_is_never_mapped(models, candidate):
    (models / candidate / "network.onnx").chmod(0o644)
    (models / candidate / "network.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleRefused):
        activate_version(models, candidate, report=lambda _bundle: pytest.fail("it was mapped"))


def test_the_real_library_is_asked(models, candidate, akida):
    del akida
    assert all(entry.fits for entry in activate_version(models, candidate).boards)
