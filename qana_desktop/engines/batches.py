"""What every engine requires of a batch, and gives back: one check and one shape, the same sentence on all of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import BadInput, ModelRefused
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _

Batch = npt.NDArray[np.uint8]


def checked_batch(batch: object, input_shape: tuple[int, int, int]) -> Batch:
    """Return `batch` as contiguous uint8 (N, height, width, channels), N at least 1; raises BadInput."""
    if not isinstance(batch, np.ndarray):
        raise _bad_input(f"{type(batch).__name__}", input_shape)
    if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != input_shape or len(batch) == 0:
        raise _bad_input(f"{batch.dtype} {batch.shape}", input_shape)
    return np.ascontiguousarray(batch)


def checked_potentials(outputs: object, images: int, count: int) -> npt.NDArray[np.int32]:
    """Return what a runtime gave as int32 (images, count); raises ModelRefused when it is something else."""
    if isinstance(outputs, np.ndarray) and outputs.dtype == np.int32 and outputs.size == images * count:
        return np.ascontiguousarray(outputs.reshape(images, count))
    what = f"{outputs.dtype} {outputs.shape}" if isinstance(outputs, np.ndarray) else type(outputs).__name__
    raise ModelRefused(
        Fault(
            "model-refused",
            _("The runtime returned {what}, not {images} x {count} whole numbers. The image was not assessed.").format(
                what=what, images=images, count=count
            ),
            _("Choose another engine and report this."),
        )
    )


def _bad_input(what: str, input_shape: tuple[int, int, int]) -> BadInput:
    height, width, channels = input_shape
    return BadInput(
        Fault(
            "bad-input",
            _(
                "The network takes uint8 images (N, {height}, {width}, {channels}), N at least 1, and was given "
                "{what}. Nothing was assessed."
            ).format(height=height, width=width, channels=channels, what=what),
            _("Prepare the images with the preprocessing that the bundle names."),
        )
    )
