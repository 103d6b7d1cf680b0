"""Phrases of a text: are they those of gensim, and how long do they take?

    python benchmarks/phrases.py TEXT [--alone LARGE_TEXT] [--rounds 2] [--output benchmarks/results/phrases.json]
    python benchmarks/phrases.py TEXT --compare [--output benchmarks/results/phrases-equality.json]

Without --compare both find and join the phrases of TEXT, in one pass and in two, and are timed. gensim has the
sentences in memory as lists of tokens; lexigrad's seconds hold reading the file and making the vocabulary, as
`read_corpus` does it, too. LARGE_TEXT is read by lexigrad alone. Each measurement has a process of its own, and so its
own peak of memory; kernels are compiled before.

With --compare every phrase, score and joined sentence is compared, by both scores, with and without connector words.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad import TrainConfig, read_corpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Sentences = list[list[str]]
SETTINGS: list[dict[str, Any]] = [
    {"phrase_scoring": scoring, "connector_words": connectors}
    for scoring in ("mikolov", "npmi")
    for connectors in (None, "english")
]


def read(path: str, **options: Any) -> dict[str, Any]:
    """Read a text with phrases, or without; the second time is measured, when all is compiled and in memory."""
    config = TrainConfig(**options)
    with read_corpus(["a of b", "a b"], TrainConfig(**(options | {"min_count": 1}))):
        pass
    started = time.perf_counter()
    with read_corpus(Path(path), config) as corpus:
        seconds = time.perf_counter() - started
        found = 0 if corpus.phrases is None else len(corpus.phrases)
        joined, tokens = corpus.report.joined, corpus.report.tokens
    return {"seconds": seconds, "peak_mb": peak_mb(), "phrases": found, "joined": joined, "tokens": tokens}


def gensim_seconds(path: str, passes: int, options: dict[str, Any]) -> dict[str, Any]:
    """The time and memory that gensim takes, and the number of entries that it counts in each pass."""
    sentences = split(path)
    started = time.perf_counter()
    learnt = joined_by_gensim(sentences, passes, TrainConfig(**options))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mb": peak_mb(), "entries": [len(phrases.vocab) for phrases, _ in learnt]}


def joined_by_gensim(sentences: Sentences, passes: int, config: TrainConfig) -> list[tuple[Any, Sentences]]:
    """Each pass of gensim: its phrases, and the sentences that it made."""
    from gensim.models.phrases import Phrases

    learnt = []
    for _ in range(passes):
        phrases = Phrases(
            sentences,
            min_count=config.phrase_min_count,
            threshold=config.threshold_of_phrases,
            scoring={"mikolov": "default"}.get(config.phrase_scoring, config.phrase_scoring),
            connector_words=config.connectors,
        )
        sentences = [phrases[sentence] for sentence in sentences]
        learnt.append((phrases, sentences))
    return learnt


def scored_by_gensim(phrases: Any, sentences: Sentences) -> Iterator[tuple[tuple[str, ...], float]]:
    """Each candidate of the sentences that is a phrase, and its score."""
    for sentence in sentences:
        places = [place for place, word in enumerate(sentence) if word not in phrases.connector_words]
        for begin, end in pairwise(places):
            parts = sentence[begin : end + 1]
            _, score = phrases.score_candidate(parts[0], parts[-1], parts[1:-1])
            if score is not None:
                yield tuple(parts), score


def compared(path: str, passes: int, options: dict[str, Any]) -> dict[str, Any]:
    """How phrases, scores and joined sentences differ; raises if any does."""
    sentences = split(path)
    learnt = joined_by_gensim(sentences, passes, TrainConfig(**options))
    with read_corpus(Path(path), TrainConfig(phrases=passes, min_count=1, **options)) as corpus:
        assert corpus.phrases is not None
        largest, number = 0.0, 0
        for found, (phrases, joined) in zip(corpus.phrases.passes, learnt, strict=True):
            expected = dict(scored_by_gensim(phrases, sentences))
            scores = {phrase.parts: phrase.score for phrase in found}
            assert scores.keys() == expected.keys(), "other phrases"
            number += len(scores)
            largest = max(largest, *(abs(scores[parts] / expected[parts] - 1) for parts in scores))
            sentences = joined
        words = [*corpus.vocabulary.words, "\n"]
        text = "".join(f"{words[word_id]} " for word_id in corpus.ids.tolist())
        assert text == "".join(f"{' '.join(sentence)} \n " for sentence in sentences if sentence), "other sentences"
    return {"phrases": number, "largest_relative_difference_of_scores": largest, "sentences": "the same"}


def split(path: str) -> Sentences:
    """The tokens of each line."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.split() for line in file]


def peak_mb() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def alone(work: Callable[..., dict[str, Any]], *arguments: Any, **options: Any) -> dict[str, Any]:
    """The result of a function that runs in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **options).result()


def best(rounds: int, path: str, **options: Any) -> dict[str, Any]:
    """The fastest of several processes that read a text."""
    return min((alone(read, path, **options) for _ in range(rounds)), key=lambda found: found["seconds"])


def measure(path: str, rounds: int, *, with_gensim: bool) -> dict[str, Any]:
    """The times of one text."""
    result: dict[str, Any] = {"text": os.path.basename(path), "bytes": os.path.getsize(path), "rounds": rounds}
    result["without_phrases"] = best(rounds, path)
    runs = []
    for connectors in (None, "english"):
        for passes in (1, 2):
            run: dict[str, Any] = {"connector_words": connectors, "passes": passes}
            run["lexigrad"] = best(rounds, path, phrases=passes, connector_words=connectors)
            if with_gensim:
                run["gensim"] = alone(gensim_seconds, path, passes, {"connector_words": connectors})
                run["times_gensim"] = round(run["gensim"]["seconds"] / run["lexigrad"]["seconds"], 1)
            runs.append(run)
    result["one_thread"] = best(rounds, path, phrases=1, threads=1)
    return {**result, "runs": runs}


def compare(path: str) -> dict[str, Any]:
    """Compare the phrases of both under all settings."""
    runs = [{**options, "passes": 2, **alone(compared, path, 2, options)} for options in SETTINGS]
    return {"text": os.path.basename(path), "runs": runs}


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


def rounded(value: Any) -> Any:
    """The value with its seconds rounded to the millisecond."""
    if isinstance(value, dict):
        return {name: round(entry, 3) if name == "seconds" else rounded(entry) for name, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, list) else value


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--alone", metavar="LARGE_TEXT")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.compare:
        texts = [compare(options.text)]
    else:
        texts = [measure(options.text, options.rounds, with_gensim=True)]
        if options.alone is not None:
            texts.append(measure(options.alone, options.rounds, with_gensim=False))
    name = "phrases-equality.json" if options.compare else "phrases.json"
    results = rounded({"machine": machine(), "texts": texts})
    (options.output or Path(__file__).parent / "results" / name).write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
