"""The command line says who was asked and what each said, and can leave the second reader out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.second_readers import SPEC, bundle_with_second_reader

ONNX = ("--engine", "onnx-cpu")


@pytest.fixture(scope="module")
def two_readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_with_second_reader(tmp_path_factory.mktemp("models"))


def test_json_holds_what_each_of_two_readers_said(command: Command, two_readers: Path, folder: Path) -> None:
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", two_readers, "--json")
    (record,) = ended.records
    second = record["second_reader"]
    assert second["asked"] is True
    assert second["reason"] is None
    assert second["reader"] == SPEC.name
    assert [len(view) for view in second["logits"]] == [7, 7]
    assert second["uncertainty"] > second["limit"]
    for reader in (second["first"], second["second"]):
        assert sum(reader["probabilities"].values()) == pytest.approx(1.0)
        assert set(reader["could_be"]) <= set(record["could_be"])
    assert second["latency_ms"] > 0
    assert second["energy"]["value"] != 0


def test_left_out_it_is_not_asked_and_the_record_says_why(command: Command, two_readers: Path, folder: Path) -> None:
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", two_readers, "--json", "--no-second-reader")
    second = ended.records[0]["second_reader"]
    assert second["asked"] is False
    assert second["reason"]["code"] == "second-reader-off"
    assert second["first"] is second["second"] is second["latency_ms"] is None


def test_the_table_names_both_readers(command: Command, two_readers: Path, folder: Path) -> None:
    ended = command("classify", folder / "good.jpg", *ONNX, "--bundle", two_readers)
    words = " ".join(ended.out.split())
    assert "First reader:" in words
    assert "Second reader" in words
