"""Kills a process that writes to a case store, at random moments, again and again, and checks what is left each time.

Run by `tests/store/test_kill.py`, and by hand for a long series (POSIX):

    python -m tests.support.kill_store --rounds 1000 --seed 1 --folder /tmp/kill

Each round forks a writer that says on a pipe what it is about to do and what has been confirmed to it. It is killed
with SIGKILL. The store must then open for writing without help, hold every confirmed record as it was confirmed, verify
in full, and show of the one action under way either nothing or all. Prints the counts as JSON; fails at the first round
that breaks a promise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qana_desktop.store import backup, cases, undo
from qana_desktop.store.faults import RecordMissing
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient
from tests.support.stores import new_store, open_again, picture, reading

ROUNDS_PER_STORE = 8
MOST_MESSAGES, LONGEST_S = 16, 0.12
"""A writer says a random number of things and then goes on for a random time, so that every phase of writing is hit."""


class Broken(Exception):
    """A promise of the store was broken."""


@dataclass
class Known:
    """What was confirmed to the writer, each case's pseudonym and image, and what it was doing when it died."""

    confirmed: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    under_way: dict[str, Any] | None = None

    def take(self, line: str) -> None:
        message = json.loads(line)
        if message["says"] == "begin":
            self.under_way = message
        elif message["says"] == "done":
            self.under_way = None
            if message["case"]:
                self.confirmed[message["case"]] = _state(message)


def _state(message: dict[str, Any]) -> tuple[str, int] | None:
    return None if message["pseudonym"] is None else (message["pseudonym"], message["image"])


# --- the writer ---


def write_until_killed(folder: Path, pipe: int, seed: int, known: Known) -> None:
    """Do random actions, telling before and after each."""
    dice = random.Random(seed)  # noqa: S311 - dice, not a key
    store = open_again(folder)
    mine: dict[str, tuple[str, int]] = {case: state for case, state in known.confirmed.items() if state is not None}

    def tell(says: str, case: str, pseudonym: str | None, image: int) -> None:
        os.write(
            pipe, (json.dumps({"says": says, "case": case, "pseudonym": pseudonym, "image": image}) + "\n").encode()
        )

    tell("ready", "", "", 0)
    for step in range(10_000):
        deed = dice.choices(["add", "correct", "undo", "backup"], [6, 5, 2, 1])[0]
        if deed == "add" or not mine:
            case, state = new_id(), (f"P-{seed}-{step}", dice.randrange(10_000))
            tell("begin", case, *state)
            add(store, case, *state)
            mine[case] = state
            tell("done", case, *state)
        elif deed == "backup":
            tell("begin", "", "", 0)
            backup.make_backup(store, folder.parent / "backups", by="killer")
            tell("done", "", "", 0)
            continue
        else:
            case = dice.choice(list(mine))
            before, after = mine[case], (f"C-{seed}-{step}", mine[case][1])
            tell("begin", case, *after)
            correct(store, case, after[0])
            mine[case] = after
            tell("done", case, *after)
            if deed == "undo":
                tell("begin", case, *before)
                undo.undo(store, "killer")
                mine[case] = before
                tell("done", case, *before)


def add(store: Store, encounter: str, pseudonym: str, image: int) -> None:
    """File a case of five records with its image, as one change."""
    patient, lesion, picture_id = new_id(), new_id(), new_id()
    sha256 = store.keep_image(picture(image))
    puts = [
        Put(Patient(pseudonym), patient),
        Put(Lesion("back"), lesion, patient),
        Put(Encounter("2026-01-01T00:00:00Z"), encounter, lesion),
        Put(CaseImage(sha256, "image/png", 48, 48), picture_id, encounter),
        Put(reading(sha256), new_id(), picture_id),
    ]
    store.file(puts, by="killer", what="add a case")


def correct(store: Store, encounter: str, pseudonym: str) -> None:
    """Give the case's patient another pseudonym."""
    with store.reading() as connection:
        patient = cases.read_case(connection, encounter).patient
    store.file([Put(Patient(pseudonym), patient.entity, based_on=patient.version)], by="killer", what="correct")


# --- the killer ---


def kill_at_random(folder: Path, seed: int, known: Known, *, messages: int, delay: float) -> None:
    """Fork a writer, kill it `delay` seconds after it said `messages` things, and take down what it said."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            write_until_killed(folder, writer, seed, known)
        except BaseException:  # noqa: BLE001 - the end of a process
            traceback.print_exc()
        finally:
            os._exit(3)
    os.close(writer)
    heard = b""
    while heard.count(b"\n") <= messages and (part := os.read(reader, 1 << 16)):
        heard += part
    deadline = time.monotonic() + delay
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not (part := os.read(reader, 1 << 16)):
            break
        heard += part
    os.kill(pid, signal.SIGKILL)
    while part := os.read(reader, 1 << 16):
        heard += part
    os.close(reader)
    _pid, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise Broken(f"round {seed}: the writer failed by itself")
    for line in heard.decode().splitlines(keepends=True):
        if line.endswith("\n"):
            known.take(line)


def check(folder: Path, known: Known, counts: Counter[str]) -> None:
    """Open the store as after a crash and hold it against what was confirmed; raises Broken."""
    with closing(open_again(folder)) as store:
        if store.read_only is not None:
            raise Broken(store.read_only.sentence())
        verdict = verify(store)
        if not verdict.good:
            raise Broken(str(verdict.problems))
        counts["interrupted images left"] += verdict.unlisted_images
        for case, state in known.confirmed.items():
            found = _found(store, case)
            pending = known.under_way
            if found != state:
                if not pending or pending["case"] != case or found != _state(pending):
                    raise Broken(f"case {case} was confirmed as {state} and is {found}")
                counts["unconfirmed actions found whole"] += 1
                known.confirmed[case] = found
            counts["confirmed cases checked"] += 1
        _check_unconfirmed_case(store, known, counts)
        for made in folder.parent.glob("backups/qana-backup-*"):
            if not made.name.endswith(".partial"):
                backup.read_info(made, store.keys)
                counts["finished backups checked"] += 1
    known.under_way = None


def _check_unconfirmed_case(store: Store, known: Known, counts: Counter[str]) -> None:
    pending = known.under_way
    if pending is None or not pending["case"] or pending["case"] in known.confirmed:
        return
    found = _found(store, pending["case"])
    if found not in {None, _state(pending)}:
        raise Broken(f"half of case {pending['case']} is there: {found}")
    if found is not None:
        counts["unconfirmed actions found whole"] += 1
        known.confirmed[pending["case"]] = found


def _found(store: Store, encounter: str) -> tuple[str, int] | None:
    try:
        with store.reading() as connection:
            case = cases.read_case(connection, encounter)
    except RecordMissing:
        return None
    content = store.read_image(case.images[0].image.value.sha256)
    number = next((n for n in _numbers(content)), -1)
    return case.patient.value.pseudonym, number


_PICTURES: dict[bytes, int] = {}


def _numbers(content: bytes) -> list[int]:
    """Which drawn picture this is."""
    if content not in _PICTURES:
        _PICTURES.update((picture(number), number) for number in range(10_000))
    return [_PICTURES[content]] if content in _PICTURES else []


def run(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """Do the rounds and return the counts; raises Broken."""
    dice, counts = random.Random(seed), Counter[str]()  # noqa: S311 - dice, not a key
    known = Known()
    for number in range(rounds):
        if number % ROUNDS_PER_STORE == 0:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            new_store(folder / "store")[0].close()
            known = Known()
        messages, delay = dice.randrange(MOST_MESSAGES), dice.uniform(0, LONGEST_S)
        kill_at_random(folder / "store", seed * 100_000 + number, known, messages=messages, delay=delay)
        counts["kills"] += 1
        counts["killed during an action"] += known.under_way is not None
        check(folder / "store", known, counts)
    return counts


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path, required=True)
    given = options.parse_args()
    counts = run(given.folder, given.rounds, given.seed)
    json.dump(counts, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
