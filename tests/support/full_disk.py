"""A trainer whose disk is full when it writes: `/dev/full` refuses as a full disk does (Linux)."""

from __future__ import annotations

from pathlib import Path

from qana_desktop.services import learning_child
from qana_desktop.services.learning_child import Trainer


def make_trainer() -> Trainer:
    """Every file of a bundle goes to the full device."""
    write = Path.write_bytes

    def fails(path: Path, content: bytes) -> int:
        if "training" in str(path):
            with Path("/dev/full").open("wb", buffering=0) as full:
                return full.write(content)
        return write(path, content)

    Path.write_bytes = fails  # type: ignore[method-assign]
    return learning_child.make_trainer()
