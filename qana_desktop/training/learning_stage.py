"""Gives the active bundle what a clinic needs to learn, where it was written without."""

from __future__ import annotations

import json
from pathlib import Path

from qana_desktop.network.bundle import activate, active_bundle
from qana_desktop.network.bundle_writer import add_files
from qana_desktop.training.learning_files import learning_files
from qana_desktop.training.readings import OnnxReader
from qana_desktop.training.release import Images, log_run
from qana_desktop.training.stages import Workplace


def add_learning_files(place: Workplace, models: Path) -> Path:
    """Write a copy of the active bundle with these files, make it the active one, log it, and return its folder.

    `place` must be of the fold that the bundle was tested on: its training lesions are no holdout.
    """
    old = active_bundle(models)
    evaluation, network = json.loads(old.evaluation_json()), old.network()
    if evaluation["data"]["test_fold"] != place.fold:
        raise ValueError(f"the bundle was tested on fold {evaluation['data']['test_fold']}, not {place.fold}")
    images = Images(place.split(), place.cache(network.input_shape[0]))
    features = OnnxReader(network).read(images.of(images.split.test), old.manifest.views).features
    folder = add_files(models, old, learning_files(network, images.split, images.of, features))
    activate(models, folder.name)
    log_run(models / "runs.jsonl", folder.name, evaluation)
    return folder
