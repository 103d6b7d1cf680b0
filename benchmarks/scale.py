"""The costs and gains of an engine, with the figures of the cost model beside them.

    python benchmarks/scale.py TEXT --job hashes      the same bytes on every engine; exit status 1 if not
    python benchmarks/scale.py TEXT --job bytes       bytes between machines, counted, against the model
    python benchmarks/scale.py TEXT --job overhead    Ray with one worker against one process
    python benchmarks/scale.py --job tables           the figures as Markdown, and the picture of the replicas' quality

Each job writes `benchmarks/results/scale-JOB.json`. Overhead takes turns with both ways and counts the best of the
rounds; that of a pass of the exact solver is measured by exact_ray.py, the quality by replicas.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metered import MeteredEngine
from scale_jobs import CONFIGS, COUNTING, SimulatedEngine, digest_of, first_words, ways
from scale_tables import write_tables
from train_vs_gensim import RESULTS, machine

import lexigrad
from lexigrad.corpus.shards import count_words, write_window_counts
from lexigrad.engines.ray.engine import RayEngine
from lexigrad.engines.threads import ThreadEngine
from lexigrad.training.planning.job import Cluster, Job, Rates
from lexigrad.training.planning.rates import measured_rates
from lexigrad.training.planning.steps import (
    counting_step,
    negative_sampling_step,
    sgd_step,
    softmax_step,
    vocabulary_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.engines.interface import Engine

    Report = dict[str, Any]

SEEDS: Final = 20
MACHINES: Final = 4
HEAD: Final = 5_000
VOCABULARY: Final = 20_000
STEPS: Final = {
    COUNTING: (vocabulary_step, counting_step),
    "exact, negative sampling": (negative_sampling_step,),
    "exact, naive softmax": (softmax_step,),
    "SGD, 4 replicas": (sgd_step,),
}
ANY_RATES: Final = Rates(*[1e9] * 6)
"""No speed changes how many bytes the model expects."""


def hashes(text: Path, options: argparse.Namespace) -> Report:
    """Do each small job in every way; all ways must come out with the same SHA-256."""
    jobs: dict[str, Any] = {name: {"sha256": None, "ways": [], "others": {}} for name in CONFIGS}
    for way, opened in ways(SEEDS):
        begun = time.perf_counter()
        with opened() as engine:
            for name, found in jobs.items():
                digest = digest_of(name, text, engine)
                found["sha256"] = found["sha256"] or digest
                if digest == found["sha256"]:
                    found["ways"].append(way)
                else:
                    found["others"][way] = digest
            note = f", {engine.died} of {engine.calls} calls died" if isinstance(engine, SimulatedEngine) else ""
        print(f"{way}: {time.perf_counter() - begun:.1f} s{note}", flush=True)
    same = not any(found["others"] for found in jobs.values())
    return {"all_the_same": same, "ways": len(jobs[COUNTING]["ways"]), "deaths": "a tenth of the calls", "jobs": jobs}


def sent_bytes(text: Path, options: argparse.Namespace) -> Report:
    """Bytes between machines of one worker each, and the model's figures beside them."""
    configs = {
        name: replace(
            config, dim=100, max_vocabulary=VOCABULARY, head=HEAD if config.solver == "exact" else config.head
        )
        for name, config in CONFIGS.items()
    }
    rows = []
    for name, config in configs.items():
        begun = time.perf_counter()
        with MeteredEngine(MACHINES) as engine, tempfile.TemporaryDirectory() as folder:
            words, vocabulary = _metered(name, text, Path(folder) / "counts.npz", config, engine)
            cluster = Cluster(MACHINES, 1)
            job = Job(words, vocabulary, config, replicas=config.replicas)
            steps = [step(job, cluster, ANY_RATES) for step in STEPS[name]]
            sent = engine.sent_bytes - (_shares_bytes(words) if config.solver == "sgd" and name != COUNTING else 0)
            row = {"job": name, "vocabulary": vocabulary, "calls": engine.calls, "sent_bytes": sent}
            row["model_bytes"] = round(sum(step.wire_bytes for step in steps))
        rows.append({**row, "seconds": round(time.perf_counter() - begun, 1)})
        print(json.dumps(rows[-1]), flush=True)
    return {"machines": MACHINES, "head": HEAD, "dim": 100, "rows": rows}


def _metered(
    name: str, text: Path, output: Path, config: lexigrad.TrainConfig, engine: MeteredEngine
) -> tuple[int, int]:
    """Do a job; returns the words of the text and of its vocabulary."""
    if name == COUNTING:
        found = _count(text, output, config, engine)
        return found.report.tokens, len(found.vocabulary)
    with lexigrad.read_corpus(text, config) as corpus:
        lexigrad.train(corpus, config, engine=engine)
        return corpus.words, len(corpus.vocabulary)


def _shares_bytes(words: int) -> int:
    """The bytes of the replicas' text, as ids, which the model leaves out; the first share stays where it is."""
    return 4 * words * (MACHINES - 1) // MACHINES


def _count(text: Path, output: Path, config: lexigrad.TrainConfig, engine: Engine | None) -> Any:
    """Count words and windows, by one thread if there is no engine."""
    with nullcontext(engine) if engine is not None else ThreadEngine(1) as used:
        found = count_words(str(text), config, engine=used)
        write_window_counts(str(text), output, config, engine=used, words=found)
    return found


def overhead(text: Path, options: argparse.Namespace) -> Report:
    """Ray with one worker against one process, for counting and for SGD, with the model's seconds."""
    config = lexigrad.TrainConfig(max_vocabulary=VOCABULARY)
    report: Report = {"rounds": options.rounds, "epochs": options.epochs}
    with tempfile.TemporaryDirectory() as folder, lexigrad.read_corpus(options.text) as corpus:
        output = Path(folder) / "counts.npz"
        words, vocabulary = corpus.words, len(corpus.vocabulary)
        sgd = lexigrad.TrainConfig(epochs=options.epochs)
        warm = replace(sgd, epochs=1)
        with lexigrad.read_corpus(text, warm) as short:
            small = short.words

            def counting_(engine: Engine | None) -> None:
                _count(text, output, config, engine)

            def training_(engine: Engine | None) -> None:
                lexigrad.train(corpus, sgd, engine=engine)

            def warming(engine: Engine | None) -> None:
                lexigrad.train(short, warm, engine=engine)

            jobs = {"counting": (counting_, counting_, 1), "SGD, 1 replica": (warming, training_, None)}
            report["jobs"] = {name: _compared(*work, options.rounds) for name, work in jobs.items()}
    counting, training = report["jobs"]["counting"], report["jobs"]["SGD, 1 replica"]
    one, all_cores = (measured_rates(config, VOCABULARY, threads) for threads in (1, None))
    job, alone = Job(small, VOCABULARY, config), Cluster(1, 1)
    steps = vocabulary_step(job, alone, one), counting_step(job, alone, one)
    counting |= {"words": small, "cores": 1, "model_seconds": sum(step.seconds for step in steps)}
    cores = len(os.sched_getaffinity(0))
    step = sgd_step(Job(words, vocabulary, sgd, replicas=1), Cluster(1, cores), all_cores)
    # The model's step reads the text, which both ways have read before.
    training |= {"words": words, "cores": cores, "model_seconds": step.seconds - words / cores / all_cores.reading}
    rates = {"negative_sampling": one.negative_sampling, "naive_softmax": one.naive_softmax}
    return report | {"rates_of_a_pass": rates, "rates_of_one_core": repr(one), "rates_of_all": repr(all_cores)}


def _compared(
    warm: Callable[[Engine | None], Any], work: Callable[[Engine | None], Any], threads: int | None, rounds: int
) -> dict[str, Any]:
    """Seconds of both ways in turn, the best of each, and Ray's share besides; its worker has ``threads`` cores."""
    seconds: dict[str, list[float]] = {"one process": [], "Ray, one worker": []}
    with RayEngine("local", 1, threads=threads) as ray:
        engines: dict[str, Engine | None] = {"one process": None, "Ray, one worker": ray}
        for engine in engines.values():
            warm(engine)
        for _ in range(rounds):
            for name, engine in engines.items():
                begun = time.perf_counter()
                work(engine)
                seconds[name].append(time.perf_counter() - begun)
                print(name, seconds[name][-1], flush=True)
    best = {name: min(times) for name, times in seconds.items()}
    return {"seconds": seconds, "best": best, "overhead": best["Ray, one worker"] / best["one process"] - 1}


JOBS: Final = {"hashes": (hashes, 250_000), "bytes": (sent_bytes, 2_000_000), "overhead": (overhead, 4_000_000)}
"""Each job, and how many words of the text its small runs take."""


def main() -> int:
    """Do one job and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="?")
    parser.add_argument("--job", choices=[*JOBS, "tables"], required=True)
    parser.add_argument("--words", type=int, help="of the text's beginning, for what runs on a part of it")
    parser.add_argument("--epochs", type=int, default=5, help="of SGD, for its overhead")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    if options.job == "tables":
        write_tables(options.results)
        return 0
    if options.text is None:
        parser.error("give a TEXT")
    work, most = JOBS[options.job]
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        words = first_words(options.text, options.words or most, text)
        report = {"text": options.text.name, "beginning": words, "machine": machine(), **work(text, options)}
    target = options.results / f"scale-{options.job}.json"
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if report.get("all_the_same", True) else 1


if __name__ == "__main__":
    sys.exit(main())
