"""How much a holdout can show: exact paired tests and the exact chance that a true loss is noticed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Final

from qana_desktop.learning.protocol import Protocol
from qana_desktop.system.language import _

_NEGLIGIBLE: Final = 1e-15
_HAIR: Final = 1e-9
"""0.01 * 300 comes out a hair off 3: a share of cases is compared with this much room."""


def mcnemar(lost: int, gained: int) -> float:
    """One-sided exact McNemar test: the chance of at least `lost` of the changed cases being losses by a fair coin."""
    changed = lost + gained
    tail = sum(math.comb(changed, count) for count in range(lost, changed + 1))
    return float(Fraction(tail, 1 << changed))


def binomial(n: int, share: float) -> Iterator[tuple[int, float]]:
    """Yield each count of `n` with its probability, leaving out what is below 1e-15."""
    if share <= 0.0 or share >= 1.0:
        yield (0 if share <= 0.0 else n), 1.0
        return
    for count in range(n + 1):
        log = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
        probability = math.exp(log + count * math.log(share) + (n - count) * math.log1p(-share))
        if probability > _NEGLIGIBLE:
            yield count, probability


def is_loss(lost: int, gained: int, n: int, *, allowed: float, alpha: float) -> bool:
    """Whether the paired lines refuse: a net loss above `allowed` of `n` cases, or a significant one."""
    return lost - gained > allowed * n + _HAIR or mcnemar(lost, gained) < alpha


def refusal_rate(n: int, loss: float, protocol: Protocol) -> float:
    """The exact chance that the malignant lines refuse an update that truly loses the share `loss` of `n` cases.

    Each case is lost with probability ``loss + churn``, gained with ``churn``, and else unchanged (multinomial). With
    `loss` 0 this is the rate at which harmless updates are refused.
    """
    losing, gaining = loss + protocol.churn, protocol.churn
    changing = losing + gaining
    if changing <= 0.0:
        return 0.0
    return math.fsum(
        chance * split
        for changed, chance in binomial(n, changing)
        for lost, split in binomial(changed, losing / changing)
        if is_loss(lost, changed - lost, n, allowed=protocol.malignant_loss, alpha=protocol.alpha)
    )


def power_statement(n: int, protocol: Protocol) -> str:
    """What `n` malignant cases can show, as a sentence with numbers."""
    if n == 0:
        return _("This holdout has no malignant case: it shows nothing about missed cancers.")
    paired_only = replace(protocol, malignant_loss=1.0)
    seen, harmless = (refusal_rate(n, loss, protocol) for loss in (protocol.shown_loss, 0.0))
    significant = refusal_rate(n, protocol.shown_loss, paired_only)
    return _(
        "With {n} malignant cases, an update that truly misses {loss:.0f} points more of them is refused "
        "{seen:.0f} % of the time at one cut ({paired:.0f} % by the paired test alone), and a harmless one "
        "that swaps {churn:.0f} % of the cases each way {harmless:.0f} % of the time."
    ).format(
        n=n,
        loss=100 * protocol.shown_loss,
        seen=100 * seen,
        paired=100 * significant,
        churn=100 * protocol.churn,
        harmless=100 * harmless,
    )
