"""An evaluation from outcomes that are made by hand."""

from __future__ import annotations

from qana_desktop.system.faults import Fault
from qana_desktop.triage.assess import malignancy_of
from qana_desktop.triage.dataset import ImageRow
from qana_desktop.triage.diagnosis import CLASS_ORDER
from qana_desktop.triage.evaluation import INTENDED_USE, Counts, Evaluation, Method
from qana_desktop.triage.held_out import HeldOut, Standing
from qana_desktop.triage.outcome import Assessed, CannotAssess, Outcome, Triage
from qana_desktop.triage.scoring import score
from tests.support.bundles import small_policy

HONEST = HeldOut(Standing.HELD_OUT, "Held out.", 0, 0)
METHOD = Method(
    when="2026-01-02T03:04:05Z", program="0.1.0", bundle="small-000000000000", engine="onnx-cpu", runtime="ORT",
    preprocess="1", views=("identity",), host="a machine", table_sha256="0" * 64, split="fold-0", limit=None,
    rule="The largest.", decision_weights={"nv": 1.0}, prevalence_name="a population", conformal_target=0.9, seed=1,
    rounds=10,
)  # fmt: skip


def made_answer(number: int) -> Outcome:
    if number % 9 == 8:
        return CannotAssess(Fault("image-blurred", "Too blurred.", "Again."))
    dx = CLASS_ORDER[number * 3 % 7]
    shares = {other: 0.64 if other is dx else 0.06 for other in CLASS_ORDER}
    return Assessed(Triage.REVIEW, dx, shares, malignancy_of(shares), (dx,), 0.64, 1.0)


def made_evaluation(
    held_out: HeldOut = HONEST, notes: tuple[str, ...] = (), site: str = "back", count: int = 70
) -> Evaluation:
    rows = [ImageRow(f"I{n}", f"L{n}", CLASS_ORDER[n % 7], site=site) for n in range(count)]
    scores = score(rows, [made_answer(n) for n in range(count)], small_policy(), seed=1, rounds=10)
    assessed = sum(scores.confusion[k][j] for k in range(7) for j in range(7))
    counts = Counts(count + 2, count + 1, count, assessed, count, ("GONE",), ())
    return Evaluation("1.0", INTENDED_USE, METHOD, held_out, notes, counts, scores)
