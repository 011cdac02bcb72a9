"""The clinician's scores in words: what is counted, what the sum amounts to, after whom."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.system.figures import decimal
from qana_desktop.triage.case import Abcd, SevenPoint
from qana_desktop.triage.dermoscopy_scores import (
    ABCD_LEAST,
    ABCD_MOST,
    HIGH_ABOVE,
    SEVEN_POINT_WEIGHTS,
    SUSPICIOUS_FROM,
    AbcdVerdict,
    abcd_verdict,
    revised_seven_points,
    seven_points,
    total_dermoscopy_score,
)
from qana_desktop.ui.texts import tr


@dataclass(frozen=True)
class Count:
    """One number that a person counts: the name of its field, what it is called, its ends, how it is counted."""

    field: str
    name: str
    least: int
    most: int
    hint: str


@dataclass(frozen=True)
class Criterion:
    """One criterion that is there or not, with its points in the checklist of 1998."""

    field: str
    name: str
    points: int
    hint: str


def abcd_counts() -> tuple[Count, ...]:
    """Return the four counts of the ABCD rule."""
    named = (
        ("asymmetry", tr("Asymmetry"), tr("Axes about which contour, colours or structures differ: 0 to 2")),
        ("border", tr("Border"), tr("Eighths of the border where the pigment ends abruptly: 0 to 8")),
        ("colours", tr("Colours"), tr("White, red, light brown, dark brown, blue-grey, black: 1 to 6 of them")),
        (
            "structures",
            tr("Structures"),
            tr("Network, structureless areas, branched streaks, dots, globules: 1 to 5 of them"),
        ),
    )
    return tuple(
        Count(field, name, getattr(ABCD_LEAST, field), getattr(ABCD_MOST, field), hint) for field, name, hint in named
    )


def seven_point_criteria() -> tuple[Criterion, ...]:
    """Return the seven criteria, major ones first."""
    named = {
        "atypical_network": (tr("Atypical pigment network"), tr("Irregular meshes, thick lines")),
        "blue_white_veil": (tr("Blue-white veil"), tr("Confluent grey-blue to white-blue pigment without structure")),
        "atypical_vessels": (tr("Atypical vessels"), tr("Linear irregular or dotted, not within regression")),
        "irregular_streaks": (tr("Irregular streaks"), tr("Not all around, of uneven length, at the edge")),
        "irregular_dots": (tr("Irregular dots or globules"), tr("Of different size and shape, unevenly spread")),
        "irregular_blotches": (tr("Irregular blotches"), tr("Dark areas without structure, unevenly placed")),
        "regression": (tr("Regression"), tr("White as a scar, or blue like peppering")),
    }
    return tuple(
        Criterion(field, named[field][0], points, named[field][1]) for field, points in SEVEN_POINT_WEIGHTS.items()
    )


def abcd_text(abcd: Abcd | None) -> str:
    """Return the total and what it amounts to; what to do while a count is missing."""
    if abcd is None:
        return tr("Count all four for the total dermoscopy score.")
    cuts = {"low": decimal(SUSPICIOUS_FROM, 2), "high": decimal(HIGH_ABOVE, 2)}
    amounts = {
        AbcdVerdict.BENIGN: tr("below {low}: benign melanocytic", **cuts),
        AbcdVerdict.SUSPICIOUS: tr("{low} to {high}: suspicious", **cuts),
        AbcdVerdict.HIGHLY_SUSPICIOUS: tr("above {high}: highly suspicious of melanoma", **cuts),
    }
    return tr(
        "Total {total} ({verdict})", total=decimal(total_dermoscopy_score(abcd), 1), verdict=amounts[abcd_verdict(abcd)]
    )


def seven_point_text(found: SevenPoint | None) -> str:
    """Return both counts and their cuts; what to do while nothing was entered."""
    if found is None:
        return tr("Tick what is there, or press None of them.")
    standard, revised = seven_points(found), revised_seven_points(found)
    words = {True: tr("reached"), False: tr("not reached")}
    return tr(
        "{points} of {most} points, cut {cut} (1998) {standard}; "
        "{criteria} of {all} criteria, cut {low} (2011) {revised}",
        points=standard.total,
        most=standard.most,
        cut=standard.cut,
        standard=words[standard.reached],
        criteria=revised.total,
        all=revised.most,
        low=revised.cut,
        revised=words[revised.reached],
    )


def sources() -> tuple[str, str]:
    """Return after whom both are counted."""
    return (
        tr("After Stolz et al., Eur J Dermatol 1994; for melanocytic lesions. Your own count; no network is in it."),
        tr("After Argenziano et al., Arch Dermatol 1998 and Br J Dermatol 2011; for melanocytic lesions."),
    )
