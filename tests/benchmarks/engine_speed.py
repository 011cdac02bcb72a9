"""Measures the ONNX engine: ways to write and run the network, cost of the child process, throughput, memory, start.

    python -m tests.benchmarks.engine_speed --out docs/measurements/engine-speed.json

Everything is measured in one run, the ways taking turns, so that a busy moment falls on all of them. ONNX Runtime
alone: figures of the Akida runtime may not be published.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

import qana_desktop
from qana_desktop.engines.onnx_engine import OnnxAdapter
from qana_desktop.engines.registry import EngineRegistry
from qana_desktop.network.bundle import Bundle, active_bundle
from qana_desktop.network.export_onnx import INPUT_NAME, OUTPUT_NAME, Flavour, to_onnx
from qana_desktop.system.childprocess import ChildProcess
from qana_desktop.system.host import describe_host
from tests.benchmarks.plain_float import to_plain_float

ROOT = Path(__file__).resolve().parents[2]
Images = npt.NDArray[np.uint8]
BUSY = 1.0
PLAIN = "plain float32 export (not exact)"


@dataclass(frozen=True)
class Way:
    """One way to run the network."""

    name: str
    model: bytes
    threads: int
    spinning: bool
    exact: bool

    def session(self) -> onnxruntime.InferenceSession:
        """Open it."""
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if self.spinning else "0")
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])


def ways(bundle: Bundle) -> Iterator[Way]:
    """All ways: how the arithmetic is written, threads, spinning."""
    network = bundle.network()
    models = {
        "8-bit integers (QLinearConv)": (to_onnx(network, flavour=Flavour.INTEGER), True),
        "integers held in float32": (to_onnx(network, flavour=Flavour.FLOAT32), True),
        PLAIN: (to_plain_float(network), False),
    }
    for (name, (model, exact)), threads, spinning in itertools.product(models.items(), (1, 2), (False, True)):
        if threads == 1 and spinning:
            continue  # one thread has nobody to wait for
        yield Way(name, model, threads, spinning, exact)


def compare_ways(bundle: Bundle, images: Images, rounds: int) -> tuple[list[dict[str, object]], dict[str, float]]:
    """Time single images, the ways taking turns with each image, and check the exact ones against the golden outputs.

    Returns the facts of each way, and how many times faster than the plain export each is: the median over the images
    of the quotient of two calls that follow each other, so that a busy moment falls on both.
    """
    golden, entries = bundle.golden(), []
    opened = [(way, way.session()) for way in ways(bundle)]
    times: list[list[float]] = [[] for _ in opened]
    for round_, image in itertools.product(range(rounds + 1), images):
        for spent, (_way, session) in zip(times, opened, strict=True):
            taken = _timed(lambda session=session, image=image: session.run([OUTPUT_NAME], {INPUT_NAME: image[None]}))
            if round_:
                spent.append(taken)
    for spent, (way, session) in zip(times, opened, strict=True):
        outputs = session.run([OUTPUT_NAME], {INPUT_NAME: golden.images})[0]
        differ = int(np.count_nonzero(outputs != golden.potentials))
        facts = {"way": way.name, "threads": way.threads, "spinning": way.spinning, **_spread(spent)}
        entries.append(facts | ({"integers that differ from the golden ones": differ} if way.exact else {}))
    return entries, _paired([way for way, _session in opened], times)


def _paired(compared: list[Way], times: list[list[float]]) -> dict[str, float]:
    by_way = {
        (way.name, way.threads, way.spinning): np.array(spent) for way, spent in zip(compared, times, strict=True)
    }
    return {
        f"{name}, threads: {threads}{', spinning' if spinning else ''}": round(
            float(np.median(by_way[PLAIN, threads, spinning] / spent)), 2
        )
        for (name, threads, spinning), spent in by_way.items()
        if name != PLAIN
    }


def child_overhead(bundle: Bundle, images: Images, rounds: int) -> dict[str, object]:
    """The same engine called directly and in its child, in turns; one image a call."""
    direct = OnnxAdapter().open("onnx-cpu", bundle.path)
    host = EngineRegistry().open("onnx-cpu", bundle.path)
    try:
        here, there = list[float](), list[float]()
        for round_, image in itertools.product(range(rounds + 1), images):
            alone = _timed(lambda image=image: direct.infer(image[None]))
            child = _timed(lambda image=image: host.infer(image[None]))
            if round_:
                here.append(alone)
                there.append(child)
        over = float(np.median(there) - np.median(here))
        return {"direct": _spread(here), "in its child": _spread(there), "median overhead, ms": round(over, 3)}
    finally:
        host.close()


def serve_echo() -> Callable[[object], object]:
    """For a child: answer at once with nothing much, whatever was sent."""
    return lambda _request: None


def pipe_cost(images: Images, rounds: int) -> dict[str, object]:
    """What an image adds to an empty call: the most that shared memory between the processes could save."""
    child = ChildProcess("tests.benchmarks.engine_speed:serve_echo", name="echo").start()
    try:
        empty, full = list[float](), list[float]()
        for image in itertools.chain.from_iterable(itertools.repeat(images, rounds)):
            empty.append(_timed(lambda: child.call(None, timeout_s=10)))
            full.append(_timed(lambda image=image: child.call(image, timeout_s=10)))
        more = float(np.median(full) - np.median(empty))
        return {"empty call": _spread(empty), "with an image": _spread(full), "median more, ms": round(more, 3)}
    finally:
        child.close()


def throughput(bundle: Bundle, seconds: float) -> list[dict[str, object]]:
    """Images a second through the child, by the size of the batch."""
    host, random = EngineRegistry().open("onnx-cpu", bundle.path), np.random.default_rng(3)
    try:
        entries: list[dict[str, object]] = []
        for size in (1, 4, 16, 64):
            batch = random.integers(0, 256, (size, *bundle.manifest.input_shape)).astype(np.uint8)
            host.infer(batch)
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                host.infer(batch)
                count += size
            entries.append({"batch": size, "network inputs/s": round(count / (time.perf_counter() - start), 1)})
        return entries
    finally:
        host.close()


def start_and_memory(bundle: Bundle, times: int) -> dict[str, object]:
    """Seconds until the engine is started and self-tested, and what its process holds then and after work."""
    seconds, first, later = list[float](), 0.0, 0.0
    for _ in range(times):
        start = time.perf_counter()
        host = EngineRegistry().open("onnx-cpu", bundle.path)
        try:
            seconds.append(time.perf_counter() - start)
            first = _resident_mib(host.pid)
            batch = np.zeros((4, *bundle.manifest.input_shape), np.uint8)
            for _call in range(200):
                host.infer(batch)
            later = _resident_mib(host.pid)
        finally:
            host.close()
    return {
        "start-up with self-test, s (median)": round(float(np.median(seconds)), 3),
        "n": times,
        "resident memory of the engine's process, MiB": round(first, 1),
        "after 200 calls, MiB": round(later, 1),
    }


def _resident_mib(pid: int | None) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system tells no memory")


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def _spread(milliseconds: list[float]) -> dict[str, float]:
    low, median, p95 = np.percentile(np.array(milliseconds), [5, 50, 95])
    return {"p5 ms": round(low, 3), "median ms": round(median, 3), "p95 ms": round(p95, 3), "n": len(milliseconds)}


def ratios(entries: list[dict[str, object]], figure: str) -> dict[str, float]:
    """Latency of the plain float32 export divided by that of each exact way, at the same threads."""
    plain = {(e["threads"], e["spinning"]): float(str(e[figure])) for e in entries if e["way"] == PLAIN}
    return {
        f"{e['way']}, threads: {e['threads']}{', spinning' if e['spinning'] else ''}": round(
            plain[e["threads"], bool(e["spinning"])] / float(str(e[figure])), 2
        )
        for e in entries
        if e["way"] != PLAIN
    }


def main() -> int:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of twenty images")
    parser.add_argument("--seconds", type=float, default=2.0, help="of throughput for each size of batch")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    bundle = active_bundle(ROOT / "models")
    images = np.random.default_rng(1).integers(0, 256, (20, *bundle.manifest.input_shape)).astype(np.uint8)
    load = os.getloadavg()[0]
    if load > BUSY:
        sys.stderr.write(f"Other programs are at work here (load {load:.1f}): times are longer than they need be.\n")
    compared, paired = compare_ways(bundle, images, chosen.rounds)
    found = {
        "program": qana_desktop.__version__,
        "bundle": bundle.id,
        "input": list(bundle.manifest.input_shape),
        "machine": describe_host(),
        "load of the machine at the start (1 min)": round(load, 2),
        "runtime": f"onnxruntime {onnxruntime.__version__}",
        "ways": compared,
        "how many times faster than the plain float32 export, image by image": paired,
        "the same by the medians": ratios(compared, "median ms"),
        "the same by the 5th percentile, which other programs on the machine disturb least": ratios(compared, "p5 ms"),
        "child process": child_overhead(bundle, images, chosen.rounds),
        "an image through the pipe": pipe_cost(images, chosen.rounds),
        "throughput": throughput(bundle, chosen.seconds),
        "start and memory": start_and_memory(bundle, 5),
    }
    text = json.dumps(found, indent=1) + "\n"
    sys.stdout.write(text)
    if chosen.out is not None:
        chosen.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
