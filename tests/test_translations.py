"""Every sentence of the program has a good translation in every shipped language, and the compiled files have it."""

# ruff: noqa: RUF001 - Chinese has signs of its own

from __future__ import annotations

import ast
import gettext
import io
import re
import sys
from collections.abc import Iterator, Sized
from pathlib import Path
from types import ModuleType

import pytest

from qana_desktop.system.language import LANGUAGES, SOURCE, said, use_catalogue, use_language
from qana_desktop.system.resources import assets_dir

PACKAGING = Path(__file__).resolve().parents[1] / "packaging"
SHIPPED = [language for language in LANGUAGES if language != SOURCE]


@pytest.fixture(scope="module")
def translations() -> Iterator[ModuleType]:
    """The script behind `python3 tasks.py translations`."""
    sys.path.insert(0, str(PACKAGING))
    try:
        import translations as script

        yield script
    finally:
        sys.path.remove(str(PACKAGING))


@pytest.fixture(scope="module")
def sentences(translations: ModuleType) -> Sized:
    """All sentences of the program: looked for once."""
    return translations.extract()


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_catalogue(SOURCE, gettext.NullTranslations())


def test_the_script_and_the_program_name_the_same_languages(translations: ModuleType) -> None:
    assert sorted(translations.LANGUAGES) == sorted(SHIPPED)


@pytest.mark.parametrize("language", SHIPPED)
def test_every_sentence_has_a_translation_with_the_same_fields(
    translations: ModuleType, sentences: Sized, language: str
) -> None:
    assert len(sentences) > 1000
    gaps = translations.gaps(language, translations.read(language), sentences)
    lines = "\n".join(f"{gap.sentence!r} {gap.why}" for gap in gaps)
    assert lines == "", "write them in the .po file, then run: python3 tasks.py translations"


def test_no_sentence_hides_inside_an_f_string_where_the_extraction_does_not_see_it() -> None:
    package = assets_dir().parent / "qana_desktop"
    hidden = [
        f"{path.relative_to(package)}:{call.lineno}"
        for path in package.rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"tr", "trn", "_"}
        if any(isinstance(word, ast.Constant) and isinstance(word.value, str) for word in call.args)
    ]
    assert hidden == []


@pytest.mark.parametrize("language", SHIPPED)
def test_what_is_compiled_is_what_is_written(translations: ModuleType, language: str) -> None:
    def spoken(compiled: bytes) -> dict[object, str]:
        return gettext.GNUTranslations(io.BytesIO(compiled))._catalog  # type: ignore[attr-defined]

    compiled = translations.po_file(language).with_suffix(".mo").read_bytes()
    assert spoken(compiled) == spoken(translations.mo_bytes(translations.read(language)))


@pytest.mark.parametrize("language", SHIPPED)
def test_the_catalogue_says_that_nobody_has_reviewed_it_yet(translations: ModuleType, language: str) -> None:
    text = translations.po_file(language).read_text(encoding="utf-8")
    assert translations.STATUS in text.lower()
    assert f"X-Review: {translations.STATUS}" in text


@pytest.mark.parametrize("language", SHIPPED)
def test_a_catalogue_is_in_the_signs_of_its_language(translations: ModuleType, language: str) -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    texts = [str(message.string) for message in translations.read(language) if message.id]
    with_signs = sum(chinese.search(text) is not None for text in texts)
    if language == "zh_CN":
        assert with_signs > 0.9 * len(texts)
    else:
        assert with_signs == 0


def test_a_missing_translation_and_another_field_are_found(translations: ModuleType, sentences: Sized) -> None:
    catalogue = translations.read("de")
    some = [message for message in catalogue if message.id and "{" in str(message.id) and message.pluralizable is False]
    some[0].string, some[1].string = "", "{nothing_of_this_name}"
    whys = [gap.why for gap in translations.gaps("de", catalogue, sentences)]
    assert "has no translation" in whys
    assert any("other fields" in why for why in whys)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "Nicht beurteilbar: das Bild ist zu unscharf zum Auswerten (Schärfe 3, nötig 8)."),
        ("fr", "Non évaluable : l'image est trop floue pour être lue (netteté 3, il faut 8)."),
        ("es", "No evaluable: la imagen está demasiado borrosa para leerla (nitidez 3, hace falta 8)."),
        ("zh_CN", "无法评估：图像过于模糊，无法判读（清晰度 3，需要 8）。"),
    ],
)
def test_a_stored_refusal_is_read_in_the_language_of_the_person(language: str, sentence: str) -> None:
    use_language(language, assets_dir() / "locale")
    assert said("Cannot assess: the image is too blurred to read (sharpness 3, needs 8).") == sentence


@pytest.mark.parametrize("language", SHIPPED)
def test_qts_own_buttons_are_translated_too(language: str) -> None:
    from PySide6.QtCore import QLibraryInfo

    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    assert (folder / f"qtbase_{language}.qm").is_file()
