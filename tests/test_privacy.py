"""Nothing leaves the machine: the runtime of the default engine writes no file of its own and opens no socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

NO_PROC = not Path("/proc/self/fd").is_dir()

PROGRAM = """
import os
from pathlib import Path
import onnxruntime
onnxruntime.SessionOptions()
opened = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
print([name for name in opened if name.startswith("socket:")])
"""


@pytest.mark.skipif(NO_PROC, reason="the open files of a process are listed on Linux only")
def test_loading_onnx_runtime_writes_no_file_and_opens_no_socket(own_home):
    shown = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
    assert list(own_home.rglob("*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pipes between processes are loopback sockets on Windows")
def test_a_test_that_opens_a_network_socket_is_stopped():
    with pytest.raises(Exception, match="QANA Desktop opens none"):
        socket.socket(socket.AF_INET)


def test_a_test_that_asks_a_name_server_is_stopped():
    with pytest.raises(Exception, match="asks no name server"):
        socket.getaddrinfo("localhost", 80)
