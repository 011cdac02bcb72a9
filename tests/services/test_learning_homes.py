"""The program reads with the clinic's version when the pointer names one, with the factory's else, never silently."""

from __future__ import annotations

import pytest

from qana_desktop.network.bundle import ACTIVE, activate
from qana_desktop.network.manifest import BundleRefused
from qana_desktop.services.composition import load_bundle
from qana_desktop.services.learning_homes import ModelHomes, find_homes
from tests.support.bundles import small_bundle


@pytest.fixture
def homes(tmp_path):
    factory = small_bundle(tmp_path / "factory")
    activate(tmp_path / "factory", factory.name)
    return ModelHomes(tmp_path / "factory", tmp_path / "local")


def test_without_a_pointer_the_factory_version_is_in_use(homes):
    assert homes.active_id() == homes.factory_id()
    assert homes.open_active().path.parent == homes.factory
    assert homes.known() == (homes.factory_id(),)


def test_a_pointer_names_the_clinics_version_until_it_is_removed(homes):
    own = small_bundle(homes.local, seed=1)
    activate(homes.local, own.name)
    assert homes.open_active().path == own
    assert homes.known() == (homes.factory_id(), own.name)
    homes.return_to_factory()
    homes.return_to_factory()
    assert homes.active_id() == homes.factory_id()


def test_a_damaged_version_is_told_with_the_way_back_and_never_passed_over(homes):
    own = small_bundle(homes.local, seed=1)
    activate(homes.local, own.name)
    (own / "policy.json").chmod(0o644)
    (own / "policy.json").write_text("{}")
    with pytest.raises(BundleRefused, match="learn rollback"):
        homes.open_active()
    (homes.local / ACTIVE).write_text("nonsense")
    with pytest.raises(BundleRefused):
        homes.open_active()


def test_the_program_reads_with_the_version_that_the_pointer_names(homes):
    usual = find_homes()
    own = small_bundle(usual.local, seed=2)
    activate(usual.local, own.name)
    assert load_bundle().id == own.name
    usual.return_to_factory()
    assert load_bundle().id == usual.factory_id()
