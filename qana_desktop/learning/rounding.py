"""From real weights to whole ones, each rounding error paid back by the weights that are not rounded yet."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


def round_rows(weights: FloatArray, moment: FloatArray, *, low: int, high: int) -> npt.NDArray[np.int8]:
    """Return whole weights (rows, F) within `low` to `high` whose outputs are close to those of `weights` (rows, F).

    `moment` (F, F), positive definite, is the second moment of the inputs: what is kept small for each row is
    ``(q - w) moment (q - w)``. One weight after another is rounded, and its error is made up for by the remaining
    ones (optimal brain quantisation in a fixed order, as GPTQ: Frantar et al., ICLR 2023). Weights that are whole and
    in range come back as they are.
    """
    order = np.argsort(-np.diag(moment), kind="stable")
    remaining = weights[:, order].copy()
    inverse = np.linalg.inv(moment[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
    rounded = np.empty_like(remaining)
    for column in range(remaining.shape[1]):
        rounded[:, column] = np.clip(np.rint(remaining[:, column]), low, high)
        error = (remaining[:, column] - rounded[:, column]) / upper[column, column]
        remaining[:, column:] -= error[:, None] * upper[column, column:]
    found = np.empty_like(rounded)
    found[:, order] = rounded
    return found.astype(np.int8)
