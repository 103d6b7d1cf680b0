"""Times evaluation by analogies and by similarity against gensim's on the same vectors, and compares the findings.

    python benchmarks/evaluation_vs_gensim.py VECTORS EVAL_FOLDER --output benchmarks/results/evaluation_vs_gensim.json

EVAL_FOLDER holds questions-words.txt and EN-*.txt. Both programs have the vectors in memory already, search all words,
and use as many threads as NumPy takes. Our time for analogies holds the 95 % intervals, which gensim does not compute;
that for similarity is given without and with them, and for the first evaluation of given vectors: the words in upper
case stay with the vectors, while gensim upper-cases all words at each call. Every question must have the same outcome,
and the correlations must agree within 1e-6; the script fails where they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from gensim.models import KeyedVectors as GensimVectors

import lexigrad
from lexigrad.evaluation.evaluate import evaluate_analogies, evaluate_similarity
from lexigrad.files.atomic import atomic_write

if TYPE_CHECKING:
    from lexigrad.evaluation.scores import AnalogyResult, SimilarityResult

ROUNDS = 3


def main() -> None:
    """Measure, check, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    ours = lexigrad.load_vectors(options.vectors)
    theirs = GensimVectors(ours.dim)
    theirs.add_vectors(ours.words, np.array(ours.matrix))
    results = {
        "vectors": {"words": len(ours), "dim": ours.dim},
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in ("numpy", "gensim")},
        "analogies": compare_analogies(ours, theirs, options.folder / "questions-words.txt"),
        "similarity": [compare_similarity(ours, theirs, path) for path in sorted(options.folder.glob("EN-*.txt"))],
    }
    text = json.dumps(results, indent=1) + "\n"
    print(text, end="")
    if options.output is not None:
        with atomic_write(options.output) as file:
            file.write(text.encode())


def compare_analogies(ours: lexigrad.KeyedVectors, theirs: GensimVectors, path: Path) -> dict[str, Any]:
    """Both programs' seconds; ours the best of some rounds, gensim's of one, which takes minutes."""
    seconds, found = best_of(lambda: evaluate_analogies(ours, path, restrict=None))
    began = perf_counter()
    _, sections = theirs.evaluate_word_analogies(str(path), restrict_vocab=len(ours))
    their_seconds = perf_counter() - began
    assert outcomes(found) == [
        sorted([(q, 1) for q in s["correct"]] + [(q, 0) for q in s["incorrect"]]) for s in sections[:-1]
    ]
    return {
        "asked": found.total.asked,
        "answered": found.total.answered,
        "right": found.total.right,
        "questions_with_another_outcome": 0,
        **times(seconds, their_seconds),
    }


def outcomes(found: AnalogyResult) -> list[list[tuple[tuple[str, ...], int]]]:
    """For each section the answered questions, as gensim writes them, with 1 for a right answer."""
    ends = (*found.asked.starts[1:], len(found.asked.questions))
    return [
        sorted(
            (tuple(word.upper() for word in found.asked.questions[number]), int(found.outcomes[number]))
            for number in range(start, end)
            if found.outcomes[number] >= 0
        )
        for start, end in zip(found.asked.starts, ends, strict=True)
    ]


def compare_similarity(ours: lexigrad.KeyedVectors, theirs: GensimVectors, path: Path) -> dict[str, Any]:
    """Both programs' seconds and correlations."""
    fresh = iter([lexigrad.KeyedVectors(ours.words, ours.matrix) for _ in range(ROUNDS)])
    first_seconds, _ = best_of(lambda: correlations(evaluate_similarity(next(fresh), path, restrict=None)))
    seconds, _ = best_of(lambda: correlations(evaluate_similarity(ours, path, restrict=None)))
    seconds_with_intervals, found = best_of(lambda: with_intervals(evaluate_similarity(ours, path, restrict=None)))
    their_seconds, (pearson, spearman, _) = best_of(
        lambda: theirs.evaluate_word_pairs(str(path), restrict_vocab=len(ours))
    )
    difference = max(abs(found.pearson - pearson[0]), abs(found.spearman - spearman[0]))
    assert difference < 1e-6
    return {
        "set": path.name,
        "spearman": found.spearman,
        "pearson": found.pearson,
        "largest_difference": float(difference),
        "seconds_with_intervals": seconds_with_intervals,
        "first_seconds": first_seconds,
        "times_faster_at_first": their_seconds / first_seconds,
        **times(seconds, their_seconds),
    }


def correlations(found: SimilarityResult) -> tuple[float, float]:
    """The two correlations that gensim computes too."""
    return found.pearson, found.spearman


def with_intervals(found: SimilarityResult) -> SimilarityResult:
    """The result, after its intervals have been computed."""
    found.to_dict()
    return found


def best_of(run: Any) -> tuple[float, Any]:
    """The fewest seconds of some rounds, and the result of the last of them."""
    seconds = []
    for _ in range(ROUNDS):
        began = perf_counter()
        found = run()
        seconds.append(perf_counter() - began)
    return min(seconds), found


def times(seconds: float, gensim_seconds: float) -> dict[str, float]:
    """Both times and their ratio."""
    return {"seconds": seconds, "gensim_seconds": gensim_seconds, "times_faster": gensim_seconds / seconds}


if __name__ == "__main__":
    main()
