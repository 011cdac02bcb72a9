"""The Model page in words: what a version is, its cuts and what was counted at them, its limits, and its history."""

from __future__ import annotations

from collections.abc import Sequence

from qana_desktop.network.manifest import Manifest, Origin
from qana_desktop.reports import words
from qana_desktop.reports.document import Urgency
from qana_desktop.reports.performance_tables import Panel
from qana_desktop.services.model_desk import VersionFacts
from qana_desktop.triage.policy import MALIGNANCY, Interval, ReadingPolicy
from qana_desktop.ui.presenters.measures import DetailRow
from qana_desktop.ui.texts import grouped, percent, tr, two_digits


def version_line(facts: VersionFacts) -> str:
    """Return a version in a line, for the list."""
    marks = [tr("in use")] if facts.in_use else []
    if facts.factory:
        marks.append(tr("factory"))
    if facts.fault is not None:
        marks.append(tr("cannot be used"))
    return f"{facts.identity} ({', '.join(marks)})" if marks else facts.identity


def origin_words(origin: Origin) -> str:
    """Return where a version comes from."""
    return {
        Origin.FACTORY: tr("made by the makers of the program"),
        Origin.HEAD: tr("learnt from cases of this clinic"),
        Origin.SITE_CALIBRATION: tr("thresholds set for a camera of this clinic"),
        Origin.SITE_CALIBRATION_AND_HEAD: tr("thresholds set for a camera, then learnt from cases, of this clinic"),
    }[origin]


def fact_rows(facts: VersionFacts) -> tuple[DetailRow, ...]:
    """Return what the bundle says of itself."""
    manifest = facts.manifest
    if manifest is None:
        return ()
    height, width, _channels = manifest.input_shape
    rows = [
        DetailRow(tr("Bundle"), facts.identity),
        DetailRow(tr("Made"), manifest.created),
        DetailRow(tr("Comes from"), origin_words(manifest.origin)),
        DetailRow(tr("Made from"), manifest.parent or tr("no earlier version")),
        DetailRow(tr("For the camera"), manifest.device or tr("all cameras")),
        DetailRow(tr("Reads"), tr("{width} x {height} pixels, {n} views", width=width, height=height,
                                  n=len(manifest.views))),
        DetailRow(tr("Preprocess"), manifest.preprocess_version),
        DetailRow(tr("Second network"), _second(manifest)),
        DetailRow(tr("Size"), tr("{size} MB in {n} files, each checked when it is opened", size=_megabytes(manifest),
                                 n=len(manifest.files))),
        DetailRow(tr("Licence of the weights"), manifest.licence),
    ]  # fmt: skip
    return tuple(rows)


def _second(manifest: Manifest) -> str:
    return tr("none") if manifest.second_reader is None else tr("asked where the first is uncertain")


def _megabytes(manifest: Manifest) -> str:
    return f"{sum(entry.size for entry in manifest.files) / 1e6:.1f}"


def tables(policy: ReadingPolicy | None) -> tuple[Panel, ...]:
    """Return what was counted for a version, each figure with its interval."""
    if policy is None:
        return ()
    return tuple(panel for panel in (_cuts(policy), _classes(policy), _calibration(policy)) if panel.rows)


def _cuts(policy: ReadingPolicy) -> Panel:
    rows = tuple(
        (
            words.urgency_word(Urgency(point.triage)),
            _score(point.score, policy),
            two_digits(point.threshold),
            _interval(point.sensitivity),
            _interval(point.specificity),
        )
        for point in policy.operating_points
    )
    explains = tr(
        "At or above a cut the triage is at least this urgent. Sensitivity and specificity were counted on test images "
        "that the network was not trained on."
    )
    columns = (tr("Triage"), tr("Score"), tr("Cut"), tr("Sensitivity"), tr("Specificity"))
    return Panel("cuts", tr("Operating points"), explains, columns, rows)


def _score(score: str, policy: ReadingPolicy) -> str:
    if score == MALIGNANCY:
        return tr("malignancy")
    return next((words.class_name(dx) for dx in policy.classes if str(dx) == score), score)


def _classes(policy: ReadingPolicy) -> Panel:
    coverage = dict(zip(policy.classes, policy.conformal.measured_by_class, strict=False))
    refused = dict(zip(policy.classes, policy.domain.false_rejects if policy.domain else (), strict=False))
    rows = tuple(
        (words.class_name(dx), _interval(coverage.get(dx)), _interval(refused.get(dx))) for dx in policy.classes
    )
    explains = tr(
        "How often the “could be” set held the true class, and how many test images of the class were refused as "
        "unlike the training images."
    )
    columns = (tr("Class"), tr("“Could be” held it"), tr("Refused"))
    return Panel("classes", tr("By class"), explains, columns, rows)


def _calibration(policy: ReadingPolicy) -> Panel:
    ece = policy.calibration.ece
    error = f"{ece.value:.3f} ({ece.low:.3f} to {ece.high:.3f}), n = {grouped(ece.n)}" if ece.n else tr("not measured")
    rows = tuple(
        (words.class_name(dx), percent(share))
        for dx, share in zip(policy.classes, policy.calibration.prevalence, strict=False)
    )
    explains = tr(
        "Probabilities hold where the classes are as frequent as here ({population}). "
        "Expected calibration error: {error}.",
        population=policy.calibration.prevalence_name,
        error=error,
    )
    return Panel("prevalence", tr("Calibration"), explains, (tr("Class"), tr("Share of the images")), rows)


def _interval(found: Interval | None) -> str:
    if found is None or found.n == 0:
        return tr("not measured")
    return tr(
        "{value} ({low:.0f} to {high:.0f}), n {n}",
        value=percent(found.value),
        low=100 * found.low,
        high=100 * found.high,
        n=grouped(found.n),
    )


def history(versions: Sequence[VersionFacts]) -> Panel:
    """Return all versions on this computer as a table."""
    rows = tuple(
        (
            facts.identity,
            facts.manifest.created[:10] if facts.manifest else "-",
            origin_words(facts.manifest.origin) if facts.manifest else "-",
            (facts.manifest.parent or "-") if facts.manifest else "-",
            _standing(facts),
        )
        for facts in versions
    )
    explains = tr(
        "Versions on this computer. Readings keep the version that made them; the Learning page decides on new ones."
    )
    columns = (tr("Version"), tr("Made"), tr("Comes from"), tr("Made from"), tr("Standing"))
    return Panel("history", tr("History"), explains, columns, rows)


def _standing(facts: VersionFacts) -> str:
    if facts.fault is not None:
        return facts.fault.sentence()
    return tr("in use") if facts.in_use else tr("factory, always there") if facts.factory else tr("not in use")
