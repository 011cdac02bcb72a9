"""Reads 10,000 inputs on boards that fail 100 times, and writes down what became of each: `python -m` this module."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

import qana_desktop
from tests.support.faulty_engine import run_images


def main() -> int:
    """Run, print and write the counts; returns 1 where an image has two readings, a wrong one, or none unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file for the counts, as JSON")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        tally = run_images(Path(folder), images=chosen.images, faults=chosen.faults, seed=chosen.seed)
    found = {
        "what": "inputs through boards (computed by ONNX Runtime) that are killed, hang and are unplugged at random",
        "program": qana_desktop.__version__,
        "seed": chosen.seed,
        **tally.summary(chosen.images),
    }
    text = json.dumps(found, indent=1) + "\n"
    sys.stdout.write(text)
    if chosen.out is not None:
        chosen.out.write_text(text, encoding="utf-8")
    bad = (
        "images with more than one reading",
        "images with neither",
        "readings with a wrong integer",
        "readings attributed to the wrong engine",
    )
    return int(any(found[name] for name in bad))


if __name__ == "__main__":
    sys.exit(main())
