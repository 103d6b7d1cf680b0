"""The cost of Ray to the exact solver: passes over the head in one process on one thread, and on Ray with one worker.

    python benchmarks/exact_ray.py COUNTS [--passes 5]

COUNTS is a file that `lexigrad cooccur` wrote. Both ways take turns, and their results are compared, byte by byte.
Besides the time that goes by, which other programs lengthen, stands the processor time of this process and the worker.
The results go to `benchmarks/results/exact-ray.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from train_vs_gensim import RESULTS, machine

import lexigrad
from lexigrad.engines.cores import one_blas_thread
from lexigrad.engines.ray.engine import RayEngine
from lexigrad.engines.threads import ThreadEngine
from lexigrad.training.exact.fused import FusedObjective, SpreadCounts
from lexigrad.training.exact.objective import SUMMED, Counts, Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.engines.interface import Engine
    from lexigrad.training.exact.objective import Loss, Pass

DIM = 100
LOSSES: tuple[Loss, ...] = ("negative_sampling", "naive_softmax")


def main() -> None:
    """Measure both losses, with and without the curvature; print each row, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=Path)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    window_counts = lexigrad.WindowCounts.load(options.counts)
    counts, point = _counts(window_counts), _point(len(window_counts.vocabulary))
    began = time.perf_counter()
    with one_blas_thread(), ThreadEngine(1) as threads, RayEngine("local", 1) as ray:
        report: dict[str, Any] = {"words": counts.rows, "dim": DIM, "ray_start_seconds": time.perf_counter() - began}
        engines: dict[str, Engine] = {"one process": threads, "ray, one worker": ray}
        spread = {name: SpreadCounts(counts, engine, 8) for name, engine in engines.items()}
        rows = []
        for loss in LOSSES:
            objectives = {name: FusedObjective(parts, loss, SUMMED[loss].l2) for name, parts in spread.items()}
            for curvature in (False, True):
                rows.append(
                    {"loss": loss, "curvature": curvature, **_row(objectives, engines, point, curvature, options)}
                )
                print(json.dumps(rows[-1]), flush=True)
    report |= {"machine": machine(), "rows": rows}
    target = options.results / "exact-ray.json"
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _row(
    objectives: dict[str, FusedObjective],
    engines: dict[str, Engine],
    point: Point,
    curvature: bool,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """The least and the median seconds of each way, and those that Ray takes besides."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in objectives}
    for number in range(1 + options.passes):
        found: set[bytes] = set()
        for name, objective in objectives.items():
            step, *seconds = _timed(engines[name], lambda o=objective: o.evaluate(point, curvature=curvature))  # type: ignore[misc]
            found.add(b"".join(table.tobytes() for table in step.gradient.tables))
            if number:  # the first round compiles
                measured[name].append((seconds[0], seconds[1]))
        assert len(found) == 1, "Ray gives other bytes"
    row: dict[str, Any] = {}
    for name, times in measured.items():
        wall, cpu = zip(*times, strict=True)
        row[name] = {"seconds": median(wall), "least_seconds": min(wall), "cpu_seconds": median(cpu)}
    one, ray = (row[name] for name in measured)
    return row | {"overhead": {what: ray[what] / one[what] - 1 for what in one}}


def _timed(engine: Engine, work: Callable[[], Pass]) -> tuple[Any, float, float]:
    """The result, the time that went by, and the processor time of this process and of the worker, if it is another."""
    before, began = _cpu_seconds(engine), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    return result, seconds, _cpu_seconds(engine) - before


def _cpu_seconds(engine: Engine) -> float:
    here = time.process_time()
    return here + (0.0 if isinstance(engine, ThreadEngine) else engine.get([engine.call(time.process_time)])[0])


def _counts(window_counts: lexigrad.WindowCounts) -> Counts:
    sparse = window_counts.starts, window_counts.outside, window_counts.weights
    noise = window_counts.vocabulary.noise_distribution(0.75)
    return Counts(*sparse, len(window_counts.vocabulary), 5 * window_counts.center_weights, noise)


def _point(words: int) -> Point:
    random = np.random.default_rng(0)
    shapes = (words, DIM), (words, DIM), (words,)
    return Point(*(random.normal(0, 0.1, shape).astype(np.float32) for shape in shapes))


if __name__ == "__main__":
    main()
