"""Searches a grid in scikit-learn, and says how the machine was used: `python benchmarks/grid_search.py TREES`.

TREES is the folder with the Stanford Sentiment Treebank's trees. A pipeline of Word2VecVectorizer and classifier
is searched over ``dim`` and ``window`` by GridSearchCV: by one job whose trainings take all cores, by a worker process
a core, by a thread a core, and for comparison by worker processes each of which is told to take all cores. All find the
same. Linear algebra has one thread everywhere. Each search is a process of its own; while it runs, the threads of the
search and of its workers that compute or wait for a core are counted, from /proc (Linux only). One further search by
worker processes begins with nothing compiled. The figures go to results/grid_search.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from reading import machine

import lexigrad
from lexigrad.files.atomic import atomic_write

RESULTS = Path(__file__).parent / "results" / "grid_search.json"
SEARCHES: dict[str, dict[str, Any]] = {
    "one job": {"n_jobs": 1, "backend": "loky", "vectorizer": None},
    "a process a core": {"n_jobs": -1, "backend": "loky", "vectorizer": None},
    "a thread a core": {"n_jobs": -1, "backend": "threading", "vectorizer": None},
    "a process a core, all cores each": {"n_jobs": -1, "backend": "loky", "vectorizer": -1},
}
GRID = {"vectors__dim": [50, 100], "vectors__window": [3, 5, 10]}
FOLDS = 3
PAUSE_SECONDS = 0.01
ROUNDS = 2


def search(trees: str, options: dict[str, Any]) -> dict[str, Any]:
    """Search the grid, in this process."""
    from joblib import parallel_config
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from threadpoolctl import threadpool_limits

    from lexigrad.compat.sklearn import Word2VecVectorizer

    treebank = lexigrad.StanfordSentiment(trees)
    vectors = Word2VecVectorizer(epochs=10, min_count=2, lowercase=True, n_jobs=options["vectorizer"])
    pipeline = Pipeline([("vectors", vectors), ("classifier", LogisticRegression(C=10, max_iter=2_000))])
    grid = GridSearchCV(pipeline, GRID, cv=FOLDS, n_jobs=options["n_jobs"])
    started = time.perf_counter()
    # The classifier's products are so small that several threads take longer for them, many times so on a busy machine.
    with threadpool_limits(1, user_api="blas"), parallel_config(backend=options["backend"]):
        grid.fit(treebank.sentences("train"), treebank.labels("train"))
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "best": grid.best_params_,
        "cross_validated_accuracy": grid.best_score_,
        "dev_accuracy": grid.score(treebank.sentences("dev"), treebank.labels("dev")),
        "scores": grid.cv_results_["mean_test_score"].tolist(),
        "vectors": float(np.abs(grid.best_estimator_[0].vectors_.matrix).sum(dtype=np.float64)),
    }


def family(root: int) -> list[int]:
    """A process and all its descendants, by their ids."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def running_threads(root: int) -> tuple[int, float]:
    """The threads of the family that compute or wait for a core, and the seconds of all cores it has used so far."""
    running, ticks = 0, 0
    for pid in family(root):
        for task in Path(f"/proc/{pid}/task").glob("*"):
            try:
                fields = (task / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            running += fields[0] == "R"
        try:
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:13]))
        except OSError:
            continue
    return running, ticks / os.sysconf("SC_CLK_TCK")


def watched(trees: str, name: str, cache: str) -> dict[str, Any]:
    """A search in a process of its own, and how its threads used the machine from its first second on."""
    command = [sys.executable, __file__, trees, "--search", name]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    began = time.perf_counter()
    samples: list[int] = []
    cpu_seconds = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        while process.poll() is None:
            running, used = running_threads(process.pid)
            samples.append(running)
            cpu_seconds = max(cpu_seconds, used)
            time.sleep(PAUSE_SECONDS)
        assert process.stdout is not None
        output = process.stdout.read()
    wall = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"the search {name!r} failed")
    busy = np.array(samples)
    cores = len(os.sched_getaffinity(0))
    found: dict[str, Any] = json.loads(output)
    return found | {
        "process_seconds": wall,
        "cpu_seconds": cpu_seconds,
        "cpu_share": cpu_seconds / (wall * cores),
        "running_threads_mean": float(busy.mean()),
        "running_threads_95th_percentile": float(np.percentile(busy, 95)),
        "running_threads_most": int(busy.max()),
        "share_of_time_above_cores": float((busy > cores).mean()),
    }


def main() -> None:
    """Run the searches and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees")
    parser.add_argument("--search", choices=SEARCHES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.search:
        print(json.dumps(search(given.trees, SEARCHES[given.search])))
        return
    found: dict[str, Any] = {name: [] for name in SEARCHES}
    with tempfile.TemporaryDirectory() as cold, tempfile.TemporaryDirectory() as warm:
        found["a process a core, nothing compiled"] = [watched(given.trees, "a process a core", cold)]
        watched(given.trees, "one job", warm)  # compiles
        for _ in range(ROUNDS):
            for name in SEARCHES:
                found[name].append(watched(given.trees, name, warm))
                print(name, json.dumps(found[name][-1], indent=1), file=sys.stderr)
    outcomes = {
        json.dumps([run[key] for key in ("best", "scores", "vectors")]) for runs in found.values() for run in runs
    }
    report = {"machine": machine(), "grid": GRID, "folds": FOLDS, "all_equal": len(outcomes) == 1, "searches": found}
    with atomic_write(RESULTS) as file:
        file.write(json.dumps(report, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
