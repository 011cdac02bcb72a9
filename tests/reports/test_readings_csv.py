"""The table of readings opens in a spreadsheet as it was written, runs nothing, and names nobody."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.reports.readings_csv import COLUMNS, safe, write_readings
from qana_desktop.triage.case import Case, CaseImage, Encounter, Filed, FiledImage, Lesion, Patient, Value
from qana_desktop.triage.outcome import Outcome
from tests.support.stores import REFUSED, assessed, reading


def filed(value: Value, entity: str) -> Filed[Value]:
    return Filed(1, entity, 1, None, value, "2026-03-01T12:00:00Z", "tester")


def case(*outcomes: Outcome, site: str = "left forearm", pseudonym: str = "P-1") -> Case:
    image = FiledImage(
        filed(CaseImage("a" * 64, "image/png", 48, 48), "i"),
        tuple(filed(reading("a" * 64, outcome), f"r{number}") for number, outcome in enumerate(outcomes)),
    )
    return Case(
        patient=filed(Patient(pseudonym, "Erika Mustermann"), "p"),
        skin_tone=None,
        lesion=filed(Lesion(site), "l"),
        outcomes=(),
        encounter=filed(Encounter("2026-03-01T12:00:00Z"), "e"),
        images=(image,),
        assessments=(),
        second_readings=(),
        sign_offs=(),
        tags=None,
        entered_until=9,
    )


def table(path: Path, *cases: Case) -> list[dict[str, str]]:
    write_readings(path, cases)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_reading_has_a_line_with_what_it_says(tmp_path: Path) -> None:
    first, second = table(tmp_path / "a.csv", case(assessed(malignancy=0.25), REFUSED))
    assert (first["state"], first["triage"], first["predicted"]) == ("assessed", "review", "mel")
    assert (float(first["malignancy"]), float(first["p_mel"])) == (0.25, 0.25)
    assert (first["pseudonym"], first["engine"], first["total_ms"]) == ("P-1", "onnx-cpu", "4.25")
    assert (second["state"], second["reason"], second["malignancy"]) == ("cannot_assess", "blurred", "")


def test_the_file_has_a_mark_windows_line_ends_and_stated_columns(tmp_path: Path) -> None:
    write_readings(tmp_path / "a.csv", [case(REFUSED, site="Nase, außen\n„links“")])
    data = (tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfpseudonym,lesion,")
    assert data.endswith(b"\r\n")
    assert '"Nase, außen\n„links“"'.encode() in data
    assert data.split(b"\r\n")[0].decode("utf-8-sig").split(",") == list(COLUMNS)


def test_names_and_paths_are_not_in_the_table(tmp_path: Path) -> None:
    write_readings(tmp_path / "a.csv", [case(assessed())])
    text = (tmp_path / "a.csv").read_text("utf-8-sig")
    assert "Mustermann" not in text
    assert "drawn.png" not in text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\N{NO-BREAK SPACE}=1",
        "\N{FULLWIDTH EQUALS SIGN}1",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_made_a_text(tmp_path: Path, text: str) -> None:
    (line,) = table(tmp_path / "a.csv", case(REFUSED, pseudonym=text, site="a"))
    assert line["pseudonym"] == f"'{text}"


def test_numbers_stay_numbers() -> None:
    assert [safe(number) for number in (-1, -0.5, 1e-20, 0)] == ["-1", "-0.5", "1e-20", "0"]


@given(text=st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not safe(text).lstrip().startswith(("=", "+", "-", "@"))


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("theirs")
    with pytest.raises(FileExistsError):
        write_readings(tmp_path / "a.csv", [])
    assert (tmp_path / "a.csv").read_text() == "theirs"
