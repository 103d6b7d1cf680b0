"""Small jobs of each kind that an engine carries out, and the engines that are compared by them."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import lexigrad
from lexigrad.corpus.shards import count_words, write_window_counts
from lexigrad.engines.threads import ThreadEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from lexigrad.engines.interface import Engine

    Way = Callable[[], AbstractContextManager[Engine | None]]

__all__ = ["CONFIGS", "SimulatedEngine", "digest_of", "first_words", "module_of_tests", "ways"]

COUNTING: Final = "counting"
CONFIGS: Final = {
    COUNTING: lexigrad.TrainConfig(max_vocabulary=8_000),
    "exact, negative sampling": lexigrad.TrainConfig(
        solver="exact", loss="negative_sampling", dim=20, head=1_000, max_vocabulary=3_000
    ),
    "exact, naive softmax": lexigrad.TrainConfig(
        solver="exact", loss="naive_softmax", dim=20, head=1_000, max_vocabulary=3_000
    ),
    "SGD, 4 replicas": lexigrad.TrainConfig(replicas=4, dim=20, epochs=10, max_vocabulary=8_000),
}
"""The jobs; SGD has words that are not among those merged often, and the exact solver words beyond its head."""

SHARD_BYTES: Final = 1 << 18
NODES: Final = 2
CORES: Final = 2
DEATHS: Final = 0.1


def module_of_tests(name: str) -> Any:
    """A module of the tests' folder, such as ``ray_nodes``, which starts several Ray nodes on this machine."""
    folder = str(Path(__file__).parent.parent / "tests")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


SimulatedEngine: Final[Any] = module_of_tests("engine_simulator").SimulatedEngine


def first_words(text: Path, words: int, target: Path) -> int:
    """Write the first lines of a text, until they have ``words`` words; returns the number that they have."""
    taken = 0
    with text.open("rb") as source, target.open("wb") as sink:
        for line in source:
            sink.write(line)
            taken += len(line.split())
            if taken >= words:
                break
    return taken


def digest_of(job: str, text: Path, engine: Engine | None) -> str:
    """Do a job, by an engine or without one, and hash the file that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        _carry_out(job, text, output, engine)
        return hashlib.sha256(output.read_bytes()).hexdigest()


def _carry_out(job: str, text: Path, output: Path, engine: Engine | None) -> None:
    config = CONFIGS[job]
    if job == COUNTING and engine is not None:
        found = count_words(str(text), config, engine=engine, shard_bytes=SHARD_BYTES)
        how: dict[str, Any] = {"engine": engine, "words": found, "shard_bytes": SHARD_BYTES}
        write_window_counts(str(text), output, config, **how)
        return
    with lexigrad.read_corpus(text, config) as corpus:
        if job == COUNTING:
            lexigrad.count_windows(corpus, config).save(output)
        else:
            lexigrad.train(corpus, config, engine=engine).save(output)


def ways(seeds: int) -> Iterator[tuple[str, Way]]:
    """Each way to carry out the jobs, by name: no engine, threads, simulations, Ray on this machine, two Ray nodes."""
    yield "without an engine", nullcontext
    for workers in (1, 2, 3):
        yield f"threads, {workers} worker{'s' * (workers > 1)}", partial(ThreadEngine, workers)
    for seed in range(seeds):
        yield f"simulator, seed {seed}", partial(SimulatedEngine, 1 + seed % 5, seed=seed, deaths=DEATHS)
    for workers in (1, 2, 3, 4):
        yield f"Ray, {workers} worker{'s' * (workers > 1)}", partial(_ray, workers)
    yield f"Ray, {NODES} nodes with {CORES} workers each", _ray_nodes


def _ray(workers: int) -> AbstractContextManager[Engine]:
    """A Ray of its own with ``workers`` workers, even if this machine has fewer cores."""
    from lexigrad.engines.ray.engine import RayEngine

    return RayEngine("local", workers)


@contextmanager
def _ray_nodes() -> Iterator[Engine]:
    from lexigrad.engines.ray.engine import RayEngine

    nodes = module_of_tests("ray_nodes").nodes
    with nodes(NODES, CORES) as started, RayEngine(started.address, NODES * CORES) as engine:
        parents = engine.get([engine.call(os.getppid, on=number) for number in range(engine.workers)])
        assert len(set(parents)) == NODES, "not all nodes have workers"
        yield engine
