"""Simulates clinics on lesions that the network was not trained on, and writes what local learning brings them.

`python -m tests.benchmarks.simulated_clinic --out docs/measurements/simulated-clinic`, from the checkout; some minutes
on one core. The clinic's cases are the calibration lesions of the bundle's fold; the lesions for testing, the site's
and the factory holdout's, are those of its test fold. Settings were chosen on calibration lesions alone.
`--on-chip` shows Akida's own rule beside the head training, on the screen: its figures are never written to a file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qana_desktop.network.bundle import active_bundle
from tests.benchmarks.clinic_page import markdown
from tests.benchmarks.clinic_runs import SETTINGS, clinic, new_class, refusals
from tests.benchmarks.clinic_world import BLURRED, CAST, CROSSED, FACTORY, World, build_world

ROOT = Path(__file__).resolve().parents[2]
COUNTS = (50, 100, 200)
ADDED = ("bcc", "bkl", "akiec")
"""Classes that are held out of the factory's head, one at a time."""


def document(world: World, *, seeds: int, updates: int, full: bool) -> dict[str, Any]:
    """All figures. Not `full`: one camera and one number of cases, to see that it works."""
    rows = [*clinic(world, CAST, COUNTS if full else (100,), seeds)]
    if full:
        for camera in (CROSSED, BLURRED, FACTORY):
            rows += [*clinic(world, camera, (100,), seeds)]
        rows += [row for row in clinic(world, CAST, (100,), seeds, lean=True) if row["what"] != "nothing"]
    added = [new_class(world, code, seeds) for code in (ADDED if full else ADDED[:1])]
    return {
        "bundle": world.bundle.id,
        "seeds": seeds,
        "clinic_lesions": len(world.clinic.names),
        "test_lesions": len(world.test.names),
        "holdout_lesions": len(world.holdout.lesions),
        "settings": asdict(SETTINGS),
        "protocol": asdict(world.protocol),
        "cameras": [asdict(camera) for camera in (CAST, CROSSED, BLURRED, FACTORY)],
        "rows": rows,
        "failed_lines": dict(Counter(code for row in rows for code in row["failed"]).most_common()),
        "new_classes": added,
        "refusals": refusals(world, updates),
    }


def main() -> int:
    """Run, print, and write what may be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("QANA_DATA", ROOT.parent / "shared" / "data")))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=20, help="updates of each kind for the refusal rates")
    parser.add_argument("--quick", action="store_true", help="one camera, one number of cases, one new class")
    parser.add_argument("--out", type=Path, help="path without suffix for the JSON and the Markdown")
    parser.add_argument("--on-chip", action="store_true", help="show Akida's own rule on the screen, and nothing else")
    chosen = parser.parse_args()
    if chosen.on_chip and chosen.out is not None:
        parser.error("figures that were measured with the Akida library are not written to a file")
    world = build_world(chosen.data, active_bundle(ROOT / "models"))
    if chosen.on_chip:
        from tests.benchmarks.clinic_on_chip import table

        sys.stdout.write(table(world, seeds=chosen.seeds))
        return 0
    found = document(world, seeds=chosen.seeds, updates=chosen.updates, full=not chosen.quick)
    sys.stdout.write(markdown(found))
    if chosen.out is not None:
        chosen.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        chosen.out.with_suffix(".md").write_text(markdown(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
