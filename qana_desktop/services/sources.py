"""What a person brings: a file on disk or pasted bytes, each with the label under which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageSource:
    """One image to read: exactly one of `path` and `data` (an encoded image file's bytes).

    `label` is shown, never logged.
    """

    label: str
    path: Path | None = None
    data: bytes | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.data is None):
            raise ValueError("a source is a path or bytes, not both and not neither")

    @property
    def content(self) -> Path | bytes:
        """Where the image's bytes are: the path, or the bytes themselves."""
        return self.path if self.path is not None else self.data or b""
