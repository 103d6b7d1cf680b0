"""How fast text becomes a vocabulary and word ids: ``read_corpus`` against Python's ``Counter`` and a dict.

    python benchmarks/reading.py TEXT [--rounds 5] [--output benchmarks/results/reading.json]

Both read the same file from the start, count it, keep the words seen five times, and end with an array of ids. They
take turns, after one round that is not counted (it compiles, and brings the file into memory); the best round of each
counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad import TrainConfig, read_corpus

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_COUNT = 5


def read_with_python(path: str) -> int:
    """Count and encode in the plainest way; returns the number of words kept."""
    counts: Counter[str] = Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            counts.update(line.split())
    word_ids = {word: word_id for word_id, (word, count) in enumerate(counts.most_common()) if count >= MIN_COUNT}
    with open(path, encoding="utf-8") as file:
        sentences = [
            np.array([word_ids[word] for word in line.split() if word in word_ids], dtype=np.int32) for line in file
        ]
    return int(np.concatenate(sentences).size)


def read_with_lexigrad(path: str, threads: int) -> int:
    """Count and encode by ``read_corpus``; returns the number of words kept."""
    with read_corpus(Path(path), TrainConfig(min_count=MIN_COUNT, threads=threads)) as corpus:
        return corpus.words


def measure(path: str, rounds: int, threads: list[int]) -> dict[str, Any]:
    """The best seconds of each reader, which take turns."""
    readers: dict[str, Callable[[], int]] = {"python": lambda: read_with_python(path)}
    for number in threads:
        readers[f"lexigrad_{number}"] = lambda number=number: read_with_lexigrad(path, number)  # type: ignore[misc]
    words = {name: read() for name, read in readers.items()}
    assert len(set(words.values())) == 1, f"the readers disagree: {words}"
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            started = time.perf_counter()
            read()
            seconds[name].append(time.perf_counter() - started)
    with read_corpus(Path(path), TrainConfig(min_count=MIN_COUNT)) as corpus:
        tokens = corpus.report.tokens
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "text": os.path.basename(path),
        "bytes": os.path.getsize(path),
        "tokens": tokens,
        "rounds": rounds,
        "seconds": {name: [round(value, 4) for value in times] for name, times in seconds.items()},
        "million_tokens_per_second": {name: round(tokens / value / 1e6, 2) for name, value in best.items()},
        "times_python": {name: round(best["python"] / value, 2) for name, value in best.items()},
    }


def machine() -> dict[str, Any]:
    """The machine and the versions that the figures belong to."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "reading.json")
    options = parser.parse_args()
    results = {"machine": machine(), "runs": [measure(text, options.rounds, options.threads) for text in options.texts]}
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
