"""Sentences in the language of the person: catalogues, plurals, what travels, and numbers."""

from __future__ import annotations

import gettext
import io
import json
import pickle
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qana_desktop.system import figures, language
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _, english, ngettext, said, use_catalogue, wanted_language
from tests.support.catalogues import compiled

WORDS = {
    ("The file is empty.",): ["Die Datei ist leer."],
    ("Copy it again.",): ["Kopieren Sie sie noch einmal."],
    ("Cannot assess: {happened}",): ["Nicht beurteilbar: {happened}"],
    ("the image has {width} x {height} pixels.",): ["das Bild hat {width} x {height} Pixel."],
    ("The folder {name} holds {count} file.", "The folder {name} holds {count} files."): [
        "Der Ordner {name} enthält {count} Datei.",
        "Der Ordner {name} enthält {count} Dateien.",
    ],
}


@pytest.fixture
def german() -> Iterator[None]:
    """Speak German from a small catalogue, compiled as real ones are."""
    file = compiled(WORDS, "nplurals=2; plural=(n != 1);")
    use_catalogue("de", gettext.GNUTranslations(io.BytesIO(file)), language.catalogue_keys(file))
    yield
    use_catalogue("en", gettext.NullTranslations())


@pytest.mark.usefixtures("german")
def test_a_sentence_is_said_in_the_language_in_use() -> None:
    assert _("The file is empty.") == "Die Datei ist leer."


@pytest.mark.usefixtures("german")
def test_a_sentence_that_the_catalogue_lacks_stays_english() -> None:
    assert _("Nobody translated this.") == "Nobody translated this."
    assert _("") == ""


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(("count", "files"), [(0, "0 Dateien"), (1, "1 Datei"), (2, "2 Dateien")])
def test_the_plural_is_that_of_the_language(count: int, files: str) -> None:
    form = ngettext("The folder {name} holds {count} file.", "The folder {name} holds {count} files.", count)
    assert form.format(name="A", count=count) == f"Der Ordner A enthält {files}."


@pytest.mark.usefixtures("german")
def test_a_fault_holds_english_and_is_read_in_the_language_in_use() -> None:
    fault = Fault(
        "file-empty", _("Cannot assess: {happened}").format(happened=_("The file is empty.")), "Copy it again."
    )
    assert fault.message == "Cannot assess: The file is empty."
    assert type(fault.message) is str
    assert fault.what == "Nicht beurteilbar: Die Datei ist leer."
    assert fault.sentence() == "Nicht beurteilbar: Die Datei ist leer. Kopieren Sie sie noch einmal."


@pytest.mark.usefixtures("german")
def test_what_travels_is_english_whatever_the_language() -> None:
    fault = Fault("file-empty", _("The file is empty."), _("Copy it again."))
    assert pickle.loads(pickle.dumps(fault)) == Fault("file-empty", "The file is empty.", "Copy it again.")  # noqa: S301
    assert "Datei" not in json.dumps({"message": fault.message})
    assert str(KnownError(fault)) == "The file is empty. Copy it again."


@pytest.mark.usefixtures("german")
def test_a_sentence_that_travelled_is_recognised_with_its_fields() -> None:
    assert said("Cannot assess: the image has 3 x 4 pixels.") == "Nicht beurteilbar: das Bild hat 3 x 4 Pixel."
    assert said("The folder moles/a holds 1 file.") == "Der Ordner moles/a enthält 1 Datei."
    assert said("The folder moles/a holds 1,200 files.") == "Der Ordner moles/a enthält 1,200 Dateien."


@pytest.mark.usefixtures("german")
def test_sentences_in_a_row_are_said_one_by_one_and_what_is_unknown_stays() -> None:
    assert said("The file is empty. Something else. Copy it again.") == (
        "Die Datei ist leer. Something else. Kopieren Sie sie noch einmal."
    )
    assert said("IMG_0192 (back).jpg") == "IMG_0192 (back).jpg"


@pytest.mark.usefixtures("german")
@given(st.text())
def test_any_text_can_be_said(text: str) -> None:
    assert isinstance(said(text), str)


@given(st.text())
def test_english_is_said_as_it_is(text: str) -> None:
    assert said(text) == text
    assert english(text) == text


@pytest.mark.parametrize(
    ("environment", "chosen", "system", "spoken"),
    [
        ("fr", "de", ["es"], "fr"),
        ("", "de", ["es"], "de"),
        ("", "", ["pt_BR", "es_MX.UTF-8", "de"], "es"),
        ("", "", ["zh-Hans-CN"], "zh_CN"),
        ("", "", ["zh-Hant-TW"], "en"),
        ("", "", ["C"], "en"),
        ("klingon", "", ["de_AT@euro"], "de"),
        ("", "", [], "en"),
    ],
)
def test_the_language_is_the_environments_else_the_chosen_one_else_the_systems(
    environment: str, chosen: str, system: list[str], spoken: str
) -> None:
    assert wanted_language(chosen, {language.VARIABLE: environment}, system) == spoken


@pytest.mark.parametrize(
    ("code", "number", "share", "when"),
    [
        ("en", "12,500.3", "90\u00a0%", "2026-11-21 09:05"),
        ("de", "12.500,3", "90\u00a0%", "21.11.2026 09:05"),
        ("fr", "12\u202f500,3", "90\u202f%", "21/11/2026 09:05"),
        ("zh_CN", "12,500.3", "90%", "2026-11-21 09:05"),
        ("xx", "12,500.3", "90\u00a0%", "2026-11-21 09:05"),
    ],
)
def test_numbers_and_dates_are_written_as_the_language_does(code: str, number: str, share: str, when: str) -> None:
    use_catalogue(code, gettext.NullTranslations())
    try:
        assert figures.decimal(12500.26, 1) == number
        assert figures.percent(0.9) == share
        assert figures.moment(datetime(2026, 11, 21, 9, 5)) == when
        assert figures.stored_moment("2026-11-21T09:05:33+00:00") == when
        assert figures.stored_moment("some day") == "some day"
        assert figures.day(date(2026, 11, 21)) == when.split()[0]
    finally:
        use_catalogue("en", gettext.NullTranslations())


def test_negative_and_whole_numbers_keep_their_sign_and_groups() -> None:
    assert figures.decimal(-1234.5, 1) == "-1,234.5"
    assert figures.grouped(1234567) == "1,234,567"
