"""Trains on the treebank's sentences with several seeds, and measures sentiment and the stability of neighbors.

    python benchmarks/treebank_seeds.py TREES --output benchmarks/results/treebank_seeds.json

TREES is the folder with the labelled trees. The options are those of the figures in docs/guides/evaluate.md and
docs/decisions/shared-negatives.md: skip-gram, 50 numbers a word, a window of 5, 5 negatives,
30 epochs, one thread, all in lower case, words that occur 5 times or more. The spread over seeds says how much of a
difference between two means of three trainings is chance.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import lexigrad
from lexigrad import StanfordSentiment, TrainConfig, classify_sentiment
from lexigrad.evaluation.stability import stability
from lexigrad.files.atomic import atomic_write

CONFIG = TrainConfig(dim=50, window=5, negatives=5, epochs=30, min_count=5, lowercase=True, threads=1)


def main() -> None:
    """Train, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    treebank = StanfordSentiment(options.trees)
    models = lexigrad.train_seeds(treebank.sentences(), CONFIG, seeds=options.seeds)
    found = [classify_sentiment(model.vectors, treebank, name="own", mistakes=0) for model in models]
    accuracies = np.array([[100 * max(result.dev_accuracy), 100 * result.test_accuracy] for result in found])
    overlaps = stability(models)
    results = {
        "config": CONFIG.to_dict(),
        "dev_and_test": accuracies.round(2).tolist(),
        "means": accuracies.mean(axis=0).round(2).tolist(),
        "deviations": accuracies.std(axis=0, ddof=1).round(2).tolist(),
        "overlaps": [[band.least, band.words, round(100 * band.overlap, 2)] for band in overlaps.by_count()],
        "overlap": round(100 * overlaps.mean, 2),
    }
    text = json.dumps(results, indent=1) + "\n"
    print(text, end="")
    if options.output is not None:
        with atomic_write(options.output) as file:
            file.write(text.encode())


if __name__ == "__main__":
    main()
