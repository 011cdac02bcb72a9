"""A thousand photographs through both engines, each in its own process: not one integer differs."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import numpy as np

from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.intake.reader import ImageReader
from qana_desktop.services.composition import load_bundle
from qana_desktop.system.resources import models_dir
from tests.support.bundles import small_bundle

IMAGES, BATCH = 1000, 50


def shipped_or_small_bundle(folder: Path) -> Path:
    """The bundle that is shipped, or a small random one while there is none."""
    return load_bundle().path if (models_dir() / "ACTIVE").is_file() else small_bundle(folder)


def network_inputs(photographs: list[Path], size: int) -> np.ndarray:
    """The photographs as the network sees them, (n, size, size, 3) uint8."""
    with ImageReader() as reader:
        return np.stack([reader.prepare(path, input_size=size).network_input for path in photographs])


def potentials(engine: str, bundle: Path, inputs: np.ndarray) -> np.ndarray:
    """What one engine says to all of them, in batches, (n, classes + features) int32."""
    host = EngineRegistry().open(engine, bundle)
    try:
        return np.concatenate([host.infer(inputs[i : i + BATCH]).potentials for i in range(0, len(inputs), BATCH)])
    finally:
        host.close()


def test_a_thousand_photographs_give_equal_integers_on_onnx_and_on_the_akida_simulator(
    shared_data: Path, akida: ModuleType, tmp_path: Path
) -> None:
    bundle = load_bundle(shipped_or_small_bundle(tmp_path))
    everything = sorted((shared_data / "ham10000" / "images").glob("*.jpg"))
    photographs = random.Random(1000).sample(everything, IMAGES)  # noqa: S311 - a draw that can be repeated
    inputs = network_inputs(photographs, bundle.input_size)
    onnx, simulator = (potentials(engine, bundle.path, inputs) for engine in ("onnx-cpu", "akida-simulator"))
    assert onnx.shape[0] == IMAGES
    assert len(np.unique(onnx, axis=0)) > IMAGES // 2
    assert np.count_nonzero(onnx != simulator) == 0
