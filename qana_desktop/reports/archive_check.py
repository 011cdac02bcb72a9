"""Reads an archive that somebody else made: every byte is checked before anything of it is used. Runs in a child.

Nothing is ever unpacked to the disk, names of members are never paths, and each member is read up to its announced size
and no further.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Final, NoReturn

from qana_desktop.intake.decode import MAX_FILE_BYTES
from qana_desktop.reports.archive import (
    CASE_MEMBER,
    FORMAT,
    IMAGE_MEMBER,
    MAJOR,
    MANIFEST,
    MEDIA_TYPES,
    ArchivedCase,
    ArchivedRecord,
)
from qana_desktop.reports.faults import archive_refused
from qana_desktop.system.json_reads import JsonNode
from qana_desktop.triage.case import PARENTS, TYPES, CaseImage, Kind
from qana_desktop.triage.outcome import Reading
from qana_desktop.triage.record_json import read_record

MEBIBYTE: Final = 1024 * 1024
MAX_MEMBERS: Final = 50_000
MAX_TOTAL: Final = 64 * 1024 * MEBIBYTE
MAX_JSON: Final = 16 * MEBIBYTE
MAX_RECORDS: Final = 10_000
"""Records of one case."""
_CHUNK: Final = MEBIBYTE
_LOCAL_HEADER: Final = 30
_ENCRYPTED: Final = 0x1 | 0x40
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SCHEMA: Final = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_REMEDY: Final = "Ask whoever made it to export it again, and copy it again."
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_SINGLE: Final = (Kind.PATIENT, Kind.LESION, Kind.ENCOUNTER)
_AT_MOST_ONE: Final = (Kind.SKIN_TONE, Kind.TAGS)
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True)
class ArchiveSummary:
    """What a checked archive says of itself. `cases` are the encounters' ids."""

    schema: str
    made_at: str
    program: str
    with_names: bool
    cases: tuple[str, ...]
    images: int
    sha256: str


@dataclass(frozen=True)
class _Member:
    info: zipfile.ZipInfo
    size: int
    sha256: str


class CheckedArchive:
    """An archive that was checked as a whole when it was opened. Raises ArchiveRefused everywhere; `close` it."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path)
        try:
            self._zip = self._opened()
            self._members, self.summary = self._checked()
        except BaseException:
            self._file.close()
            raise

    def case(self, encounter: str) -> ArchivedCase:
        """Return one case, with every rule about records checked."""
        text = _utf8(self._content(f"cases/{encounter}.json", MAX_JSON))
        root = JsonNode.parse(text, document="a case", code="archive-case-bad", remedy=_REMEDY)
        case = _case(root)
        if case.encounter != encounter:
            _refuse("case-bad", "a case is not the one that its name says")
        if missing := [sha for sha in case.blobs() if f"images/{sha}" not in self._members]:
            _refuse("image-missing", f"{len(missing)} images of a case are not in it")
        return case

    def image(self, sha256: str) -> bytes:
        """Return an image's file."""
        return self._content(f"images/{sha256}", MAX_FILE_BYTES)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()

    # --- the container

    def _opened(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(self._file)
        except _ZIP_ERRORS:
            _refuse("damaged", "it is not a ZIP file, or an incomplete one")
        if archive.comment:
            _refuse("foreign", "it holds a comment, which an archive of cases does not")
        return archive

    def _checked(self) -> tuple[Mapping[str, _Member], ArchiveSummary]:
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            _refuse("too-large", f"it has more than {MAX_MEMBERS} members")
        for info in infos:
            _check_info(info)
        names = [info.filename for info in infos]
        if len(set(names)) != len(names):
            _refuse("names", "two members have the same name")
        if sum(info.file_size for info in infos) > MAX_TOTAL:
            _refuse("too-large", f"it would unpack to more than {MAX_TOTAL // MEBIBYTE} MiB")
        _check_places(infos, self._zip.start_dir)
        if MANIFEST not in names:
            _refuse("foreign", "it has no manifest")
        by_name = {info.filename: info for info in infos}
        root = self._manifest(by_name.pop(MANIFEST))
        members = _members(root, by_name)
        for member in members.values():
            for _chunk in self._chunks(member):
                pass
        return members, _summary(root, members, self._sha256())

    def _manifest(self, info: zipfile.ZipInfo) -> JsonNode:
        limit = min(info.file_size, MAX_JSON)
        try:
            with self._zip.open(info) as stream:
                content = stream.read(limit + 1)
        except _ZIP_ERRORS:
            _refuse("damaged", "its manifest cannot be read")
        if len(content) > limit:
            _refuse("too-large", "its manifest is larger than it says")
        return JsonNode.parse(_utf8(content), document=MANIFEST, code="archive-manifest-bad", remedy=_REMEDY)

    def _content(self, name: str, limit: int) -> bytes:
        member = self._members.get(name)
        if member is None:
            _refuse("member-missing", "a part that was asked for is not in it")
        if member.size > limit:
            _refuse("too-large", "a part is larger than such a part may be")
        return b"".join(self._chunks(member))

    def _chunks(self, member: _Member) -> Iterator[bytes]:
        """Yield a member's content, no byte more than announced; raises ArchiveRefused at the end if it is another."""
        digest, left = hashlib.sha256(), member.size
        try:
            with self._zip.open(member.info) as stream:
                while chunk := stream.read(min(_CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        _refuse("too-large", "a part unpacks to more than it says")
                    digest.update(chunk)
                    yield chunk
        except _ZIP_ERRORS:
            _refuse("damaged", "a part of it cannot be read")
        if left or digest.hexdigest() != member.sha256:
            _refuse("hash", "a part is not the one that the manifest names")

    def _sha256(self) -> str:
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()


def _refuse(code: str, what: str) -> NoReturn:
    raise archive_refused(code, what)


def _open(path: Path) -> BufferedReader:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            _refuse("not-a-file", "it is a folder or a device, not a file")
        return os.fdopen(os.open(path, _FLAGS), "rb")
    except (OSError, ValueError):
        _refuse("unreadable", "it is not there, or the system does not allow it to be read")


def _utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("damaged", "a text in it is not UTF-8")


def _check_info(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    if name != info.filename or not (name == MANIFEST or CASE_MEMBER.fullmatch(name) or IMAGE_MEMBER.fullmatch(name)):
        _refuse("names", "it holds a member whose name is none of an archive of cases")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.is_dir() or kind not in {0, stat.S_IFREG}:
        _refuse("names", "it holds a member that is no plain file")
    if info.flag_bits & _ENCRYPTED:
        _refuse("foreign", "it is encrypted by another program")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        _refuse("foreign", "it is packed in an unusual way")
    limit = MAX_FILE_BYTES if IMAGE_MEMBER.fullmatch(name) else MAX_JSON
    if info.file_size > limit:
        _refuse("too-large", "a part is larger than such a part may be")


def _check_places(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Members lie one behind the other from the first byte on: none is read twice, none hides before them."""
    at = 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        if info.header_offset < at or (at == 0 and info.header_offset != 0):
            _refuse("overlap", "its parts lie over each other, or something lies before them")
        at = info.header_offset + _LOCAL_HEADER + len(info.filename) + info.compress_size
    if at > end:
        _refuse("overlap", "its parts lie over its directory")


# --- the manifest


def _members(root: JsonNode, infos: Mapping[str, zipfile.ZipInfo]) -> dict[str, _Member]:
    if root.key("format").text() != FORMAT:
        _refuse("foreign", "it is not an archive of cases")
    _check_schema(root.key("schema").text())
    found: dict[str, _Member] = {}
    for node in root.key("members").items():
        name, sha256 = node.key("name").text(), node.key("sha256").text()
        if name not in infos or name in found:
            _refuse("members", "its manifest names a part that is not in it, or twice")
        if not _SHA256.fullmatch(sha256) or infos[name].file_size != node.key("size").integer():
            _refuse("members", "its manifest and its parts do not agree")
        if (image := IMAGE_MEMBER.fullmatch(name)) and image[1] != sha256:
            _refuse("hash", "an image is not the one that its name says")
        found[name] = _Member(infos[name], infos[name].file_size, sha256)
    if len(found) != len(infos):
        _refuse("members", "it holds a part that its manifest does not name")
    return found


def _check_schema(text: str) -> None:
    match = _SCHEMA.fullmatch(text)
    if match is None:
        _refuse("manifest-bad", "its schema is not a number like 1.0")
    if int(match[1]) > MAJOR:
        _refuse("from-the-future", f"it was made by a later version of the program (schema {text})")
    if int(match[1]) < 1:
        _refuse("manifest-bad", "there is no schema 0")


def _summary(root: JsonNode, members: Mapping[str, _Member], sha256: str) -> ArchiveSummary:
    cases = tuple(match[1] for name in members if (match := CASE_MEMBER.fullmatch(name)))
    if root.key("cases").integer() != len(cases):
        _refuse("members", "it does not hold as many cases as it says")
    return ArchiveSummary(
        schema=root.key("schema").text(),
        made_at=_moment(root.key("made_at")),
        program=_short(root.key("program")),
        with_names=root.key("with_names").flag(),
        cases=cases,
        images=len(members) - len(cases),
        sha256=sha256,
    )


# --- cases


def _case(root: JsonNode) -> ArchivedCase:
    nodes = root.key("records").items()
    if len(nodes) > MAX_RECORDS:
        _refuse("too-large", f"a case has more than {MAX_RECORDS} records")
    records = tuple(_record(node) for node in nodes)
    case = ArchivedCase(_identifier(root.key("encounter")), records)
    for kind in _SINGLE:
        if sum(record.kind is kind for record in records) != 1:
            _refuse("case-bad", f"a case does not have one {kind}")
    for kind in _AT_MOST_ONE:
        if sum(record.kind is kind for record in records) > 1:
            _refuse("case-bad", f"a case has several records of kind {kind}")
    _check_tree(case)
    return case


def _record(node: JsonNode) -> ArchivedRecord:
    node.only(["kind", "entity", "parent", "version", "at", "by", "value"])
    kind = Kind(node.key("kind").choice([str(kind) for kind in TYPES if kind is not Kind.USER]))
    return ArchivedRecord(
        kind=kind,
        entity=_identifier(node.key("entity")),
        parent=node.key("parent").or_none(_identifier),
        version=node.key("version").integer(low=1),
        at=_moment(node.key("at")),
        by=_short(node.key("by")),
        value=read_record(kind, node.key("value")),
    )


def _check_tree(case: ArchivedCase) -> None:
    """Each record belongs to one of the right kind that came before it; the encounter is the case's."""
    kinds: dict[str, Kind] = {}
    images: dict[str, CaseImage] = {}
    for record in case.records:
        if record.entity in kinds:
            _refuse("case-bad", "a case holds the same record twice")
        above = PARENTS[record.kind]
        found = None if record.parent is None else kinds.get(record.parent)
        if found is not above or (above is None and record.parent is not None):
            _refuse("case-bad", "a record belongs to nothing in its case")
        kinds[record.entity] = record.kind
        if isinstance(record.value, CaseImage):
            images[record.entity] = record.value
            if record.value.media_type not in MEDIA_TYPES:
                _refuse("case-bad", "an image is of a kind that is not read")
        if isinstance(record.value, Reading):
            _check_reading(record.value, images[record.parent or ""])
    if kinds.get(case.encounter) is not Kind.ENCOUNTER:
        _refuse("case-bad", "a case is not about its encounter")


def _check_reading(reading: Reading, image: CaseImage) -> None:
    if reading.image_sha256 not in {None, image.sha256}:
        _refuse("case-bad", "a reading is of another image")


def _identifier(node: JsonNode) -> str:
    text = node.text()
    return text if _ID.fullmatch(text) else node.refuse("is not an identifier of 32 hexadecimal digits")


def _short(node: JsonNode) -> str:
    text = node.text()
    return text if len(text) <= 200 and text.isprintable() else node.refuse("is not one short line of text")


def _moment(node: JsonNode) -> str:
    text = node.text()
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        zone = None
    return text if zone is not None and len(text) <= 40 else node.refuse("is not a time with its zone")
