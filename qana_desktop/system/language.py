"""The words a person reads, in that person's language: gettext catalogues for every layer, without Qt.

The English sentence is the key. A sentence that a catalogue lacks stays English: never an empty label.

What travels stays English: between processes, into JSON, into records and the audit. `Fault` sees to it with `english`.
Where a person reads such a text, `said` finds the sentence that it was made from and says it in the language in use.
"""

from __future__ import annotations

import gettext
import os
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Final

DOMAIN: Final = "qana"

VARIABLE: Final = "QANA_LANGUAGE"
"""The environment's word on the language; before the settings and the system's locale."""

SOURCE: Final = "en"

LANGUAGES: Final[Mapping[str, str]] = {
    SOURCE: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "zh_CN": "简体中文",
}
"""The languages of the program, each with its own name for itself."""

_LEAST_LETTERS: Final = 6
"""A sentence of fewer fixed letters fits nearly everything; nothing is recognised by it."""


class Sentence(str):
    """A text in the language in use that knows its English."""

    __slots__ = ("english",)
    english: str

    def __new__(cls, shown: str, english: str) -> Sentence:
        """Make a text that is shown as `shown`."""
        text = super().__new__(cls, shown)
        text.english = english
        return text

    def format(self, *args: object, **values: object) -> str:
        """Fill in both."""
        plain = {name: english(value) if isinstance(value, str) else value for name, value in values.items()}
        return Sentence(super().format(*args, **values), self.english.format(*args, **plain))


@dataclass(frozen=True)
class _Template:
    """A sentence with fields, ready to be found in a text; `one` is its singular, or itself."""

    text: str
    one: str
    fixed: str
    pattern: re.Pattern[str]


class _Words:
    """The catalogue in use."""

    def __init__(
        self, language: str, catalogue: gettext.NullTranslations, keys: Iterable[tuple[str, ...]] = ()
    ) -> None:
        self.language = language
        self.catalogue = catalogue
        self.plain = type(catalogue) is gettext.NullTranslations
        self.plurals = {many: one for one, *others in keys for many in others}
        made = [_template(text, key[0]) for key in keys for text in key if "{" in text]
        self.templates = sorted((t for t in made if t is not None), key=lambda t: -sum(map(len, t.pattern.pattern)))


_words = _Words(SOURCE, gettext.NullTranslations())


def use_language(language: str, folder: Path) -> None:
    """Speak `language` ("de", "zh_CN"; "en" is the source) from `folder`/<language>/LC_MESSAGES/qana.mo."""
    file = folder / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    if language == SOURCE or not file.is_file():
        use_catalogue(language, gettext.NullTranslations())
    else:
        with file.open("rb") as stream:
            use_catalogue(language, gettext.GNUTranslations(stream), catalogue_keys(file.read_bytes()))


def use_catalogue(language: str, catalogue: gettext.NullTranslations, keys: Iterable[tuple[str, ...]] = ()) -> None:
    """Speak from a catalogue; `keys` are its English sentences: (sentence,) or (singular, plural)."""
    global _words
    _words = _Words(language, catalogue, tuple(keys))
    said.cache_clear()


def current() -> str:
    """The code of the language in use."""
    return _words.language


def wanted_language(chosen: str = "", environment: Mapping[str, str] = os.environ, system: Iterable[str] = ()) -> str:
    """Return the language to speak: the environment's, else the chosen one, else the first of the system's we have."""
    for name in (environment.get(VARIABLE, ""), chosen, *system):
        if found := known_language(name):
            return found
    return SOURCE


def known_language(name: str) -> str:
    """Return our code for a locale's name ("de_AT.UTF-8", "zh-Hans-CN"); "" for a language that we do not have."""
    parts = re.split(r"[-_.@]", name.strip())
    for code in LANGUAGES:
        if code.partition("_")[0] == parts[0].lower() and not {"Hant", "TW", "HK", "MO"}.intersection(parts):
            return code
    return ""


def N_(sentence: str) -> str:
    """Mark a sentence that is translated where it is shown; returns it as it is."""
    return sentence


def _(sentence: str) -> str:
    """`sentence` in the language in use."""
    if _words.plain or not sentence:
        return sentence
    return Sentence(_words.catalogue.gettext(sentence), sentence)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a sentence for `count` things; the caller fills in the number."""
    form = one if count == 1 else many
    return form if _words.plain else Sentence(_words.catalogue.ngettext(one, many, count), form)


def english(text: str) -> str:
    """Return the English of a text that this module translated; any other text as it is, always a plain `str`."""
    return text.english if isinstance(text, Sentence) else str(text)


@lru_cache(maxsize=4096)
def said(text: str) -> str:
    """Say an English text of the program in the language in use, also when its fields are filled in.

    For texts that travelled: faults, stored readings. Several sentences in a row are said one after the other; what is
    no sentence of the program (a file's name) stays as it is.
    """
    if _words.plain or not text or isinstance(text, Sentence):
        return text
    whole = _one_said(text)
    return whole if whole is not None else _several_said(text)


def _one_said(text: str) -> str | None:
    exact = _words.catalogue.gettext(text)
    if exact != text:
        return exact
    for template in _words.templates:
        if template.fixed in text and (found := template.pattern.fullmatch(text)) is not None:
            values = {name: said(value) for name, value in found.groupdict().items()}
            return _filled(_translated(template, values), values)
    return None


def _several_said(text: str) -> str:
    ends = [found.end(1) for found in re.finditer(r"([.!?:])\s", text)]
    for end in reversed(ends):
        first = _one_said(text[:end])
        if first is not None:
            return first + text[end] + said(text[end + 1 :])
    if not ends:
        return text
    return text[: ends[0] + 1] + said(text[ends[0] + 1 :])


def _translated(template: _Template, values: Mapping[str, str]) -> str:
    if template.one == template.text and template.text not in _words.plurals.values():
        return _words.catalogue.gettext(template.text)
    counts = [int(digits) for value in values.values() if (digits := value.replace(",", "")).isdecimal()]
    count = 1 if template.one == template.text else next(iter(counts), 2)
    many = next((many for many, one in _words.plurals.items() if one == template.one), template.text)
    return _words.catalogue.ngettext(template.one, many, count)


def _filled(template: str, values: Mapping[str, str]) -> str:
    parts = []
    for literal, field, _spec, _conversion in Formatter().parse(template):
        parts += [literal, "" if field is None else values.get(field, "")]
    return "".join(parts)


def _template(text: str, one: str) -> _Template | None:
    pattern, seen, fixed = "", set[str](), ""
    for literal, field, _spec, _conversion in Formatter().parse(text):
        pattern += re.escape(literal)
        fixed = max(fixed, literal, key=len)
        if field is not None:
            pattern += f"(?P={field})" if field in seen else f"(?P<{field}>.*)"
            seen.add(field)
    if sum(letter.isalpha() for letter in fixed) < _LEAST_LETTERS:
        return None
    return _Template(text, one, fixed, re.compile(pattern, re.DOTALL))


def catalogue_keys(compiled: bytes) -> tuple[tuple[str, ...], ...]:
    """Return the English sentences of a compiled catalogue (GNU gettext's MO format), plurals after their singular."""
    order = "<" if compiled[:4] == b"\xde\x12\x04\x95" else ">"
    count, table = struct.unpack_from(f"{order}2I", compiled, 8)
    keys = []
    for number in range(count):
        length, start = struct.unpack_from(f"{order}2I", compiled, table + 8 * number)
        if length:
            keys.append(tuple(compiled[start : start + length].decode().split("\0")))
    return tuple(keys)
