"""The command line in this process and as a program, a small bundle, and drawn images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qana_desktop.cli.runner import run
from qana_desktop.services.demo_images import LOOKS, encode_jpeg
from qana_desktop.services.synthetic_lesions import draw_lesion
from tests.support.bundles import small_bundle, small_policy

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Ended]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def program() -> Callable[..., subprocess.Popen[str]]:
    """Start a command as a program of its own, in its own process group."""

    def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "qana_desktop.cli", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a random network, two views."""
    return small_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def one_view_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a random network, one view."""
    return small_bundle(tmp_path_factory.mktemp("models"), policy=small_policy(views=1))


@pytest.fixture(scope="session")
def lesion() -> bytes:
    """A drawn lesion of good quality as JPEG bytes."""
    return encode_jpeg(draw_lesion(LOOKS[0], 1))


@pytest.fixture(scope="session")
def blurred() -> bytes:
    """A drawn lesion that the quality check refuses."""
    look = next(look for look in LOOKS if look.name == "out-of-focus")
    return encode_jpeg(draw_lesion(look, 1))


@pytest.fixture
def folder(tmp_path: Path, lesion: bytes, blurred: bytes) -> Path:
    """Three drawn images: one good, one blurred, one empty file."""
    made = tmp_path / "images"
    made.mkdir()
    (made / "good.jpg").write_bytes(lesion)
    (made / "blurred.jpg").write_bytes(blurred)
    (made / "empty.jpg").touch()
    return made
