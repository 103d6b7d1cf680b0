"""Approximate against exact search: recall, speed, and the cost of the index.

    python benchmarks/index.py                                  # 400,000 made vectors of 300 numbers
    python benchmarks/index.py --vectors model.safetensors      # vectors of your own
    python benchmarks/index.py --index FILE                     # keeps the index there, or takes it from there

A made vector is the sum of three parts: the center of one of 8,000 clusters and 0.7 times a deviation from it, both
normal with the variance of axis i falling as 1/i, as of word vectors, and 0.3 times noise that is normal with the same
variance on each axis; each part has mean square length 1 before its factor. Queries are vectors of the set, asked
for their nearest 10, themselves left out; one at a time, and 1,000 together. Recall is also that of vectors that are
not in the set, the sums of two of its unit vectors: they are harder, as the graph does not lead from them. Exact and
approximate search have as many threads; a time is the least of two rounds. Results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits
from train_vs_gensim import RESULTS, machine

import lexigrad

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexigrad.vectors.index import ApproximateIndex

CLUSTERS = 8_000
SPREAD, NOISE = 0.7, 0.3
EFS = (32, 64, 128, 256, 512)
NEIGHBORS, TOGETHER, ALONE, ROUNDS = 10, 1_000, 50, 2


def main() -> None:
    """Build or load the index, measure, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--vectors", type=Path, help="measure these in place of made ones")
    parser.add_argument("--index", type=Path, help="where the index is kept; it is built if it is not there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    vectors = lexigrad.load_vectors(options.vectors) if options.vectors else made(options.words, options.dim)
    with tempfile.TemporaryDirectory() as folder:
        index, costs = indexed(vectors, options.index or Path(folder) / "made.index", options.threads)
    rows = measured(vectors, index, options.threads)
    name = options.vectors.stem if options.vectors else f"made-{len(vectors)}"
    results = {
        "vectors": name, "words": len(vectors), "dim": vectors.dim, "threads": options.threads, "machine": machine(),
        "index": costs, "neighbors": NEIGHBORS, "rows": rows,
    }  # fmt: skip
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / f"index-{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print_table(costs, rows)


def made(words: int, dim: int) -> lexigrad.KeyedVectors:
    """Vectors with structure and noise."""
    random = np.random.default_rng(1)
    axes = 1 / np.sqrt(np.arange(1, dim + 1))
    axes = (axes / np.linalg.norm(axes)).astype(np.float32)
    centers = random.standard_normal((CLUSTERS, dim), dtype=np.float32) * axes
    matrix = np.empty((words, dim), dtype=np.float32)
    for start in range(0, words, 10_000):
        rows = matrix[start : start + 10_000]
        rows[:] = centers[random.integers(CLUSTERS, size=len(rows))]
        rows += SPREAD * random.standard_normal(rows.shape, dtype=np.float32) * axes
        rows += NOISE * random.standard_normal(rows.shape, dtype=np.float32) / np.float32(np.sqrt(dim))
    return lexigrad.KeyedVectors([f"w{word}" for word in range(words)], matrix)


def indexed(vectors: lexigrad.KeyedVectors, path: Path, threads: int) -> tuple[ApproximateIndex, dict[str, Any]]:
    """The index, and the cost of building it; the index is kept at ``path``, or taken from there."""
    notes = path.with_name(path.name + ".json")
    if path.exists():
        started = time.perf_counter()
        index = vectors.index(path, threads=threads)
        loading = time.perf_counter() - started
        return index, json.loads(notes.read_text(encoding="utf-8")) | {"loading_seconds": loading}
    _ = vectors.lengths
    before = memory_bytes()
    started, processor = time.perf_counter(), time.process_time()
    index = vectors.index(threads=threads)
    costs = {
        "building_seconds": time.perf_counter() - started,
        "building_processor_seconds": time.process_time() - processor,
        "memory_bytes": memory_bytes() - before,
    }
    index.save(path)
    costs["file_bytes"] = path.stat().st_size
    notes.write_text(json.dumps(costs), encoding="utf-8")
    return index, costs


def memory_bytes() -> int:
    """The most memory that the process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(vectors: lexigrad.KeyedVectors, index: ApproximateIndex, threads: int) -> list[dict[str, Any]]:
    """Recall and times: first of the exact search, then of the index at each ef."""
    words = np.random.default_rng(2).permutation(len(vectors))[:TOGETHER]
    queries, itself = np.ascontiguousarray(vectors.matrix[words]), words[:, np.newaxis]

    def search_with(searcher: Any) -> tuple[dict[str, Any], NDArray[np.int64]]:
        def alone() -> None:
            for number in range(ALONE):
                searcher.nearest(queries[number : number + 1], NEIGHBORS, exclude=itself[number : number + 1])

        ids = searcher.nearest(queries, NEIGHBORS, exclude=itself)[0]
        times = {
            "alone": least_ms(alone, ALONE),
            "together": least_ms(lambda: searcher.nearest(queries, NEIGHBORS, exclude=itself), TOGETHER),
        }
        return {f"{how}_{what}": ms for how, both in times.items() for what, ms in both.items()}, ids

    with threadpool_limits(threads):
        exact, true = search_with(vectors)
        units = queries / vectors.lengths[words][:, np.newaxis]
        sums = units + np.roll(units, 1, axis=0)
        true_of_sums, _ = vectors.nearest(sums, NEIGHBORS)
        rows = [{"search": "exact", "recall": 1.0, "recall_of_sums": 1.0} | exact]
        for ef in EFS:
            index.ef = ef
            times, found = search_with(index)
            recalls = {
                "recall": share(true, found),
                "recall_of_sums": share(true_of_sums, index.nearest(sums, NEIGHBORS)[0]),
            }
            rows.append({"search": "index", "ef": ef} | recalls | times)
    for row in rows:
        row["times_faster_alone"] = exact["alone_ms"] / row["alone_ms"]
        row["times_faster_together"] = exact["together_ms"] / row["together_ms"]
    return rows


def share(true: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """The share of the true answers that was found."""
    return float((true[:, :, np.newaxis] == found[:, np.newaxis]).sum() / true.size)


def least_ms(work: Callable[[], object], searches: int) -> dict[str, float]:
    """Milliseconds a search, by the clock and of all processors together: the least of some rounds."""
    elapsed, processor = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter(), time.process_time()
        work()
        elapsed.append(time.perf_counter() - started[0])
        processor.append(time.process_time() - started[1])
    return {"ms": 1e3 * min(elapsed) / searches, "processor_ms": 1e3 * min(processor) / searches}


def print_table(costs: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Print the costs and the rows in Markdown."""
    print(", ".join(f"{name} {value:,.1f}" for name, value in costs.items()))
    print("| search | recall at 10 | of sums | one, ms | of 1,000, ms each |\n|---|---|---|---|---|")
    for row in rows:
        cells = ["exact" if row["search"] == "exact" else f"ef {row['ef']}"]
        cells += [f"{row[name]:.4f}" for name in ("recall", "recall_of_sums")]
        cells += [f"{row[f'{how}_ms']:.3f} ({row[f'times_faster_{how}']:.1f} ×)" for how in ("alone", "together")]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
