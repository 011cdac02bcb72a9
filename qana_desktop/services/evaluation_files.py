"""Puts an evaluation into a folder: JSON for programs and a page for people, both or neither."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

from qana_desktop.reports.evaluation_html import evaluation_page
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.triage.evaluation import Evaluation

JSON_NAME: Final = "evaluation.json"
PAGE_NAME: Final = "evaluation.html"


class FolderRefused(KnownError):
    """The evaluation cannot be written there."""


def evaluation_json(evaluation: Evaluation) -> str:
    """The whole evaluation as JSON text. What was not determined is null."""
    return json.dumps(asdict(evaluation), ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def check_folder(folder: Path) -> None:
    """Raise FolderRefused unless `folder` is missing or empty: an earlier evaluation is never written over."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise _refused("out-not-writable", f"“{folder}” cannot be looked into ({error.strerror}).") from error
    if taken:
        raise _refused("out-not-empty", f"“{folder}” is there already, and is not an empty folder.")


def write_evaluation(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write both files into `folder`, which appears with them or not at all; raises FolderRefused."""
    check_folder(folder)
    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _place(target, {JSON_NAME: evaluation_json(evaluation), PAGE_NAME: evaluation_page(evaluation)})
    except OSError as error:
        raise _refused("out-not-writable", f"“{folder}” cannot be written ({error.strerror}).") from error
    return [folder / JSON_NAME, folder / PAGE_NAME]


def _place(target: Path, texts: dict[str, str]) -> None:
    """A folder beside the target is filled, then renamed."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir()
    try:
        for name, text in texts.items():
            with (partial / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if target.exists():
            target.rmdir()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refused(code: str, message: str) -> FolderRefused:
    return FolderRefused(Fault(code, message, "Name a new folder with --out."))
