"""The recovery code: 130 random bits as 28 characters that a person can print, read aloud and type back.

Crockford's Base32 alphabet (no I, L, O, U) in seven groups of four. The last two characters are the value modulo 1021,
the largest prime below 2**10: every single wrong character and every swap of two of the first 26 is found before the
key is tried.
"""

from __future__ import annotations

import secrets
from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_CHARACTERS: Final = 26
_CHECK: Final = 2
_MODULUS: Final = 1021


class BadRecoveryCode(KnownError):
    """What was typed cannot be a recovery code."""


def new_recovery_code() -> str:
    """Return a fresh code, like ``3K7Q-...`` (seven groups)."""
    return format_recovery_code(secrets.randbits(5 * _CHARACTERS))


def format_recovery_code(value: int) -> str:
    """Return the code of a value of 130 bits."""
    text = _digits(value, _CHARACTERS) + _digits(value % _MODULUS, _CHECK)
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def read_recovery_code(typed: str) -> bytes:
    """Return the 17 secret bytes of a code as typed (any case, spaces and dashes anywhere); raises BadRecoveryCode."""
    text = "".join(typed.split()).replace("-", "").upper().translate(_ALIKE)
    wrong = next((character for character in text if character not in ALPHABET), None)
    if wrong is not None:
        raise _bad(_("The recovery code holds '{wrong}', which no code has.").format(wrong=wrong))
    if len(text) != _CHARACTERS + _CHECK:
        raise _bad(
            _("The recovery code has {count} characters instead of {characters}.").format(
                count=len(text), characters=_CHARACTERS + _CHECK
            )
        )
    value = _value(text[:_CHARACTERS])
    if _value(text[_CHARACTERS:]) != value % _MODULUS:
        raise _bad(_("The recovery code has a typing error."))
    return value.to_bytes(17, "big")


def _bad(message: str) -> BadRecoveryCode:
    remedy = _("Compare it with the printed sheet and type it again.")
    return BadRecoveryCode(Fault("recovery-code-mistyped", message, remedy))


def _digits(value: int, count: int) -> str:
    return "".join(ALPHABET[value >> (5 * place) & 31] for place in reversed(range(count)))


def _value(text: str) -> int:
    value = 0
    for character in text:
        value = value << 5 | ALPHABET.index(character)
    return value
