"""Exact training against SGD: both losses reached, quality with intervals, time; and how time grows.

    python benchmarks/exact.py quality TEXT --data EVAL_FOLDER [--words 20000] [--epochs 5 15 45]
    python benchmarks/exact.py growth TEXT... [--words 20000]
    python benchmarks/exact.py vocabulary TEXT --data EVAL_FOLDER [--words 5000 10000 20000 73561]

``quality`` trains every way on 99 % of the sentences with the same vocabulary and dimensions, and measures on all of
both parts. SGD's vectors know no bias, so under the softmax they get the one that suits them best. ``growth`` times the
exact solver and one epoch of SGD on texts of several lengths; a text that is named several times is repeated.
``vocabulary`` trains with the default head on more and more words. The results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train_vs_gensim import RESULTS, machine

import lexigrad
from lexigrad import TrainConfig
from lexigrad.corpus.split import split_corpus

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad import Corpus, WindowCounts, Word2Vec

SIMILARITY = ("EN-WS-353-ALL", "EN-SIMLEX-999", "EN-RG-65", "EN-MTurk-287")


def main() -> None:
    """Run the comparison that is asked for, print each row when it is there, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("quality", "growth", "vocabulary"))
    parser.add_argument("text", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, help="folder with EN-*.txt and questions-words.txt")
    parser.add_argument("--words", type=int, nargs="+", default=[20_000])
    parser.add_argument("--epochs", type=int, nargs="+", default=[5, 15, 45])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        print(json.dumps(row), flush=True)

    {"quality": quality, "growth": growth, "vocabulary": vocabulary}[options.what](options, add)
    results = {"text": [path.name for path in options.text], "machine": machine(), "rows": rows}
    options.results.mkdir(parents=True, exist_ok=True)
    target = options.results / f"exact-{options.what}.json"
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def quality(options: argparse.Namespace, add: Callable[[dict[str, Any]], None]) -> None:
    """Every way of training on the same sentences."""
    base = TrainConfig(max_vocabulary=options.words[0], threads=options.threads)
    with lexigrad.read_corpus(options.text, base) as whole:
        training, held_out = split_corpus(whole, 0.01)
        with training, held_out:
            began = time.perf_counter()
            counts = lexigrad.count_windows(training, base)
            counted = time.perf_counter() - began
            held_counts = lexigrad.count_windows(held_out, base)
            ways: dict[str, tuple[Corpus | WindowCounts, TrainConfig]] = {
                "svd": (counts, replace(base, solver="svd")),
                "exact negative sampling": (counts, replace(base, solver="exact")),
                "exact softmax": (counts, replace(base, solver="exact", loss="naive_softmax")),
                **{f"sgd, {epochs} epochs": (training, replace(base, epochs=epochs)) for epochs in options.epochs},
            }
            for name, (source, config) in ways.items():
                model, seconds = _timed(source, config)
                row = {"way": name, "seconds": seconds, "counting_seconds": counted if source is counts else 0.0}
                add(row | _losses(model, counts, held_counts) | _scores(model, options.data))


def growth(options: argparse.Namespace, add: Callable[[dict[str, Any]], None]) -> None:
    """Seconds of counting, of the exact solver, and of one epoch of SGD."""
    base = TrainConfig(max_vocabulary=options.words[0], threads=options.threads)
    for path in dict.fromkeys(options.text):
        copies = options.text.count(path)
        with lexigrad.read_corpus([path] * copies, base) as corpus:
            began = time.perf_counter()
            counts = lexigrad.count_windows(corpus, base)
            counting = time.perf_counter() - began
            row: dict[str, Any] = {"text": path.name, "copies": copies, "words": corpus.words, "counting": counting}
            row["entries"] = int(counts.outside.size)
            row["exact negative sampling"] = _timed(counts, replace(base, solver="exact"))[1]
            row["one epoch of sgd"] = _timed(corpus, replace(base, epochs=1))[1]
            add(row)


def vocabulary(options: argparse.Namespace, add: Callable[[dict[str, Any]], None]) -> None:
    """Exact training with the default head on vocabularies of several sizes."""
    for words in options.words:
        base = TrainConfig(max_vocabulary=words, threads=options.threads, solver="exact")
        with lexigrad.read_corpus(options.text, base) as corpus:
            began = time.perf_counter()
            counts = lexigrad.count_windows(corpus, base)
            counting = time.perf_counter() - began
            for loss in ("negative_sampling", "naive_softmax"):
                model, seconds = _timed(counts, TrainConfig.from_dict(base.to_dict() | {"loss": loss}))
                row = {"words": len(corpus.vocabulary), "loss": loss, "counting": counting, "seconds": seconds}
                add(row | _scores(model, options.data))


def _timed(source: Corpus | WindowCounts, config: TrainConfig) -> tuple[Word2Vec, float]:
    """A model, and the seconds of its training without compiling."""
    seconds: list[float] = []
    model = lexigrad.train(source, config, progress=lambda progress: seconds.append(progress.seconds))
    return model, seconds[-1]


def _losses(model: Word2Vec, counts: WindowCounts, held_out: WindowCounts) -> dict[str, Any]:
    """Both losses on the text trained on and on the text held out."""
    found: dict[str, Any] = {}
    biased = model if model.bias is not None and model.config.loss == "naive_softmax" else None
    biased = biased or replace(model, bias=lexigrad.best_bias(model, counts))
    for name, part in (("trained", counts), ("held out", held_out)):
        found[f"{name}, negative sampling"] = lexigrad.held_out_loss(model, part).negative_sampling
        found[f"{name}, perplexity"] = lexigrad.held_out_loss(biased, part).perplexity
    return found


def _scores(model: Word2Vec, data: Path | None) -> dict[str, Any]:
    """Similarity and analogies, each with its interval."""
    if data is None:
        return {}
    scores: dict[str, Any] = {}
    for name in SIMILARITY:
        result = lexigrad.evaluate_similarity(model.vectors, data / f"{name}.txt")
        scores[name] = {"spearman": result.spearman, "interval": list(result.spearman_interval)}
    total = lexigrad.evaluate_analogies(model.vectors, data / "questions-words.txt", restrict=30_000).total
    return scores | {"analogies": {"accuracy": total.accuracy, "interval": list(total.interval)}}


if __name__ == "__main__":
    main()
