"""ONNX Runtime opens no socket and writes no file: nothing leaves a clinic, nothing is left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qana_desktop.engines.registry import EngineRegistry


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads open files from /proc")
@pytest.mark.parametrize("engine_id", ["onnx-cpu", "akida-simulator"])
def test_an_engine_at_work_has_no_socket_open_and_left_nothing_in_the_home_folder(
    engine_id, bundle_path, images, own_home, request
):
    if engine_id == "akida-simulator":
        request.getfixturevalue("akida")
    host = EngineRegistry().open(engine_id, bundle_path)
    try:
        host.infer(images)
        descriptors = [str(link.readlink()) for link in Path(f"/proc/{host.pid}/fd").iterdir()]
        assert descriptors
        assert [target for target in descriptors if target.startswith("socket:")] == []
        assert [target for target in descriptors if target.startswith(str(own_home))] == []
    finally:
        host.close()
    assert list(own_home.rglob("*")) == []
