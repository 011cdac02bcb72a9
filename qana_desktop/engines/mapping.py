"""The mapping report: how a network lies on each board, or why it does not fit; looked at before it is activated.

The library maps to virtual boards as to real ones, so this needs no board. It runs in a child of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from qana_desktop.engines.akida_devices import board_name, boards, detail, refuse_other_ip
from qana_desktop.engines.akida_runtime import broken_fault, load_model, load_sdk
from qana_desktop.engines.contract import EngineError, engine_error
from qana_desktop.engines.machine import Machine
from qana_desktop.network.bundle import Bundle, open_bundle
from qana_desktop.system.childprocess import ChildFailed, ChildProcess
from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import N_, _

VIRTUAL: Final = ("AKD1000", "AKD1500")
MAP_S: Final = 120.0
_IMAGE_UNIT: Final = "HRC"
"""The unit that runs the first layer; it is no neural processor."""
_MEMORY: Final = {
    "program_memory": "program",
    "extra_program_memory": N_("program kept outside the mesh"),
    "input_memory": "input",
    "output_memory": "output",
}


@dataclass(frozen=True)
class LayerPlace:
    """One layer: on how many neural processors it lies. 0 is the first layer, which has a unit of its own."""

    name: str
    processors: int


@dataclass(frozen=True)
class BoardMapping:
    """How a network lies on one board. Without a fault it fits, whole: no layer is left in software.

    `board` is an engine id, or `AKD1000` for the virtual one. `passes` is how often the board is programmed anew for
    an image. `memory` is (what, bytes), as far as the library tells.
    """

    board: str
    description: str
    virtual: bool
    processors: int
    used: int
    passes: int
    layers: tuple[LayerPlace, ...]
    memory: tuple[tuple[str, int], ...]
    fault: Fault | None

    @property
    def fits(self) -> bool:
        """Whether the board can run the network."""
        return self.fault is None


def mapping_report(bundle: Path, *, virtual_only: bool = False, target: str | None = None) -> list[BoardMapping]:
    """Map a bundle to the virtual boards, and to each board that is there; raises EngineError without the library.

    Never while an engine has a board open: mapping programs it. `target` stands for the child's function in tests.
    """
    child = ChildProcess(target or f"{__name__}:serve_mapping", name="mapping", start_timeout_s=MAP_S)
    try:
        child.start()
        reply = child.call((str(bundle), virtual_only), timeout_s=MAP_S)
    except ChildFailed as error:
        raise EngineError(broken_fault(str(error).strip().rpartition("\n")[2])) from error
    except KnownError as error:
        raise engine_error(error.fault) from error
    finally:
        child.close()
    if isinstance(reply, list) and all(isinstance(entry, BoardMapping) for entry in reply):
        return reply
    raise EngineError(broken_fault(_("it returned something that is no mapping")))


def serve_mapping() -> Callable[[object], list[BoardMapping]]:
    """Answer (bundle, virtual_only) with the report; for the child."""
    return lambda request: map_all(load_sdk(), request, Machine())


def map_all(
    sdk: ModuleType,
    request: object,
    machine: Machine,
    load: Callable[[ModuleType, Bundle], Any] = load_model,
) -> list[BoardMapping]:
    """Map to all boards, in this process. Raises what loading raises; a board that does not fit has its fault."""
    match request:
        case (str(path), bool(virtual_only)):
            bundle = open_bundle(Path(path))
        case _:
            raise ValueError("not a request for a mapping")
    targets = [(name, "virtual", True, getattr(sdk, name)()) for name in VIRTUAL]
    if not virtual_only:
        found = boards(sdk, machine)
        targets += [(b.engine_id, f"{board_name(sdk, b.device)}, {detail(b.device)}", False, b.device) for b in found]
    return [_mapped(sdk, load(sdk, bundle), *target) for target in targets]


def _mapped(sdk: ModuleType, model: Any, board: str, description: str, virtual: bool, device: Any) -> BoardMapping:
    processors = len(device.mesh.nps)
    try:
        refuse_other_ip(sdk, device)
        model.map(device, hw_only=True)
    except EngineError as error:
        return BoardMapping(board, description, virtual, processors, 0, 0, (), (), error.fault)
    except (RuntimeError, ValueError) as error:
        return BoardMapping(board, description, virtual, processors, 0, 0, (), (), _does_not_fit(board, str(error)))
    passes = [one_pass for sequence in model.sequences for one_pass in sequence.passes]
    layers = tuple(_place(layer) for one_pass in passes for layer in one_pass.layers)
    used = sum(layer.processors for layer in layers)
    return BoardMapping(
        board, description, virtual, processors, used, len(passes), layers, _memory(sdk, model), fault=None
    )


def _place(layer: Any) -> LayerPlace:
    nodes = () if layer.mapping is None else layer.mapping.nps
    return LayerPlace(str(layer.name), sum(node.type.name != _IMAGE_UNIT for node in nodes))


def _memory(sdk: ModuleType, model: Any) -> tuple[tuple[str, int], ...]:
    infos = [sdk.get_program_memory_infos(sequence.program) for sequence in model.sequences]
    return tuple((what, sum(int(getattr(info, name)) for info in infos)) for name, what in _MEMORY.items())


def _does_not_fit(board: str, cause: str) -> Fault:
    return Fault(
        "model-refused",
        _("This version of the network does not fit onto {board} ({rstrip}).").format(
            board=board, rstrip=cause.rstrip(".")
        ),
        _("Choose another version of the network, another board, or another engine."),
    )
