"""Writes a bundle: exports the network, draws the golden inputs, and puts everything in place in one step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from qana_desktop.network.arithmetic import run
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.network.export_akida import SdkMissing, to_fbz
from qana_desktop.network.export_onnx import to_onnx
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import Int32Array, IntegerNetwork
from qana_desktop.network.manifest import (
    CHANNELS,
    EVALUATION,
    FBZ,
    FEATURES,
    GOLDEN,
    HOLDOUT,
    MANIFEST,
    MODEL_CARD,
    NETWORK,
    ONNX,
    POLICY,
    PROTOCOL,
    FileEntry,
    Manifest,
    Origin,
    bundle_id,
    manifest_from_bytes,
    manifest_to_bytes,
)
from qana_desktop.network.preprocess import PREPROCESS_VERSION
from qana_desktop.network.second_reader import SecondReaderContents
from qana_desktop.network.serialise import arrays_to_bytes, network_to_bytes
from qana_desktop.network.validate import check


@dataclass(frozen=True, eq=False)
class BundleContents:
    """What a person or a training run decides about a bundle; the rest is derived from it.

    `policy_json`, `evaluation_json` and `model_card` are texts; `features_npz` is the feature memory as file bytes, or
    None. `protocol_json` (text), `holdout_npz` and `channels_npz` (file bytes) are what else a clinic needs to learn:
    the gate's lines, the factory holdout, the factory's channel statistics; None where it cannot. `created` is taken
    from the clock when it is None. `parent` is a bundle's id, "" for none. `origin` and `device` are as in `Manifest`.
    `second_reader` is a larger network that reads too where this one is uncertain, or None. `golden_potentials`, int32
    (N, outputs), are those of `golden_images` where the caller has them already: engines compare them with their own.
    """

    name: str
    network: IntegerNetwork
    classes: tuple[str, ...]
    views: tuple[str, ...]
    policy_json: str
    evaluation_json: str
    model_card: str
    licence: str
    parent: str = ""
    features_npz: bytes | None = None
    protocol_json: str | None = None
    holdout_npz: bytes | None = None
    channels_npz: bytes | None = None
    origin: Origin = Origin.FACTORY
    device: str = ""
    second_reader: SecondReaderContents | None = None
    created: datetime | None = None
    preprocess_version: str = PREPROCESS_VERSION
    golden_potentials: Int32Array | None = None


def write_bundle(models_dir: Path, contents: BundleContents) -> Path:
    """Write a bundle into `models_dir` and return its folder; writing the same one again returns the one there.

    Where the Akida SDK is missing the bundle has no `network.fbz`, as its manifest shows. Raises NetworkRefused for a
    network that is not legal, ValueError when the classes do not fit it, BundleRefused for an unsafe name.
    """
    if len(contents.classes) != contents.network.classes:
        raise ValueError(f"{len(contents.classes)} class names for {contents.network.classes} classes")
    check(contents.network)
    models_dir.mkdir(parents=True, exist_ok=True)
    files = _files(contents)
    manifest = manifest_to_bytes(_manifest(contents, files))
    target = models_dir / bundle_id(contents.name, manifest)
    if not target.exists():
        _place(target, {**files, MANIFEST: manifest})
    open_bundle(target)
    return target


def add_files(models_dir: Path, bundle: Bundle, added: Mapping[str, bytes]) -> Path:
    """Write a copy of a bundle with more or other files, all else as it is, and return its folder.

    Raises BundleRefused for an unsafe file name or a file of the bundle that cannot be read.
    """
    old = {entry.name: (bundle.path / entry.name).read_bytes() for entry in bundle.manifest.files}
    files = {**old, **added}
    entries = tuple(FileEntry.of(name, content) for name, content in files.items())
    manifest = manifest_to_bytes(replace(bundle.manifest, files=entries))
    manifest_from_bytes(manifest)
    target = models_dir / bundle_id(bundle.manifest.name, manifest)
    if not target.exists():
        _place(target, {**files, MANIFEST: manifest})
    open_bundle(target)
    return target


def _files(contents: BundleContents) -> dict[str, bytes]:
    images = golden_images(contents.network.input_shape)
    given = contents.golden_potentials
    potentials = run(contents.network, images)[-1] if given is None else given
    files = {
        NETWORK: network_to_bytes(contents.network),
        ONNX: to_onnx(contents.network),
        FBZ: _fbz(contents.network),
        POLICY: contents.policy_json.encode(),
        GOLDEN: arrays_to_bytes({"images": images, "potentials": potentials}),
        EVALUATION: contents.evaluation_json.encode(),
        MODEL_CARD: contents.model_card.encode(),
        FEATURES: contents.features_npz,
        PROTOCOL: None if contents.protocol_json is None else contents.protocol_json.encode(),
        HOLDOUT: contents.holdout_npz,
        CHANNELS: contents.channels_npz,
    }
    second = {} if contents.second_reader is None else contents.second_reader.files()
    return {name: content for name, content in files.items() if content is not None} | second


def _fbz(network: IntegerNetwork) -> bytes | None:
    """Return the Akida model file, or None where the SDK is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FBZ
        try:
            to_fbz(network, path)
        except SdkMissing:
            return None
        return path.read_bytes()


def _manifest(contents: BundleContents, files: dict[str, bytes]) -> Manifest:
    created = contents.created or datetime.now(UTC)
    return Manifest(
        name=contents.name,
        created=created.astimezone(UTC).isoformat(timespec="seconds"),
        licence=contents.licence,
        parent=contents.parent,
        classes=contents.classes,
        features=contents.network.features,
        input_shape=contents.network.input_shape,
        preprocess_version=contents.preprocess_version,
        views=contents.views,
        files=tuple(FileEntry.of(name, content) for name, content in files.items()),
        origin=contents.origin,
        device=contents.device,
        second_reader=None if contents.second_reader is None else contents.second_reader.spec,
    )


def _place(target: Path, files: dict[str, bytes]) -> None:
    """Write the files read-only into a hidden folder and give it its name in one step."""
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".writing-"))
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o444)
        folder.chmod(0o755)
        folder.replace(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
