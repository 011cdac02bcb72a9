"""The keys of a store, and the key file that holds them locked: by the keychain, by the recovery code, by a passphrase.

A store has two random keys. The data key encrypts (database, images, names of images, the head's seal). The site key
seals the audit record and stays the same when the data key is renewed. `keys.json` holds both only inside boxes
(AES-256-GCM), one per slot; each slot has its own way to the key of its box. No key is ever in a file in the clear.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from qana_desktop.store.faults import NO_STORE, StoreError
from qana_desktop.store.files import write_whole
from qana_desktop.system.faults import Fault
from qana_desktop.system.json_reads import JsonNode
from qana_desktop.system.language import N_, _
from qana_desktop.system.recovery_code import read_recovery_code
from qana_desktop.system.secrets import (
    KEY_BYTES,
    USUAL_COST,
    Argon2Cost,
    BoxBroken,
    Keychain,
    derive,
    open_box,
    seal_box,
    stretch,
)
from qana_desktop.triage.access import MIN_PASSPHRASE

KEY_FILE: Final = "keys.json"
FORMAT: Final = 1


@dataclass(frozen=True, repr=False)
class StoreKeys:
    """The two secrets, and what is derived from them."""

    data: bytes
    site: bytes

    @staticmethod
    def new() -> StoreKeys:
        """Return fresh random keys."""
        return StoreKeys(os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))

    def renewed(self) -> StoreKeys:
        """Return a new data key with the same site key."""
        return replace(self, data=os.urandom(KEY_BYTES))

    @property
    def database(self) -> bytes:
        """Key of the database's pages."""
        return derive(self.data, "database/1")

    @property
    def blobs(self) -> bytes:
        """Key of the images."""
        return derive(self.data, "blobs/1")

    @property
    def seal(self) -> bytes:
        """Key that seals the head and the manifests of backups."""
        return derive(self.data, "seal/1")


class SlotKind(StrEnum):
    """Ways to the keys."""

    KEYCHAIN = "keychain"
    RECOVERY = "recovery"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a way, not a password


@dataclass(frozen=True)
class Slot:
    """One locked copy of the keys. `salt` and `cost` are used by the passphrase only."""

    kind: SlotKind
    name: str
    salt: bytes
    cost: Argon2Cost
    box: bytes


@dataclass(frozen=True)
class KeyFile:
    """The content of `keys.json`: which store, and its slots."""

    store_id: str
    slots: tuple[Slot, ...] = ()

    @staticmethod
    def new() -> KeyFile:
        """Return the key file of a new store, without slots."""
        return KeyFile(uuid.uuid4().hex)

    def kinds(self) -> frozenset[SlotKind]:
        """Return the ways that exist."""
        return frozenset(slot.kind for slot in self.slots)

    # --- locking ---

    def with_keychain(self, keys: StoreKeys, keychain: Keychain) -> KeyFile:
        """Lock by a fresh secret that the keychain keeps; raises KeychainFailed. An older secret stays there."""
        name, secret = f"store-{self.store_id}-{uuid.uuid4().hex[:8]}", os.urandom(KEY_BYTES)
        keychain.write(name, secret)
        return self._with(SlotKind.KEYCHAIN, name, keys, secret)

    def with_recovery(self, keys: StoreKeys, code: str) -> KeyFile:
        """Lock by a recovery code; raises BadRecoveryCode."""
        return self._with(SlotKind.RECOVERY, uuid.uuid4().hex[:8], keys, _code_key(code))

    def with_passphrase(self, keys: StoreKeys, passphrase: str, cost: Argon2Cost = USUAL_COST) -> KeyFile:
        """Lock by a passphrase; raises StoreError for a short one."""
        if len(passphrase) < MIN_PASSPHRASE:
            message = _("The passphrase is shorter than {min_passphrase} characters.").format(
                min_passphrase=MIN_PASSPHRASE
            )
            raise StoreError(
                Fault("passphrase-short", message, _("Choose a longer one: four or five words, for example."))
            )
        salt = os.urandom(16)
        key = stretch(passphrase, salt, cost)
        return self._with(SlotKind.PASSPHRASE, uuid.uuid4().hex[:8], keys, key, salt=salt, cost=cost)

    def without(self, *kinds: SlotKind) -> KeyFile:
        """Return the file without the slots of these kinds."""
        return replace(self, slots=tuple(slot for slot in self.slots if slot.kind not in kinds))

    # --- unlocking ---

    def open_with_keychain(self, keychain: Keychain) -> StoreKeys:
        """Return the keys; raises StoreError for a lost secret, KeychainFailed when the keychain is not reachable."""
        for slot in self._of(SlotKind.KEYCHAIN):
            secret = keychain.read(slot.name)
            if secret is not None and len(secret) == KEY_BYTES:
                return self._open(slot, secret, _WRONG_KEYCHAIN)
        raise StoreError(_LOST_KEYCHAIN)

    def open_with_recovery(self, code: str) -> StoreKeys:
        """Return the keys; raises BadRecoveryCode for a mistyped code, StoreError for one of another store."""
        key = _code_key(code)
        for slot in self._of(SlotKind.RECOVERY):
            return self._open(slot, key, _WRONG_CODE)
        raise StoreError(_NO_SUCH_WAY)

    def open_with_passphrase(self, passphrase: str) -> StoreKeys:
        """Return the keys; raises StoreError."""
        for slot in self._of(SlotKind.PASSPHRASE):
            return self._open(slot, stretch(passphrase, slot.salt, slot.cost), _WRONG_PASSPHRASE)
        raise StoreError(_NO_SUCH_WAY)

    # --- the file ---

    def write(self, folder: Path) -> None:
        """Write `keys.json` whole; raises OSError."""
        slots = [
            {
                "kind": str(slot.kind),
                "name": slot.name,
                "salt": slot.salt.hex(),
                "cost": {"passes": slot.cost.passes, "memory_kib": slot.cost.memory_kib, "lanes": slot.cost.lanes},
                "box": slot.box.hex(),
            }
            for slot in self.slots
        ]
        text = json.dumps({"format": FORMAT, "store": self.store_id, "slots": slots}, indent=1) + "\n"
        write_whole(folder / KEY_FILE, text.encode())

    @staticmethod
    def read(folder: Path) -> KeyFile:
        """Read `keys.json`; raises StoreError when there is no store, BadJson for a damaged file, OSError."""
        try:
            text = (folder / KEY_FILE).read_text("utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(NO_STORE) from error
        remedy = _("Copy keys.json from the last backup into the folder of the case store.")
        root = JsonNode.parse(text, document=KEY_FILE, code="store-key-file-bad", remedy=remedy)
        if root.key("format").integer() > FORMAT:
            root.refuse(_("was written by a later version of the program"))
        return KeyFile(root.key("store").text(), tuple(_read_slot(slot) for slot in root.key("slots").items()))

    def _with(
        self,
        kind: SlotKind,
        name: str,
        keys: StoreKeys,
        key: bytes,
        *,
        salt: bytes = b"",
        cost: Argon2Cost = USUAL_COST,
    ) -> KeyFile:
        box = seal_box(key, keys.data + keys.site, self._label(kind, name))
        return replace(self.without(kind), slots=(*self.without(kind).slots, Slot(kind, name, salt, cost, box)))

    def _open(self, slot: Slot, key: bytes, wrong: Fault) -> StoreKeys:
        try:
            both = open_box(key, slot.box, self._label(slot.kind, slot.name))
        except BoxBroken as error:
            raise StoreError(wrong) from error
        return StoreKeys(both[:KEY_BYTES], both[KEY_BYTES:])

    def _of(self, kind: SlotKind) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if slot.kind is kind)

    def _label(self, kind: SlotKind, name: str) -> bytes:
        return f"qana-keys/{FORMAT}/{self.store_id}/{kind}/{name}".encode()


def _code_key(code: str) -> bytes:
    return derive(read_recovery_code(code), "recovery/1")


def _read_slot(node: JsonNode) -> Slot:
    cost = node.key("cost")
    numbers = (cost.key(name).integer(low=1) for name in ("passes", "memory_kib", "lanes"))
    try:
        return Slot(
            SlotKind(node.key("kind").choice(SlotKind)),
            node.key("name").text(),
            bytes.fromhex(node.key("salt").text()),
            Argon2Cost(*numbers),
            bytes.fromhex(node.key("box").text()),
        )
    except ValueError:
        node.refuse(_("is damaged"))


_WITH_CODE: Final = N_("Open it with the printed recovery code; that also renews the entry in the keychain.")
_LOST_KEYCHAIN = Fault(
    "key-keychain-lost", N_("The keychain of this computer has no key for this case store."), _WITH_CODE
)
_WRONG_KEYCHAIN = Fault("key-keychain-wrong", N_("The key in the keychain does not open this case store."), _WITH_CODE)
_WRONG_CODE = Fault(
    "key-wrong-code",
    N_("The recovery code is well-formed, but it does not open this case store."),
    N_(
        "Look for the sheet that was printed for this store, or the newest one: renewing the keys makes older "
        "sheets void."
    ),
)
_WRONG_PASSPHRASE = Fault(
    "key-wrong-passphrase",
    N_("The passphrase does not open this case store."),
    N_("Type it again, or use the printed recovery code."),
)
_NO_SUCH_WAY = Fault(
    "key-no-such-way",
    N_("This case store was not set up to be opened in this way."),
    N_("Use another: keychain, recovery code or passphrase."),
)
