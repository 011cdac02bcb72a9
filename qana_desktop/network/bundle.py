"""The bundle, the unit of version: a folder with the network in every form, its policy, evaluation and golden outputs.

The folder is named ``<name>-<12 hex digits>``, the digits being the start of the SHA-256 of its `manifest.json`, which
lists every other file with its SHA-256: the name vouches for all of it. A bundle is never changed; a new version is a
new folder, and activation replaces a one-line pointer.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qana_desktop.network.layers import Int32Array, IntegerNetwork, UInt8Array
from qana_desktop.network.manifest import (
    EVALUATION,
    FBZ,
    FEATURES,
    GOLDEN,
    MANIFEST,
    MODEL_CARD,
    NETWORK,
    ONNX,
    POLICY,
    FileEntry,
    Manifest,
    bundle_id,
    is_bundle_id,
    manifest_from_bytes,
    refusal,
)
from qana_desktop.network.second_reader import (
    GOLDEN_LOGITS,
    MODEL,
    SecondReaderContents,
    golden_logits_from_bytes,
)
from qana_desktop.network.serialise import arrays_from_bytes, network_from_bytes
from qana_desktop.system.language import _

ACTIVE: Final = "ACTIVE"
"""The pointer beside the bundles: one line, the id of the active one."""

LARGEST_MANIFEST: Final = 2**20


@dataclass(frozen=True, eq=False)
class Golden:
    """Golden inputs, uint8 (N, H, W, C), and the potentials that every engine must give, int32 (N, outputs)."""

    images: UInt8Array
    potentials: Int32Array


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: every file was there, unchanged, when it was opened. Reads its parts when asked for."""

    id: str
    path: Path
    manifest: Manifest

    @property
    def onnx_path(self) -> Path:
        """The ONNX model: uint8 `image` (N, H, W, C) to int32 `potentials` (N, classes + features)."""
        return self.path / ONNX

    @property
    def fbz_path(self) -> Path | None:
        """The Akida model, or None where the bundle was written without the Akida SDK (build it from `network()`)."""
        return self._optional(FBZ)

    @property
    def features_path(self) -> Path | None:
        """The feature memory of the training cases, or None."""
        return self._optional(FEATURES)

    @property
    def second_reader_path(self) -> Path | None:
        """The second reader's ONNX model, or None where the bundle has no second reader."""
        return None if self.manifest.second_reader is None else self.path / MODEL

    def second_reader(self) -> SecondReaderContents | None:
        """Read the second reader whole, to check it or to carry it over into a version made from this one.

        Raises BundleRefused when its golden logits do not fit the manifest.
        """
        spec = self.manifest.second_reader
        if spec is None:
            return None
        logits = golden_logits_from_bytes(
            (self.path / GOLDEN_LOGITS).read_bytes(), size=spec.input_size, classes=len(self.manifest.classes)
        )
        if logits is None:
            raise refusal(
                "bundle-bad",
                _("{golden_logits} of '{id}' does not fit its second reader.").format(
                    golden_logits=GOLDEN_LOGITS, id=self.id
                ),
            )
        return SecondReaderContents(spec, (self.path / MODEL).read_bytes(), logits)

    def learning_file(self, name: str) -> bytes | None:
        """Return one of the files of `manifest.LEARNING`, for `qana_desktop.learning`, or None where there is none.

        Raises BundleRefused when it was changed since the bundle was opened.
        """
        path = self._optional(name)
        if path is None:
            return None
        content = path.read_bytes()
        if FileEntry.of(name, content) not in self.manifest.files:
            raise refusal(
                "bundle-changed",
                _("{name} of the bundle '{id}' was changed after it was written.").format(name=name, id=self.id),
            )
        return content

    def network(self) -> IntegerNetwork:
        """Read the integer network. Raises NetworkFileRefused or NetworkRefused."""
        return network_from_bytes((self.path / NETWORK).read_bytes())

    def golden(self) -> Golden:
        """Read the golden inputs and outputs. Raises BundleRefused when they do not fit the manifest."""
        arrays = arrays_from_bytes((self.path / GOLDEN).read_bytes(), document=GOLDEN)
        images, potentials = arrays.get("images"), arrays.get("potentials")
        if images is None or images.dtype != np.uint8 or images.shape[1:] != self.manifest.input_shape:
            raise refusal(
                "bundle-bad",
                _("{golden} of '{id}' holds no images of the network's input shape.").format(golden=GOLDEN, id=self.id),
            )
        outputs = len(self.manifest.classes) + self.manifest.features
        if potentials is None or potentials.dtype != np.int32 or potentials.shape != (len(images), outputs):
            raise refusal(
                "bundle-bad",
                _("{golden} of '{id}' holds no int32 outputs, {outputs} to an image.").format(
                    golden=GOLDEN, id=self.id, outputs=outputs
                ),
            )
        return Golden(images, potentials)

    def policy_json(self) -> str:
        """Return the reading policy as JSON text, for `triage.policy_json`."""
        return (self.path / POLICY).read_text(encoding="utf-8")

    def evaluation_json(self) -> str:
        """Return the evaluation that was written with the network, as JSON text."""
        return (self.path / EVALUATION).read_text(encoding="utf-8")

    def model_card(self) -> str:
        """Return the model card, Markdown."""
        return (self.path / MODEL_CARD).read_text(encoding="utf-8")

    def _optional(self, name: str) -> Path | None:
        return self.path / name if self.manifest.has(name) else None


def open_bundle(path: Path) -> Bundle:
    """Open the bundle at `path` after comparing every file with the manifest, and the manifest with the folder's name.

    Raises BundleRefused: not there, incomplete, changed, renamed, of another major version, or with unsafe file names.
    """
    content = _read_manifest(path)
    manifest = manifest_from_bytes(content)
    expected = bundle_id(manifest.name, content)
    folder = path.resolve().name
    if folder != expected:
        message = _(
            "The folder '{folder}' holds the bundle '{expected}': it was renamed or its manifest changed."
        ).format(folder=folder, expected=expected)
        raise refusal("bundle-changed", message)
    for entry in manifest.files:
        _verify(path, entry)
    return Bundle(expected, path, manifest)


def list_bundles(models_dir: Path) -> tuple[str, ...]:
    """Return the ids of the folders in `models_dir` that are named like bundles; none is opened."""
    if not models_dir.is_dir():
        return ()
    return tuple(sorted(child.name for child in models_dir.iterdir() if child.is_dir() and is_bundle_id(child.name)))


def active_bundle(models_dir: Path) -> Bundle:
    """Open the bundle that the pointer names. Raises BundleRefused when there is none or it cannot be used."""
    return open_bundle(models_dir / active_bundle_id(models_dir))


def active_bundle_id(models_dir: Path) -> str:
    """Read the pointer. Raises BundleRefused when it is missing or does not hold the id of a bundle."""
    try:
        identity = (models_dir / ACTIVE).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise refusal("bundle-none-active", _("No version of the network is active.")) from error
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(
            "bundle-none-active", _("The pointer to the active network cannot be read ({error}).").format(error=error)
        ) from error
    if not is_bundle_id(identity):
        raise refusal("bundle-none-active", _("The pointer to the active network does not name a bundle."))
    return identity


def activate(models_dir: Path, identity: str) -> Bundle:
    """Make a bundle of `models_dir` the active one, in one step, after opening it. Raises BundleRefused."""
    if not is_bundle_id(identity):
        raise refusal("bundle-missing", _("'{identity}' is not the id of a bundle.").format(identity=identity))
    bundle = open_bundle(models_dir / identity)
    descriptor, temporary = tempfile.mkstemp(dir=models_dir, prefix=f".{ACTIVE}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{identity}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(models_dir / ACTIVE)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return bundle


def _read_manifest(path: Path) -> bytes:
    manifest = path / MANIFEST
    try:
        if manifest.stat().st_size > LARGEST_MANIFEST:
            raise refusal(
                "bundle-bad",
                _("{manifest} of '{name}' is too large to be one.").format(manifest=MANIFEST, name=path.name),
            )
        return manifest.read_bytes()
    except FileNotFoundError as error:
        raise refusal(
            "bundle-missing", _("There is no bundle in the folder '{name}'.").format(name=path.name)
        ) from error
    except OSError as error:
        raise refusal(
            "bundle-missing",
            _("The bundle '{name}' cannot be read ({strerror}).").format(name=path.name, strerror=error.strerror),
        ) from error


def _verify(path: Path, entry: FileEntry) -> None:
    """Compare one file with its entry; links are refused, since what they point at can change."""
    file = path / entry.name
    if file.is_symlink() or not file.is_file():
        raise refusal(
            "bundle-missing-file",
            _("The bundle '{name}' lacks its file {name2}.").format(name=path.name, name2=entry.name),
        )
    try:
        with file.open("rb") as content:
            same = (
                file.stat().st_size == entry.size and hashlib.file_digest(content, "sha256").hexdigest() == entry.sha256
            )
    except OSError as error:
        raise refusal(
            "bundle-missing-file",
            _("{name} of '{name2}' cannot be read ({strerror}).").format(
                name=entry.name, name2=path.name, strerror=error.strerror
            ),
        ) from error
    if not same:
        raise refusal(
            "bundle-changed",
            _("{name} of the bundle '{name2}' was changed after it was written.").format(
                name=entry.name, name2=path.name
            ),
        )
