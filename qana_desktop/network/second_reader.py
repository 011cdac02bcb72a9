"""The second reader as a bundle carries it: a larger network in ONNX, what it is made from, and what it costs.

It is no integer network: its answers may differ from machine to machine in the last digits, so it has golden outputs
with a tolerance. Its ONNX model takes uint8 `images` (n, S, S, 3), RGB, and gives float32 `logits` (n, classes) in the
bundle's order of classes; normalisation is inside.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import UInt8Array
from qana_desktop.network.preprocess import DIHEDRAL
from qana_desktop.network.serialise import arrays_from_bytes, arrays_to_bytes
from qana_desktop.system.json_reads import JsonNode

FloatLogits: TypeAlias = npt.NDArray[np.float32]

MODEL: Final = "second_reader.onnx"
GOLDEN_LOGITS: Final = "second_reader_golden.npz"
INPUT_NAME: Final = "images"
OUTPUT_NAME: Final = "logits"

TOLERANCE: Final = 0.1
"""How far a golden logit may lie from the stored one: rounding of another processor stays far below, a broken or
saturating one does not."""

LARGEST_INPUT: Final = 1024


@dataclass(frozen=True)
class SecondReaderSpec:
    """What a manifest says about it. `views` are those of one reading; `arithmetic` is "float32" or "int8".

    `normalisation` says in words what the model does with levels first. `multiply_accumulates` are those of one view.
    `initial_weights` and `initial_licence` say what it was trained from, "" for none.
    """

    name: str
    input_size: int
    views: tuple[str, ...]
    normalisation: str
    arithmetic: str
    multiply_accumulates: int
    initial_weights: str
    initial_licence: str


@dataclass(frozen=True, eq=False)
class SecondReaderContents:
    """What a bundle is written with: the ONNX model as bytes, and the logits that it gave for `golden_inputs`.

    `golden_logits` is float32 (N, classes).
    """

    spec: SecondReaderSpec
    model: bytes
    golden_logits: FloatLogits

    def files(self) -> dict[str, bytes]:
        """The bundle's files of the second reader. Raises ValueError for logits that fit no golden input."""
        expected = len(golden_inputs(self.spec.input_size))
        if self.golden_logits.dtype != np.float32 or self.golden_logits.shape[:1] != (expected,):
            raise ValueError(f"golden logits must be float32 ({expected}, classes), not {self.golden_logits.shape}")
        return {MODEL: self.model, GOLDEN_LOGITS: arrays_to_bytes({"logits": self.golden_logits})}


def golden_inputs(size: int) -> UInt8Array:
    """The drawn images of the self-test, uint8 (N, size, size, 3)."""
    return golden_images((size, size, 3))


def golden_logits_from_bytes(content: bytes, *, size: int, classes: int) -> FloatLogits | None:
    """Read the golden logits, float32 (N, classes); None where they are not of that shape."""
    found = arrays_from_bytes(content, document=GOLDEN_LOGITS).get("logits")
    if found is None or found.dtype != np.float32 or found.shape != (len(golden_inputs(size)), classes):
        return None
    return found if bool(np.all(np.isfinite(found))) else None


def spec_to_json(spec: SecondReaderSpec) -> dict[str, object]:
    """Return what `read_spec` reads."""
    plain = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return {**plain, "views": list(spec.views)}


def read_spec(node: JsonNode, *, strict: bool) -> SecondReaderSpec:
    """Read and check the specification; raises BadJson."""
    if strict:
        node.only(field.name for field in fields(SecondReaderSpec))
    size = node.key("input_size")
    if size.integer(low=1) > LARGEST_INPUT:
        size.refuse(f"must be at most {LARGEST_INPUT}")
    views = tuple(item.choice(DIHEDRAL) for item in node.key("views").items())
    if not views or len(set(views)) != len(views):
        node.key("views").refuse("must name at least one view, and none twice")
    return SecondReaderSpec(
        name=node.key("name").text(),
        input_size=size.integer(low=1),
        views=views,
        normalisation=node.key("normalisation").text(),
        arithmetic=node.key("arithmetic").choice(("float32", "int8")),
        multiply_accumulates=node.key("multiply_accumulates").integer(),
        initial_weights=node.key("initial_weights").text(),
        initial_licence=node.key("initial_licence").text(),
    )
