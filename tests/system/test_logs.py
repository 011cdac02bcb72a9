"""The log file keeps events and ids and withholds what could name a patient."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.logs import LOG_FILE, WITHHELD, close_log, open_log, safe_argument
from qana_desktop.triage.diagnosis import Diagnosis

log = logging.getLogger("qana_desktop.tests")


@pytest.fixture
def log_file(tmp_path) -> Iterator[Path]:
    handler = open_log(tmp_path / "logs")
    yield tmp_path / "logs" / LOG_FILE
    close_log(handler)


IDS = [None, 3, 2.5, True, "onnx-cpu", "akida-board:0", "3f2a", np.int64(7), next(iter(Diagnosis))]


@pytest.mark.parametrize("value", IDS)
def test_ids_and_numbers_stay_readable(value):
    assert safe_argument(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "/home/anna/IMG 1.jpg",
        r"C:\Users\Anna\scan.png",
        "schmidt.jpg",
        "Anna Schmidt",
        "Müller",
        "a\nforged line",
        Path("x"),
        ["anna"],
        {"name": "anna"},
        b"pixels",
        ValueError("/home/anna"),
        "",
        "x" * 200,
    ],
)
def test_names_paths_and_objects_are_withheld(value):
    assert safe_argument(value) == WITHHELD


@given(st.text())
def test_no_text_with_a_separator_a_space_or_a_line_break_gets_through(text):
    if set(text) & set("/\\ \n\r\t\"'"):
        assert safe_argument(text) == WITHHELD


def test_an_event_is_written_with_its_ids(log_file):
    log.info("engine %s ready after %d attempts", "onnx-cpu", 2)
    line = log_file.read_text(encoding="utf-8")
    assert "INFO qana_desktop.tests engine onnx-cpu ready after 2 attempts" in line


@pytest.mark.expects_log("could not be read")
def test_a_path_does_not_reach_the_file_but_other_handlers_see_the_record(log_file, caplog: pytest.LogCaptureFixture):
    log.warning("image %s could not be read", "/data/Anna Schmidt/mole.jpg")
    text = log_file.read_text(encoding="utf-8")
    assert "Anna" not in text
    assert f"image {WITHHELD} could not be read" in text
    assert "Anna Schmidt" in caplog.text


def test_named_arguments_are_withheld_as_well(log_file):
    log.info("import of %(folder)s took %(count)d", {"folder": "/data/Anna", "count": 4})
    assert f"import of {WITHHELD} took 4" in log_file.read_text(encoding="utf-8")


@pytest.mark.expects_log("import failed")
def test_an_exception_is_written_as_type_code_and_place_without_its_message(log_file):
    try:
        try:
            raise FileNotFoundError(2, "No such file", "/data/Anna/mole.jpg")
        except FileNotFoundError as error:
            raise KnownError(Fault("file-missing", "Anna's file is gone.", "")) from error
    except KnownError:
        log.exception("import failed")
    text = log_file.read_text(encoding="utf-8")
    assert "KnownError(file-missing)" in text
    assert "caused by FileNotFoundError" in text
    assert "test_an_exception_is_written" in text
    assert "Anna" not in text


def test_other_libraries_messages_do_not_reach_the_file(log_file):
    logging.getLogger("somelibrary").info("opened /data/Anna")
    assert log_file.read_text(encoding="utf-8") == ""


def test_a_line_that_cannot_be_formatted_prints_nothing(log_file, capsys: pytest.CaptureFixture[str]):
    logger = logging.getLogger("qana_desktop.tests.broken")
    logger.parent, parent = logging.getLogger("qana_desktop"), logger.parent
    record = logger.makeRecord(logger.name, logging.INFO, "x", 1, "%d images", ("/data/Anna",), None)
    for handler in logging.getLogger("qana_desktop").handlers:
        handler.handle(record)
    logger.parent = parent
    assert "Anna" not in capsys.readouterr().err + log_file.read_text(encoding="utf-8")


def test_a_closed_log_takes_nothing_more(tmp_path):
    close_log(open_log(tmp_path))
    log.info("after the end")
    assert (tmp_path / LOG_FILE).read_text(encoding="utf-8") == ""
