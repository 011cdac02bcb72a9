"""The portable archive of cases: what is in it, and writing it. `docs/archive-format.md` is its specification."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from qana_desktop.triage.case import KIND_OF, Case, CaseImage, Filed, Kind, Patient, Value
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.record_json import record_to_json

FORMAT: Final = "qana-cases"
MAJOR, MINOR = 1, 0
MANIFEST: Final = "manifest.json"
CASE_MEMBER: Final = re.compile(r"cases/([0-9a-f]{32})\.json", re.ASCII)
IMAGE_MEMBER: Final = re.compile(r"images/([0-9a-f]{64})", re.ASCII)
MEDIA_TYPES: Final = frozenset(
    {"image/jpeg", "image/png", "image/tiff", "image/bmp", "image/webp", "application/dicom"}
)
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE: Final = 0o100644 << 16


@dataclass(frozen=True)
class ArchivedRecord:
    """The current version of one record: entered at `at` (ISO 8601 UTC) by the user named `by`."""

    kind: Kind
    entity: str
    parent: str | None
    version: int
    at: str
    by: str
    value: Value


@dataclass(frozen=True)
class ArchivedCase:
    """One encounter with all that belongs to it; parents come before their children."""

    encounter: str
    records: tuple[ArchivedRecord, ...]

    def images(self) -> tuple[CaseImage, ...]:
        """Return the images, in order."""
        return tuple(record.value for record in self.records if isinstance(record.value, CaseImage))

    def blobs(self) -> tuple[str, ...]:
        """Return the SHA-256 of each image file and thumbnail, each once."""
        found = [sha for image in self.images() for sha in (image.sha256, image.thumbnail_sha256) if sha]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class ArchiveInfo:
    """A written archive: its hash, and what it holds."""

    sha256: str
    cases: int
    images: int


def archived(case: Case, users: Mapping[str, str], *, with_names: bool) -> ArchivedCase:
    """Return a case as an archive holds it. `users` are users' names by id.

    Unless `with_names`, the patient's name and the paths that images were read from are left out.
    """
    filed: list[Filed[Value]] = [_plain(case.patient, with_names=with_names)]
    filed += [_any(item) for item in (case.skin_tone, case.lesion) if item is not None]
    filed += [_any(item) for item in case.outcomes]
    filed += [_any(item) for item in (case.encounter, case.tags) if item is not None]
    for image in case.images:
        filed.append(_any(image.image))
        filed += [_plain(reading, with_names=with_names) for reading in image.readings]
    for items in (case.assessments, case.second_readings, case.sign_offs):
        filed += [_any(item) for item in items]
    return ArchivedCase(case.encounter.entity, tuple(_record(item, users) for item in filed))


def write_archive(
    path: Path,
    cases: Iterable[ArchivedCase],
    read_image: Callable[[str], bytes],
    *,
    made_at: str,
    program: str,
    with_names: bool,
) -> ArchiveInfo:
    """Write the archive to the new file `path`. Raises OSError, and what `read_image` raises."""
    members: dict[str, dict[str, object]] = {}
    count = 0
    with path.open("xb") as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for case in cases:
            count += 1
            _add(archive, members, f"cases/{case.encounter}.json", case_to_json(case).encode(), packed=True)
            for sha256 in case.blobs():
                if f"images/{sha256}" not in members:
                    _add(archive, members, f"images/{sha256}", read_image(sha256), packed=False)
        manifest = {
            "format": FORMAT,
            "schema": f"{MAJOR}.{MINOR}",
            "made_at": made_at,
            "program": program,
            "with_names": with_names,
            "cases": count,
            "members": [{"name": name, **facts} for name, facts in members.items()],
        }
        archive.writestr(_info(MANIFEST, packed=True), json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    with path.open("rb") as written:
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    return ArchiveInfo(sha256, count, len(members) - count)


def case_to_json(case: ArchivedCase) -> str:
    """Return the text of a case's member."""
    records = [
        {
            "kind": str(record.kind),
            "entity": record.entity,
            "parent": record.parent,
            "version": record.version,
            "at": record.at,
            "by": record.by,
            "value": json.loads(record_to_json(record.value)),
        }
        for record in case.records
    ]
    return json.dumps({"encounter": case.encounter, "records": records}, ensure_ascii=False, indent=1)


def _add(
    archive: zipfile.ZipFile, members: dict[str, dict[str, object]], name: str, content: bytes, *, packed: bool
) -> None:
    archive.writestr(_info(name, packed=packed), content)
    members[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _info(name: str, *, packed: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.create_system, info.external_attr = 3, _PLAIN_FILE
    return info


def _record(filed: Filed[Value], users: Mapping[str, str]) -> ArchivedRecord:
    kind = KIND_OF[type(filed.value)]
    by = users.get(filed.by, filed.by)
    return ArchivedRecord(kind, filed.entity, filed.parent, filed.version, filed.at, by, filed.value)


def _any(filed: Filed[Value]) -> Filed[Value]:
    return filed


def _plain(filed: Filed[Patient] | Filed[Reading], *, with_names: bool) -> Filed[Value]:
    value: Value = filed.value
    if isinstance(value, Patient) and not with_names:
        value = replace(value, name=None)
    if isinstance(value, Reading) and not with_names:
        value = replace(value, source="")
    return Filed(filed.seq, filed.entity, filed.version, filed.parent, value, filed.at, filed.by)
