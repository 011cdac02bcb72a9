"""Readings as a table for a spreadsheet: RFC 4180, UTF-8 with a byte order mark, and no cell that a program would run.

The mark is there because Excel takes a file without it for another coding and spoils every letter beyond ASCII; other
programs read past it (`utf-8-sig`). A text that begins like a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

from qana_desktop.triage.case import Case, Filed, FiledImage, ProvenOutcome
from qana_desktop.triage.diagnosis import Diagnosis, SiteClass
from qana_desktop.triage.outcome import Assessed, Provenance, Reading

ENCODING: Final = "utf-8-sig"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                   "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
_PROVENANCE: Final = tuple(field.name for field in fields(Provenance))
COLUMNS: Final = (
    "pseudonym", "lesion", "body_site", "encounter", "opened", "image_sha256", "read_at", "state", "reason", "triage",
    "predicted", "malignancy", "confidence", "view_agreement", "could_be", "raised_by",
    *(f"p_{diagnosis}" for diagnosis in Diagnosis), *_PROVENANCE, "total_ms", "inference_ms", "energy", "energy_unit",
    "energy_method", "proven", "proof_source", "proof_reported", "p_of_own_classes",
)  # fmt: skip
"""The columns, in order; what a clinic's own classes got is the last cell. Patients' names and the paths of files are
in none of them."""

Cell = str | float | int | None


def write_readings(path: Path, cases: Iterable[Case]) -> int:
    """Write one line per reading to the new file `path` and return how many there are; raises OSError."""
    count = 0
    with path.open("x", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, dialect="excel", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for case in cases:
            for image in case.images:
                for reading in image.readings:
                    cells = dict.fromkeys(COLUMNS, None) | _cells(case, image, reading)
                    writer.writerow([safe(cells[name]) for name in COLUMNS])
                    count += 1
    return count


def safe(cell: Cell) -> str:
    """Return a cell that a spreadsheet shows and does not run: numbers stay numbers, texts stay texts."""
    if cell is None:
        return ""
    if isinstance(cell, float | int):
        return repr(cell)
    text = cell.replace("\0", "")
    return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(_FORMULA) else text


def _cells(case: Case, image: FiledImage, filed: Filed[Reading]) -> dict[str, Cell]:
    reading = filed.value
    cells: dict[str, Cell] = {
        "pseudonym": case.patient.value.pseudonym,
        "lesion": case.lesion.entity,
        "body_site": case.lesion.value.body_site,
        "encounter": case.encounter.entity,
        "opened": case.encounter.value.opened,
        "image_sha256": image.image.value.sha256,
        "read_at": reading.when,
        "total_ms": reading.latency.total,
        "inference_ms": reading.latency.inference,
    }
    cells |= dict(_outcome(reading))
    if reading.provenance is not None:
        cells |= {name: getattr(reading.provenance, name) for name in _PROVENANCE}
    if reading.energy is not None:
        energy = reading.energy
        cells |= {"energy": energy.value, "energy_unit": energy.unit, "energy_method": str(energy.method)}
    return cells | dict(_proof(case.outcomes))


def _outcome(reading: Reading) -> Iterator[tuple[str, Cell]]:
    outcome = reading.outcome
    if not isinstance(outcome, Assessed):
        yield from (("state", "cannot_assess"), ("reason", outcome.reason.code))
        return
    yield from (("state", "assessed"), ("triage", str(outcome.triage)), ("predicted", str(outcome.predicted)))
    yield from (("malignancy", outcome.malignancy), ("confidence", outcome.confidence))
    yield from (("view_agreement", outcome.view_agreement), ("could_be", " ".join(map(str, outcome.could_be))))
    yield "raised_by", " ".join(outcome.raised_by)
    own = []
    for known, probability in outcome.probabilities.items():
        if isinstance(known, SiteClass):
            own.append(f"{known.code}: {probability!r}")
        else:
            yield f"p_{known}", probability
    yield "p_of_own_classes", "; ".join(own)


def _proof(outcomes: tuple[Filed[ProvenOutcome], ...]) -> Iterator[tuple[str, Cell]]:
    if outcomes:
        proven = outcomes[-1].value
        yield "proven", str(proven.finding.diagnosis or proven.finding.words)
        yield from (("proof_source", str(proven.source)), ("proof_reported", proven.reported))
