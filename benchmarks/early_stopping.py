"""Shows early stopping: `python benchmarks/early_stopping.py TREES`.

TREES is the folder with the Stanford Sentiment Treebank's trees. Skip-gram and CBOW are trained on the sentences of its
training set with the default options for 200 epochs, and measured on those of its dev set after each; then once more
with early stopping. The losses are drawn to docs/pictures/early-stopping.svg and the figures written to
results/early-stopping.json. Everything is deterministic.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pictures import save

import lexigrad
from lexigrad.evaluation.treebank import StanfordSentiment
from lexigrad.files.atomic import atomic_write
from lexigrad.training.records import kept_record
from lexigrad.view.plots import plot_losses

RESULTS = Path(__file__).parent / "results" / "early-stopping.json"
EPOCHS, PATIENCE = 200, 5


def figures(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The results of a run, and its best epoch."""
    losses = {record["epoch"]: record["validation"]["negative_sampling"] for record in history}
    best = min(losses, key=lambda epoch: losses[epoch])
    return {
        "epochs": len(history),
        "best_epoch": best,
        "best_held_out_loss": losses[best],
        "first_held_out_loss": losses[1],
        "last_held_out_loss": losses[len(history)],
        "kept_epoch": kept_record(history)["epoch"],
        "last_training_loss": history[-1]["loss"],
    }


def main(trees: str) -> None:
    """Train with and without early stopping, compare, draw, write."""
    treebank = StanfordSentiment(trees)
    text, held_out = ([[w.lower() for w in words] for words in treebank.sentences(name)] for name in ("train", "dev"))
    histories: dict[str, list[dict[str, Any]]] = {}
    found: dict[str, Any] = {"epochs": EPOCHS, "early_stop": PATIENCE}
    for model in ("skipgram", "cbow"):
        for name, patience in ((model, None), (f"{model}, early stopping", PATIENCE)):
            config = lexigrad.TrainConfig(model=model, epochs=EPOCHS, deterministic=True, early_stop=patience)
            histories[name] = lexigrad.train(text, config, validation=held_out).history
            found[name] = figures(histories[name])
            print(name, found[name])
    save(plot_losses(histories), "early-stopping")
    with atomic_write(RESULTS) as file:
        file.write(json.dumps(found, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
