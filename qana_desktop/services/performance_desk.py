"""What the network did here, counted from the case store for whoever may see it; no name is in any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from qana_desktop.reports.new_file import new_file
from qana_desktop.reports.performance_tables import write_tables
from qana_desktop.reports.words import tone_words
from qana_desktop.services.jobs import CancelToken, Progress
from qana_desktop.services.report_desk import Allowed
from qana_desktop.store import cases
from qana_desktop.store.faults import StoreReadOnly
from qana_desktop.store.store import Store
from qana_desktop.system.language import _
from qana_desktop.triage.access import Permission
from qana_desktop.triage.assess import SEVERITY
from qana_desktop.triage.case import Case, Filed, FiledImage, ProofSource, ProvenOutcome
from qana_desktop.triage.diagnosis import MALIGNANT
from qana_desktop.triage.outcome import Assessed, Outcome, Reading
from qana_desktop.triage.site_figures import CANNOT_ASSESS, Proof, SiteCase, SiteImage, SitePerformance
from qana_desktop.triage.site_performance import site_performance

_SILENT: Final[Callable[[Progress], None]] = lambda _progress: None  # noqa: E731 - a default value
_STRONGEST: Final = tuple(ProofSource)
_AGES: Final = ((0, 40), (40, 60), (60, 200))


class PerformanceDesk:
    """Counts for the person whom `allowed` names (`CaseDesk.allowed`). Slow on a large store: call from a worker.

    Every method raises NotAllowed, StoreError.
    """

    def __init__(self, store: Store, allowed: Allowed) -> None:
        self._store, self._allowed = store, allowed

    def look(
        self,
        bundle: str | None = None,
        *,
        report: Callable[[Progress], None] = _SILENT,
        token: CancelToken | None = None,
    ) -> SitePerformance:
        """Count all cases, for one version of the network (None: the latest in use); raises Cancelled."""
        self._allowed(Permission.SEE)
        found_cases: list[SiteCase] = []
        found_images: list[SiteImage] = []
        proofs: dict[str, Proof] = {}
        for case in self._cases(report, token):
            found_images += [site_image(image) for image in case.images if image.readings]
            if any(image.readings for image in case.images):
                found_cases.append(site_case(case))
            if case.outcomes:
                proofs[case.lesion.entity] = proof_of(case)
        return site_performance(found_cases, found_images, proofs.values(), bundle=bundle)

    def save(self, performance: SitePerformance, path: Path) -> None:
        """Write all tables into the new CSV file `path` and record it; raises ExportFailed, StoreReadOnly."""
        user = self._allowed(Permission.ENTER)
        if self._store.read_only is not None:
            raise StoreReadOnly(self._store.read_only)
        with new_file(path) as unfinished:
            write_tables(unfinished, performance)
            self._store.record("performance-exported", by=user.entity, bundle=performance.bundle)

    def _cases(self, report: Callable[[Progress], None], token: CancelToken | None) -> Iterator[Case]:
        with self._store.reading() as connection:
            batches = cases.all_encounters(connection)
            done, total = 0, sum(len(batch) for batch in batches)
            for batch in batches:
                if token is not None:
                    token.check()
                report(Progress(done, total, _("counting cases")))
                yield from cases.read_cases(connection, batch).values()
                done += len(batch)


def site_image(filed: FiledImage) -> SiteImage:
    """Return an image by its latest reading; raises IndexError for one without any."""
    reading = filed.readings[-1].value
    source, energy, outcome = reading.provenance, reading.energy, reading.outcome
    return SiteImage(
        month=reading.when[:7],
        bundle=source.bundle if source else "",
        engine=source.engine if source else "",
        triage=str(outcome.triage) if isinstance(outcome, Assessed) else CANNOT_ASSESS,
        malignancy=outcome.malignancy if isinstance(outcome, Assessed) else None,
        quality=tuple((found.name, found.value) for found in (reading.quality.findings if reading.quality else ())),
        total_ms=reading.latency.total,
        inference_ms=reading.latency.inference,
        energy=energy.value if energy else None,
        energy_unit=energy.unit if energy else "",
        energy_method=energy.method if energy and energy.value is not None else None,
        energy_scope=energy.scope if energy else "",
        device=filed.image.value.facts.device,
    )


def site_case(case: Case) -> SiteCase:
    """Return a case by the image with the most severe answer; raises ValueError when no image has a reading."""
    leading = _leading(case)
    outcome = leading.outcome
    answer = outcome if isinstance(outcome, Assessed) else None
    opinion = case.assessments[-1].value if case.assessments else None
    return SiteCase(
        encounter=case.encounter.entity,
        lesion=case.lesion.entity,
        month=case.encounter.value.opened[:7],
        bundle=leading.provenance.bundle if leading.provenance else "",
        triage=str(answer.triage) if answer else CANNOT_ASSESS,
        malignancy=answer.malignancy if answer else None,
        named=str(answer.predicted) if answer else "",
        could_be=tuple(str(dx) for dx in answer.could_be) if answer else (),
        assessed_by_person=opinion is not None,
        found=str(opinion.finding.diagnosis) if opinion and opinion.finding.diagnosis is not None else "",
        overridden=bool(opinion and opinion.override_reason.strip()),
        groups=tuple(_groups(case)),
    )


def _leading(case: Case) -> Reading:
    """The latest reading of the image with the most severe answer; one that was refused only when all were."""
    latest = [image.readings[-1].value for image in case.images if image.readings]
    if not latest:
        raise ValueError("a case without a reading")
    return max(latest, key=lambda reading: _severity(reading.outcome))


def _severity(outcome: Outcome) -> tuple[int, float]:
    return (SEVERITY[outcome.triage], outcome.malignancy) if isinstance(outcome, Assessed) else (-1, 0.0)


def _groups(case: Case) -> Iterator[tuple[str, str]]:
    patient = case.patient.value
    yield _("skin tone"), tone_words(case.skin_tone.value if case.skin_tone else None)
    yield _("sex"), str(patient.sex) if patient.sex else _("not stated")
    yield _("body site"), case.lesion.value.body_site.strip().lower() or _("not stated")
    yield _("age"), _age(case)
    devices = {image.image.value.facts.device for image in case.images} - {""}
    yield _("device"), ", ".join(sorted(devices)) or _("not stated")


def _age(case: Case) -> str:
    born, opened = case.patient.value.birth_year, case.encounter.value.opened[:4]
    if born is None or not opened.isdigit():
        return _("not stated")
    years = int(opened) - born
    for low, high in _AGES:
        if low <= years < high:
            return f"{low} - {high - 1}" if high < _AGES[-1][1] else f"{low} +"
    return _("not stated")


def proof_of(case: Case) -> Proof:
    """Return the strongest proof of a case's lesion, of equals the latest; raises ValueError when there is none."""
    strongest: Filed[ProvenOutcome] = min(
        reversed(case.outcomes), key=lambda outcome: _STRONGEST.index(outcome.value.source)
    )
    diagnosis = strongest.value.finding.diagnosis
    return Proof(
        lesion=case.lesion.entity,
        diagnosis=str(diagnosis) if diagnosis is not None else "",
        malignant=None if diagnosis is None else diagnosis in MALIGNANT,
        source=str(strongest.value.source),
    )
