"""A bundle carries its second reader whole: what it is, its model, its golden logits; or it has none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.manifest import BundleRefused, Manifest, manifest_from_bytes, manifest_to_bytes
from qana_desktop.network.second_reader import golden_inputs
from tests.support.bundles import small_bundle
from tests.support.second_readers import SPEC, bundle_with_second_reader, logits_of, small_second_reader


@pytest.fixture(scope="module")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_with_second_reader(tmp_path_factory.mktemp("models"))


@pytest.fixture
def document(bundle_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle_path / "manifest.json").read_bytes())
    return found


def read(document: dict[str, Any]) -> Manifest:
    return manifest_from_bytes(json.dumps(document).encode())


def test_what_was_written_is_read_back_and_gives_its_golden_logits(bundle_path: Path) -> None:
    found = open_bundle(bundle_path).second_reader()
    assert found is not None
    assert found.spec == SPEC
    assert found.model == small_second_reader().model
    assert found.golden_logits == pytest.approx(logits_of(found.model, golden_inputs(SPEC.input_size)), abs=1e-5)
    assert np.ptp(found.golden_logits, axis=0).min() > 0.1, "golden logits that hardly differ would notice nothing"


def test_a_bundle_without_one_says_so(tmp_path: Path) -> None:
    bundle = open_bundle(small_bundle(tmp_path))
    assert bundle.second_reader() is None
    assert bundle.second_reader_path is None


def test_a_manifest_from_before_there_were_second_readers_is_read(document: dict[str, Any]) -> None:
    for name in ("second_reader", "origin", "device"):
        del document[name]
    assert read({**document, "schema": "1.0"}).second_reader is None


def test_the_manifest_survives_the_round_trip(document: dict[str, Any]) -> None:
    manifest = read(document)
    assert manifest_from_bytes(manifest_to_bytes(manifest)) == manifest


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("input_size", 5000, "manifest.json.second_reader.input_size must be at most 1024."),
        ("views", [], "manifest.json.second_reader.views must name at least one view, and none twice."),
        ("views", ["sideways"], None),
        ("arithmetic", "float64", None),
        ("multiply_accumulates", -1, None),
        ("surprise", 1, "manifest.json.second_reader has an unknown 'surprise'."),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(
    document: dict[str, Any], field: str, value: object, message: str | None
) -> None:
    document["second_reader"][field] = value
    with pytest.raises(BundleRefused) as refused:
        read(document)
    said = refused.value.fault.message
    assert said == message if message else field in said


def test_a_second_reader_without_its_files_is_refused(document: dict[str, Any]) -> None:
    document["files"] = [entry for entry in document["files"] if entry["name"] != "second_reader_golden.npz"]
    with pytest.raises(BundleRefused, match="does not list second_reader_golden"):
        read(document)


def test_golden_logits_of_another_shape_are_not_written(tmp_path: Path) -> None:
    wrong = replace(small_second_reader(), golden_logits=np.zeros((3, 7), np.float32))
    with pytest.raises(ValueError, match="golden logits"):
        bundle_with_second_reader(tmp_path, contents=wrong)
