"""The manifest of a bundle: what it is, and the size and SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qana_desktop.network.schema import minor_version, reads_strictly
from qana_desktop.network.second_reader import GOLDEN_LOGITS, MODEL, SecondReaderSpec, read_spec, spec_to_json
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.json_reads import BadJson, JsonNode

SCHEMA: Final = "1.1"
"""1.1 adds `origin`, `device`, `second_reader` and the files of learning; a manifest of 1.0 is that of a factory bundle
without a second reader."""
MANIFEST: Final = "manifest.json"
NETWORK: Final = "network.npz"
ONNX: Final = "network.onnx"
FBZ: Final = "network.fbz"
POLICY: Final = "policy.json"
GOLDEN: Final = "golden.npz"
EVALUATION: Final = "evaluation.json"
MODEL_CARD: Final = "MODEL_CARD.md"
FEATURES: Final = "features.npz"
PROTOCOL: Final = "protocol.json"
HOLDOUT: Final = "holdout.npz"
CHANNELS: Final = "channels.npz"

REQUIRED: Final = (NETWORK, ONNX, POLICY, GOLDEN, EVALUATION, MODEL_CARD)
"""Files that every bundle has; others may be absent."""
LEARNING: Final = (FEATURES, PROTOCOL, HOLDOUT, CHANNELS)
"""What a clinic needs to learn from this bundle: feature memory, the gate's lines, the factory holdout, the factory's
channel statistics."""

HASH_DIGITS: Final = 12

_CODE: Final = "bundle-bad"
_REMEDY: Final = "Choose another version of the network, or install this one again."
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_BUNDLE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")
_BUNDLE_ID: Final = re.compile(rf"({_BUNDLE_NAME.pattern})-([0-9a-f]{{{HASH_DIGITS}}})")
_SINCE_1_1: Final = ("origin", "device", "second_reader")
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for devices."""


class Origin(StrEnum):
    """Where a version comes from: the factory, or a clinic's own cases, images, or both."""

    FACTORY = "factory"
    HEAD = "head"
    SITE_CALIBRATION = "site-calibration"
    SITE_CALIBRATION_AND_HEAD = "site-calibration-and-head"


class BundleRefused(KnownError):
    """The bundle is missing, incomplete, changed, or of a version that this program cannot read."""


def refusal(code: str, message: str) -> BundleRefused:
    """Return the error for a bundle that cannot be used."""
    return BundleRefused(Fault(code, message, _REMEDY))


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle: its plain name, SHA-256 in hex, and size in bytes."""

    name: str
    sha256: str
    size: int

    @staticmethod
    def of(name: str, content: bytes) -> FileEntry:
        """Describe `content` as the file `name`."""
        return FileEntry(name, hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class Manifest:
    """What a bundle says about itself. `classes` is the order of logits, `views` are those of one reading.

    `input_shape` is (height, width, channels); `parent` is the id of the bundle that this one was made from, or "";
    `created` is UTC in ISO 8601; `licence` is an SPDX identifier. `origin` says how it was made; `device` names the
    camera that it is for, "" for all of them. `second_reader` describes the larger network that it may carry.
    """

    name: str
    created: str
    licence: str
    parent: str
    classes: tuple[str, ...]
    features: int
    input_shape: tuple[int, int, int]
    preprocess_version: str
    views: tuple[str, ...]
    files: tuple[FileEntry, ...]
    origin: Origin = Origin.FACTORY
    device: str = ""
    second_reader: SecondReaderSpec | None = None

    def has(self, name: str) -> bool:
        """Say whether the bundle contains the file `name`."""
        return any(entry.name == name for entry in self.files)


def bundle_id(name: str, manifest: bytes) -> str:
    """Return the id, and folder name, of the bundle with this name and these manifest bytes."""
    return f"{name}-{hashlib.sha256(manifest).hexdigest()[:HASH_DIGITS]}"


def is_bundle_id(text: str) -> bool:
    """Say whether `text` could be the id of a bundle: nothing else may be joined to a path."""
    return _BUNDLE_ID.fullmatch(text) is not None


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as JSON in a fixed order. Raises BundleRefused for a name that is no safe folder name."""
    if _BUNDLE_NAME.fullmatch(manifest.name) is None or _RESERVED.fullmatch(manifest.name):
        raise refusal(
            _CODE, f"'{manifest.name}' cannot name a bundle: use small letters, digits, dots and hyphens, 40 at most."
        )
    document = {
        "schema": SCHEMA,
        "name": manifest.name,
        "created": manifest.created,
        "licence": manifest.licence,
        "parent": manifest.parent,
        "origin": manifest.origin.value,
        "device": manifest.device,
        "classes": list(manifest.classes),
        "features": manifest.features,
        "input_shape": list(manifest.input_shape),
        "preprocess_version": manifest.preprocess_version,
        "views": list(manifest.views),
        "second_reader": None if manifest.second_reader is None else spec_to_json(manifest.second_reader),
        "files": [{"name": entry.name, "sha256": entry.sha256, "size": entry.size} for entry in manifest.files],
    }
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()


def manifest_from_bytes(content: bytes) -> Manifest:
    """Read and check what `manifest_to_bytes` wrote. Raises BundleRefused, naming the first wrong place."""
    try:
        root = JsonNode.parse(content.decode(), document=MANIFEST, code=_CODE, remedy=_REMEDY)
        return _manifest(root)
    except UnicodeDecodeError as error:
        raise refusal(_CODE, f"{MANIFEST} is not text.") from error
    except BadJson as error:
        raise BundleRefused(error.fault) from error


def _manifest(root: JsonNode) -> Manifest:
    since = minor_version(root.key("schema"), SCHEMA)
    strict = reads_strictly(root.key("schema"), SCHEMA)
    if strict:
        root.only(("schema", *(name for name in Manifest.__dataclass_fields__ if since or name not in _SINCE_1_1)))
    height, width, channels = (side.integer(low=1) for side in root.key("input_shape").items(count=3))
    manifest = Manifest(
        name=_matching(root.key("name"), _BUNDLE_NAME, "a bundle's name"),
        created=root.key("created").text(),
        licence=root.key("licence").text(),
        parent=_parent(root.key("parent")),
        classes=_distinct(root.key("classes")),
        features=root.key("features").integer(),
        input_shape=(height, width, channels),
        preprocess_version=root.key("preprocess_version").text(),
        views=_distinct(root.key("views")),
        files=tuple(_file(node) for node in root.key("files").items()),
        origin=Origin(root.key("origin").choice(tuple(Origin))) if since else Origin.FACTORY,
        device=root.key("device").text() if since else "",
        second_reader=root.key_or_null("second_reader").or_none(lambda node: read_spec(node, strict=strict)),
    )
    _check_files(root.key("files"), manifest.files)
    _check_second_reader(root.key("files"), manifest)
    return manifest


def _file(node: JsonNode) -> FileEntry:
    name = node.key("name")
    if _SAFE_NAME.fullmatch(name.text()) is None or _RESERVED.fullmatch(name.text()) or name.text() == MANIFEST:
        name.refuse(f"is '{name.text()}', which is not a plain file name inside the bundle")
    digest = _matching(node.key("sha256"), re.compile(r"[0-9a-f]{64}"), "64 hex digits")
    return FileEntry(name.text(), digest, node.key("size").integer())


def _check_files(node: JsonNode, files: tuple[FileEntry, ...]) -> None:
    names = [entry.name for entry in files]
    if len({name.lower() for name in names}) != len(names):
        node.refuse("lists a file twice")
    for name in REQUIRED:
        if name not in names:
            node.refuse(f"does not list {name}")


def _check_second_reader(node: JsonNode, manifest: Manifest) -> None:
    for name in (MODEL, GOLDEN_LOGITS):
        if manifest.second_reader is not None and not manifest.has(name):
            node.refuse(f"does not list {name}")


def _matching(node: JsonNode, pattern: re.Pattern[str], what: str) -> str:
    if pattern.fullmatch(node.text()) is None:
        node.refuse(f"is '{node.text()}', not {what}")
    return node.text()


def _parent(node: JsonNode) -> str:
    if node.text() and not is_bundle_id(node.text()):
        node.refuse(f"is '{node.text()}', not the id of a bundle")
    return node.text()


def _distinct(node: JsonNode) -> tuple[str, ...]:
    texts = tuple(item.text() for item in node.items())
    if not texts or len(set(texts)) != len(texts):
        node.refuse("must hold at least one text, and none twice")
    return texts
