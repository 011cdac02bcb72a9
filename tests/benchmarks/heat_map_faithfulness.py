"""Measures whether the heat-map says what the network looks at: what happens when the places it points at are covered.

For each test image the fifth of the square that speaks most for the answer is covered with the mean colour of the
image's border, then the fifth that speaks least, then a square of the same area drawn at random. The figure is the
change of the answer's log-odds against the mean of all classes, in nats. Run:

    python -m tests.benchmarks.heat_map_faithfulness --data ../shared/data --out docs/measurements/heat-map.json
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from qana_desktop.network.attribution import attribute, drawn, last_map_layer
from qana_desktop.network.bundle import active_bundle
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME, layer_output_name, to_onnx
from qana_desktop.network.preprocess import to_network_input, views
from qana_desktop.services.evaluation_desk import training_of
from qana_desktop.training.data import read_image, read_records
from qana_desktop.triage.explanation import explanation
from qana_desktop.triage.fit import bootstrap
from qana_desktop.triage.policy_json import policy_from_json

COVERED = 0.2
"""Share of the square that is covered."""


class Reader:
    """The bundle's network on ONNX Runtime: logits and maps of one image."""

    def __init__(self) -> None:
        self.bundle = active_bundle(Path("models"))
        self.network, self.policy = self.bundle.network(), policy_from_json(self.bundle.policy_json())
        index = last_map_layer(self.network)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = to_onnx(self.network, also=(index,))
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._wanted = [OUTPUT_NAME, layer_output_name(index)]

    def odds(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-odds of each class against the mean of all (classes,), and the heat-map (classes, G, G)."""
        potentials, last = self._session.run(self._wanted, {INPUT_NAME: views(image, self.policy.views)})
        logits = potentials[:, : self.network.classes].mean(axis=0) * self.policy.calibration.scale
        maps = [
            drawn(self.network, attribute(self.network, one).maps, view)
            for one, view in zip(last, self.policy.views, strict=True)
        ]
        classes, nats = self.policy.classes, self.policy.calibration.scale
        made = explanation(np.stack(maps), classes, classes[0], nats=nats, computed_by="", compared=0)
        return logits - logits.mean(), made.maps


def covered(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The image with the flagged points (G, G) in the mean colour of its border."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).mean(axis=0)
    mask = cv2.resize(where.astype(np.uint8), image.shape[:2], interpolation=cv2.INTER_NEAREST) > 0
    return np.where(mask[:, :, None], border.astype(np.uint8), image)


def random_square(side: int, random: np.random.Generator) -> np.ndarray:
    """A square of the covered share, anywhere: bool (side, side)."""
    length = round(side * COVERED**0.5)
    top, left = random.integers(0, side - length + 1, 2)
    made = np.zeros((side, side), np.bool_)
    made[top : top + length, left : left + length] = True
    return made


def mean_of(values: np.ndarray, rows: np.ndarray) -> float:
    return float(values[rows].mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    reader, random = Reader(), np.random.default_rng(0)
    training = training_of(reader.bundle.path)
    fold = training.test_fold if training is not None else 0
    records = [r for r in read_records(options.data) if r.source == "ham10000" and r.fold == fold]
    picked = [records[i] for i in np.sort(random.permutation(len(records))[: options.images])]
    drops: dict[str, list[float]] = {"most": [], "random": [], "least": []}
    for record in picked:
        image = to_network_input(read_image(options.data, record), reader.network.input_shape[0])
        before, maps = reader.odds(image)
        answer = int(before.argmax())
        own = maps[answer]
        high, low = np.quantile(own, [1 - COVERED, COVERED])
        places = {"most": own >= high, "random": random_square(len(own), random), "least": own <= low}
        for name, where in places.items():
            drops[name].append(float(before[answer] - reader.odds(covered(image, where))[0][answer]))
    lesions = np.array([record.lesion_id for record in picked])
    figures = {}
    for name, values in drops.items():
        found = bootstrap(partial(mean_of, np.array(values)), lesions)
        figures[name] = {"mean_drop_nats": found.value, "low": found.low, "high": found.high}
    larger = float(np.mean(np.array(drops["most"]) > np.array(drops["random"])))
    document = {
        "bundle": reader.bundle.id,
        "images": len(picked),
        "lesions": len(set(lesions)),
        "covered_share": COVERED,
        "drop_of_the_answers_log_odds": figures,
        "share_where_most_drops_more_than_random": larger,
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
