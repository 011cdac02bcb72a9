"""Is this image like those that the network was trained on? Distance of its integer features to the class centres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qana_desktop.triage.policy import DomainModel


def is_out_of_domain(features: npt.NDArray[np.integer], model: DomainModel) -> bool:
    """Whether one image, features (views, F), is beyond the limit of every class. Raises ValueError for another F."""
    if features.ndim != 2 or features.shape[0] == 0 or features.shape[1] != len(model.variances):
        raise ValueError(f"features of shape (views, {len(model.variances)}) were expected, not {features.shape}")
    mean = features.sum(axis=0, dtype=np.int64) / features.shape[0]
    return bool(out_of_domain(mean[None].astype(np.float64), model)[0])


def out_of_domain(means: npt.NDArray[np.float64], model: DomainModel) -> npt.NDArray[np.bool_]:
    """Which rows of `means` (n, F), features averaged over views, are beyond the limit of every class -> (n,)."""
    found = distances(means, np.asarray(model.centres), np.asarray(model.variances))
    return np.asarray(np.all(found > np.asarray(model.limits), axis=1), dtype=np.bool_)


def distances(
    means: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], variances: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Distance of each row of `means` (n, F) to each of `centres` (classes, F) -> (n, classes)."""
    by_class = [np.mean((means - centre) ** 2 / variances, axis=1) for centre in centres]
    return np.asarray(np.stack(by_class, axis=1), dtype=np.float64)
