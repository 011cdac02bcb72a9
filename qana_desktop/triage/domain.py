"""Is this image like those that the network was trained on? Distance of its integer features to the class centres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qana_desktop.triage.policy import DomainModel


def domain_distance(features: npt.NDArray[np.integer], model: DomainModel) -> float:
    """Distance of one image, features (views, F), as `DomainModel` defines it. Raises ValueError for another F."""
    if features.ndim != 2 or features.shape[0] == 0 or features.shape[1] != len(model.variances):
        raise ValueError(f"features of shape (views, {len(model.variances)}) were expected, not {features.shape}")
    mean = features.sum(axis=0, dtype=np.int64) / features.shape[0]
    centres, variances = np.asarray(model.centres), np.asarray(model.variances)
    return float(distances(mean[None].astype(np.float64), centres, variances)[0])


def distances(
    means: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], variances: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Distance of each row of `means` (n, F) to the nearest of `centres` (classes, F) -> (n,)."""
    by_class = [np.mean((means - centre) ** 2 / variances, axis=1) for centre in centres]
    return np.asarray(np.min(by_class, axis=0), dtype=np.float64)
