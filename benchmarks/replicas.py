"""How good replicas are: `python benchmarks/replicas.py TEXT EVAL_FOLDER [RULE:REPLICAS:SEED ...]`.

Trains skip-gram for five epochs with so many replicas and merges them by a rule: ``spectral`` (the library's), or one
of those that lose, which are here only, ``average`` and ``adasum``. Without jobs: replicas 1, 8 and 16 with seeds 1 to
3, and the other rules with 8 and 16. Each figure is added to results/replicas-NAME.json, NAME being that of the text,
beside those that are there. Figures are deterministic but for the seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from quality import evaluate

import lexigrad
from lexigrad.files.atomic import atomic_write
from lexigrad.training.monitor import Monitor
from lexigrad.training.replicas.calls import merge_range, moments
from lexigrad.training.replicas.changes import Changes, Pair
from lexigrad.training.replicas.run import train_replicas

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "results"
SCORES = "EN-WS-353-ALL", "EN-SIMLEX-999", "analogies"
JOBS = [f"spectral:{replicas}:{seed}" for replicas in (1, 8, 16) for seed in (1, 2, 3)]
JOBS += [f"{rule}:{replicas}:{seed}" for rule in ("average", "adasum") for replicas in (8, 16) for seed in (1, 2, 3)]


def merged_by(combine: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    """A rule that merges the replicas' changes, (replicas, rows, dim), with zeros where one has none; unrounded."""

    def merge(first: int, base: Pair, _: Pair, __: Pair, weights: Pair | None, *changes: Pair) -> tuple[Any, ...]:
        merged = [_merged(first, base[i], [change[i] for change in changes], combine) for i in range(2)]
        new, changed = Pair(merged[0][0], merged[1][0]), Pair(merged[0][1], merged[1][1])
        return (new, changed) if weights is None else (new, changed, Pair(*map(moments, new, weights)))

    return merge


def _merged(first: int, base: np.ndarray, changes: list[Changes], combine: Any) -> tuple[np.ndarray, Changes]:
    """The new rows of one table, and the changes that lead there."""
    whole = np.zeros((len(changes), *base.shape), np.float32)
    for number, change in enumerate(changes):
        whole[number, change.rows - first] = change.scales[:, None] * change.codes
    total = combine(whole)
    rows = np.unique(np.concatenate([change.rows for change in changes])) - first
    scales = np.abs(total[rows]).max(axis=1) / np.float32(127)
    codes = np.rint(total[rows] / np.maximum(scales, 1e-30)[:, None]).astype(np.int8)
    new = base.copy()
    new[rows] += scales[:, None] * codes
    return new, Changes((rows + first).astype(np.int32), scales.astype(np.float32), codes)


def average(changes: np.ndarray) -> np.ndarray:
    """The mean of the changes over all replicas; of the tables, this is usually called model averaging."""
    mean: np.ndarray = changes.sum(axis=0) / np.float32(len(changes))
    return mean


def adasum(changes: np.ndarray) -> np.ndarray:
    """Merge row by row along a tree, (1 − a·b / 2|a|²) a + (1 − a·b / 2|b|²) b for two (Maleki et al. 2021)."""
    level = list(changes)
    while len(level) > 1:
        pairs = list(zip(level[::2], level[1::2], strict=False))
        level = [_adasum(a, b) for a, b in pairs] + level[2 * len(pairs) :]
    total: np.ndarray = level[0]
    return total


def _adasum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    dots = np.einsum("ij,ij->i", a, b)
    squares = (np.maximum(np.einsum("ij,ij->i", one, one), 1e-30) for one in (a, b))
    shares = [(1 - dots / (2 * square))[:, None].astype(np.float32) for square in squares]
    both: np.ndarray = shares[0] * a + shares[1] * b
    return both


RULES = {"spectral": merge_range, "average": merged_by(average), "adasum": merged_by(adasum)}


def figures(corpus: lexigrad.Corpus, folder: Path, job: str) -> dict[str, Any]:
    """Train and measure one job."""
    rule, replicas, seed = job.split(":")
    config = lexigrad.TrainConfig(replicas=int(replicas), seed=int(seed))
    began = time.perf_counter()
    if config.replicas == 1:
        model = lexigrad.train(corpus, config)
    else:
        model = train_replicas(corpus, config, Monitor(corpus, config), merge=RULES[rule])
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "vectors.safetensors"
        lexigrad.save_vectors(path, model.vectors)
        scores = evaluate(path, folder)
    found = {name: round(scores[name], 2) for name in SCORES}
    mean = round(sum(found.values()) / len(found), 2)
    return {**found, "mean": mean, "loss": model.history[-1]["loss"], "seconds": round(seconds, 1)}


def main(text: Path, folder: Path, jobs: list[str]) -> None:
    """Train and measure the jobs that were asked for."""
    with lexigrad.read_corpus(text) as corpus:
        for job in jobs or JOBS:
            found = figures(corpus, folder, job)
            print(job, found, flush=True)
            path = RESULTS / f"replicas-{text.stem}.json"
            known = json.loads(path.read_text()) if path.exists() else {}
            with atomic_write(path) as file:
                file.write(json.dumps(dict(sorted({**known, job: found}.items())), indent=1).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
