"""A bundle is opened only as it was written; a changed byte, a missing file or a later version is refused in words."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from qana_desktop.network import arithmetic
from qana_desktop.network.bundle import (
    ACTIVE,
    Bundle,
    activate,
    active_bundle,
    active_bundle_id,
    list_bundles,
    open_bundle,
)
from qana_desktop.network.bundle_writer import BundleContents, add_files, write_bundle
from qana_desktop.network.manifest import LEARNING, PROTOCOL, BundleRefused, Origin, bundle_id, manifest_from_bytes
from qana_desktop.network.serialise import network_to_bytes
from qana_desktop.network.validate import NetworkRefused
from tests.support.bundles import small_network

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def contents(**changes: Any) -> BundleContents:
    """What a bundle is written from."""
    whole = BundleContents(
        name="qana",
        network=small_network(),
        classes=CLASSES,
        views=("identity",),
        policy_json='{"policy": 1}',
        evaluation_json='{"n": 0}',
        model_card="# Synthetic\n\nFür Tests.\n",
        licence="CC-BY-NC-4.0",
        features_npz=b"features",
        created=datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
    )
    return replace(whole, **changes)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty folder for bundles, with a space in its name."""
    folder = tmp_path / "my models"
    folder.mkdir()
    return folder


@pytest.fixture
def bundle(models: Path) -> Bundle:
    """A bundle that was just written."""
    return open_bundle(write_bundle(models, contents()))


def rewrite(path: Path, content: bytes) -> None:
    """Change a file although it is read-only, as a person with rights could."""
    path.chmod(0o644)
    path.write_bytes(content)


def rename_to_hash(path: Path) -> Path:
    """Give a folder the name that its manifest asks for: what an attacker who changes both would do."""
    manifest = (path / "manifest.json").read_bytes()
    return path.rename(path.parent / bundle_id(json.loads(manifest)["name"], manifest))


def with_manifest(bundle: Bundle, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the manifest and give the folder the fitting name."""
    document = json.loads((bundle.path / "manifest.json").read_bytes())
    change(document)
    rewrite(bundle.path / "manifest.json", json.dumps(document).encode())
    return rename_to_hash(bundle.path)


def refused(path: Path) -> BundleRefused:
    """Open a bundle that must be refused and return why."""
    with pytest.raises(BundleRefused) as refusal:
        open_bundle(path)
    assert refusal.value.fault.message.endswith(".")
    assert refusal.value.fault.remedy.endswith(".")
    return refusal.value


def test_everything_that_was_written_is_read_back(bundle: Bundle) -> None:
    assert network_to_bytes(bundle.network()) == network_to_bytes(small_network())
    assert bundle.policy_json() == '{"policy": 1}'
    assert bundle.evaluation_json() == '{"n": 0}'
    assert bundle.model_card() == "# Synthetic\n\nFür Tests.\n"
    assert bundle.features_path is not None
    assert bundle.features_path.read_bytes() == b"features"
    assert bundle.manifest.classes == CLASSES
    assert bundle.manifest.created == "2026-11-01T12:00:00+00:00"
    assert (bundle.manifest.input_shape, bundle.manifest.features) == ((32, 32, 3), 16)


def test_its_golden_outputs_are_those_of_the_reference_and_of_its_onnx_model(bundle: Bundle) -> None:
    golden = bundle.golden()
    assert np.array_equal(golden.potentials, arithmetic.run(bundle.network(), golden.images)[-1])
    session = onnxruntime.InferenceSession(bundle.onnx_path.read_bytes(), providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(["potentials"], {"image": golden.images})[0], golden.potentials)
    assert len(np.unique(golden.potentials)) > 10, "golden outputs that hardly differ would notice nothing"


def test_its_akida_model_gives_the_golden_outputs(bundle: Bundle) -> None:
    akida = pytest.importorskip("akida", reason="the Akida SDK is not installed: the bundle has no Akida model")
    assert bundle.fbz_path is not None
    golden = bundle.golden()
    found = akida.Model(str(bundle.fbz_path)).forward(golden.images)
    assert np.array_equal(found.reshape(golden.potentials.shape), golden.potentials)


def test_without_the_akida_sdk_a_bundle_has_no_akida_model(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "akida", None)
    bundle = open_bundle(write_bundle(models, contents(features_npz=None)))
    assert bundle.fbz_path is None
    assert bundle.features_path is None
    assert bundle.onnx_path.is_file()


def test_the_same_contents_give_the_same_bundle_and_other_contents_another(models: Path) -> None:
    first = write_bundle(models, contents())
    assert write_bundle(models, contents()) == first
    assert write_bundle(models, contents(parent=first.name)) != first
    assert len(list_bundles(models)) == 2
    assert not [child for child in models.iterdir() if child.name.startswith(".")], "something was left half written"


def test_nothing_is_left_behind_when_a_bundle_cannot_be_written(models: Path) -> None:
    with pytest.raises(BundleRefused, match="cannot name a bundle"):
        write_bundle(models, contents(name="../evil"))
    with pytest.raises(ValueError, match="2 class names for 7 classes"):
        write_bundle(models, contents(classes=("mel", "nv")))
    with pytest.raises(NetworkRefused):
        write_bundle(models, contents(network=replace(small_network(), features=3, classes=7)))
    assert list(models.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="permission bits of POSIX")
def test_every_file_is_read_only_and_readable_by_all(bundle: Bundle) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in bundle.path.iterdir()}
    assert modes == {0o444}
    assert stat.S_IMODE(bundle.path.stat().st_mode) == 0o755


def test_one_changed_byte_in_any_file_is_refused(bundle: Bundle) -> None:
    for entry in bundle.manifest.files:
        original = (bundle.path / entry.name).read_bytes()
        middle = len(original) // 2
        rewrite(bundle.path / entry.name, original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :])
        reason = refused(bundle.path)
        assert reason.fault.code == "bundle-changed"
        assert entry.name in reason.fault.message
        rewrite(bundle.path / entry.name, original)
    open_bundle(bundle.path)


def test_a_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.path / "policy.json").unlink()
    reason = refused(bundle.path)
    assert reason.fault.code == "bundle-missing-file"
    assert "policy.json" in reason.fault.message


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_file_that_is_a_link_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (bundle.path / "policy.json").rename(tmp_path / "elsewhere.json")
    (bundle.path / "policy.json").symlink_to(tmp_path / "elsewhere.json")
    assert refused(bundle.path).fault.code == "bundle-missing-file"


def test_a_changed_manifest_or_a_renamed_folder_is_refused(bundle: Bundle) -> None:
    renamed = bundle.path.rename(bundle.path.parent / "qana-000000000000")
    assert refused(renamed).fault.code == "bundle-changed"
    bundle = replace(bundle, path=renamed.rename(bundle.path))
    manifest = (bundle.path / "manifest.json").read_bytes()
    rewrite(bundle.path / "manifest.json", manifest.replace(b'"mel"', b'"nev"'))
    assert refused(bundle.path).fault.code == "bundle-changed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema="2.0"), "reads 1.x"),
        (lambda m: m.update(schema=1), "must be a text"),
        (lambda m: m.update(extra=1), "unknown 'extra'"),
        (lambda m: m.pop("files"), "has no 'files'"),
        (lambda m: m["files"].append(m["files"][0]), "lists a file twice"),
        (lambda m: m["files"].pop(0), "does not list network.npz"),
        (lambda m: m["files"][0].update(name="../../etc/passwd"), "not a plain file name"),
        (lambda m: m["files"][0].update(name="/etc/passwd"), "not a plain file name"),
        (lambda m: m["files"][0].update(name="C:evil"), "not a plain file name"),
        (lambda m: m["files"][0].update(name="a\\b"), "not a plain file name"),
        (lambda m: m["files"][0].update(name="NUL.txt"), "not a plain file name"),
        (lambda m: m["files"][0].update(name=".."), "not a plain file name"),
        (lambda m: m["files"][0].update(name="manifest.json"), "not a plain file name"),
        (lambda m: m["files"][0].update(sha256="12"), "not 64 hex digits"),
        (lambda m: m["files"][0].update(size=-1), "at least 0"),
        (lambda m: m.update(classes=[]), "at least one text"),
        (lambda m: m.update(classes=["mel", "mel"]), "none twice"),
        (lambda m: m.update(parent="../x"), "not the id of a bundle"),
        (lambda m: m.update(input_shape=[32, 0, 3]), "at least 1"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(
    bundle: Bundle, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    assert words in refused(with_manifest(bundle, change)).fault.message


def test_a_manifest_of_a_later_minor_version_is_read(bundle: Bundle) -> None:
    path = with_manifest(bundle, lambda m: m.update(schema="1.7", novelty=[1]))
    assert open_bundle(path).manifest.classes == CLASSES


def test_a_bundle_of_the_first_format_is_a_factory_bundle_for_every_camera(bundle: Bundle) -> None:
    def first_format(document: dict[str, Any]) -> None:
        document.update(schema="1.0")
        del document["origin"], document["device"], document["second_reader"]

    opened = open_bundle(with_manifest(bundle, first_format))
    assert (opened.manifest.origin, opened.manifest.device) == (Origin.FACTORY, "")
    assert opened.learning_file(PROTOCOL) is None


def test_a_field_that_came_later_is_a_mistake_in_the_first_format_and_missed_in_this_one(bundle: Bundle) -> None:
    assert "unknown 'device'" in refused(with_manifest(bundle, lambda m: m.update(schema="1.0"))).fault.message


def test_a_manifest_without_its_origin_is_refused(bundle: Bundle) -> None:
    assert "has no 'origin'" in refused(with_manifest(bundle, lambda m: m.pop("origin"))).fault.message


def test_a_clinics_version_says_how_and_for_which_camera_it_was_made(models: Path) -> None:
    made = contents(origin=Origin.SITE_CALIBRATION, device="left room", parent="qana-0123456789ab")
    manifest = open_bundle(write_bundle(models, made)).manifest
    assert (manifest.origin, manifest.device) == (Origin.SITE_CALIBRATION, "left room")


def test_what_learning_needs_is_read_back_and_a_change_after_opening_is_noticed(models: Path) -> None:
    parts = {"protocol_json": "lines", "holdout_npz": b"holdout", "channels_npz": b"channels"}
    bundle = open_bundle(write_bundle(models, contents(**parts)))
    assert [bundle.learning_file(name) for name in LEARNING] == [b"features", b"lines", b"holdout", b"channels"]
    rewrite(bundle.path / PROTOCOL, b"other")
    with pytest.raises(BundleRefused, match=r"protocol\.json .* was changed"):
        bundle.learning_file(PROTOCOL)


def test_files_are_added_to_a_copy_and_all_else_stays(bundle: Bundle, models: Path) -> None:
    more = open_bundle(add_files(models, bundle, {PROTOCOL: b"lines"}))
    assert more.learning_file(PROTOCOL) == b"lines"
    assert more.id != bundle.id
    assert replace(more.manifest, files=bundle.manifest.files) == bundle.manifest
    for entry in bundle.manifest.files:
        assert (more.path / entry.name).read_bytes() == (bundle.path / entry.name).read_bytes()
    assert open_bundle(bundle.path).learning_file(PROTOCOL) is None
    with pytest.raises(BundleRefused, match="not a plain file name"):
        add_files(models, bundle, {"../evil": b""})


def test_a_manifest_that_is_no_json_is_refused(bundle: Bundle) -> None:
    for content in (b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"{"):
        with pytest.raises(BundleRefused):
            manifest_from_bytes(content)


def test_a_folder_that_is_not_there_or_holds_no_bundle_is_refused(models: Path) -> None:
    assert refused(models / "qana-0123456789ab").fault.code == "bundle-missing"
    assert refused(models).fault.code == "bundle-missing"


def test_golden_outputs_of_another_shape_are_refused(bundle: Bundle) -> None:
    other = replace(bundle, manifest=replace(bundle.manifest, features=3))
    with pytest.raises(BundleRefused, match="holds no int32 outputs"):
        other.golden()


def test_the_active_bundle_is_the_one_activated_last(models: Path) -> None:
    first, second = write_bundle(models, contents()), write_bundle(models, contents(name="other"))
    activate(models, first.name)
    assert active_bundle(models).path == first
    activate(models, second.name)
    assert active_bundle(models).id == second.name
    assert (models / ACTIVE).read_text() == f"{second.name}\n"


def test_a_damaged_bundle_is_not_activated_and_the_active_one_stays(models: Path) -> None:
    good, bad = write_bundle(models, contents()), write_bundle(models, contents(name="bad"))
    activate(models, good.name)
    rewrite(bad / "network.onnx", b"changed")
    for identity in (bad.name, "qana-000000000000", "../elsewhere", ""):
        with pytest.raises(BundleRefused):
            activate(models, identity)
    assert active_bundle(models).id == good.name
    assert {child.name for child in models.iterdir()} == {good.name, bad.name, ACTIVE}


@pytest.mark.parametrize("content", [None, b"", b"../../elsewhere\n", b"\xff", b"qana-0123456789ab\nqana-x\n"])
def test_a_pointer_that_names_no_bundle_is_refused(models: Path, content: bytes | None) -> None:
    if content is not None:
        (models / ACTIVE).write_bytes(content)
    with pytest.raises(BundleRefused) as refusal:
        active_bundle_id(models)
    assert refusal.value.fault.code == "bundle-none-active"


@pytest.mark.skipif(os.name == "nt", reason="permission bits of POSIX")
def test_a_bundle_in_a_folder_without_write_permission_is_opened(bundle: Bundle, models: Path) -> None:
    activate(models, bundle.id)
    bundle.path.chmod(0o555)
    models.chmod(0o555)
    try:
        assert active_bundle(models).golden().images.shape[0] > 0
    finally:
        models.chmod(0o755)
        bundle.path.chmod(0o755)
