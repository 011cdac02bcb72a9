"""Measures an update with 200 confirmed cases on the shipped network: training, and judging on all frozen cases.

`python -m tests.benchmarks.bench_learning --folder DIR [--cases 200]`. The store is a real one; its pictures are drawn
by code, and their features are those of factory cases, a little moved, because drawn pictures are of no class.
Seconds by the clock, and seconds of processor time of this process and all its children: the second figure is the one
to compare on a computer that does other work.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.intake.reader import ImageReader
from qana_desktop.learning.holdouts import Role, holdout_to_bytes, role_of
from qana_desktop.learning.memory import memory_from_bytes
from qana_desktop.learning.protocol import Protocol, protocol_to_json
from qana_desktop.network.bundle import Bundle, activate, active_bundle
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.services.case_desk import CaseDesk
from qana_desktop.services.demo_images import LOOKS
from qana_desktop.services.learning_desk import LearningDesk
from qana_desktop.services.learning_eye import Eye
from qana_desktop.services.learning_homes import ModelHomes
from qana_desktop.services.learning_judging import JudgingDesk
from qana_desktop.services.learning_training import TrainingDesk
from qana_desktop.services.synthetic_lesions import draw_lesion
from qana_desktop.store import learning
from qana_desktop.store.learning import ConsentRow, ProposalRow, RoleRow
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.users import Users
from qana_desktop.triage.access import Role as UserRole
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient
from tests.support.stores import PASSWORD, QUICK, new_store

MODELS = Path(__file__).resolve().parents[2] / "models"
HELD_OUT = 1200


def factory(folder: Path) -> ModelHomes:
    """The shipped version; where it has no holdout yet, one is made of every fourth of its own training cases."""
    shipped = active_bundle(MODELS)
    if shipped.learning_file("holdout.npz") is not None:
        return ModelHomes(MODELS, folder / "models")
    written = write_bundle(folder / "factory", _with_holdout(shipped))
    activate(folder / "factory", written.name)
    return ModelHomes(folder / "factory", folder / "models")


def _with_holdout(bundle: Bundle) -> BundleContents:
    manifest = bundle.manifest
    memory = _memory(bundle)
    rows = np.arange(len(memory.labels))[:: max(1, len(memory.labels) // HELD_OUT)]
    features = np.repeat(memory.features[rows][:, None], len(manifest.views), axis=1)
    return BundleContents(
        name="bench",
        network=bundle.network(),
        classes=manifest.classes,
        views=manifest.views,
        policy_json=bundle.policy_json(),
        evaluation_json="{}",
        model_card="# For a benchmark\n",
        licence=manifest.licence,
        features_npz=bundle.learning_file("features.npz"),
        protocol_json=protocol_to_json(Protocol()),
        holdout_npz=holdout_to_bytes([f"lesion-{row}" for row in rows], memory.labels[rows], features),
    )


def _memory(bundle: Bundle):
    content = bundle.learning_file("features.npz") or b""
    return memory_from_bytes(content, classes=len(bundle.manifest.classes), features=bundle.manifest.features)


def fill(store: Store, desk: LearningDesk, cases: int) -> None:
    """Put so many confirmed cases into the queue, as if they had been proposed one by one."""
    dice, known = np.random.default_rng(1), desk.factory()
    salt = desk._salt()
    drawn = [cv2.cvtColor(draw_lesion(LOOKS[number], number), cv2.COLOR_RGB2BGR) for number in range(4)]
    pictures = [bytes(cv2.imencode(".jpg", picture)[1]) for picture in drawn]
    rows = dice.choice(len(known.memory.labels), cases, replace=False)
    for number, row in enumerate(rows):
        patient, lesion, visit, image = (new_id() for _ in range(4))
        sha256 = store.keep_image(pictures[number % len(pictures)])
        puts = [
            Put(Patient(f"P-{number}"), patient),
            Put(Lesion("back"), lesion, patient),
            Put(Encounter("2026-01-01T00:00:00Z"), visit, lesion),
            Put(CaseImage(sha256, "image/jpeg", 600, 450), image, visit),
        ]
        store.file(puts, by="bench", what="add a case")
        moved = known.memory.features[row] + dice.integers(-1, 2, (len(known.policy.views), known.network.features))
        features = np.clip(moved, 0, 15).astype(np.uint8)
        with store.transaction("bench") as action:
            role = role_of(patient, site_salt=salt, protocol=known.protocol)
            learning.put(action, RoleRow(patient, str(role)))
            learning.put(action, ConsentRow(patient, True, "bench"))
            learning.put(
                action,
                ProposalRow(
                    id=new_id(),
                    image=image,
                    lesion=lesion,
                    patient=patient,
                    sha256=sha256,
                    picture=f"{number:064x}",
                    features=features.tobytes(),
                    views=len(features),
                    backbone=known.id,
                    label=str(known.policy.classes[known.memory.labels[row]]),
                    source="histology",
                    reported="2026-01-01",
                    note="",
                    second="",
                    answer="",
                ),
            )


def _processor_s() -> float:
    """Processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def main() -> int:
    """Measure once and print JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--cases", type=int, default=200)
    given = options.parse_args()
    store, _code = new_store(given.folder / "store")
    with closing(store), ImageReader() as reader:
        users = Users(store, cost=QUICK)
        users.add("Clara", UserRole.CLINICIAN, PASSWORD, by="system")
        cases = CaseDesk(store, users, auto_lock_s=math.inf)
        cases.sign_in("Clara", PASSWORD)
        desk = LearningDesk(store, cases.allowed, factory(given.folder), Eye(reader, EngineRegistry()))
        with closing(desk):
            fill(store, desk, given.cases)
            began, at_first = time.perf_counter(), _processor_s()
            version = TrainingDesk(desk).train().version
            trained, after_training = time.perf_counter(), _processor_s()
            found = JudgingDesk(desk).evaluate(version)
            judged = time.perf_counter()
            queue = desk.queue()
    at_last = _processor_s()
    told = {
        "cases": given.cases,
        "for training": sum(each.role is Role.TRAINING for each in queue),
        "training_s": round(trained - began, 2),
        "judging_s": round(judged - trained, 2),
        "all_s": round(judged - began, 2),
        "training_processor_s": round(after_training - at_first, 2),
        "all_processor_s": round(at_last - at_first, 2),
        "accepted": found.accepted,
        "failed": [line.code for line in found.failed],
        "engines": [replace(engine, runtime="").engine for engine in found.engines],
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
