"""CBOW's two updates at several learning rates: quality on one text, the mean of some seeds.

    python benchmarks/cbow_updates.py TEXT --data EVAL_FOLDER

``gradient`` divides the step of a context word by the window's size, ``word2vec`` leaves the division out, as
word2vec.c and gensim do. The results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from quality import evaluate
from train_vs_gensim import RESULTS, machine

import lexigrad
from lexigrad import TrainConfig

RATES = {"gradient": (0.1, 0.15, 0.2), "word2vec": (0.035, 0.05, 0.075)}
SHOWN = ("EN-WS-353-ALL", "EN-SIMLEX-999", "analogies")


def main() -> None:
    """Train every combination, print a table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with EN-*.txt and questions-words.txt")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with lexigrad.read_corpus(options.text) as corpus:
        for update, rates in RATES.items():
            for rate in rates:
                config = TrainConfig.from_dict({"model": "cbow", "cbow_update": update, "learning_rate": rate})
                rows.append({"update": update, "learning_rate": rate, **quality(corpus, config, options)})
                print(
                    "  ".join([f"{update:9} {rate:5}", *(f"{name} {rows[-1][name]:.1f}" for name in SHOWN)]), flush=True
                )
    results = {"text": options.text.name, "seeds": options.seeds, "machine": machine(), "rows": rows}
    options.results.mkdir(parents=True, exist_ok=True)
    target = options.results / f"cbow_updates-{options.text.stem}.json"
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def quality(corpus: lexigrad.Corpus, config: TrainConfig, options: argparse.Namespace) -> dict[str, float]:
    """The mean of each score over the seeds."""
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, options.seeds + 1):
            path = Path(folder) / "vectors.safetensors"
            lexigrad.train(corpus, replace(config, seed=seed)).save(path)
            scores.append(evaluate(path, options.data))
    return {name: mean(score[name] for score in scores) for name in scores[0]}


if __name__ == "__main__":
    main()
