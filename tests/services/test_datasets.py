"""Data sets are found as their authors release them and as they lie here; what is wrong with a table is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from qana_desktop.services.datasets import DatasetRefused, open_dataset
from qana_desktop.triage.diagnosis import Diagnosis
from tests.support.ham10000 import entries_in, write_table

ENTRIES = entries_in(0, lesions=4)
HEAD = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"


def touch(folder: Path, names: list[str], suffix: str = ".jpg") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}{suffix}").touch()


def refusal(folder: Path) -> str:
    with pytest.raises(DatasetRefused) as caught:
        open_dataset(folder)
    assert caught.value.fault.remedy
    return caught.value.fault.message


def test_the_release_has_its_images_in_two_folders(tmp_path: Path) -> None:
    write_table(tmp_path / "HAM10000_metadata", ENTRIES)
    touch(tmp_path / "HAM10000_images_part_1", [e.image for e in ENTRIES[:3]])
    touch(tmp_path / "HAM10000_images_part_2", [e.image for e in ENTRIES[3:]])
    touch(tmp_path / "HAM10000_segmentations_lesion_tschandl", [f"{ENTRIES[0].image}_segmentation"], ".png")
    dataset = open_dataset(tmp_path)
    assert [row.image_id for row in dataset.rows] == [e.image for e in ENTRIES]
    assert {dataset.images[row.image_id].stem for row in dataset.rows} == {e.image for e in ENTRIES}
    assert dataset.rows[0].fold is None


def test_the_archives_own_table_is_separated_by_tabs(tmp_path: Path) -> None:
    write_table(tmp_path / "HAM10000_metadata.tab", ENTRIES, delimiter="\t")
    assert [row.lesion_id for row in open_dataset(tmp_path).rows] == [e.lesion for e in ENTRIES]


@pytest.mark.parametrize("named", [".", "ham10000"])
def test_a_folder_of_several_data_sets_is_as_good_as_the_one_inside(tmp_path: Path, named: str) -> None:
    write_table(tmp_path / "ham10000" / "metadata.csv", ENTRIES, fold=0)
    touch(tmp_path / "ham10000" / "images", [e.image for e in ENTRIES])
    dataset = open_dataset(tmp_path / named)
    assert len(dataset.images) == len(ENTRIES)
    assert {row.fold for row in dataset.rows} == {0}


def test_of_two_copies_of_an_image_the_first_by_path_is_taken(tmp_path: Path) -> None:
    write_table(tmp_path / "metadata.csv", ENTRIES)
    touch(tmp_path / "b", [ENTRIES[0].image])
    touch(tmp_path / "a", [ENTRIES[0].image])
    assert open_dataset(tmp_path).images[ENTRIES[0].image].parent.name == "a"


def test_facts_that_were_not_noted_are_unknown_and_never_zero(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(HEAD + "L1,I1,nv,histo,,unknown,unknown\nL2,I2,MEL,,NA,male,back\n")
    first, second = open_dataset(tmp_path).rows
    assert (first.age, first.sex, first.site) == (None, "", "")
    assert (second.age, second.dx, second.dx_type) == (None, Diagnosis.MEL, "")


def test_other_diagnoses_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(HEAD + "L1,I1,nv,,,,\nL2,I2,scc,,,,\nL3,I3,scc,,,,\n")
    dataset = open_dataset(tmp_path)
    assert [row.image_id for row in dataset.rows] == ["I1"]
    assert dataset.other == {"scc": 2}


def test_without_lesion_ids_each_image_is_a_lesion_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("image_id,dx\nI1,nv\nI2,mel\n")
    dataset = open_dataset(tmp_path)
    assert [row.lesion_id for row in dataset.rows] == ["I1", "I2"]
    assert not dataset.names_lesions


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    assert "no table" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"lesion_id,dx\nL1,nv\n", "image_id"),
        (b"", "image_id"),
        (HEAD.encode(), "image_id"),
        (HEAD.encode() + b"L1,I1,nv\n", "line 2"),
        (HEAD.encode() + b"L1,I1,nv,,,,,too,many\n", "line 2"),
        (HEAD.encode() + b"L1,,nv,,,,\n", "no id"),
        (HEAD.encode() + b"L1,I1,scc,,,,\n", "seven diagnoses"),
        (HEAD.encode() + b"L1,I1,nv,,,,\nL2,I1,nv,,,,\n", "2 times"),
        (b"image_id,dx,fold\nI1,nv,7\n", "no fold"),
        (b"\xff\xfe\x00image", "UTF-8"),
        (b'image_id,dx\n"I1,nv\n', "not a table"),
    ],
)
def test_a_bad_table_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(content)
    assert said in refusal(tmp_path)


def test_the_images_here_are_found_from_either_folder(shared_data: Path) -> None:
    dataset = open_dataset(shared_data)
    assert len(dataset.rows) == len(open_dataset(shared_data / "ham10000").rows) > 0
    assert all(row.image_id in dataset.images for row in dataset.rows)
