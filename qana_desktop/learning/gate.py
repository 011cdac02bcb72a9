"""The gate: may this version of the network come into use? A pure function of what it and the factory version answered.

Every line is judged and told with its numbers, also where an earlier one failed: a refusal says all that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np

from qana_desktop.learning.judged import BoolArray, Judged
from qana_desktop.learning.power import mcnemar, power_statement
from qana_desktop.learning.protocol import Protocol
from qana_desktop.system.language import N_, _, ngettext
from qana_desktop.triage.diagnosis import FULL_NAMES

_HAIR: Final = 1e-9


class Holdout(StrEnum):
    """Which frozen cases; the value is how a sentence calls them."""

    FACTORY = N_("factory holdout")
    LOCAL = N_("local holdout")


@dataclass(frozen=True)
class Best:
    """The best that any version in use ever reached on one holdout, shares from 0 to 1.

    `malignant` and `melanoma` are sensitivities at each cut, None where there was no such case.
    """

    malignant: tuple[float | None, ...]
    melanoma: tuple[float | None, ...]
    balanced_accuracy: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """The same cases read by the factory version and by the candidate, and the best of all versions so far."""

    holdout: Holdout
    factory: Judged
    candidate: Judged
    best: Best


@dataclass(frozen=True)
class Line:
    """One line of the protocol: its code, the holdout, whether it holds, and a sentence with the numbers."""

    code: str
    holdout: Holdout
    holds: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """All lines; per holdout, what it can show at all, and the cases that turned from right to wrong."""

    lines: tuple[Line, ...]
    power: tuple[str, ...]
    turned_wrong: tuple[tuple[Holdout, str], ...]


@dataclass(frozen=True)
class Accepted(Verdict):
    """Every line holds. A person still decides."""


@dataclass(frozen=True)
class Refused(Verdict):
    """At least one line does not hold."""

    @property
    def failed(self) -> tuple[Line, ...]:
        """The lines that do not hold."""
        return tuple(line for line in self.lines if not line.holds)


Decision: TypeAlias = Accepted | Refused


def decide(comparisons: tuple[Comparison, ...], protocol: Protocol) -> Decision:
    """Judge a candidate on its comparisons, of which exactly one is the factory holdout.

    Raises ValueError when it is missing or a holdout comes twice, or when two readings are not of the same cases.
    """
    holdouts = [comparison.holdout for comparison in comparisons]
    if holdouts.count(Holdout.FACTORY) != 1 or len(set(holdouts)) != len(holdouts):
        raise ValueError("a candidate is judged once on the factory holdout, and once on any other")
    for comparison in comparisons:
        _check_same_cases(comparison)
    promised = next(each.factory for each in comparisons if each.holdout is Holdout.FACTORY)
    lines = tuple(line for comparison in comparisons for line in _lines(comparison, promised, protocol))
    outcome = Accepted if all(line.holds for line in lines) else Refused
    return outcome(
        lines,
        tuple(_power(comparison, protocol) for comparison in comparisons),
        tuple((comparison.holdout, case) for comparison in comparisons for case in _turned_wrong(comparison)),
    )


def best_of(judged: Judged, former: Best | None = None) -> Best:
    """The best so far after a version was accepted, figure by figure."""
    own = Best(
        tuple(_share(column, judged.malignant) for column in judged.reached.T),
        tuple(_share(column, judged.melanoma) for column in judged.reached.T),
        judged.balanced_accuracy(),
    )
    if former is None:
        return own
    return Best(
        tuple(_larger(*pair) for pair in zip(own.malignant, former.malignant, strict=True)),
        tuple(_larger(*pair) for pair in zip(own.melanoma, former.melanoma, strict=True)),
        max(own.balanced_accuracy, former.balanced_accuracy),
    )


def _larger(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)


def _check_same_cases(comparison: Comparison) -> None:
    one, other = comparison.factory, comparison.candidate
    same = one.cases == other.cases and one.classes == other.classes and one.cuts == other.cuts
    if not same or np.any(one.truth != other.truth):
        raise ValueError(f"the two readings of the {comparison.holdout} are not of the same cases, classes and cuts")
    if len(comparison.best.malignant) != len(one.cuts) or len(comparison.best.melanoma) != len(one.cuts):
        raise ValueError(f"the best figures of the {comparison.holdout} are not at its {len(one.cuts)} cuts")


def _lines(comparison: Comparison, promised: Judged, protocol: Protocol) -> Iterator[Line]:
    if comparison.holdout is Holdout.FACTORY:
        yield _enough_line(comparison, protocol)
        yield _flips_line(comparison, protocol)
    for cut in range(len(comparison.factory.cuts)):
        yield from _sensitivity_lines(comparison, cut, protocol)
        yield from _specificity_lines(comparison, cut, protocol)
    yield from _recall_lines(comparison, promised, protocol)
    yield _accuracy_ratchet(comparison, protocol)
    yield _calibration_line(comparison, protocol)


def _enough_line(comparison: Comparison, protocol: Protocol) -> Line:
    count = int(comparison.factory.malignant.sum())
    return Line(
        "enough-malignant",
        comparison.holdout,
        count >= protocol.fewest_malignant,
        _("The {holdout} has {count} malignant cases, and needs at least {fewest_malignant}.").format(
            holdout=comparison.holdout, count=count, fewest_malignant=protocol.fewest_malignant
        ),
    )


def _flips_line(comparison: Comparison, protocol: Protocol) -> Line:
    changed = comparison.factory.answers != comparison.candidate.answers
    share = float(changed.mean())
    return Line(
        "flips",
        comparison.holdout,
        share <= protocol.flips + _HAIR,
        _("On the {holdout} {changed} of {count} answers change ({percent}), and at most {percent2} may.").format(
            holdout=comparison.holdout,
            changed=int(changed.sum()),
            count=len(changed),
            percent=_percent(share),
            percent2=_percent(protocol.flips),
        ),
    )


def _sensitivity_lines(comparison: Comparison, cut: int, protocol: Protocol) -> Iterator[Line]:
    groups = (
        ("malignant", "Malignant", comparison.factory.malignant, protocol.malignant_loss, comparison.best.malignant),
        ("melanoma", "Melanoma", comparison.factory.melanoma, protocol.melanoma_loss, comparison.best.melanoma),
    )
    for code, name, group, allowed, best in groups:
        if not group.any():
            continue
        what = _("{name} sensitivity at the cut '{cuts}' on the {holdout}").format(
            name=name, cuts=comparison.factory.cuts[cut], holdout=comparison.holdout
        )
        before, after = comparison.factory.reached[group, cut], comparison.candidate.reached[group, cut]
        yield _share_line(f"{code}-sensitivity", comparison.holdout, what, before, after, allowed)
        yield _paired_line(f"{code}-paired", comparison.holdout, what, before, after, protocol.alpha)
        ever = best[cut]
        if ever is not None:
            yield _ratchet_line(f"{code}-ratchet", comparison.holdout, what, float(after.mean()), ever, protocol)


def _specificity_lines(comparison: Comparison, cut: int, protocol: Protocol) -> Iterator[Line]:
    benign = ~comparison.factory.malignant
    if not benign.any():
        return
    what = _("Specificity at the cut '{cuts}' on the {holdout}").format(
        cuts=comparison.factory.cuts[cut], holdout=comparison.holdout
    )
    before, after = ~comparison.factory.reached[benign, cut], ~comparison.candidate.reached[benign, cut]
    yield _share_line("specificity", comparison.holdout, what, before, after, protocol.specificity_loss)


def _recall_lines(comparison: Comparison, promised: Judged, protocol: Protocol) -> Iterator[Line]:
    for diagnosis in comparison.factory.classes:
        group = comparison.factory.of(diagnosis)
        if not group.any():
            continue
        what = _("Recall of {lower} on the {holdout}").format(
            lower=FULL_NAMES[diagnosis].lower(), holdout=comparison.holdout
        )
        before, after = comparison.factory.right[group], comparison.candidate.right[group]
        line = _share_line(
            "class-recall",
            comparison.holdout,
            what,
            before,
            after,
            protocol.recall_loss,
            free=protocol.recall_free_cases,
        )
        if comparison.holdout is Holdout.LOCAL and not line.holds:
            line = _local_recall_line(line, before, after, _share(promised.right, promised.of(diagnosis)), protocol)
        yield line


def _local_recall_line(
    line: Line, before: BoolArray, after: BoolArray, promised: float | None, protocol: Protocol
) -> Line:
    """At the clinic a recall may have been high for a wrong reason: a version that takes a camera for a nevus recalls
    every nevus. So there a loss counts when it is beyond chance, and below what the factory's own cases promise.
    """
    chance = mcnemar(int((before & ~after).sum()), int((~before & after).sum()))
    floor = (promised or 0.0) - protocol.recall_loss
    sentence = _(
        "At the clinic that counts when chance does not explain it (p below {alpha:.3f}; it is {chance:.3f}, exact"
        " McNemar test) and the recall is below {floor}, which the factory's own cases promise."
    ).format(alpha=protocol.alpha, chance=chance, floor=_percent(max(0.0, floor)))
    holds = chance >= protocol.alpha or float(after.mean()) >= floor - _HAIR
    return replace(line, holds=holds, sentence=f"{line.sentence} {sentence}")


def _accuracy_ratchet(comparison: Comparison, protocol: Protocol) -> Line:
    what = _("Balanced accuracy on the {holdout}").format(holdout=comparison.holdout)
    own, ever = comparison.candidate.balanced_accuracy(), comparison.best.balanced_accuracy
    return _ratchet_line("accuracy-ratchet", comparison.holdout, what, own, ever, protocol)


def _calibration_line(comparison: Comparison, protocol: Protocol) -> Line:
    before, after = comparison.factory.calibration_error(), comparison.candidate.calibration_error()
    allowed = max(protocol.ece_floor, before + protocol.ece_rise)
    return Line(
        "calibration",
        comparison.holdout,
        after <= allowed + _HAIR,
        _(
            "The calibration error on the {holdout} goes from {before:.3f} to {after:.3f}, and may be at most "
            "{allowed:.3f}."
        ).format(holdout=comparison.holdout, before=before, after=after, allowed=allowed),
    )


def _share_line(
    code: str, holdout: Holdout, what: str, before: BoolArray, after: BoolArray, allowed: float, *, free: int = 0
) -> Line:
    """A share of cases may fall by `allowed`, or by `free` cases where these are more."""
    n, old, new = len(before), int(before.sum()), int(after.sum())
    room = ngettext(" or {free} case", " or {free} cases", free).format(free=free) if free else ""
    return Line(
        code,
        holdout,
        old - new <= max(allowed * n + _HAIR, free),
        _(
            "{what} goes from {old} to {new} of {n} ({share} to {new_share}), and may fall by at most {points}{room}."
        ).format(
            what=what,
            old=old,
            new=new,
            n=n,
            share=_percent(old / n),
            new_share=_percent(new / n),
            points=_points(allowed),
            room=room,
        ),
    )


def _paired_line(code: str, holdout: Holdout, what: str, before: BoolArray, after: BoolArray, alpha: float) -> Line:
    lost, gained = int((before & ~after).sum()), int((~before & after).sum())
    chance = mcnemar(lost, gained)
    return Line(
        code,
        holdout,
        chance >= alpha,
        _(
            "{what}: {lost} cases are lost and {gained} gained; chance alone does that with p = {chance:.3f} "
            "(exact McNemar test), and below {alpha:.3f} it counts as a loss."
        ).format(what=what, lost=lost, gained=gained, chance=chance, alpha=alpha),
    )


def _ratchet_line(code: str, holdout: Holdout, what: str, own: float, ever: float, protocol: Protocol) -> Line:
    return Line(
        code,
        holdout,
        own >= ever - protocol.ratchet_loss - _HAIR,
        _(
            "{what} is {percent}; the best version so far had {percent2}, and at most {points} below that are allowed."
        ).format(
            what=what,
            percent=_percent(own),
            percent2=_percent(ever),
            points=_points(protocol.ratchet_loss),
        ),
    )


def _power(comparison: Comparison, protocol: Protocol) -> str:
    statement = power_statement(int(comparison.factory.malignant.sum()), protocol)
    return f"{comparison.holdout.capitalize()}: {statement}"


def _turned_wrong(comparison: Comparison) -> Iterator[str]:
    turned = comparison.factory.right & ~comparison.candidate.right
    yield from (comparison.factory.cases[index] for index in np.flatnonzero(turned))


def _share(reached: BoolArray, group: BoolArray) -> float | None:
    return float(reached[group].mean()) if group.any() else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
