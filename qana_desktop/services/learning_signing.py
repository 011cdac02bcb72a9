"""Signs what was trained here with the store's site key, so that only a version that this clinic made is taken up."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Final

from qana_desktop.network.manifest import MANIFEST
from qana_desktop.services.learning_faults import refused
from qana_desktop.store.keys import StoreKeys
from qana_desktop.store.learning import VersionRow
from qana_desktop.system.language import _
from qana_desktop.system.secrets import derive

_PURPOSE: Final = "learning/version"


def manifest_hash(bundle: Path) -> str:
    """Return the SHA-256 of a bundle's manifest, which vouches for every file of it; raises OSError."""
    return hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest()


def sign(keys: StoreKeys, *, identity: str, parent: str, kind: str, manifest: str, document: str) -> str:
    """Return the signature (hex) of a version: HMAC-SHA-256 with a key that is derived from the site key."""
    content = json.dumps([identity, parent, kind, manifest, document], ensure_ascii=False).encode()
    return hmac.digest(derive(keys.site, _PURPOSE), content, hashlib.sha256).hex()


def check_signature(keys: StoreKeys, row: VersionRow, bundle: Path) -> None:
    """Raise LearningRefused unless this very bundle was made here and is as it was made; raises OSError."""
    expected = sign(
        keys, identity=row.id, parent=row.parent, kind=row.kind, manifest=row.manifest, document=row.document
    )
    if not hmac.compare_digest(expected, row.signature) or manifest_hash(bundle) != row.manifest:
        raise refused(
            "signature",
            _("The version {version} does not carry this clinic's signature, or was changed since.").format(
                version=row.id
            ),
            _("It is not used. Train again, and look at who may write to the program's data folder."),
        )
