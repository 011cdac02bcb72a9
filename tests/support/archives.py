"""Archives of cases as somebody else may bring them: good ones, and good ones with one thing changed."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from qana_desktop.reports.archive import ArchivedCase, ArchivedRecord, write_archive
from qana_desktop.triage import case as values
from qana_desktop.triage.case import KIND_OF, Value
from qana_desktop.triage.diagnosis import Diagnosis
from tests.support.stores import picture, reading

AT = "2026-01-31T09:00:00.000+00:00"
PICTURE, THUMBNAIL = picture(1), picture(2, side=16)
SHA, THUMBNAIL_SHA = (hashlib.sha256(data).hexdigest() for data in (PICTURE, THUMBNAIL))
BLOBS = {SHA: PICTURE, THUMBNAIL_SHA: THUMBNAIL}
Member = tuple[str, bytes]


def full_case(number: int = 1) -> ArchivedCase:
    """A case with a record of every kind that an archive holds."""
    ids = {name: f"{number:02x}{index:030x}" for index, name in enumerate("plieasoxtg")}
    finding = values.Finding(Diagnosis.MEL)
    made: list[tuple[str, str | None, Value]] = [
        ("p", None, values.Patient("P-1", "Erika Mustermann", 1953, values.Sex.FEMALE)),
        ("t", "p", values.SkinTone(values.SkinToneScale.FITZPATRICK, 3)),
        ("l", "p", values.Lesion("left forearm", "2025-12-01", "grows\nsays the patient")),
        ("x", "l", values.ProvenOutcome(finding, values.ProofSource.HISTOLOGY, "2026-02-01")),
        ("e", "l", values.Encounter("2026-01-31T09:00:00Z", "yearly check")),
        ("g", "e", values.Tags(("grows", "urgent"))),
        ("i", "e", values.CaseImage(SHA, "image/png", 48, 48, thumbnail_sha256=THUMBNAIL_SHA)),
        ("a", "i", reading(SHA)),
        ("s", "e", values.ClinicalAssessment(finding, values.Action.EXCISE, "sure", values.Abcd(1, 4, 3, 2))),
        ("o", "e", values.SignOff("Seen.", "12-ab")),
    ]
    return ArchivedCase(
        ids["e"],
        tuple(
            ArchivedRecord(KIND_OF[type(value)], ids[name], parent and ids[parent], 1, AT, "Dr Eisenbart", value)
            for name, parent, value in made
        ),
    )


def archive(path: Path, cases: Iterable[ArchivedCase] = ()) -> Path:
    """Write a good archive."""
    write_archive(
        path, list(cases) or [full_case()], BLOBS.__getitem__, made_at=AT, program="QANA Desktop test", with_names=True
    )
    return path


def members_of(data: bytes) -> list[Member]:
    """Return names and contents, in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return [(name, file.read(name)) for name in file.namelist()]


def packed(members: Iterable[Member], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of these members, whatever they are."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that are there twice
        with zipfile.ZipFile(stream, "w", method) as file:
            for name, content in members:
                file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return stream.getvalue()


@cache
def good_archive() -> bytes:
    """The bytes of a good archive of one full case."""
    with tempfile.TemporaryDirectory() as folder:
        return archive(Path(folder) / "good.zip").read_bytes()


def good_members() -> list[Member]:
    """The members of a good archive of one full case."""
    return members_of(good_archive())


def with_manifest(members: list[Member], change: Callable[[dict[str, Any]], None] = lambda _root: None) -> list[Member]:
    """Return the members with a manifest that fits them, then changed."""
    rest = [(name, content) for name, content in members if name != "manifest.json"]
    root = json.loads(next(content for name, content in members if name == "manifest.json"))
    root["members"] = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in rest
    ]
    root["cases"] = sum(name.startswith("cases/") for name, _ in rest)
    change(root)
    return [*rest, ("manifest.json", json.dumps(root).encode())]


def with_case(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a good archive whose case was changed, with hashes that fit."""

    def changed(name: str, content: bytes) -> Member:
        if not name.startswith("cases/"):
            return name, content
        root = json.loads(content)
        change(root)
        return name, json.dumps(root).encode()

    return packed(with_manifest([changed(*member) for member in good_members()]))


def record_of(root: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the first record of a kind in a case's JSON."""
    return next(record for record in root["records"] if record["kind"] == kind)
