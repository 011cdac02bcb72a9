"""The child process that trains: on a copy, apart from everything in use. It writes a new bundle into its own folder.

It answers two requests: `TrainRequest` begins the work in a thread, `ASK` tells how far it is and, at the end, what was
written. Killing the child at any moment leaves at most that folder.
"""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from qana_desktop import __version__
from qana_desktop.learning.head import HeadSettings, TrainedHead, train_head
from qana_desktop.learning.memory import LocalCase
from qana_desktop.learning.new_class import FEWEST_EVER, NewClass, learn_new_class
from qana_desktop.learning.potentials import levels, potentials
from qana_desktop.learning.site_calibration import calibrate_site, with_head_of
from qana_desktop.learning.site_statistics import statistics_from_bytes
from qana_desktop.network.bundle import open_bundle
from qana_desktop.network.bundle_writer import BundleContents, write_bundle
from qana_desktop.network.golden import golden_images
from qana_desktop.network.layers import Dense, IntegerNetwork
from qana_desktop.network.manifest import CHANNELS, FEATURES, HOLDOUT, PROTOCOL, Origin
from qana_desktop.network.preprocess import views
from qana_desktop.services.learning_factory import Factory, read_factory
from qana_desktop.services.learning_faults import factory_lacks
from qana_desktop.store.faults import fault_of_system
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _
from qana_desktop.triage.diagnosis import SiteClass, written_out
from qana_desktop.triage.policy import ReadingPolicy
from qana_desktop.triage.policy_json import policy_to_json

Report: TypeAlias = Callable[[int, int], None]

TARGET: Final = "qana_desktop.services.learning_start:make_trainer"
ASK: Final = "how far"
PAUSE_S: Final = 0.1
"""How long a question waits for news."""
LOCAL_NAME: Final = "clinic"
"""How the bundles of a clinic are named; the hash tells them apart."""


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """What to train: `origin` says how, `factory` is the folder of the factory version, `into` a folder for the bundle.

    `cases` are the clinic's, in the order in which they are recorded, `added` the one class among them that the
    factory does not know; `images` (n, S, S, 3) uint8 are unlabelled ones of the clinic's `device`, `case_images`
    those of the cases, to be read anew with its thresholds. With `keep` False nothing is written: the new network's
    class rows and policy come back with the answer.
    """

    origin: Origin
    factory: Path
    into: Path
    created: str
    cases: tuple[LocalCase, ...] = ()
    added: SiteClass | None = None
    images: npt.NDArray[np.uint8] | None = None
    case_images: npt.NDArray[np.uint8] | None = None
    device: str = ""
    settings: HeadSettings = field(default_factory=HeadSettings)
    keep: bool = True


@dataclass(frozen=True, eq=False)
class TrainAnswer:
    """How far the work is; at the end the id of the bundle in `into`, its class rows (classes, F), and what was done.

    `facts` and `policy` are JSON. `fault` says why there is none.
    """

    done: int
    total: int
    ended: bool = False
    bundle: str = ""
    rows: npt.NDArray[np.int8] | None = None
    facts: str = ""
    policy: str = ""
    fault: Fault | None = None


def make_trainer() -> Trainer:
    """Return the handler of the child's requests."""
    return Trainer()


class Trainer:
    """Trains once, in a thread, and answers about it."""

    def __init__(self) -> None:
        self._answer = TrainAnswer(0, 1)
        self._bug: BaseException | None = None
        self._changed = threading.Condition()

    def __call__(self, request: object) -> TrainAnswer:
        """Begin, or tell how far it is, soon after something changed; raises what ended the work unexpectedly."""
        if isinstance(request, TrainRequest):
            threading.Thread(target=self._run, args=(request,), name="train", daemon=True).start()
        with self._changed:
            if not self._answer.ended and self._bug is None:
                self._changed.wait(PAUSE_S)
            if self._bug is not None:
                raise self._bug
            return self._answer

    def _run(self, request: TrainRequest) -> None:
        try:
            self._tell(train(request, lambda done, total: self._tell(TrainAnswer(done, total), at_once=False)))
        except KnownError as error:
            self._end(error.fault)
        except OSError as error:
            self._end(fault_of_system(error))
        except BaseException as error:  # noqa: BLE001 - the end of a thread: the parent hears of it with its next question
            with self._changed:
                self._bug = error
                self._changed.notify()

    def _end(self, fault: Fault) -> None:
        self._tell(TrainAnswer(self._answer.done, self._answer.total, ended=True, fault=fault))

    def _tell(self, answer: TrainAnswer, *, at_once: bool = True) -> None:
        with self._changed:
            self._answer = answer
            if at_once:
                self._changed.notify()


def train(request: TrainRequest, report: Report) -> TrainAnswer:
    """Train and write the bundle. Raises TooFewCases, TooFewImages, NetworkRefused and what bundles raise."""
    factory = read_factory(open_bundle(request.factory))
    network = factory.network
    if request.origin is not Origin.HEAD:
        network = _calibrated(factory, request, report)
    trained, policy = None, factory.policy
    if request.origin is not Origin.SITE_CALIBRATION:
        trained, policy = _trained(factory, network, request, report)
        network = with_head_of(network, trained.network)
    facts = json.dumps(_facts(factory, request, trained))
    contents = _contents(factory, request, network, policy, facts)
    identity = write_bundle(request.into, contents).name if request.keep else ""
    rows, policy_json = class_rows(network), contents.policy_json
    return TrainAnswer(1, 1, ended=True, bundle=identity, rows=rows, facts=facts, policy=policy_json)


def class_rows(network: IntegerNetwork) -> npt.NDArray[np.int8]:
    """The class rows (classes, F) of a network's head."""
    head = network.layers[-1]
    if not isinstance(head, Dense):
        raise TypeError("the last layer is no head")
    return head.weights[: network.classes]


def features_of(network: IntegerNetwork, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Integer features (n, F) of network inputs (n, S, S, 3), as every engine has them."""
    values = images
    for layer in network.layers[:-1]:
        if layer.activation is None:
            raise ValueError(f"layer '{layer.name}' has no activation")
        values = levels(layer.activation, potentials(layer, values))
    return values.reshape(len(images), -1)


def golden_potentials(network: IntegerNetwork) -> npt.NDArray[np.int32]:
    """The outputs (N, classes + F) of the golden images, worked out as for many images: much sooner than one by one."""
    head = network.layers[-1]
    if not isinstance(head, Dense):
        raise TypeError("the last layer is no head")
    features = features_of(network, golden_images(network.input_shape))
    return (features.astype(np.int64) @ head.weights.astype(np.int64).T).astype(np.int32)


def _calibrated(factory: Factory, request: TrainRequest, report: Report) -> IntegerNetwork:
    content = factory.bundle.learning_file(CHANNELS)
    if content is None:
        raise factory_lacks(_("channel statistics"))
    if request.images is None:
        raise ValueError("a camera is measured on images")
    statistics = statistics_from_bytes(content, factory.network)
    return calibrate_site(factory.network, statistics, request.images, on_layer=report)


def _trained(
    factory: Factory, seen_with: IntegerNetwork, request: TrainRequest, report: Report
) -> tuple[TrainedHead, ReadingPolicy]:
    cases, policy = request.cases, factory.policy
    if request.case_images is not None:
        read = (features_of(seen_with, views(image, policy.views)) for image in request.case_images)
        cases = tuple(replace(case, features=found) for case, found in zip(cases, read, strict=True))
    if request.added is not None:
        added = NewClass(request.added, fewest_cases=max(FEWEST_EVER, request.settings.new_class_cases))
        given = (factory.network, policy, factory.memory, factory.holdout, cases, added)
        learnt = learn_new_class(*given, settings=request.settings, on_step=report)
        return learnt.trained, learnt.policy
    codes = [str(known) for known in policy.classes]
    given_head = (factory.network, codes, policy.calibration, factory.memory, cases)
    return train_head(*given_head, settings=request.settings, on_step=report), policy


def _contents(
    factory: Factory, request: TrainRequest, network: IntegerNetwork, policy: ReadingPolicy, facts: str
) -> BundleContents:
    manifest, file = factory.bundle.manifest, factory.bundle.learning_file
    protocol, same = file(PROTOCOL), policy is factory.policy
    return BundleContents(
        name=LOCAL_NAME,
        network=network,
        classes=tuple(str(known) for known in policy.classes),
        views=manifest.views,
        policy_json=factory.bundle.policy_json() if same else policy_to_json(policy),
        evaluation_json=json.dumps({"note": _NOT_HERE, "parent": factory.id, "training": json.loads(facts)}),
        model_card=_card(factory, request),
        licence=manifest.licence,
        parent=factory.id,
        features_npz=file(FEATURES),
        protocol_json=None if protocol is None else protocol.decode(),
        holdout_npz=file(HOLDOUT),
        channels_npz=file(CHANNELS),
        second_reader=factory.bundle.second_reader() if same else None,
        origin=request.origin,
        device=request.device,
        created=datetime.fromisoformat(request.created),
        preprocess_version=manifest.preprocess_version,
        golden_potentials=golden_potentials(network),
    )


def _card(factory: Factory, request: TrainRequest) -> str:
    made = {
        Origin.HEAD: f"a head trained on {len(request.cases)} confirmed images of one clinic",
        Origin.SITE_CALIBRATION: "thresholds for one camera of one clinic",
        Origin.SITE_CALIBRATION_AND_HEAD: (
            f"thresholds for one camera, and a head trained on {len(request.cases)} confirmed images of one clinic"
        ),
    }[request.origin]
    return (
        f"# A version made in a clinic\n\nMade from `{factory.id}` on {request.created[:10]}: {made}. It is for that"
        " clinic only. What it is worth there is in the clinic's own record, with who approved it.\n\n"
        "Research use, decision support for trained clinicians, not a medical device.\n\n"
        "What follows is the card of the version that it was made from.\n\n---\n\n" + factory.bundle.model_card()
    )


def _facts(factory: Factory, request: TrainRequest, trained: TrainedHead | None) -> dict[str, object]:
    """What a repetition needs. There is no seed: nothing is drawn at random."""
    return {
        "origin": str(request.origin),
        "parent": factory.id,
        "created": request.created,
        "device": request.device,
        "cases": len(request.cases),
        "images": 0 if request.images is None else len(request.images),
        "seed": None,
        "settings": asdict(request.settings),
        "new_class": "" if request.added is None else written_out(request.added),
        "lesions": {} if trained is None else dict(trained.lesions),
        "loss_before": None if trained is None else trained.loss_before,
        "loss_after": None if trained is None else trained.loss_after,
        "program": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


_NOT_HERE: Final = "How this version was judged is in the record of the clinic that made it."
