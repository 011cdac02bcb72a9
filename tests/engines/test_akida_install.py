"""A person adds the vendor's wheel: only the right one is taken, nothing is written elsewhere, the old one stays."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from qana_desktop.engines.akida_install import (
    add_runtime,
    added_runtime,
    remove_runtime,
    runtime_folder,
)
from qana_desktop.engines.akida_wheel import Here, WheelRefused, inspect_wheel
from qana_desktop.engines.registry import EngineRegistry
from tests.support.wheels import HERE, platform_tag, write_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return tmp_path / "akida.whl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "akida-runtime"


def everything_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


# --- the right wheel ----------------------------------------------------------------------------


def test_a_person_sees_version_tag_size_and_hash_before_anything_is_unpacked(wheel, root):
    write_wheel(wheel)
    facts = inspect_wheel(wheel, HERE)
    assert facts.version == "2.19.3"
    assert facts.tags == (f"{HERE.tag}-{HERE.tag}-{platform_tag()}",)
    assert facts.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert facts.size == wheel.stat().st_size
    assert not root.parent.exists()


def test_what_was_added_is_found_and_says_which_file_it_came_from(wheel, root):
    write_wheel(wheel)
    added = add_runtime(wheel, root=root)
    assert added == added_runtime(root)
    assert (added.version, added.sha256) == ("2.19.3", inspect_wheel(wheel, HERE).sha256)
    assert (added.folder / "akida" / "__init__.py").is_file()
    assert list(root.parent.iterdir()) == [root]


def test_a_new_version_takes_the_place_of_the_old_one_whole(wheel, root):
    add_runtime(write_wheel(wheel, extra={"akida/old.py": b""}), root=root)
    added = add_runtime(write_wheel(wheel, version="2.20.0"), root=root)
    assert added.version == "2.20.0"
    assert not (added.folder / "akida" / "old.py").exists()


def test_removing_it_leaves_nothing(wheel, root):
    add_runtime(write_wheel(wheel), root=root)
    assert remove_runtime(root)
    assert added_runtime(root) is None
    assert list(root.parent.iterdir()) == []
    assert not remove_runtime(root)


def test_engines_use_what_was_added_when_nothing_else_is_installed(wheel):
    """A child whose Python has no `akida` of its own loads the added one: shown by a version that no other has."""
    add_runtime(write_wheel(wheel, version="2.99.1"))
    script = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p or 'akida' not in p]\n"
        "import importlib.machinery as m\n"
        "class No:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name != 'akida': return None\n"
        "        from pathlib import Path\n"
        "        return m.PathFinder.find_spec(name, [p for p in sys.path if 'akida-runtime' in p])\n"
        "sys.meta_path.insert(0, No)\n"
        "from qana_desktop.engines.akida_runtime import load_sdk\n"
        "print(load_sdk().__version__)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "2.99.1"


def test_an_installed_library_comes_before_an_added_one(wheel, akida):
    add_runtime(write_wheel(wheel, version="2.99.1"))
    listed = {info.engine_id: info for info in EngineRegistry().probe()}
    assert listed["akida-simulator"].runtime == f"akida {akida.__version__}"
    assert runtime_folder().is_dir()


def test_the_vendors_own_files_pass_and_load(wheel, root, akida):
    """The wheel as it was before it was installed, made again from its record; it never leaves this test's folder."""
    pack_installed(wheel)
    added = add_runtime(wheel, root=root)
    assert added.version == akida.__version__


def pack_installed(target: Path) -> None:
    distribution = importlib.metadata.distribution("akida")
    made_by_installer = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
    files = [
        file
        for file in distribution.files or []
        if ".." not in file.parts and file.suffix != ".pyc" and file.name not in made_by_installer
    ]
    info = next(file.parts[0] for file in files if file.parts[0].endswith(".dist-info"))
    rows = []
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            content = Path(str(file.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{file.as_posix()},sha256={digest},{len(content)}")
            archive.writestr(file.as_posix(), content)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]))


# --- the wrong one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"name": "notakida"}, "It is “notakida 2.19.3”, not the Akida library"),
        ({"version": "3.0.0"}, "It is version 3.0.0; this program knows version 2"),
        ({"tag": "cp38-cp38-manylinux_2_28_x86_64"}, "It is for cp38-cp38-manylinux_2_28_x86_64"),
        ({"tag": f"{HERE.tag}-{HERE.tag}-macosx_11_0_arm64"}, "macosx"),
        ({"spoil": "akida/__init__.py"}, "differs from its record"),
        ({"unrecorded": {"akida/extra.py": b"x"}}, "its record does not know"),
        ({"extra": {"../outside.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"akida/../../outside.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"/outside.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"akida\\..\\..\\outside.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"C:/outside.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"numpy/__init__.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"sitecustomize.py": b"x"}}, "leads elsewhere"),
        ({"extra": {"akida/link": b"/etc/passwd"}, "link": "akida/link"}, "no plain file"),
        ({"extra": {"akida/A.py": b"x", "akida/a.py": b"y"}}, "a file twice"),
        ({"library": "raise OSError('libakida.so.2: cannot open shared object file')"}, "cannot open shared object"),
        ({"library": "import os; os._exit(3)"}, "exit code 3"),
        ({"library": '__version__ = "2.0.0"\ndef devices(): return []\n'}, "calls itself 2.0.0, not 2.19.3"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_another_file_is_refused_with_the_reason_and_nothing_is_left(wheel, root, how, says):
    write_wheel(wheel, **how)
    before = everything_below(wheel.parent)
    with pytest.raises(WheelRefused) as caught:
        add_runtime(wheel, root=root)
    assert says in caught.value.fault.message
    assert caught.value.fault.message.startswith("The file was not added.")
    assert caught.value.fault.remedy
    assert everything_below(wheel.parent) - before <= {Path("data")}


def test_a_refused_wheel_leaves_the_one_before_in_place(wheel, root):
    add_runtime(write_wheel(wheel), root=root)
    with pytest.raises(WheelRefused):
        add_runtime(write_wheel(wheel, library="raise OSError('broken')"), root=root)
    assert added_runtime(root) is not None


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_archive_is_refused(wheel, content):
    wheel.write_bytes(content)
    with pytest.raises(WheelRefused, match="no wheel that can be read"):
        inspect_wheel(wheel, HERE)


def test_a_file_that_changed_after_a_person_saw_its_hash_is_refused(wheel, root):
    seen = inspect_wheel(write_wheel(wheel), HERE)
    write_wheel(wheel, extra={"akida/more.py": b"x"})
    with pytest.raises(WheelRefused, match="changed while it was looked at"):
        add_runtime(wheel, seen=seen, root=root)


def test_a_wheel_for_another_system_says_so(wheel):
    write_wheel(wheel, tag="cp311-cp311-win_amd64")
    assert inspect_wheel(wheel, Here((3, 11), "win32", "AMD64")).version == "2.19.3"
    with pytest.raises(WheelRefused, match=r"not for cp312 on aarch64"):
        inspect_wheel(wheel, Here((3, 12), "linux", "aarch64"))
