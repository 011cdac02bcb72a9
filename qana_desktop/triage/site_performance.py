"""What the network did at this site: overrides, proof against readings, calibration, drift, groups, time. Pure numbers.

Each lesion and each case counts once, so Wilson's interval holds. Scores and answers are compared within one version of
the network only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Final, TypeVar

import numpy as np

from qana_desktop.triage.measured import Method
from qana_desktop.triage.site_figures import (
    CANNOT_ASSESS,
    LOW_CONCERN,
    Against,
    CalibrationBin,
    Energies,
    Group,
    Month,
    Overrides,
    Proof,
    SiteCase,
    SiteImage,
    SitePerformance,
    Times,
    share,
)

BINS: Final = 5

K = TypeVar("K")
V = TypeVar("V")


def site_performance(
    cases: Sequence[SiteCase], images: Sequence[SiteImage], proofs: Iterable[Proof], *, bundle: str | None = None
) -> SitePerformance:
    """Count it all for one version of the network; None: the one that read most recently, by month, then most often."""
    used = Counter(image.bundle for image in images if image.bundle)
    last = max(images, key=lambda image: (image.month, used[image.bundle]), default=None)
    chosen = bundle if bundle is not None else (last.bundle if last is not None else "")
    mine = [case for case in cases if case.bundle == chosen]
    seen = [image for image in images if image.bundle == chosen]
    proven = {proof.lesion: proof for proof in proofs}
    months = sorted(image.month for image in seen)
    return SitePerformance(
        bundle=chosen,
        bundles=tuple(used.most_common()),
        cases=len(mine),
        images=len(seen),
        first_month=months[0] if months else "",
        last_month=months[-1] if months else "",
        overrides=overrides(mine),
        against=against(mine, proven),
        calibration=calibration(mine, proven),
        months=by_month(seen),
        groups=by_group(mine, proven),
        times=times(images),
        energies=energies(images),
        without_energy=sum(image.energy is None for image in images),
    )


# --- people against the network


def overrides(cases: Sequence[SiteCase]) -> Overrides:
    """Count what clinicians made of the readings; cases without a person's opinion or an answer are left out."""
    judged = [case for case in cases if case.assessed_by_person and case.named]
    classed = [case for case in judged if case.found]
    triages = _by(judged, lambda case: case.triage)
    return Overrides(
        overridden=share(sum(case.overridden for case in judged), len(judged)),
        other_class=share(sum(case.found != case.named for case in classed), len(classed)),
        by_triage=tuple(
            (name, share(sum(case.overridden for case in some), len(some))) for name, some in sorted(triages.items())
        ),
    )


# --- proof against the network


def against(cases: Sequence[SiteCase], proven: dict[str, Proof]) -> tuple[Against, ...]:
    """Compare readings with proof, for each source and, where there are several, for all; the latest of a lesion."""
    pairs = _pairs(cases, proven)
    sources = _by(pairs, lambda pair: pair[1].source)
    found = [_against(source, some) for source, some in sorted(sources.items())]
    return (*found, *([_against("", pairs)] if len(found) > 1 else []))


def _pairs(cases: Sequence[SiteCase], proven: dict[str, Proof]) -> list[tuple[SiteCase, Proof]]:
    latest: dict[str, SiteCase] = {}
    for case in sorted(cases, key=lambda case: (case.month, case.encounter)):
        if case.lesion in proven and case.triage:
            latest[case.lesion] = case
    return [(case, proven[lesion]) for lesion, case in latest.items()]


def _against(source: str, pairs: Sequence[tuple[SiteCase, Proof]]) -> Against:
    bad = [case for case, proof in pairs if proof.malignant is True]
    good = [case for case, proof in pairs if proof.malignant is False]
    answered = [(case, proof) for case, proof in pairs if case.named and proof.malignant is not None]
    sent = sum(case.triage != LOW_CONCERN for case in bad)
    return Against(
        source=source,
        lesions=len(pairs),
        malignant=len(bad),
        sent=share(sent, len(bad)),
        let_go=len(bad) - sent,
        spared=share(sum(case.triage == LOW_CONCERN for case in good), len(good)),
        right=share(sum(case.named == proof.diagnosis for case, proof in answered), len(answered)),
        held=share(sum(proof.diagnosis in case.could_be for case, proof in answered), len(answered)),
        unclassed=sum(proof.malignant is None for _case, proof in pairs),
    )


def calibration(cases: Sequence[SiteCase], proven: dict[str, Proof]) -> tuple[CalibrationBin, ...]:
    """Malignancy against the share of proven malignant lesions, in bins of equal width."""
    scored = [
        (case.malignancy, bool(proof.malignant))
        for case, proof in _pairs(cases, proven)
        if case.malignancy is not None and proof.malignant is not None
    ]
    by_bin = _by(scored, lambda pair: min(int(pair[0] * BINS), BINS - 1))
    return tuple(
        CalibrationBin(
            low=number / BINS,
            high=(number + 1) / BINS,
            mean=float(np.mean([score for score, _ in by_bin[number]])) if number in by_bin else None,
            observed=share(sum(bad for _, bad in by_bin.get(number, [])), len(by_bin.get(number, []))),
        )
        for number in range(BINS)
    )


# --- drift


def by_month(images: Sequence[SiteImage]) -> tuple[Month, ...]:
    """Images of each month: what was refused, what was sent on, scores and quality."""
    return tuple(_month(month, some) for month, some in sorted(_by(images, lambda image: image.month).items()))


def _month(month: str, images: Sequence[SiteImage]) -> Month:
    scores = [image.malignancy for image in images if image.malignancy is not None]
    names = sorted({name for image in images for name, _value in image.quality})
    cannot = sum(image.triage == CANNOT_ASSESS for image in images)
    answered = len(images) - cannot
    review = sum(image.triage not in {CANNOT_ASSESS, LOW_CONCERN} for image in images)
    middle = tuple(float(part) for part in np.percentile(scores, [25, 50, 75])) if scores else None
    return Month(
        month=month,
        images=len(images),
        cannot=share(cannot, len(images)),
        review=share(review, answered),
        malignancy=(middle[0], middle[1], middle[2]) if middle else None,
        quality=tuple((name, median(_values(images, name))) for name in names),
    )


def _values(images: Sequence[SiteImage], wanted: str) -> list[float]:
    return [value for image in images for name, value in image.quality if name == wanted]


# --- groups


def by_group(cases: Sequence[SiteCase], proven: dict[str, Proof]) -> tuple[Group, ...]:
    """Cases by each kind of group that they name."""
    kinds: dict[tuple[str, str], list[SiteCase]] = defaultdict(list)
    for case in cases:
        for group in case.groups:
            kinds[group].append(case)
    return tuple(_group(kind, name, some, proven) for (kind, name), some in sorted(kinds.items()))


def _group(kind: str, name: str, cases: Sequence[SiteCase], proven: dict[str, Proof]) -> Group:
    cannot = sum(case.triage == CANNOT_ASSESS for case in cases)
    review = sum(case.triage not in {CANNOT_ASSESS, LOW_CONCERN} for case in cases)
    bad = [case for case, proof in _pairs(cases, proven) if proof.malignant]
    return Group(
        kind=kind,
        name=name,
        cases=len(cases),
        cannot=share(cannot, len(cases)),
        review=share(review, len(cases) - cannot),
        overridden=overrides(cases).overridden,
        malignant_sent=share(sum(case.triage != LOW_CONCERN for case in bad), len(bad)),
    )


# --- time and energy


def times(images: Iterable[SiteImage]) -> tuple[Times, ...]:
    """Latency by month and engine; readings in which no engine took part are left out."""
    read = [image for image in images if image.engine and image.inference_ms is not None]
    found = []
    for (month, engine), some in sorted(_by(read, lambda image: (image.month, image.engine)).items()):
        totals = [image.total_ms for image in some]
        inner = [image.inference_ms for image in some if image.inference_ms is not None]
        p95 = float(np.percentile(totals, 95))
        found.append(Times(month, engine, len(some), median(totals), p95, median(inner) if inner else None))
    return tuple(found)


def energies(images: Iterable[SiteImage]) -> tuple[Energies, ...]:
    """Energy by month, engine, method, unit and scope."""
    known = [image for image in images if image.energy is not None and image.energy_method is not None]
    grouped = _by(known, _energy_key)
    found = []
    for (month, engine, method, unit, scope), some in sorted(grouped.items()):
        middle = median(image.energy for image in some if image.energy is not None)
        found.append(Energies(month, engine, Method(method), unit, scope, len(some), middle))
    return tuple(found)


def _energy_key(image: SiteImage) -> tuple[str, str, str, str, str]:
    return image.month, image.engine, str(image.energy_method), image.energy_unit, image.energy_scope


def _by(items: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return dict(found)
