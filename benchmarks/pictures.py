"""Makes the pictures of the guides: `python benchmarks/pictures.py OFFICIAL TREES TEXT [VECTORS...]`.

OFFICIAL is the folder with the Stanford Sentiment Treebank's `datasetSentences.txt`, TREES the one with its labelled
trees, TEXT a text of some millions of words. The course experiment is run on the first; its cost and some of its words
are drawn. Sentences are classified by its vectors, and by those in the files VECTORS; the sweeps of all and the
confusion matrix of the best are drawn. The same words are drawn once more by vectors trained on TEXT with the default
options, with one thread, so that the picture is always the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

import lexigrad
from lexigrad.course import run_course
from lexigrad.files import atomic_write
from lexigrad.plots import plot_confusion, plot_l2_sweep, plot_learning_curve, plot_words
from lexigrad.sentiment import classify_sentiment
from lexigrad.treebank import StanfordSentiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WORDS = [
    *("great", "wonderful", "brilliant", "amazing", "enjoyable", "sweet", "funny"),
    *("boring", "bad", "dumb", "awful", "annoying", "dull"),
    *("king", "queen", "man", "woman", "male", "female", "actor"),
    *("rain", "snow", "coffee", "tea", "music"),
]


def save(figure: Figure, name: str) -> None:
    """Write a picture whose bytes depend on nothing but what it shows."""
    matplotlib.rcParams["svg.hashsalt"] = "lexigrad"
    path = PICTURES / f"{name}.svg"
    with atomic_write(path) as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
    print(f"wrote {path}, {path.stat().st_size:,} bytes")


def main(official: str, trees: str, text: str, *files: str) -> None:
    """Run, draw, write."""
    PICTURES.mkdir(exist_ok=True)
    course = run_course(official)
    print(f"iteration {course.config.iterations:,}: {course.costs[-1]:.6f}")
    save(plot_learning_curve(course.costs[4::5].tolist(), every=50), "course-costs")  # every fifth: a smaller file
    save(plot_words(course.vectors, WORDS), "course-words")
    named = {"course": course.vectors, **{Path(file).stem: lexigrad.load_vectors(file) for file in files}}
    treebank = StanfordSentiment(trees)
    results = [classify_sentiment(vectors, treebank, name=name) for name, vectors in named.items()]
    for result in results:
        print(result.summary())
    save(plot_l2_sweep(results), "sentiment-sweep")
    save(plot_confusion(max(results, key=lambda result: result.best_dev_accuracy)), "sentiment-confusion")
    save(plot_words(lexigrad.train(text, lexigrad.TrainConfig(threads=1)).vectors, WORDS), "words")


if __name__ == "__main__":
    main(*sys.argv[1:])
