"""The registry lists every engine, broken ones with reason and remedy, imports none itself, and chooses by one rule."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qana_desktop.engines.akida_runtime import broken_fault, missing_fault
from qana_desktop.engines.contract import ERRORS, DeviceLost, EngineError, EngineInfo, EngineState, ModelRefused
from qana_desktop.engines.registry import ADAPTERS, AUTO, AdapterSpec, EngineRegistry
from qana_desktop.system.faults import Fault

ROOT = Path(__file__).resolve().parents[2]
ODD = "tests.support.odd_engines"
FAULT = Fault("device-missing", "No Akida board was found in this computer.", "Put one in.")


def spec(kind: str, adapter: str, runtime: str) -> AdapterSpec:
    return AdapterSpec(kind, f"Engine {kind}", adapter, runtime)


def info(engine_id: str, fault: Fault | None = None) -> EngineInfo:
    return EngineInfo(engine_id, engine_id, "", "", EngineState.UNAVAILABLE if fault else EngineState.AVAILABLE, fault)


# --- listing ------------------------------------------------------------------------------------


def test_all_engines_are_listed_and_each_broken_one_says_why_and_what_to_do():
    listed = EngineRegistry().probe()
    assert [entry.engine_id for entry in listed if ":" not in entry.engine_id] == ["onnx-cpu", "akida-simulator"]
    assert listed[0].engine_id == "akida-board:0"
    for entry in listed:
        assert (entry.fault is None) == (entry.state is EngineState.AVAILABLE)
        if entry.fault is not None:
            assert entry.fault.message
            assert entry.fault.remedy
    assert next(entry for entry in listed if entry.engine_id == "onnx-cpu").state is EngineState.AVAILABLE


@pytest.mark.parametrize(
    ("adapter", "says"),
    [
        (f"{ODD}:DiesInProbe", "exit code 12"),
        (f"{ODD}:BreaksInProbe", "SystemError: initialisation of _core failed"),
        ("tests.support.no_such_module:Adapter", "No module named"),
    ],
)
def test_a_library_that_breaks_when_it_is_looked_at_costs_only_its_own_entry(adapter, says):
    registry = EngineRegistry([spec("broken", adapter, "broken"), spec("odd", f"{ODD}:OddAdapter", "whole")])
    broken, whole = registry.probe()
    assert broken.state is EngineState.UNAVAILABLE
    assert broken.fault is not None
    assert broken.fault.code == "sdk-broken"
    assert says in broken.fault.message
    assert whole.state is EngineState.AVAILABLE


def test_a_kind_that_answered_before_its_neighbour_died_is_still_listed():
    kinds = [spec("odd", f"{ODD}:OddAdapter", "one"), spec("dies", f"{ODD}:DiesInProbe", "one")]
    first, second = EngineRegistry(kinds).probe()
    assert first.fault is None
    assert second.fault is not None


def test_an_open_engine_is_listed_with_its_live_state_and_not_probed_again(bundle_path):
    registry = EngineRegistry([spec("odd", f"{ODD}:OddAdapter", "one")])
    host = registry.open("odd", bundle_path)
    try:
        assert [entry.state for entry in registry.probe()] == [EngineState.READY]
    finally:
        host.close()
    assert [entry.state for entry in registry.probe()] == [EngineState.AVAILABLE]


def test_listing_and_opening_load_no_runtime_into_the_program(tmp_path, bundle_path):
    script = tmp_path / "program.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from qana_desktop.engines.registry import EngineRegistry\n"
        "if __name__ == '__main__':\n"
        "    registry = EngineRegistry()\n"
        "    registry.probe()\n"
        "    registry.open('onnx-cpu', Path(sys.argv[1])).close()\n"
        "    print([name for name in ('akida', 'onnxruntime', 'torch') if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, str(script), str(bundle_path)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


# --- why the library is not there ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "machine", "python", "code", "says"),
    [
        ("darwin", "arm64", (3, 11), "sdk-platform", "darwin, arm64"),
        ("linux", "armv7l", (3, 11), "sdk-platform", "armv7l"),
        ("linux", "x86_64", (3, 13), "sdk-platform", "Python 3.13"),
        ("linux", "x86_64", (3, 12), "sdk-missing", "not installed"),
        ("win32", "AMD64", (3, 11), "sdk-missing", "not installed"),
    ],
)
def test_a_missing_library_is_explained_by_system_and_python(system, machine, python, code, says):
    fault = missing_fault(system, machine, python)
    assert fault.code == code
    assert says in fault.message
    assert fault.remedy


def test_a_library_that_cannot_be_loaded_says_the_cause():
    assert "GLIBC_2.38" in broken_fault("version `GLIBC_2.38' not found").message


# --- the choice ---------------------------------------------------------------------------------


def test_auto_takes_a_working_board_first():
    listed = [info("akida-board:0", FAULT), info("akida-board:1"), info("onnx-cpu"), info("akida-simulator")]
    assert EngineRegistry().choose(AUTO, listed).engine_id == "akida-board:1"


def test_auto_takes_onnx_runtime_when_no_board_works():
    listed = [info("akida-board:0", FAULT), info("akida-simulator"), info("onnx-cpu")]
    assert EngineRegistry().choose(AUTO, listed).engine_id == "onnx-cpu"


def test_auto_never_takes_the_simulator():
    broken = Fault("sdk-missing", "ONNX Runtime cannot be loaded.", "Install it.")
    listed = [info("akida-board:0", FAULT), info("onnx-cpu", broken), info("akida-simulator")]
    with pytest.raises(EngineError, match="ONNX Runtime cannot be loaded"):
        EngineRegistry().choose(AUTO, listed)


def test_an_engine_that_was_asked_for_by_name_is_never_replaced():
    listed = [info("akida-board:0", FAULT), info("onnx-cpu"), info("akida-simulator")]
    with pytest.raises(DeviceLost, match="No Akida board"):
        EngineRegistry().choose("akida-board", listed)
    assert EngineRegistry().choose("akida-simulator", listed).engine_id == "akida-simulator"


@pytest.mark.parametrize("name", ["cuda", "", "akida-board:7", "ONNX-CPU"])
def test_an_unknown_engine_is_named_in_the_error(name):
    with pytest.raises(EngineError, match=f"no engine '{name}'"):
        EngineRegistry().choose(name, [info("onnx-cpu"), info("akida-board:0")])


def test_an_unknown_kind_cannot_be_opened(bundle_path):
    with pytest.raises(EngineError, match="no engine 'cuda'"):
        EngineRegistry().open("cuda", bundle_path)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(ModelRefused, match="no bundle"):
        EngineRegistry().open("onnx-cpu", tmp_path)


def test_every_code_leads_to_a_class_that_carries_it():
    for code, kind in ERRORS.items():
        fault = Fault(code, "a", "b")
        assert kind(fault).fault == fault
    assert len({spec.kind for spec in ADAPTERS}) == len(ADAPTERS)
