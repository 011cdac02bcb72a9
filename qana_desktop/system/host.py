"""Describes the machine without naming it or its user: enough to compare figures, nothing that identifies anyone."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_host() -> str:
    """Return a line such as "Linux x86_64, 2 cores, AMD EPYC 7B13"."""
    parts = (f"{platform.system()} {platform.machine()}", f"{core_count()} cores", processor_name())
    return ", ".join(part for part in parts if part)


def core_count() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model name; "" where the system does not say."""
    if platform.system() != "Linux":
        return platform.processor()
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "")
