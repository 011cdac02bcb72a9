"""Small real stores for tests: quick keys, drawn images, readings with known numbers, a keychain in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.unlock import Credentials, create_store, open_store
from qana_desktop.store.users import Users
from qana_desktop.system.faults import Fault
from qana_desktop.system.secrets import Argon2Cost, Keychain, KeychainFailed, NoKeychain
from qana_desktop.triage.access import Role
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient
from qana_desktop.triage.diagnosis import Diagnosis
from qana_desktop.triage.outcome import Assessed, CannotAssess, Latency, Outcome, Provenance, Reading, Triage

QUICK = Argon2Cost(passes=1, memory_kib=64, lanes=1)
PASSPHRASE = "four quiet green lamps"
PASSWORD = "a long password"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class MemoryKeychain:
    """Keeps secrets in memory, as an operating system's keychain does for us; can be lost or refuse."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.refuses = False

    def available(self) -> bool:
        return True

    def read(self, name: str) -> bytes | None:
        self._check()
        return self.secrets.get(name)

    def write(self, name: str, secret: bytes) -> None:
        self._check()
        self.secrets[name] = secret

    def forget(self, name: str) -> None:
        self._check()
        self.secrets.pop(name, None)

    def _check(self) -> None:
        if self.refuses:
            raise KeychainFailed(Fault("keychain-unavailable", "The keychain is locked.", "Unlock it."))


def new_store(folder: Path, *, clock: Clock | None = None, keychain: Keychain | None = None) -> tuple[Store, str]:
    """Make a store, open it, and return it with its recovery code."""
    keychain, clock = keychain or NoKeychain(), clock or Clock()
    code = create_store(folder, keychain=keychain, passphrase=PASSPHRASE, clock=clock, cost=QUICK)
    return open_again(folder, clock=clock), code


def open_again(folder: Path, *, clock: Clock | None = None, read_only: bool = False) -> Store:
    """Open by the passphrase."""
    return open_store(folder, Credentials(passphrase=PASSPHRASE), clock=clock or Clock(), read_only=read_only)


def new_desk(store: Store, *, role: Role = Role.CLINICIAN, name: str = "Clara", **options: object) -> CaseDesk:
    """Return a desk at which a new user of this role is signed in."""
    users = Users(store, cost=QUICK)
    users.add(name, role, PASSWORD, by="system")
    desk = CaseDesk(store, users, **options)
    desk.sign_in(name, PASSWORD)
    return desk


def picture(seed: int = 0, *, side: int = 48) -> bytes:
    """Return a drawn PNG, another one for each seed."""
    image = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", image)[1])


def assessed(triage: Triage = Triage.REVIEW, malignancy: float = 0.4) -> Assessed:
    """Return an answer with this triage and score."""
    rest = (1 - malignancy) / 6
    probabilities = dict.fromkeys(Diagnosis, rest) | {Diagnosis.MEL: malignancy}
    return Assessed(triage, Diagnosis.MEL, probabilities, malignancy, (Diagnosis.MEL, Diagnosis.NV), malignancy, 1.0)


REFUSED = CannotAssess(Fault("blurred", "The image is blurred.", "Take it again."))


def reading(sha256: str | None = None, outcome: Outcome | None = None) -> Reading:
    """Return a reading as the triage desk gives it."""
    return Reading(
        source="drawn.png",
        image_sha256=sha256,
        outcome=outcome or assessed(),
        quality=None,
        logits=((1200, -300, 5, 0, 88, -9, 7),) * 2,
        latency=Latency(1.5, 0.5, 2.25, 4.25),
        energy=None,
        provenance=Provenance("b" * 64, "onnx-cpu", "onnxruntime 1.28", "x86_64", "1", "0.1"),
        when="2026-03-01T12:00:00Z",
    )


def add_case(store: Store, number: int, *, by: str = "tester", outcome: Outcome | None = None) -> str:
    """File patient, lesion, encounter, image and reading as one change, and return the encounter's id."""
    patient, lesion, encounter, image = (new_id() for _ in range(4))
    sha256 = store.keep_image(picture(number))
    store.file(
        [
            Put(Patient(f"P-{number:05d}"), patient),
            Put(Lesion("left forearm"), lesion, patient),
            Put(Encounter(f"2026-01-01T00:00:{number % 60:02d}Z"), encounter, lesion),
            Put(CaseImage(sha256, "image/png", 48, 48), image, encounter),
            Put(reading(sha256, outcome), new_id(), image),
        ],
        by=by,
        what="add a case",
    )
    return encounter
