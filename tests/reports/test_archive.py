"""An archive comes back as it was written; one that breaks any rule is refused before anything of it is stored."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qana_desktop.reports.archive_check import ArchiveSummary
from qana_desktop.reports.archive_reader import ArchiveReader
from qana_desktop.reports.faults import ArchiveRefused
from tests.support.archives import (
    AT,
    BLOBS,
    SHA,
    archive,
    full_case,
    good_archive,
    good_members,
    packed,
    record_of,
    with_case,
    with_manifest,
)

ENCOUNTER = full_case().encounter
EXAMPLES = int(os.environ.get("QANA_FUZZ", "150"))

pytestmark = pytest.mark.keeps_processes


@pytest.fixture(scope="module")
def reader() -> Iterator[ArchiveReader]:
    with ArchiveReader() as made:
        yield made


def read_all(reader: ArchiveReader, path: Path) -> ArchiveSummary:
    """Read everything that an import reads."""
    summary = reader.check(path)
    for encounter in summary.cases:
        for sha256 in reader.case(encounter).blobs():
            assert hashlib.sha256(reader.image(sha256)).hexdigest() == sha256
    return summary


def refusal(reader: ArchiveReader, path: Path, data: bytes) -> str:
    """The code with which an archive is refused; afterwards the reader still reads."""
    path.write_bytes(data)
    with pytest.raises(ArchiveRefused) as refused:
        read_all(reader, path)
    path.write_bytes(good_archive())
    assert read_all(reader, path).cases == (ENCOUNTER,)
    assert refused.value.fault.remedy
    return refused.value.fault.code


def test_cases_come_back_as_they_were_written(reader: ArchiveReader, tmp_path: Path) -> None:
    cases = [full_case(number) for number in (1, 2, 3)]
    summary = reader.check(archive(tmp_path / "a.zip", cases))
    assert [reader.case(encounter) for encounter in summary.cases] == cases
    assert {sha256: reader.image(sha256) for sha256 in cases[0].blobs()} == BLOBS
    assert (summary.schema, summary.made_at, summary.with_names, summary.images) == ("1.0", AT, True, 2)
    assert summary.sha256 == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()


def test_equal_cases_make_equal_archives(tmp_path: Path) -> None:
    assert archive(tmp_path / "a.zip").read_bytes() == archive(tmp_path / "b.zip").read_bytes()


def test_a_later_minor_schema_is_read_and_what_it_adds_to_the_manifest_is_passed_over(
    reader: ArchiveReader, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed(with_manifest(good_members(), lambda root: root.update(schema="1.7", more={"x": 1}))))
    assert read_all(reader, path).schema == "1.7"


# --- containers


def info(name: str, **facts: Any) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    for key, value in facts.items():
        setattr(made, key, value)
    return made


def with_member(name: str, content: bytes = b"x", **facts: Any) -> bytes:
    """A good archive with one more member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for each in with_manifest([*good_members(), (name, content)]):
            file.writestr(info(each[0], **(facts if each[0] == name else {})), each[1])
    return stream.getvalue()


def with_comment() -> bytes:
    stream = io.BytesIO(good_archive())
    with zipfile.ZipFile(stream, "a") as file:
        file.comment = b"made by nobody"
    return stream.getvalue()


def with_flag(bit: int) -> bytes:
    data = bytearray(good_archive())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= bit
    return bytes(data)


def bomb() -> bytes:
    """A case that unpacks to far more than a case may have: a small file, with a manifest that tells the truth."""
    return packed(with_manifest([*good_members(), ("cases/" + "f" * 32 + ".json", bytes(64 << 20))]))


def lying_bomb() -> bytes:
    """A member that says that it has 20 bytes and unpacks to 50 million."""
    name, size = "cases/" + "f" * 32 + ".json", 50_000_000
    members = with_manifest([*good_members(), (name, bytes(size))])
    root = json.loads(members[-1][1])
    root["members"][-1]["size"] = 20
    data = bytearray(packed([*members[:-1], ("manifest.json", json.dumps(root).encode())]))
    true, false = struct.pack("<I", size), struct.pack("<I", 20)
    return bytes(data).replace(true, false)


def overlapping() -> bytes:
    """Two entries of the directory that name the same bytes, as the bombs of David Fifield do."""
    members = [*good_members(), ("images/" + "e" * 64, b"")]
    data = bytearray(packed(members, method=zipfile.ZIP_STORED))
    entries = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    data[entries[-1] + 42 : entries[-1] + 46] = data[entries[0] + 42 : entries[0] + 46]
    return bytes(data)


def manifest(**facts: Any) -> bytes:
    return packed(with_manifest(good_members(), lambda root: root.update(facts)))


def other_content(prefix: str) -> bytes:
    return packed([(name, bytes(len(data)) if name.startswith(prefix) else data) for name, data in good_members()])


def without(prefix: str, *, fitting: bool) -> bytes:
    rest = [member for member in good_members() if not member[0].startswith(prefix)]
    return packed(with_manifest(rest) if fitting else rest)


def twice() -> bytes:
    members = good_members()
    return packed([*members, members[0]])


CONTAINERS = {
    "nothing": (b"", "archive-damaged"),
    "text": (b"Dear colleague", "archive-damaged"),
    "half": (good_archive()[: len(good_archive()) // 2], "archive-damaged"),
    "something before": (b"#!/bin/sh\n" + good_archive(), "archive-overlap"),
    "comment": (with_comment(), "archive-foreign"),
    "path up": (with_member("../../home/evil"), "archive-names"),
    "absolute path": (with_member("/etc/evil"), "archive-names"),
    "backslashes": (with_member("cases\\..\\evil.json"), "archive-names"),
    "device": (with_member("cases/CON.json"), "archive-names"),
    "newline": (with_member(f"cases/{'a' * 32}.json\n"), "archive-names"),
    "upper case": (with_member(f"cases/{'A' * 32}.json"), "archive-names"),
    "wide digits": (with_member(f"cases/{chr(0xFF11) * 32}.json"), "archive-names"),
    "folder": (with_member("cases/", b""), "archive-names"),
    "symlink": (
        with_member(
            f"cases/{'a' * 32}.json", b"/etc/passwd", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16
        ),
        "archive-names",
    ),
    "same name twice": (twice(), "archive-names"),
    "encrypted": (with_flag(1), "archive-foreign"),
    "LZMA": (packed(good_members(), method=zipfile.ZIP_LZMA), "archive-foreign"),
    "bomb": (bomb(), "archive-too-large"),
    "lying bomb": (lying_bomb(), "archive-damaged"),
    "overlapping": (overlapping(), "archive-overlap"),
    "no manifest": (without("manifest", fitting=False), "archive-foreign"),
    "case missing": (without("cases/", fitting=False), "archive-members"),
    "image missing": (without("images/", fitting=False), "archive-members"),
    "image not named": (without("images/", fitting=True), "archive-image-missing"),
    "member not named": (with_member(f"images/{'a' * 64}"), "archive-hash"),
    "other case": (other_content("cases/"), "archive-hash"),
    "other image": (other_content("images/"), "archive-hash"),
    "manifest is no JSON": (packed([*good_members()[:-1], ("manifest.json", b"{")]), "archive-manifest-bad"),
    "manifest is no text": (packed([*good_members()[:-1], ("manifest.json", b"\xff\xfe")]), "archive-damaged"),
    "manifest nested": (packed([*good_members()[:-1], ("manifest.json", b"[" * 200_000)]), "archive-manifest-bad"),
    "long number": (packed([*good_members()[:-1], ("manifest.json", b"9" * 9000)]), "archive-manifest-bad"),
    "other format": (manifest(format="other"), "archive-foreign"),
    "future": (manifest(schema="2.0"), "archive-from-the-future"),
    "no schema": (manifest(schema="new"), "archive-manifest-bad"),
    "more cases than said": (manifest(cases=7), "archive-members"),
    "no time": (manifest(made_at="yesterday"), "archive-manifest-bad"),
    "steering characters": (manifest(program="\x1b[2J"), "archive-manifest-bad"),
    "no members": (manifest(members=[]), "archive-members"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_that_breaks_a_rule_is_refused(reader: ArchiveReader, tmp_path: Path, name: str) -> None:
    data, code = CONTAINERS[name]
    assert refusal(reader, tmp_path / "a.zip", data) == code


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in the file system")
def test_what_is_no_file_is_refused_without_waiting_for_it(reader: ArchiveReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for path, code in {
        "pipe.zip": "archive-not-a-file",
        "": "archive-not-a-file",
        "no.zip": "archive-unreadable",
    }.items():
        with pytest.raises(ArchiveRefused) as refused:
            reader.check(tmp_path / path)
        assert refused.value.fault.code == code


# --- cases


def put(kind: str, **facts: Any) -> bytes:
    return with_case(lambda root: record_of(root, kind).update(facts))


def put_value(kind: str, **facts: Any) -> bytes:
    return with_case(lambda root: record_of(root, kind)["value"].update(facts))


USER = {"name": "x", "role": "admin", "active": True}
CASES = {
    "no patient": with_case(lambda root: root["records"].pop(0)),
    "two patients": with_case(lambda root: root["records"].insert(0, {**root["records"][0], "entity": "e" * 32})),
    "a user": with_case(lambda root: record_of(root, "tags").update(kind="user", value=USER)),
    "a kind that is unknown": with_case(lambda root: record_of(root, "tags").update(kind="spell")),
    "an id that is a path": put("tags", entity="../../../../../../../etc/passwd"),
    "an id twice": with_case(lambda root: root["records"].append(root["records"][-1])),
    "a parent that is not there": put("tags", parent="f" * 32),
    "a parent of another kind": with_case(
        lambda root: record_of(root, "tags").update(parent=record_of(root, "patient")["entity"])
    ),
    "a parent of a patient": put("patient", parent="f" * 32),
    "children first": with_case(lambda root: root["records"].reverse()),
    "another encounter": with_case(lambda root: root.update(encounter="f" * 32)),
    "a version of nothing": put("tags", version=0),
    "a time that is none": put("tags", at="soon"),
    "a time without zone": put("tags", at="2026-01-31T09:00:00"),
    "a name of two lines": put("tags", by="a\nb"),
    "a field that is unknown": put_value("patient", shoe_size=44),
    "a field that is missing": with_case(lambda root: record_of(root, "patient")["value"].pop("pseudonym")),
    "a pseudonym that is none": put_value("patient", pseudonym="  "),
    "half a character": put_value("patient", pseudonym="\ud800"),
    "an image by path": put_value("image", sha256="../../x"),
    "an image that is not there": put_value("image", sha256="a" * 64),
    "an image without size": put_value("image", width=-1),
    "an image of a strange kind": put_value("image", media_type="text/html"),
    "a reading of another image": put_value("reading", image_sha256="a" * 64),
    "a probability that is none": with_case(
        lambda root: record_of(root, "reading")["value"]["outcome"]["probabilities"].update(mel="high")
    ),
    "a class that is none": with_case(
        lambda root: record_of(root, "reading")["value"]["outcome"]["probabilities"].update(spell=0.1)
    ),
    "too many records": with_case(lambda root: root.update(records=[root["records"][0]] * 10_001)),
    "no records": with_case(lambda root: root.update(records={})),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_breaks_a_rule_is_refused(reader: ArchiveReader, tmp_path: Path, name: str) -> None:
    assert refusal(reader, tmp_path / "a.zip", CASES[name]).startswith("archive-")


# --- anything at all


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A good archive with bytes changed, or one whose JSON was changed and that fits again."""
    if draw(st.booleans()):
        data = bytearray(good_archive())
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(data) - 1))
            match draw(st.sampled_from(["set", "insert", "remove", "copy"])):
                case "set":
                    data[at] = draw(st.integers(0, 255))
                case "insert":
                    data[at:at] = draw(st.binary(min_size=1, max_size=20))
                case "remove":
                    del data[at : at + draw(st.integers(1, 100))]
                case "copy":
                    data[at:at] = data[at : at + 200]
        return bytes(data)
    odd = st.sampled_from([None, -1, 10**400, 1e308, "", "\ud800", "\0", "9" * 5000, [], {}, True, [[[]]], SHA, "../x"])

    def twist(root: dict[str, Any]) -> None:
        node: Any = root
        while isinstance(node, dict | list) and node:
            key = draw(st.sampled_from(sorted(node))) if isinstance(node, dict) else draw(st.integers(0, len(node) - 1))
            if not isinstance(node[key], dict | list) or not node[key] or draw(st.integers(0, 4)) == 0:
                node[key] = draw(odd)
                return
            node = node[key]

    if draw(st.booleans()):
        return with_case(twist)
    return packed(with_manifest(good_members(), twist))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=EXAMPLES)
@given(data=changed())
def test_a_changed_archive_is_refused_or_read_and_never_ends_its_reader(
    reader: ArchiveReader, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.zip"
    path.write_bytes(data)
    try:
        read_all(reader, path)
    except ArchiveRefused as refused:
        assert "did not come to an end" not in refused.fault.message  # noqa: PT017 - either outcome is fine
