"""Images on the disk: named by their content, encrypted, written whole, never changed.

The file of a content is named by HMAC-SHA-256 of its SHA-256, so that nobody without the key can tell whether a known
image is in the store. It holds a magic number and a sealed box (AES-256-GCM) whose key and label depend on the name: a
file under another's name does not open. What shows from outside is the number of images and their sizes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from qana_desktop.store.faults import RESTORE, StoreError
from qana_desktop.store.files import PARTIAL, flush_folder, write_whole
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import N_
from qana_desktop.system.secrets import BoxBroken, derive, open_box, seal_box

BLOB_FOLDER: Final = "blobs"
SUFFIX: Final = ".blob"
_MAGIC: Final = b"QANABL01"


class BlobDamaged(StoreError):
    """The file of an image is missing or was changed."""


class BlobStore:
    """The images of one store, below `folder`. Safe between threads: a content is always the same file."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self._key = folder, key

    def put(self, content: bytes) -> str:
        """Keep `content` and return its SHA-256; what is there already and good stays. Raises OSError."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path_of(sha256)
        if not self._is_good(sha256):
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flush_folder(self.folder)
            write_whole(path, _MAGIC + seal_box(self._box_key(path.name), content, self._label(path.name)))
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the content after checking that it is the one asked for; raises BlobDamaged, OSError."""
        path = self.path_of(sha256)
        try:
            raw = path.read_bytes()
        except FileNotFoundError as error:
            raise BlobDamaged(_GONE) from error
        if not raw.startswith(_MAGIC):
            raise BlobDamaged(_CHANGED)
        try:
            content = open_box(self._box_key(path.name), raw[len(_MAGIC) :], self._label(path.name))
        except BoxBroken as error:
            raise BlobDamaged(_CHANGED) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlobDamaged(_CHANGED)
        return content

    def path_of(self, sha256: str) -> Path:
        """Return where the file of a content is, or would be."""
        name = hmac.digest(self._key, b"name" + bytes.fromhex(sha256), hashlib.sha256).hex()
        return self.folder / name[:2] / f"{name}{SUFFIX}"

    def files(self) -> Iterator[Path]:
        """Yield all finished files."""
        return self.folder.glob(f"??/*{SUFFIX}")

    def sweep(self) -> int:
        """Remove unfinished files that a crash left, and return how many. Only while nobody else writes."""
        left = list(self.folder.glob(f"??/*{PARTIAL}"))
        for path in left:
            path.unlink()
        return len(left)

    def _is_good(self, sha256: str) -> bool:
        try:
            self.read(sha256)
        except BlobDamaged:
            return False
        return True

    def _box_key(self, name: str) -> bytes:
        return derive(self._key, f"blob/{name}")

    def _label(self, name: str) -> bytes:
        return _MAGIC + name.encode()


_GONE = Fault("image-missing", N_("The file of this image is no longer in the case store."), RESTORE)
_CHANGED = Fault("image-damaged", N_("The file of this image was changed or damaged. It is not shown."), RESTORE)
