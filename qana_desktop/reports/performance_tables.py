"""The figures of a site as tables, each with the words around it and the numbers for a picture; and all of them as CSV.

A cell is a number, a text, a share or None: the window puts it in words, the CSV keeps the numbers. No name is in any.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from qana_desktop.reports import words
from qana_desktop.reports.document import Urgency
from qana_desktop.reports.readings_csv import ENCODING, Cell, safe
from qana_desktop.system.language import _
from qana_desktop.triage.case import ProofSource
from qana_desktop.triage.site_figures import FEW, FEWEST, Against, Share, SitePerformance

Value: TypeAlias = Cell | Share


@dataclass(frozen=True)
class Dot:
    """One point of a picture: where, how high, its interval, and over how many."""

    x: float
    y: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Curve:
    """Points of one thing. `joined` draws a line through them."""

    name: str
    dots: tuple[Dot, ...]
    joined: bool = True


@dataclass(frozen=True)
class Picture:
    """A picture of a table. `labels` stand at x = 0, 1, 2 …; without any, x goes from 0 to 1 beside a diagonal."""

    x_title: str
    y_title: str
    curves: tuple[Curve, ...]
    labels: tuple[str, ...] = ()
    top: float = 1.0


@dataclass(frozen=True)
class Panel:
    """One table. `key` names it in the CSV, for programs; `warning` says what must not be read into it."""

    key: str
    title: str
    explains: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    picture: Picture | None = None
    warning: str = ""


def panels(found: SitePerformance) -> tuple[Panel, ...]:
    """Return all tables, in the order in which a reader needs them."""
    return (
        _overrides(found),
        _against(found),
        _calibration(found),
        _months(found),
        _quality(found),
        _groups(found),
        _times(found),
        _energies(found),
    )


def write_tables(path: Path, found: SitePerformance) -> None:
    """Write all tables one below the other into the new file `path`, each line with its table's key; raises OSError."""
    with path.open("x", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, dialect="excel", lineterminator="\r\n")
        writer.writerow(["table", "version", "row", "column", "value"])
        for panel in panels(found):
            for number, row in enumerate(panel.rows, start=1):
                for column, cell in _plain(panel.columns, row):
                    writer.writerow([panel.key, safe(found.bundle), str(number), safe(column), safe(cell)])


# --- shares


def _plain(columns: tuple[str, ...], row: tuple[Value, ...]) -> Iterator[tuple[str, Cell]]:
    """The cells of a row with their columns; a share becomes five."""
    for column, value in zip(columns, row, strict=True):
        if not isinstance(value, Share):
            yield column, value
            continue
        found = value.interval
        yield column, None if found is None else found.value
        yield _("{name}, low").format(name=column), None if found is None else found.low
        yield _("{name}, high").format(name=column), None if found is None else found.high
        yield _("{name}, count").format(name=column), value.count
        yield _("{name}, n").format(name=column), value.n


def share_words(share: Share) -> str:
    """Return a share with its interval, or only its counts where there are too few."""
    found = share.interval
    if found is None:
        return _("{count} of {n}").format(count=share.count, n=share.n) if share.n else _("none")
    return _("{value} ({low:.0f} to {high:.0f}), {count} of {n}").format(
        value=words.percent(found.value), low=100 * found.low, high=100 * found.high, count=share.count, n=share.n
    )


def _few(shares: Sequence[Share]) -> str:
    if all(share.interval is None for share in shares):
        return _("Fewer than {n}: no share can be given yet.").format(n=FEWEST)
    if any(share.few for share in shares):
        return _("Fewer than {n} in some: the intervals are wide, and one case changes much.").format(n=FEW)
    return ""


def triage_word(triage: str) -> str:
    """Return the word of a triage or of cannot-assess."""
    return words.urgency_word(Urgency(triage))


# --- tables


def _overrides(found: SitePerformance) -> Panel:
    overridden, other = found.overrides.overridden, found.overrides.other_class
    rows: list[tuple[Value, ...]] = [
        (_("Overridden with a reason"), overridden),
        (_("Another class than the network's"), other),
    ]
    rows += [
        (_("Overridden, of “{word}”").format(word=triage_word(name)), share)
        for name, share in found.overrides.by_triage
    ]
    explains = _(
        "Of the cases that a network read and a clinician assessed. An override is no proof that the network was wrong."
    )
    columns = (_("What"), _("Share of cases"))
    return Panel("overrides", _("Overrides"), explains, columns, tuple(rows), warning=_few((overridden, other)))


def _against(found: SitePerformance) -> Panel:
    columns = (
        _("Proven by"),
        _("Lesions"),
        _("Malignant, sent to a person"),
        _("Malignant, of low concern"),
        _("Benign, of low concern"),
        _("Answer right"),
        _("“Could be” held it"),
        _("Without a class"),
    )
    every = [share for one in found.against for share in (one.sent, one.spared, one.right, one.held)]
    explains = _(
        "One reading per lesion. Lesions that look suspicious are excised more often, and only those are proven: these "
        "shares do not hold for all lesions. Sent to a person: “review” or more urgent, or could not be assessed."
    )
    nothing = _("No proof has been entered yet: enter histology at the case.")
    rows = tuple(_proof_row(one) for one in found.against)
    warning = _few(every) if every else nothing
    return Panel("proof", _("Readings against proof"), explains, columns, rows, warning=warning)


def _proof_row(one: Against) -> tuple[Value, ...]:
    name = words.proof_word(ProofSource(one.source)) if one.source else _("all")
    return (name, one.lesions, one.sent, one.let_go, one.spared, one.right, one.held, one.unclassed)


def _calibration(found: SitePerformance) -> Panel:
    rows = tuple((f"{one.low:.1f} - {one.high:.1f}", one.mean, one.observed) for one in found.calibration)
    dots = tuple(
        Dot(one.mean, seen.value, seen.low, seen.high, one.observed.n)
        for one in found.calibration
        if one.mean is not None and (seen := one.observed.interval) is not None
    )
    curves = (Curve(_("Proven lesions"), dots),)
    picture = Picture(_("Malignancy of the reading"), _("Share that was malignant"), curves) if dots else None
    explains = _("Of the proven lesions with this malignancy, how many were malignant. On the diagonal both are equal.")
    columns = (_("Malignancy"), _("Mean"), _("Share that was malignant"))
    warning = _few([one.observed for one in found.calibration])
    return Panel("calibration", _("Calibration"), explains, columns, rows, picture, warning)


def _months(found: SitePerformance) -> Panel:
    months = found.months
    rows = tuple(
        (month.month, month.images, month.cannot, month.review, *(month.malignancy or (None, None, None)))
        for month in months
    )
    curves = (
        Curve(_("Cannot be assessed"), tuple(_dots([month.cannot for month in months]))),
        Curve(_("Review or more urgent"), tuple(_dots([month.review for month in months]))),
    )
    columns = (
        _("Month"),
        _("Images"),
        _("Cannot be assessed"),
        _("Review or more urgent"),
        _("Malignancy, lower quarter"),
        _("Malignancy, median"),
        _("Malignancy, upper quarter"),
    )
    explains = _(
        "A change from month to month may come from the patients, the camera or the lens as well as from the network."
    )
    drawn = any(curve.dots for curve in curves)
    picture = Picture(_("Month"), _("Share of images"), curves, tuple(month.month for month in months))
    warning = _few([month.cannot for month in months]) if months else ""
    return Panel("months", _("By month"), explains, columns, rows, picture if drawn else None, warning)


def _dots(shares: list[Share]) -> Iterator[Dot]:
    for place, share in enumerate(shares):
        if share.interval is not None:
            yield Dot(float(place), share.interval.value, share.interval.low, share.interval.high, share.n)


def _quality(found: SitePerformance) -> Panel:
    names = sorted({name for month in found.months for name, _value in month.quality})
    rows = tuple(
        (month.month, month.images, *(dict(month.quality).get(name) for name in names)) for month in found.months
    )
    explains = _("Medians of what the quality check measured. A lens that ages shows here before it shows in readings.")
    columns = (_("Month"), _("Images"), *names)
    return Panel("quality", _("Quality of the images by month"), explains, columns, rows)


def _groups(found: SitePerformance) -> Panel:
    rows = tuple(
        (one.kind, one.name, one.cases, one.cannot, one.review, one.overridden, one.malignant_sent)
        for one in found.groups
    )
    columns = (
        _("By"),
        _("Group"),
        _("Cases"),
        _("Cannot be assessed"),
        _("Review or more urgent"),
        _("Overridden"),
        _("Malignant, sent to a person"),
    )
    shares = [share for one in found.groups for share in (one.cannot, one.overridden, one.malignant_sent)]
    explains = _(
        "Skin tone as staff entered it, never guessed. How the network does on a group is known only where the group "
        "was counted. Where n is small, a difference may be chance."
    )
    return Panel("groups", _("Groups"), explains, columns, rows, warning=_few(shares) if shares else "")


def _times(found: SitePerformance) -> Panel:
    rows = tuple(
        (one.month, one.engine, one.readings, one.median_ms, one.p95_ms, one.inference_ms) for one in found.times
    )
    columns = (
        _("Month"),
        _("Engine"),
        _("Readings"),
        _("Median, ms"),
        _("95 of 100 below, ms"),
        _("In the engine, ms"),
    )
    explains = _("Each engine for itself, over all versions of the network.")
    return Panel("times", _("Time from file to answer"), explains, columns, rows)


def _energies(found: SitePerformance) -> Panel:
    rows = tuple(
        (one.month, one.engine, words.method_words(one.method), one.scope, one.readings, one.median, one.unit)
        for one in found.energies
    )
    columns = (_("Month"), _("Engine"), _("Method"), _("Covers"), _("Readings"), _("Median"), _("Unit"))
    missing = _("{n} readings have no energy: it was not available, which is not zero.").format(n=found.without_energy)
    explains = _("Each method for itself: measured and estimated values are never averaged together.")
    warning = missing if found.without_energy else ""
    return Panel("energy", _("Energy of a reading"), explains, columns, rows, warning=warning)
