"""The three homes of what is shipped with the program."""

from __future__ import annotations

import pytest

from qana_desktop.system import resources
from qana_desktop.system.resources import Home, ResourcesMissing, home, resource_root


def test_in_a_checkout_assets_and_models_lie_beside_the_package(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    package = tmp_path / "qana_desktop"
    assert home(frozen_root=None, package=package) is Home.CHECKOUT
    assert resource_root(frozen_root=None, package=package) == tmp_path


def test_in_a_wheel_they_lie_inside_the_package(tmp_path):
    package = tmp_path / "site-packages" / "qana_desktop"
    assert home(frozen_root=None, package=package) is Home.WHEEL
    assert resource_root(frozen_root=None, package=package) == package


def test_a_frozen_program_has_them_in_its_own_folder_even_beside_a_checkout(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    bundle = tmp_path / "dist" / "_internal"
    assert home(frozen_root=str(bundle), package=tmp_path / "qana_desktop") is Home.FROZEN
    assert resource_root(frozen_root=str(bundle), package=tmp_path / "qana_desktop") == bundle


def test_this_program_finds_its_assets_and_models():
    assert resources.assets_dir().name == "assets"
    assert resources.models_dir().name == "models"


def test_a_missing_folder_is_said_with_what_to_do(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "resource_root", lambda: tmp_path)
    with pytest.raises(ResourcesMissing) as caught:
        resources.models_dir()
    assert caught.value.fault.code == "resources-missing"
    assert "Install the program again" in caught.value.fault.remedy
