"""Two engines, one network: not one integer differs, on random networks and on real images."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from qana_desktop.engines.host import EngineHost
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.network.bundle import Bundle, active_bundle
from qana_desktop.network.manifest import BundleRefused
from tests.support.bundles import small_bundle

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("akida") is None,
    reason="the akida package is not installed, so nothing can be compared with its simulator",
)


def differing(first: EngineHost, second: EngineHost, images: np.ndarray) -> int:
    return int(np.count_nonzero(first.infer(images).potentials != second.infer(images).potentials))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_onnx_and_the_simulator_agree_on_random_networks(tmp_path, seed):
    path, registry = small_bundle(tmp_path, seed=seed), EngineRegistry()
    images = np.random.default_rng(seed).integers(0, 256, (100, 32, 32, 3)).astype(np.uint8)
    onnx, simulator = registry.open("onnx-cpu", path), registry.open("akida-simulator", path)
    try:
        assert differing(onnx, simulator, images) == 0
    finally:
        onnx.close()
        simulator.close()


def shipped_bundle() -> Bundle:
    try:
        return active_bundle(ROOT / "models")
    except BundleRefused as error:
        pytest.skip(f"no bundle is shipped in models/: {error.fault.message}")


def test_onnx_and_the_simulator_agree_on_real_images(shared_data):
    cv2 = pytest.importorskip("cv2")
    from qana_desktop.network.preprocess import to_network_input

    bundle = shipped_bundle()
    files = sorted((shared_data / "ham10000" / "images").glob("*.jpg"))
    chosen = np.random.default_rng(0).choice(len(files), size=min(1000, len(files)), replace=False)
    onnx, simulator = (EngineRegistry().open(name, bundle.path) for name in ("onnx-cpu", "akida-simulator"))
    try:
        for start in range(0, len(chosen), 50):
            decoded = [cv2.imread(str(files[index]))[:, :, ::-1] for index in chosen[start : start + 50]]
            side = bundle.manifest.input_shape[0]
            batch = np.stack([to_network_input(np.ascontiguousarray(image), side) for image in decoded])
            assert differing(onnx, simulator, batch) == 0
    finally:
        onnx.close()
        simulator.close()
