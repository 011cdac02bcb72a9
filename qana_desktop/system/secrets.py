"""Secrets: the operating system's keychain, keys from passphrases, sealed boxes. Nothing here writes a file.

Argon2id with RFC 9106's second recommended parameters (3 passes, 64 MiB, 4 lanes); AES-256-GCM (NIST SP 800-38D);
keys for different uses are derived with HKDF-SHA-256 (RFC 5869).
"""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SERVICE: Final = "qana-desktop"
REAL_KEYCHAINS: Final = ("SecretService", "kwallet", "libsecret", "macOS", "Windows")
"""Modules of `keyring.backends` that hand secrets to the operating system; plain-text and null ones are not here."""


class KeychainFailed(KnownError):
    """The keychain is missing, locked or refused."""


class BoxBroken(Exception):
    """A sealed box was not made with this key and label, or was changed."""


class Keychain(Protocol):
    """Keeps small secrets by name, for this user of this machine."""

    def available(self) -> bool:
        """Whether secrets can be kept here."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the secret, None when there is none; raises KeychainFailed."""
        ...

    def write(self, name: str, secret: bytes) -> None:
        """Keep the secret, in place of an earlier one; raises KeychainFailed."""
        ...

    def forget(self, name: str) -> None:
        """Remove the secret if it is there; raises KeychainFailed."""
        ...


class OsKeychain:
    """Windows Credential Manager, macOS Keychain, Secret Service or KWallet; `keyring` is loaded on first use."""

    def available(self) -> bool:
        """Whether a real keychain is reachable. A plain-text stand-in does not count."""
        import keyring
        from keyring.backends import chainer

        backend = keyring.get_keyring()
        backends = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
        return bool(backends) and all(type(one).__module__.rpartition(".")[2] in REAL_KEYCHAINS for one in backends)

    def read(self, name: str) -> bytes | None:
        """Return the secret, None when there is none; raises KeychainFailed."""
        import keyring
        from keyring.errors import KeyringError

        self._must_be_real()
        try:
            text = keyring.get_password(SERVICE, name)
        except KeyringError as error:
            raise _keychain_failed() from error
        return None if text is None else base64.b64decode(text, validate=True)

    def write(self, name: str, secret: bytes) -> None:
        """Keep the secret, in place of an earlier one; raises KeychainFailed."""
        import keyring
        from keyring.errors import KeyringError

        self._must_be_real()
        try:
            keyring.set_password(SERVICE, name, base64.b64encode(secret).decode())
        except KeyringError as error:
            raise _keychain_failed() from error

    def forget(self, name: str) -> None:
        """Remove the secret if it is there; raises KeychainFailed."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        self._must_be_real()
        try:
            keyring.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise _keychain_failed() from error

    def _must_be_real(self) -> None:
        if not self.available():
            raise _keychain_failed()


class NoKeychain:
    """Stands where there is no keychain, or where a person wants none: a passphrase is asked for instead."""

    def available(self) -> bool:
        """Never."""
        return False

    def read(self, name: str) -> bytes | None:
        """Return None: nothing is kept."""
        return None

    def write(self, name: str, secret: bytes) -> None:
        """Raise KeychainFailed."""
        raise _keychain_failed()

    def forget(self, name: str) -> None:
        """Do nothing: nothing is kept."""


@dataclass(frozen=True)
class Argon2Cost:
    """Cost of one try of a password. `memory_kib` is KiB."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4

    def __post_init__(self) -> None:
        if not (1 <= self.passes <= 64 and 1 <= self.lanes <= 16 and 8 * self.lanes <= self.memory_kib <= 1 << 21):
            raise ValueError("Argon2 cost out of range")


USUAL_COST: Final = Argon2Cost()


def stretch(password: str, salt: bytes, cost: Argon2Cost = USUAL_COST) -> bytes:
    """Return a key of 32 bytes from a password, slowly and with much memory (Argon2id)."""
    kdf = Argon2id(salt=salt, length=KEY_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return kdf.derive(password.encode())


@dataclass(frozen=True)
class PasswordHash:
    """What is kept of a password."""

    salt: bytes
    digest: bytes
    cost: Argon2Cost

    @staticmethod
    def of(password: str, cost: Argon2Cost = USUAL_COST) -> PasswordHash:
        """Hash with a fresh salt."""
        salt = os.urandom(16)
        return PasswordHash(salt, stretch(password, salt, cost), cost)

    def fits(self, password: str) -> bool:
        """Whether this is the password; takes the same time either way."""
        return hmac.compare_digest(self.digest, stretch(password, self.salt, self.cost))

    def to_text(self) -> str:
        """Return one line that `from_text` reads."""
        numbers = ",".join(str(number) for number in asdict(self.cost).values())
        return f"argon2id${numbers}${self.salt.hex()}${self.digest.hex()}"

    @staticmethod
    def from_text(text: str) -> PasswordHash:
        """Read what `to_text` wrote; raises ValueError."""
        method, numbers, salt, digest = text.split("$")
        if method != "argon2id":
            raise ValueError("not an Argon2id hash")
        passes, memory_kib, lanes = (int(number) for number in numbers.split(","))
        return PasswordHash(bytes.fromhex(salt), bytes.fromhex(digest), Argon2Cost(passes, memory_kib, lanes))


def derive(secret: bytes, purpose: str) -> bytes:
    """Return the key of 32 bytes for one purpose. Only for secrets that are random already."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"qana-desktop/{purpose}".encode()).derive(secret)


def seal_box(key: bytes, content: bytes, label: bytes) -> bytes:
    """Return nonce, ciphertext and tag. `label` is bound to the box but not in it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, label)


def open_box(key: bytes, box: bytes, label: bytes) -> bytes:
    """Return the content; raises BoxBroken for another key, another label, or a changed box."""
    if len(box) < NONCE_BYTES + TAG_BYTES:
        raise BoxBroken
    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], label)
    except InvalidTag as error:
        raise BoxBroken from error


def _keychain_failed() -> KeychainFailed:
    return KeychainFailed(
        Fault(
            "keychain-unavailable",
            _("The keychain of this computer cannot be reached or is locked."),
            _("Unlock it and try again, or open the case store with the recovery code or the passphrase."),
        )
    )
