"""Integer outputs of an exported network for many images, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from qana_desktop.network.export_onnx import INPUT_NAME, to_onnx
from qana_desktop.network.layers import IntegerNetwork
from qana_desktop.network.preprocess import views
from qana_desktop.network.second_reader import INPUT_NAME as SECOND_INPUT
from qana_desktop.network.second_reader import OUTPUT_NAME as SECOND_OUTPUT
from qana_desktop.network.second_reader import FloatLogits
from qana_desktop.training.augment import Uint8Array
from qana_desktop.training.metrics import FloatArray

Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Readings:
    """Integer logits (n, views, classes) and features (n, views, F) of n images."""

    logits: Int32Array
    features: Int32Array

    def means(self) -> FloatArray:
        """Mean logits over views, (n, classes)."""
        return np.asarray(self.logits.sum(axis=1, dtype=np.int64) / self.logits.shape[1], dtype=np.float64)

    def feature_means(self) -> FloatArray:
        """Mean features over views, (n, F)."""
        return np.asarray(self.features.sum(axis=1, dtype=np.int64) / self.features.shape[1], dtype=np.float64)

    def only(self, chosen: Sequence[int]) -> Readings:
        """The readings with some of their views."""
        return Readings(self.logits[:, list(chosen)], self.features[:, list(chosen)])


class OnnxReader:
    """Reads images with the exported network on ONNX Runtime, on one thread."""

    def __init__(self, network: IntegerNetwork) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._classes = network.classes
        self._session = onnxruntime.InferenceSession(to_onnx(network), options, providers=["CPUExecutionProvider"])

    def read(self, images: Uint8Array, names: tuple[str, ...]) -> Readings:
        """Integer outputs of the named views of each of `images` (n, S, S, 3)."""
        outputs = np.stack(
            [self._session.run(None, {INPUT_NAME: views(np.asarray(image), names)})[0] for image in images]
        )
        return Readings(outputs[:, :, : self._classes], outputs[:, :, self._classes :])


class FloatReader:
    """Reads images with a second reader's ONNX model on ONNX Runtime, on one thread."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def logits(self, images: Uint8Array) -> FloatLogits:
        """Logits (n, classes) of images (n, S, S, 3)."""
        return np.asarray(self._session.run([SECOND_OUTPUT], {SECOND_INPUT: images})[0], dtype=np.float32)

    def read(self, images: Uint8Array, names: tuple[str, ...]) -> FloatArray:
        """Logits (n, views, classes) of the named views of each of `images` (n, S, S, 3)."""
        return np.stack([self.logits(views(np.asarray(image), names)) for image in images]).astype(np.float64)
