"""The command line says who was asked and what each said, and can leave the second reader out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.ham10000 import draw_images, entries_in, write_table
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries = entries_in(0, lesions=3)
    folder = tmp_path_factory.mktemp("data")
    write_table(folder / "metadata.csv", entries)
    draw_images(folder / "images", entries)
    return folder


def test_an_evaluation_has_the_figures_with_and_without_the_second_reader(
    command: Command, two_readers: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ("evaluate", "--data", data, "--split", "fold-0", "--bundle", two_readers)
    ended = command(*asked, "--out", out)
    assert ended.code == 0, ended.err
    document = json.loads((out / "evaluation.json").read_text())
    second = document["second_reader"]
    assert second["asked"] == document["counts"]["assessed"] > 0
    assert second["silent"] == {}
    assert second["median_ms"] > 0
    assert set(second["first_alone"]) == set(document["scores"]["assessed"])
    assert "with the second reader" in (out / "evaluation.html").read_text()
    assert "first reader alone" in " ".join(ended.out.split())
    alone = command(*asked, "--json", "--no-second-reader")
    without = json.loads(alone.out)
    assert without["scores"]["assessed"] == second["first_alone"], (
        "what is told of the first alone is what it says alone"
    )
    assert without["second_reader"]["asked"] == 0
    assert without["second_reader"]["silent"] == {"second-reader-off": second["asked"]}
    assert "could not be asked" not in alone.err, "switched off is no failure"
