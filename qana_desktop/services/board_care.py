"""What a person does to boards beside reading with them: the vendor's library, and whether the network fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qana_desktop.engines.akida_install import AddedRuntime, add_runtime, added_runtime, remove_runtime, this_machine
from qana_desktop.engines.akida_wheel import WheelFacts, WheelRefused, inspect_wheel
from qana_desktop.engines.mapping import BoardMapping, mapping_report
from qana_desktop.services.composition import load_bundle
from qana_desktop.system.faults import Fault
from qana_desktop.system.language import _


def _mapped() -> list[BoardMapping]:
    return mapping_report(load_bundle().path, virtual_only=True)


@dataclass(frozen=True)
class BoardCare:
    """All of it, each slow enough for a worker. The fields are the real ones but in tests.

    `mapping` maps the active network to the virtual boards (a real one may be at work) and raises EngineError;
    `inspect` and `add` raise WheelRefused.
    """

    mapping: Callable[[], list[BoardMapping]] = _mapped
    added: Callable[[], AddedRuntime | None] = added_runtime

    def inspect(self, wheel: Path) -> WheelFacts:
        """Say what a file is, before anything is unpacked; raises WheelRefused."""
        return inspect_wheel(wheel, this_machine())

    def add(self, wheel: Path, seen: WheelFacts) -> AddedRuntime:
        """Unpack and try the file that a person agreed to; raises WheelRefused."""
        try:
            return add_runtime(wheel, seen=seen)
        except OSError as error:
            why = error.strerror or _("the disk refused")
            fault = Fault(
                "wheel-refused",
                _("The library was not added: {why}.").format(why=why),
                _("Make room on the disk, then try again."),
            )
            raise WheelRefused(fault) from error

    def remove(self) -> bool:
        """Remove the added library; returns whether there was one. Raises WheelRefused while it is in use."""
        try:
            return remove_runtime()
        except OSError as error:
            fault = Fault(
                "runtime-in-use", _("The Akida library is in use: it was not removed."), _("Choose another engine.")
            )
            raise WheelRefused(fault) from error
