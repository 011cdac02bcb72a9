"""An evaluation as one page that needs nothing else: no script, no file, no network; light, dark and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from qana_desktop.reports import plots
from qana_desktop.reports.plots import Line, matrix, plot
from qana_desktop.triage.diagnosis import FULL_NAMES, Diagnosis
from qana_desktop.triage.evaluation import (
    TITLES,
    ClassFigures,
    Evaluation,
    GroupFigures,
    PointFigures,
    Scores,
    TwoReaders,
)
from qana_desktop.triage.policy import Interval
from qana_desktop.triage.resampling import Figure

_COLOURS: Final = {
    "light": "--paper:#fff;--ink:#1b1f24;--quiet:#59636e;--line:#c4ccd4;--warn:#8a1f11;--warn-paper:#fdecea;"
    "--c0:#0b63b5;--c1:#b3261e;--c2:#1a7f4b;--c3:#8a4baf;--c4:#a65e00;--c5:#00757f;--c6:#b0307a;--c7:#5b6470;",
    "dark": "--paper:#14171b;--ink:#e8ebee;--quiet:#a0a9b3;--line:#444c56;--warn:#ffb4a8;--warn-paper:#3a1512;"
    "--c0:#6db3f8;--c1:#ff8a80;--c2:#5fd39a;--c3:#cf9bf0;--c4:#f0b357;--c5:#5ad1dc;--c6:#f58fc4;--c7:#b3bcc6;",
}
_STYLE: Final = f"""
:root {{ color-scheme: light dark; {_COLOURS["light"]} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_COLOURS["dark"]} }} }}
@media print {{ :root {{ {_COLOURS["light"]} color-scheme: light; }} body {{ max-width: none; }} }}
body {{ background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 68rem;
  margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ line-height: 1.2; }} h2 {{ margin-top: 2.2rem; }}
.use, .note, figcaption {{ color: var(--quiet); }}
.warning {{ color: var(--warn); background: var(--warn-paper); border: 2px solid; padding: 0.7rem 1rem;
  font-weight: 600; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.25rem 0.8rem 0.25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }}
td {{ font-variant-numeric: tabular-nums; }}
.plots {{ display: flex; flex-wrap: wrap; gap: 1.5rem; }}
figure {{ margin: 0; flex: 1 1 26rem; max-width: 34rem; }}
figure, tr, .warning {{ break-inside: avoid; }}
{plots.STYLE}
"""


def evaluation_page(evaluation: Evaluation) -> str:
    """The whole page as HTML text."""
    scores = evaluation.scores
    sections = (
        _head(evaluation),
        _section("What was read", _counts(evaluation)),
        _section("Figures", _headline(scores), _intervals_note(evaluation)),
        _section("Where images were sent", _triage(scores)),
        *([_section("Second reader", _two_readers(scores, second))] if (second := evaluation.second_reader) else []),
        _section("Operating points", _points(scores.points), note=POINTS_NOTE),
        _section("Classes", _classes(scores.classes), note=_classes_note(evaluation)),
        _section("Plots", _plots(scores)),
        _section("Images that were not assessed", _refusals(scores)),
        _section("Subgroups", _groups(scores.subgroups), note=GROUPS_NOTE),
        _section("How it was done", _method(evaluation)),
    )
    title = f"Evaluation of {evaluation.method.bundle}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


POINTS_NOTE: Final = (
    "The cuts are the bundle's own; nothing was chosen on these images. In the columns “with refused” an image that"
    " cannot be assessed counts as reaching the cut, because it goes to a person first of all."
)
GROUPS_NOTE: Final = (
    "Over assessed images. “n too small”: fewer than 30 lesions in the group, or fewer than 10 malignant or benign ones"
    " for a figure about them. Balanced accuracy is over the classes that the group has."
)


def value_text(figure: Figure) -> str:
    """Value with interval; in words where there is none."""
    if figure.value is None:
        return "no image" if figure.images == 0 else "n too small"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f} [n too small]"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def n_text(figure: Figure) -> str:
    """What the figure is over."""
    return f"{figure.images:,} of {figure.lesions:,} lesions"


def _head(evaluation: Evaluation) -> str:
    method, standing = evaluation.method, evaluation.held_out
    kind = "note" if standing.honest else "warning"
    notes = "".join(f'<p class="warning">{escape(note)}</p>' for note in evaluation.notes)
    return (
        f'<h1>Evaluation of {escape(method.bundle)}</h1><p class="use">{escape(evaluation.intended_use)}</p>'
        f"<p>Split <b>{escape(method.split)}</b>, read by {escape(method.engine)}, {escape(method.when)}.</p>"
        f'<p class="{kind}">{escape(standing.sentence)}</p>{notes}'
    )


def _counts(evaluation: Evaluation) -> str:
    counts = evaluation.counts
    rows = [
        ("images in the table", f"{counts.listed:,}"),
        ("images of the split", f"{counts.chosen:,}"),
        ("missing as files, in no figure", _some(counts.missing)),
        ("files that could not be decoded, in no figure", _some(counts.unreadable)),
        ("images read", f"{counts.read:,} of {counts.lesions:,} lesions"),
        ("images assessed", f"{counts.assessed:,}"),
        ("images that quality or domain refused", f"{counts.read - counts.assessed:,}"),
    ]
    return _table((), rows)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names):,}" + (f": {shown}" if names else "")


def _headline(scores: Scores) -> str:
    rows = [
        (title, value_text(scores.assessed[key]), n_text(scores.assessed[key]), _other(scores, key))
        for key, title in TITLES.items()
        if key in scores.assessed
    ]
    return _table(("figure", "over assessed images", "n", "refused counted as wrong answers"), rows)


def _two_readers(scores: Scores, second: TwoReaders) -> str:
    """With and without the second reader, on the same images."""
    rows = [
        (title, value_text(second.first_alone[key]), value_text(scores.assessed[key]))
        for key, title in TITLES.items()
        if key in scores.assessed
    ]
    silent = "".join(f"; {count:,} more were not passed on ({escape(code)})" for code, count in second.silent.items())
    took = "" if second.median_ms is None else f" It took {second.median_ms:.1f} ms for an image (median)."
    return (
        f'<p class="note">{escape(second.reader)} read {second.asked:,} images ({second.passed_on:.1%}) of which the'
        f" first reader was uncertain{silent}.{took} All other sections are of both readers.</p>"
        + _table(("figure", "first reader alone", "with the second reader"), rows)
    )


def _other(scores: Scores, key: str) -> str:
    return value_text(scores.refusals_as_errors[key]) if key in scores.refusals_as_errors else ""


def _intervals_note(evaluation: Evaluation) -> str:
    method = evaluation.method
    return (
        f'<p class="note">{escape(method.rule)} All figures with answers use this one rule. Brackets: 95 % interval,'
        f" {method.rounds:,} draws of lesions with replacement (seed {method.seed}), a lesion's images together; for a"
        " share of 0 or 1 Wilson's interval over lesions. Sensitivities at a stated specificity are read from the ROC"
        " curve of these images.</p>"
    )


def _triage(scores: Scores) -> str:
    kinds = list(scores.triage["malignant"])
    rows = [(who, *(f"{scores.triage[who][kind]:,}" for kind in kinds)) for who in scores.triage]
    sent = [
        (TITLES[key], value_text(scores.assessed[key]), value_text(figure))
        for key, figure in scores.refusals_to_a_person.items()
    ]
    head = ("", *(kind.replace("_", " ") for kind in kinds))
    columns = ("figure", "over assessed images", "refused counted as sent to a person")
    return _table(head, rows) + _table(columns, sent)


def _points(points: Iterable[PointFigures]) -> str:
    rows = [
        (
            point.name,
            f"{point.score} ≥ {point.threshold:.3f} → {point.triage.replace('_', ' ')}",
            f"{_stated(point.stated_sensitivity)} / {_stated(point.stated_specificity)}",
            value_text(point.sensitivity),
            value_text(point.specificity),
            value_text(point.sensitivity_with_refused),
            value_text(point.specificity_with_refused),
        )
        for point in points
    ]
    head = ("point", "cut", "bundle states, sensitivity / specificity", "sensitivity", "specificity")
    return _table((*head, "sensitivity with refused", "specificity with refused"), rows)


def _stated(interval: Interval) -> str:
    return "not measured" if interval.n == 0 else f"{interval.value:.3f}"


def _classes(classes: Iterable[ClassFigures]) -> str:
    rows = [
        (
            _name(entry.dx),
            f"{entry.images:,} of {entry.lesions:,} lesions",
            *map(
                value_text,
                (entry.recall, entry.precision, entry.auroc, entry.coverage, entry.set_size, entry.false_reject),
            ),
        )
        for entry in classes
    ]
    head = ("class", "n", "recall", "precision", "AUROC", "coverage of the set", "mean size of the set")
    return _table((*head, "refused by quality or domain"), rows)


def _classes_note(evaluation: Evaluation) -> str:
    return (
        "The set holds the classes that the image could be (conformal, per class); the bundle aims at a coverage of"
        f" {evaluation.method.conformal_target:.2f}. n counts all images that were read; recall, precision, AUROC and"
        " sets are over the assessed ones."
    )


def _plots(scores: Scores) -> str:
    names = [entry.dx for entry in scores.classes]
    drawn = [
        (
            _reliability(scores),
            "Reliability: confidence against the share of right answers; the area of a dot stands for its images.",
        ),
        (
            matrix("Confusion matrix", names, [*names, "refused"], scores.confusion),
            "Confusion: counts, and shares of the row.",
        ),
        (
            _roc(scores),
            "ROC curves: one class against the others, and malignant (mel, bcc, akiec) against benign.",
        ),
        (_risk(scores), "Risk against coverage: error rate of the answers that are kept, the surest first."),
    ]
    figures = "".join(f"<figure>{svg}<figcaption>{escape(said)}</figcaption></figure>" for svg, said in drawn)
    return f'<div class="plots">{figures}</div>'


def _reliability(scores: Scores) -> str:
    total = sum(entry.images for entry in scores.reliability)
    dots = tuple(
        (
            entry.confidence,
            entry.right,
            entry.images / total,
            f"{entry.low:.2f} to {entry.high:.2f}: {entry.images} images, confidence {entry.confidence:.3f},"
            f" right {entry.right:.3f}",
        )
        for entry in scores.reliability
        if entry.confidence is not None and entry.right is not None
    )
    line = Line("measured", tuple(dot[0] for dot in dots), tuple(dot[1] for dot in dots), dots=dots)
    return plot("Reliability", x_label="confidence", y_label="share right", lines=[line], diagonal=True)


def _roc(scores: Scores) -> str:
    lines = [Line(curve.name, curve.x, curve.y, strong=curve.name in {"malignant", "mel"}) for curve in scores.roc]
    return plot("ROC curves", x_label="1 - specificity", y_label="sensitivity", lines=lines, diagonal=True)


def _risk(scores: Scores) -> str:
    lines = [Line(curve.name, curve.x, curve.y) for curve in scores.risk_coverage]
    highest = max((max(curve.y) for curve in scores.risk_coverage), default=0.0)
    top = next(step for step in (0.1, 0.25, 0.5, 1.0) if highest <= step)
    return plot("Risk against coverage", x_label="share kept", y_label="error rate", lines=lines, top=top)


def _refusals(scores: Scores) -> str:
    if not scores.refusals:
        return "<p>None: all images that were read were assessed.</p>"
    names = [entry.dx for entry in scores.classes]
    rows = [(r.message, r.code, f"{r.images:,}", *(f"{r.by_class[dx]:,}" for dx in names)) for r in scores.refusals]
    return _table(("reason (of the first such image)", "code", "images", *names), rows)


def _groups(groups: Sequence[GroupFigures]) -> str:
    keys = ("balanced_accuracy", "malignant_auroc", "malignant_review_sensitivity", "malignant_review_specificity")
    rows = [
        (
            g.by,
            g.group,
            f"{g.images:,} of {g.lesions:,} lesions",
            f"{g.classes_present}",
            *(("n too small",) * len(keys) if g.figures is None else (value_text(g.figures[key]) for key in keys)),
        )
        for g in groups
    ]
    return _table(("by", "group", "n", "classes", *(TITLES[key] for key in keys)), rows)


def _method(evaluation: Evaluation) -> str:
    method = evaluation.method
    weights = ", ".join(f"{dx} {weight:.3f}" for dx, weight in method.decision_weights.items())
    rows = [
        ("bundle", method.bundle),
        ("engine", f"{method.engine}, {method.runtime}"),
        ("program", f"QANA Desktop {method.program}, preprocessing {method.preprocess}"),
        ("views of a reading", ", ".join(method.views)),
        ("machine", method.host),
        ("table of the data set, SHA-256", method.table_sha256),
        ("split", method.split + ("" if method.limit is None else f", at most {method.limit:,} images")),
        ("decision weights", weights),
        ("probabilities are calibrated for", method.prevalence_name),
        ("intervals", f"{method.rounds:,} draws, seed {method.seed}"),
    ]
    return _table((), rows)


def _name(dx: str) -> str:
    return f"{FULL_NAMES[Diagnosis(dx)]} ({dx})"


def _section(title: str, *content: str, note: str = "") -> str:
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{''.join(content)}{said}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows begin with their own head. All texts are escaped here."""
    top = "<tr>" + "".join(f'<th scope="col">{escape(text)}</th>' for text in head) + "</tr>" if head else ""
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(text)}</td>" for text in rest) + "</tr>"
        for first, *rest in rows
    )
    return f'<div class="wide"><table>{top}{body}</table></div>'
