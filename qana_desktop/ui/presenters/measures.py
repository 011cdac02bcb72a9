"""Latency and energy in words, always with how they were obtained; what is not known says so and is never 0."""

from __future__ import annotations

from dataclasses import dataclass

from qana_desktop.triage.measured import MeasuredValue, Method
from qana_desktop.triage.outcome import Latency
from qana_desktop.ui.texts import milliseconds, said, tr


@dataclass(frozen=True)
class DetailRow:
    """One line of a popover: what, and its value as text."""

    name: str
    value: str


def method_words(method: Method) -> str:
    """Return how a value was obtained, for a person."""
    return {
        Method.MEASURED_DEVICE: tr("measured by the device's own meter"),
        Method.MEASURED_PACKAGE: tr("measured for the whole processor package"),
        Method.ESTIMATED: tr("estimated, not measured"),
        Method.NOT_AVAILABLE: tr("not available"),
    }[method]


def latency_line(latency: Latency) -> str:
    """Return the one number that everybody sees."""
    time = milliseconds(latency.total)
    return tr("Checked in {time}", time=time) if latency.inference is None else tr("Read in {time}", time=time)


def energy_line(energy: MeasuredValue | None) -> str:
    """Return the energy of one image with its method, or that it is not available."""
    if energy is None:
        return tr("energy not available: no engine took part")
    if energy.value is None:
        return tr("energy not available on this engine")
    return tr(
        "{value} {unit} per image, {method}", value=_digits(energy.value), unit=energy.unit, method=_short(energy)
    )


def detail_rows(latency: Latency, energy: MeasuredValue | None) -> tuple[DetailRow, ...]:
    """Return the rows behind the info button: the split of the time, and all that is known of the energy."""
    parts = (
        (tr("Decode"), latency.decode),
        (tr("Preprocess"), latency.preprocess),
        (tr("Inference"), latency.inference),
        (tr("Total"), latency.total),
    )
    rows = [DetailRow(name, tr("did not happen") if value is None else milliseconds(value)) for name, value in parts]
    return (*rows, *_energy_rows(energy))


def _energy_rows(energy: MeasuredValue | None) -> list[DetailRow]:
    if energy is None:
        return [DetailRow(tr("Energy"), tr("Not available: no engine took part in this reading."))]
    if energy.value is None:
        return [DetailRow(tr("Energy"), tr("Not available. {why}", why=said(energy.note)))]
    rows = [
        DetailRow(tr("Energy"), f"{_digits(energy.value)} {energy.unit}"),
        DetailRow(tr("Method"), method_words(energy.method)),
        DetailRow(tr("Covers"), _covers(energy)),
    ]
    return [*rows, DetailRow(tr("Note"), said(energy.note))] if energy.note else rows


def _covers(energy: MeasuredValue) -> str:
    if energy.method is Method.ESTIMATED:
        return said(energy.scope)
    return tr("{scope}, {n} measured", scope=said(energy.scope), n=energy.n)


def _short(energy: MeasuredValue) -> str:
    if energy.method is Method.ESTIMATED:
        return tr("estimated, arithmetic alone")
    return tr("measured at the device") if energy.method is Method.MEASURED_DEVICE else tr("measured, whole processor")


def _digits(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 100 else f"{value:,.0f}"
