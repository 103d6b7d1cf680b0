"""Makes the pictures of the guides: `python benchmarks/pictures.py [OFFICIAL TREES TEXT [VECTORS...]]`.

Without arguments only the speed is drawn, from the result that train_vs_gensim.py left.

OFFICIAL is the folder with the Stanford Sentiment Treebank's `datasetSentences.txt`, TREES the one with its labelled
trees, TEXT a text of some millions of words. The course experiment is run on the first; its cost and some of its words
are drawn. Sentences are classified by its vectors, and by those in the files VECTORS; the sweeps of all, and the
confusion matrix and the groups of errors of the best are drawn. The course's words are drawn once more by the last of
the files VECTORS, and others by vectors trained on TEXT with the default options, with one thread, so that the picture
is always the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

import lexigrad
from lexigrad.evaluation.course import run_course
from lexigrad.evaluation.sentiment import classify_sentiment
from lexigrad.evaluation.treebank import StanfordSentiment
from lexigrad.files.atomic import atomic_write
from lexigrad.view.plots import plot_confusion, plot_error_groups, plot_l2_sweep, plot_learning_curve, plot_words
from lexigrad.view.style import COLORS, INK, STYLE
from lexigrad.view.wordgroups import COURSE_WORDS

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
SPEED = Path(__file__).parent / "results" / "train_vs_gensim-wiki-17m.json"
MODELS = {"skipgram": "skip-gram", "cbow": "CBOW"}
PROGRAMS = {"lexigrad": "lexigrad", "gensim": "gensim 4.4"}
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


def draw_speed(result: Path) -> Figure:
    """Draw how many words a second each program trained on, with gensim's as the unit beside it."""
    best = {(row["model"], row["program"]): row for row in json.loads(result.read_text(encoding="utf-8"))["best"]}
    with matplotlib.rc_context({**STYLE, "font.size": 12, "axes.titlesize": 12}):
        figure = Figure(figsize=(6.3, 2.3), layout="constrained")
        for axes, (model, title) in zip(figure.subplots(2, sharex=True), MODELS.items(), strict=True):
            rows = [best[model, program] for program in PROGRAMS]
            millions = [row["words_per_second"] / 1e6 for row in rows]
            bars = axes.barh(list(PROGRAMS.values()), millions, height=0.74, color=[COLORS[0], INK])
            labels = [f"{millions[0]:.1f}  ({rows[0]['loop_times_gensim']:.1f} ×)", f"{millions[1]:.1f}"]
            axes.bar_label(bars, labels, padding=5, color=INK)
            axes.set_title(title, loc="left", pad=3)
            axes.invert_yaxis()
            axes.tick_params(length=0)
            axes.spines[["left", "bottom"]].set_visible(False)
            axes.set(xlim=(0, 12.5), xticks=[])
        axes.set_xlabel("million words a second while training, on two cores", fontsize=11, loc="left")
    return figure


def main(*inputs: str) -> None:
    """Draw the speed, and where there are inputs the rest."""
    PICTURES.mkdir(exist_ok=True)
    save(draw_speed(SPEED), "speed")
    if inputs:
        draw_results(*inputs)


def draw_results(official: str, trees: str, text: str, *files: str) -> None:
    """Run the course experiment, classify, train, and draw the results."""
    course = run_course(official)
    print(f"iteration {course.config.iterations:,}: {course.costs[-1]:.6f}")
    save(plot_learning_curve(course.costs[4::5].tolist(), every=50), "course-costs")  # every fifth: a smaller file
    save(plot_words(course.vectors, COURSE_WORDS), "course-words")
    named = {"course": course.vectors, **{Path(file).name.split(".")[0]: lexigrad.load_vectors(file) for file in files}}
    treebank = StanfordSentiment(trees)
    results = [classify_sentiment(vectors, treebank, name=name) for name, vectors in named.items()]
    for result in results:
        print(result.summary())
    save(plot_l2_sweep(results), "sentiment-sweep")
    best = max(results, key=lambda result: result.best_dev_accuracy)
    save(plot_confusion(best), "sentiment-confusion")
    save(plot_error_groups(best), "sentiment-groups")
    last = list(named.values())[-1]
    save(plot_words(last, [word for word in COURSE_WORDS if word in last]), "own-words")
    save(plot_words(lexigrad.train(text, lexigrad.TrainConfig(threads=1)).vectors, WORDS), "words")


if __name__ == "__main__":
    main(*sys.argv[1:])
