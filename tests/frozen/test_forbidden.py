"""What must not be passed on is recognised before anything is packed; needs no built program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


@pytest.fixture(autouse=True)
def packaging_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The scripts of packaging/ are no package: they find each other by their folder."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    yield
    for name in ("app_facts", "build_deb", "forbidden", "icons", "make", "notices", "try_setup"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "entry",
    [
        "akida",
        "akida/libakida.so.2",
        "akida-2.19.3.dist-info/METADATA",
        "lib/libakida.so.2",
        "PyQt6/QtCore.abi3.so",
        "torch.nn",
        "readline",
        "PySide6/Qt/lib/libQt6Charts.so.6",
        "PySide6\\Qt6VirtualKeyboard.dll",
        "PySide6.QtDataVisualization",
        "numpy/tests/test_scripts.py",
        "numpy._core._multiarray_tests",
        "numpy/_core/_multiarray_tests.cpython-311-x86_64-linux-gnu.so",
        "qana_desktop.training.loop",
    ],
)
def test_it_is_refused(entry):
    from forbidden import ForbiddenInside, refuse_forbidden

    with pytest.raises(ForbiddenInside, match=r"must not be in an installer"):
        refuse_forbidden(["numpy/__init__.py", entry])


def test_our_own_adapters_and_what_qt_offers_under_the_lgpl_may_be_inside():
    from forbidden import refuse_forbidden

    refuse_forbidden(
        ["qana_desktop.engines.akida_board", "PySide6/Qt/lib/libQt6Core.so.6", "PySide6/QtSvg.abi3.so", "numpy._core"]
    )


def test_what_calls_itself_proprietary_is_refused_by_name():
    from forbidden import ForbiddenInside
    from notices import Component, refuse_proprietary

    free = Component("numpy", "2.4.6", "BSD-3-Clause", "pkg:pypi/numpy@2.4.6", [])
    closed = Component("vendor", "1.0", "Other/Proprietary License", "pkg:pypi/vendor@1.0", [])
    refuse_proprietary([free])
    with pytest.raises(ForbiddenInside, match=r"vendor 1\.0"):
        refuse_proprietary([free, closed])


def test_a_font_without_the_text_of_its_licence_is_refused(tmp_path):
    from notices import NoLicenceText, fonts

    (tmp_path / "LICENSE-Good.txt").write_text("You may use it.", encoding="utf-8")
    for name in ("GoodSans.ttf", "GoodSans-Bold.ttf"):
        (tmp_path / name).write_bytes(b"font")
    (found,) = fonts(tmp_path)
    assert (found.name, len(found.files), found.texts) == ("font-good", 2, [tmp_path / "LICENSE-Good.txt"])
    (tmp_path / "Other.ttf").write_bytes(b"font")
    with pytest.raises(NoLicenceText, match=r"Other\.ttf"):
        list(fonts(tmp_path))


def test_our_own_fonts_all_have_theirs():
    from notices import fonts

    folder = PACKAGING.parent / "assets" / "fonts"
    assert sum(len(found.files) for found in fonts(folder)) == len(list(folder.glob("*.ttf")))
