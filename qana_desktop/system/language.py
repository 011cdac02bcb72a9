"""The words a person reads, in that person's language: gettext catalogues for every layer, without Qt.

The English sentence is the key. A sentence that a catalogue lacks stays English: never an empty label.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "qana"

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use_language(language: str, folder: Path) -> None:
    """Speak `language` ("de", "zh_CN"; "en" is the source) from `folder`/<language>/LC_MESSAGES/qana.mo."""
    global _catalogue
    _catalogue = gettext.translation(DOMAIN, folder, [language], fallback=True)


def _(sentence: str) -> str:
    """`sentence` in the language in use."""
    return _catalogue.gettext(sentence) if sentence else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a sentence for `count` things; the caller fills in the number."""
    return _catalogue.ngettext(one, many, count)
