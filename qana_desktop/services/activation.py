"""Makes another version of the network the active one, after it was mapped to the boards that it may have to run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qana_desktop.engines.contract import EngineError
from qana_desktop.engines.mapping import BoardMapping, mapping_report
from qana_desktop.network.bundle import Bundle, activate, open_bundle
from qana_desktop.services.composition import load_bundle
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

_NO_LIBRARY: Final = frozenset({"sdk-missing", "sdk-platform"})


class DoesNotFit(KnownError):
    """The version does not fit onto a board that has to run it; the active one stays."""


@dataclass(frozen=True, eq=False)
class Activated:
    """The version that is active now, and how it lies on each board; nothing where there is no library to ask."""

    bundle: Bundle
    boards: tuple[BoardMapping, ...]


def _virtual(bundle: Path) -> list[BoardMapping]:
    return mapping_report(bundle, virtual_only=True)


def activate_version(
    models: Path,
    identity: str,
    *,
    needed: frozenset[str] = frozenset({"AKD1000", "AKD1500"}),
    report: Callable[[Path], list[BoardMapping]] = _virtual,
) -> Activated:
    """Check a version whole, map it to the boards in `needed`, and make it active; takes seconds.

    Raises BundleRefused, BundleUnfit, DoesNotFit, or EngineError for a library that is there and does not work; the
    version that was active stays so. Without the Akida library there is no board that could refuse it.
    """
    bundle = open_bundle(models / identity)
    load_bundle(bundle.path)
    try:
        boards = tuple(report(bundle.path))
    except EngineError as error:
        if error.fault.code not in _NO_LIBRARY:
            raise
        boards = ()
    for entry in boards:
        if entry.board in needed and entry.fault is not None:
            raise DoesNotFit(_refused(entry.fault))
    return Activated(activate(models, bundle.id), boards)


def _refused(why: Fault) -> Fault:
    return Fault(
        why.code, _("{message} The version that was in use stays in use.").format(message=why.message), why.remedy
    )
