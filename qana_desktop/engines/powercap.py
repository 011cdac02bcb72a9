"""The processor's energy counters as Linux shows them (powercap, RAPL): reading, wrapping, missing permission."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _

ROOT: Final = Path("/sys/class/powercap")


class MeterUnavailable(KnownError):
    """The energy counters are not there, or this user may not read them."""


@dataclass(frozen=True)
class _Zone:
    """One processor package. `range_uj` is where its counter starts again, in microjoules."""

    counter: Path
    range_uj: int


@dataclass(frozen=True)
class PowercapMeter:
    """The packages of this computer together. Each counter starts again at its range: minutes to an hour under load."""

    zones: tuple[_Zone, ...]
    source: str = N_("Linux powercap, RAPL")

    @staticmethod
    def find(root: Path = ROOT) -> PowercapMeter:
        """Find the packages below `root` and read them once. Raises MeterUnavailable, with what to do."""
        zones = tuple(_zone(path) for path in sorted(root.glob("intel-rapl:*")) if _is_package(path))
        if not zones:
            raise MeterUnavailable(
                Fault(
                    "energy-counter-missing",
                    _("This computer shows no energy counter of its processor (Linux powercap)."),
                    _("Virtual machines and other systems have none; nothing can be done here."),
                )
            )
        meter = PowercapMeter(zones)
        meter.read()
        return meter

    def read(self) -> tuple[int, ...]:
        """Return each package's counter, in microjoules. Raises MeterUnavailable."""
        return tuple(_read(zone.counter) for zone in self.zones)

    def used_joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """Return the energy between two readings; each counter may have started again once."""
        return sum(map(_difference, self.zones, before, after)) / 1e6


def _difference(zone: _Zone, before: int, after: int) -> int:
    return after - before if after >= before else after - before + zone.range_uj


def _is_package(path: Path) -> bool:
    """Packages only: cores and memory lie inside or beside them, and `psys` counts packages a second time."""
    try:
        return (path / "name").read_text(encoding="ascii").startswith("package")
    except OSError:
        return False


def _zone(path: Path) -> _Zone:
    return _Zone(path / "energy_uj", _read(path / "max_energy_range_uj"))


def _read(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except PermissionError as error:
        raise MeterUnavailable(
            Fault(
                "energy-counter-permission",
                _(
                    "The processor has an energy counter, but only the administrator may read it (since "
                    "CVE-2020-8694, because a fine energy trace can reveal other programs' secrets)."
                ),
                _("To allow it until the next start: sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"),
            )
        ) from error
    except (OSError, ValueError) as error:
        raise MeterUnavailable(
            Fault(
                "energy-counter-unreadable",
                _("The processor's energy counter cannot be read ({error}).").format(error=error),
                _("Readings work without it."),
            )
        ) from error
