"""Checks of a new version beside the gate's lines: engines agree, no lesion no answer, no old mistake comes back.

Each returns a line of the verdict, with its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qana_desktop.engines.contract import EngineError, ModelRefused
from qana_desktop.learning.judged import Judged
from qana_desktop.network.golden import golden_images
from qana_desktop.network.preprocess import views
from qana_desktop.services.learning_eye import EngineShelf, Eye
from qana_desktop.system.childprocess import ChildFailed
from qana_desktop.system.language import _
from qana_desktop.triage.domain import is_out_of_domain
from qana_desktop.triage.policy import ReadingPolicy

UInt8Image = npt.NDArray[np.uint8]
ENGINES: Final = "engines"
NO_LESIONS: Final = "pictures of no lesion"
PAST: Final = "past failures"
_FLAT_AND_NOISE: Final = 6
_DRAWN: Final = 24
_COMPARED: Final = 8


@dataclass(frozen=True)
class CheckLine:
    """One line of a verdict: its code, on what it was judged, whether it holds, and a sentence with the numbers."""

    code: str
    where: str
    holds: bool
    sentence: str


@dataclass(frozen=True)
class AskedEngine:
    """An engine that was asked: `fault` is why it was not tested, "" when it was."""

    engine: str
    runtime: str
    integers: int
    differing: int
    fault: str = ""


def odd_pictures(input_shape: tuple[int, int, int]) -> UInt8Image:
    """Pictures that show no lesion (n, H, W, C): flat, chequered, noise, stripes and gradients of all colours."""
    height, width, _channels = input_shape
    dice = np.random.default_rng(20_26)
    rows, columns = np.mgrid[0:height, 0:width]
    drawn = []
    for number in range(_DRAWN):
        one, other = dice.integers(0, 256, (2, 3))
        period = int(dice.integers(2, max(3, width // 2)))
        pattern = ((columns if number % 2 else rows) // period % 2) if number % 3 else rows / max(1, height - 1)
        drawn.append(one + (other - one) * np.asarray(pattern)[:, :, None])
    flat = golden_images(input_shape)[:_FLAT_AND_NOISE]
    return np.concatenate([flat, np.clip(np.rint(np.stack(drawn)), 0, 255).astype(np.uint8)])


def domain_line(
    eye: Eye, factory: tuple[Path, ReadingPolicy], candidate: tuple[Path, ReadingPolicy], pictures: UInt8Image
) -> Iterator[CheckLine]:
    """Every picture that the factory version refuses to assess, the candidate refuses too; raises EngineError."""
    if factory[1].domain is None:
        return
    before, after = (_refuses(eye, *version, pictures) for version in (factory, candidate))
    lost = int((before & ~after).sum())
    yield CheckLine(
        "out-of-domain",
        NO_LESIONS,
        lost == 0,
        _(
            "Of {count} pictures that show no lesion the factory version refuses {refused}; the new version would"
            " answer for {lost} of these, and may for none."
        ).format(count=len(pictures), refused=int(before.sum()), lost=lost),
    )


def _refuses(eye: Eye, bundle: Path, policy: ReadingPolicy, pictures: UInt8Image) -> npt.NDArray[np.bool_]:
    if policy.domain is None:
        return np.zeros(len(pictures), np.bool_)
    found = [
        is_out_of_domain(
            eye.read(bundle, picture, classes=len(policy.classes), named_views=policy.views).features, policy.domain
        )
        for picture in pictures
    ]
    return np.array(found)


def past_failures_line(
    active: Judged, candidate: Judged, missed: Sequence[str], *, holdout: str = PAST
) -> Iterator[CheckLine]:
    """Malignant cases that an earlier version missed and the one in use reads right may not be missed again.

    `missed` are the cases that the version of their time read wrong.
    """
    past = np.isin(active.cases, list(missed)) & active.malignant
    if not past.any():
        return
    back = past & active.right & ~candidate.right
    yield CheckLine(
        "past-failures",
        holdout,
        not back.any(),
        _(
            "{count} malignant cases were once read wrong here. The version in use reads {now} of them right, the new"
            " one {then}; {back} would be wrong again, and none may be."
        ).format(
            count=int(past.sum()),
            now=int((past & active.right).sum()),
            then=int((past & candidate.right).sum()),
            back=int(back.sum()),
        ),
    )


def engine_lines(tested: Sequence[AskedEngine]) -> Iterator[CheckLine]:
    """Every engine that could be asked gave the same integers."""
    asked = [each for each in tested if not each.fault]
    differing = [each.engine for each in asked if each.differing]
    if differing:
        sentence = _("These engines gave other numbers than they must: {engines}.").format(engines=", ".join(differing))
    else:
        sentence = _("{engines} gave the same {count} integers, each one equal.").format(
            engines=", ".join(each.engine for each in asked), count=asked[0].integers if asked else 0
        )
    yield CheckLine("engine-parity", ENGINES, bool(asked) and not differing, sentence)


def compare_engines(
    shelf: EngineShelf, bundle: Path, batch: UInt8Image, *, check: Callable[[], None]
) -> tuple[AskedEngine, ...]:
    """Open every engine that is there with the bundle, which tests its golden outputs; compare `batch` (n, S, S, 3).

    The first engine's integers are the measure for the others. `check` is called between engines and may raise.
    """
    found: list[AskedEngine] = []
    expected: npt.NDArray[np.int32] | None = None
    for info in shelf.probe():
        check()
        if info.fault is not None:
            continue
        try:
            engine = shelf.open(info.engine_id, bundle)
        except ModelRefused:
            found.append(AskedEngine(info.engine_id, info.runtime, batch.size, batch.size))
            continue
        except (EngineError, ChildFailed) as error:
            found.append(AskedEngine(info.engine_id, info.runtime, 0, 0, str(error)))
            continue
        try:
            potentials = engine.infer(batch).potentials
        finally:
            engine.close()
        expected = potentials if expected is None else expected
        found.append(
            AskedEngine(info.engine_id, info.runtime, expected.size, int(np.count_nonzero(potentials != expected)))
        )
    return tuple(found)


def compared_batch(
    images: Sequence[UInt8Image], named_views: tuple[str, ...], shape: tuple[int, int, int]
) -> UInt8Image:
    """What engines are compared on: views of some images of the clinic, and pictures drawn by code."""
    turned = [views(image, named_views) for image in images[:_COMPARED]]
    return np.concatenate([*turned, odd_pictures(shape)[-_COMPARED:]])
