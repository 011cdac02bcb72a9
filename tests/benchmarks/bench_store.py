"""Measures a case store of many cases: worklist page, search, adding a case, opening, verification, backup.

    python -m tests.benchmarks.bench_store --cases 100000 --folder /somewhere/empty

Fills the store with drawn cases of one read image each (a thousand different images in all), in transactions of many
cases, then measures what a person does, one action per transaction. Prints JSON: seconds unless it says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from qana_desktop.store import cases
from qana_desktop.store.backup import make_backup
from qana_desktop.store.records import Put, new_id
from qana_desktop.store.store import Store
from qana_desktop.store.verify import verify
from qana_desktop.triage.case import CaseImage, Encounter, Lesion, Patient
from qana_desktop.triage.outcome import Triage
from qana_desktop.triage.worklist import CaseState, Urgency, WorklistQuery, cursor_of
from tests.support.stores import REFUSED, add_case, assessed, new_store, open_again, picture, reading

PER_TRANSACTION = 500
IMAGES = 1000
SITES = ("left forearm", "back", "scalp", "right calf", "chest", "abdomen", "left cheek")


def fill(store: Store, count: int) -> None:
    """File `count` cases of five records each."""
    dice = random.Random(1)  # noqa: S311 - dice, not a key
    images = [store.keep_image(picture(number)) for number in range(min(IMAGES, count))]
    for start in range(0, count, PER_TRANSACTION):
        with store.filing(by="filler", what="import cases") as filing:
            for number in range(start, min(start + PER_TRANSACTION, count)):
                for put in _case(number, images[number % len(images)], dice):
                    filing.put(put)
        if start % 10_000 == 0:
            print(f"{start} cases", file=sys.stderr, flush=True)


def _case(number: int, sha256: str, dice: random.Random) -> list[Put]:
    patient, lesion, encounter, image = (new_id() for _ in range(4))
    score = dice.random()
    triage = Triage.REVIEW_NOW if score > 0.9 else Triage.REVIEW if score > 0.7 else Triage.LOW_CONCERN
    outcome = REFUSED if score < 0.02 else assessed(triage, score)
    opened = f"20{dice.randrange(10, 27)}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}T08:00:00Z"
    return [
        Put(Patient(f"P-{number:06d}"), patient),
        Put(Lesion(dice.choice(SITES)), lesion, patient),
        Put(Encounter(opened), encounter, lesion),
        Put(CaseImage(sha256, "image/png", 48, 48), image, encounter),
        Put(reading(sha256, outcome), new_id(), image),
    ]


def timed(times: int, deed: Callable[[int], object]) -> dict[str, float]:
    """Do something `times` times and return median, 95th percentile and greatest, in milliseconds."""
    took = []
    for number in range(times):
        start = time.perf_counter()
        deed(number)
        took.append(1000 * (time.perf_counter() - start))
    ordered = sorted(took)
    return {
        "n": times,
        "median_ms": round(statistics.median(took), 2),
        "p95_ms": round(ordered[int(0.95 * (times - 1))], 2),
        "max_ms": round(ordered[-1], 2),
    }


def once(deed: Callable[[], Any]) -> tuple[float, Any]:
    """Do something once and return the seconds it took, and its result."""
    start = time.perf_counter()
    result = deed()
    return round(time.perf_counter() - start, 2), result


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Fill, measure, and return all figures."""
    store, _code = new_store(folder / "store")
    seconds, _ = once(lambda: fill(store, count))
    store.close()
    opening, store = once(lambda: open_again(folder / "store"))
    found: dict[str, Any] = {"cases": count, "fill_s": seconds, "open_s": opening}
    with closing(store):
        found["processors"], found["load_average"] = os.cpu_count(), os.getloadavg()[0]
        found["database_mb"] = round(store.database.stat().st_size / 1e6, 1)
        found |= _queries(store, count)
        found["add_case"] = timed(100, lambda number: add_case(store, number, by="someone"))
        found["verify_s"], verdict = once(lambda: verify(store))
        found["verify_good"], found["records"], found["audit_entries"] = verdict.good, verdict.records, verdict.entries
        found["backup_s"], _made = once(lambda: make_backup(store, folder / "backups", by="someone"))
    return found


def _queries(store: Store, count: int) -> dict[str, Any]:
    def page(**query: Any) -> Any:
        with store.reading() as connection:
            return cases.worklist(connection, WorklistQuery(**query))

    def total(**query: Any) -> Any:
        with store.reading() as connection:
            return cases.count_worklist(connection, WorklistQuery(**query))

    middle = cursor_of(page(urgencies=(Urgency.REVIEW,), limit=1000)[-1])
    encounters = [row.encounter for row in page(limit=100)]

    def read(number: int) -> Any:
        with store.reading() as connection:
            return cases.read_case(connection, encounters[number % len(encounters)])

    return {
        "first_page": timed(50, lambda _n: page()),
        "page_in_the_middle": timed(50, lambda _n: page(after=middle)),
        "page_by_urgency_and_state": timed(50, lambda _n: page(urgencies=(Urgency.REVIEW,), states=(CaseState.OPEN,))),
        "search_pseudonym": timed(50, lambda number: page(text=f"p-{number * count // 50:06d}")),
        "search_two_words": timed(50, lambda number: page(text=f"scalp {number}")),
        "search_nothing_found": timed(50, lambda _n: page(text="nowhere")),
        "count_all": timed(20, lambda _n: total()),
        "count_search": timed(20, lambda _n: total(text="forearm")),
        "read_case": timed(100, read),
    }


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--folder", type=Path, required=True)
    given = options.parse_args()
    json.dump(measure(given.folder, given.cases), sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
