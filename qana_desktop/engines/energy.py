"""Energy of an image as a measured value: measured in a burst, estimated from counted operations, or not available."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from qana_desktop.engines.emi import EmiMeter
from qana_desktop.engines.emi_windows import open_devices
from qana_desktop.engines.powercap import MeterUnavailable, PowercapMeter
from qana_desktop.network.export_onnx import integer_layers
from qana_desktop.network.layers import Conv, Dense, InputConv, IntegerNetwork, Layer, SeparableConv
from qana_desktop.network.operation_energy import FLOAT_PJ, INTEGER_PJ, SOURCE
from qana_desktop.network.shapes import MapShape, convolved_size, input_shapes
from qana_desktop.system.language import N_, _
from qana_desktop.triage.measured import MeasuredValue, Method

UNIT: Final = "mJ"
ONE_VIEW: Final = N_("one view of an image")
BURST_S: Final = 0.6
"""Counters and sensors are slow (RAPL about 1 ms, the AKD1000's meter 140.8 ms): one image alone cannot be measured."""


class PackageMeter(Protocol):
    """The energy counters of the processor packages of this computer."""

    @property
    def source(self) -> str:
        """Where the figures come from, for a person."""
        ...

    def read(self) -> tuple[int, ...]:
        """Return each package's counter; raises MeterUnavailable."""
        ...

    def used_joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """Return the energy between two readings."""
        ...


def package_meter(system: str = sys.platform) -> PackageMeter:
    """Find this system's counters of the processor; raises MeterUnavailable, with what to do."""
    return EmiMeter.find(open_devices()) if system == "win32" else PowercapMeter.find()


def not_available(engine: str, reason: str) -> MeasuredValue:
    """Return "no figure", with a sentence that says why."""
    return MeasuredValue(None, UNIT, Method.NOT_AVAILABLE, ONE_VIEW, 0, _now(), engine, reason)


def estimated(engine: str, network: IntegerNetwork | Operations, *, why_not_measured: str) -> MeasuredValue:
    """Return the energy of one view's arithmetic, from counted operations; the note holds the formula."""
    count = network if isinstance(network, Operations) else multiply_accumulates(network)
    millijoules = (count.integer * INTEGER_PJ + count.floating * FLOAT_PJ) * 1e-9
    note = _(
        "{integer:,} multiply-accumulates of 8-bit integers x {integer_pj:.1f} pJ + {floating:,} of 32-bit "
        "floating point x {float_pj:.1f} pJ ({source}). Arithmetic only: memory, control and idle power come "
        "on top, so the true figure is far higher. {why_not_measured}"
    ).format(
        integer=count.integer,
        integer_pj=INTEGER_PJ,
        floating=count.floating,
        float_pj=FLOAT_PJ,
        source=SOURCE,
        why_not_measured=why_not_measured,
    )
    scope = _("arithmetic of {one_view}").format(one_view=ONE_VIEW)
    return MeasuredValue(millijoules, UNIT, Method.ESTIMATED, scope, 1, _now(), engine, note.strip())


def measured_on_device(engine: str, millijoules: float, *, images: int, note: str) -> MeasuredValue:
    """Return the energy of one view as a device's own meter gave it over a burst of `images`."""
    return MeasuredValue(millijoules, UNIT, Method.MEASURED_DEVICE, ONE_VIEW, images, _now(), engine, note)


def measured_on_package(
    engine: str,
    meter: PackageMeter,
    run: Callable[[], object],
    *,
    images_per_run: int,
    clock: Callable[[], float] = time.perf_counter,
) -> MeasuredValue:
    """Call `run` for a burst and divide what the processor package used by the images. Raises MeterUnavailable."""
    before, start, runs = meter.read(), clock(), 0
    while clock() - start < BURST_S:
        run()
        runs += 1
    seconds, joules = clock() - start, meter.used_joules(before, meter.read())
    images = runs * images_per_run
    note = _(
        "Whole processor package over a burst of {images} images in {seconds:.2f} s ({source}): includes idle "
        "power and other programs; {joules:.1f} W on average."
    ).format(images=images, seconds=seconds, source=meter.source, joules=joules / seconds)
    scope = _("{one_view}, whole processor package").format(one_view=ONE_VIEW)
    return MeasuredValue(joules * 1000 / images, UNIT, Method.MEASURED_PACKAGE, scope, images, _now(), engine, note)


def processor_energy(
    engine: str, network: IntegerNetwork | Operations, run: Callable[[], object], *, images_per_run: int
) -> MeasuredValue:
    """Return the energy of one view on this processor: measured where the counter can be read, else estimated."""
    try:
        meter = package_meter()
        return measured_on_package(engine, meter, run, images_per_run=images_per_run)
    except MeterUnavailable as error:
        return estimated(engine, network, why_not_measured=error.fault.sentence())


@dataclass(frozen=True)
class Operations:
    """Multiply-accumulates of one view, by the arithmetic in which the ONNX model performs them."""

    integer: int
    floating: int


def multiply_accumulates(network: IntegerNetwork) -> Operations:
    """Return how many multiply-accumulates one view takes, zeros and padding counted like any other value."""
    integer = set(integer_layers(network))
    counts = [
        (layer.name in integer, _count(layer, shape))
        for layer, shape in zip(network.layers, input_shapes(network), strict=True)
    ]
    return Operations(
        integer=sum(count for is_integer, count in counts if is_integer),
        floating=sum(count for is_integer, count in counts if not is_integer),
    )


def _count(layer: Layer, shape: MapShape) -> int:
    if isinstance(layer, Dense):
        return int(layer.weights.size)
    height, width = convolved_size(layer, shape)
    return height * width * _per_position(layer)


def _per_position(layer: InputConv | Conv | SeparableConv) -> int:
    if isinstance(layer, SeparableConv):
        return int(layer.depthwise.size + layer.pointwise.size)
    return int(layer.weights.size)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
