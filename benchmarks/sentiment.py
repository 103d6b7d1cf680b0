"""Measures what the guides say of sentiment: `python benchmarks/sentiment.py DATA [PART...]`.

DATA is a folder with `sst/` (the Stanford Sentiment Treebank, trees and official release), `glove/` with one file of
GloVe vectors, and `wiki-2m.txt.xz`. The parts, all of them if none is named:

- words: what is to be seen of the words that the course draws, and of the contexts of some of them
- ablations: own vectors against GloVe's, with one thing changed at a time
- sweep: accuracies on train and dev against the strength, for GloVe, for own vectors, and for n-grams of words
- errors: recall, precision, extremes and groups of errors on dev
- hidden: the two-layer network beside softmax regression

Own vectors are skip-gram by negative sampling with three seeds; accuracies are their means, and differences are those
of the first seed, paired. Each part is written to `results/sentiment-PART.json` when it is done.
"""

from __future__ import annotations

import json
import lzma
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from reading import machine

import lexigrad
from lexigrad.evaluation.accuracies import accuracy_interval
from lexigrad.evaluation.course import run_course
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.evaluation.sentiment import SentimentResult, classify_sentiment, compare_accuracies
from lexigrad.evaluation.treebank import SPLITS
from lexigrad.gradcheck.classifiers import check_classifier
from lexigrad.vectors.search import unit_rows
from lexigrad.view.projection import principal_axes
from lexigrad.view.wordgroups import COURSE_GROUPS, COURSE_WORDS, group_cosines, word_axes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lexigrad import KeyedVectors, StanfordSentiment

RESULTS = Path(__file__).parent / "results"
STRENGTHS = [10.0 ** (exponent / 2) for exponent in range(-4, 5)]
SEEDS = (1, 2, 3)
GROUPS = {
    "articles": COURSE_GROUPS["articles"],
    "praise": COURSE_GROUPS["praise"],
    "blame": COURSE_GROUPS["blame"],
    "boring, waste, worth": ("boring", "waste", "worth"),
    "wonderful, great, amazing": ("wonderful", "great", "amazing"),
    "film, story, man": ("film", "story", "man"),
}
SMOOTHING = 1e-3


class Task:
    """The data, read once."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.treebank: StanfordSentiment = lexigrad.StanfordSentiment(data / "sst" / "trees")
        self.glove: KeyedVectors = lexigrad.load_vectors(next((data / "glove").iterdir()))
        self.sentences = [[word.lower() for word in words] for words in self.treebank.sentences()]

    def own(self, sentences: Iterable[Sequence[str]] | None = None, seed: int = 1, **options: Any) -> KeyedVectors:
        """Train on sentences, those of the treebank when none are given."""
        config = lexigrad.TrainConfig(**{"dim": 50, "epochs": 30, "threads": 1, "seed": seed, **options})
        return lexigrad.train(self.sentences if sentences is None else sentences, config).vectors

    def wikipedia(self, tokens: int | None = None) -> list[list[str]]:
        """The first lines of Wikipedia, until they have so many tokens."""
        found, seen = [], 0
        with lzma.open(self.data / "wiki-2m.txt.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                found.append(line.split())
                seen += len(found[-1])
                if tokens is not None and seen >= tokens:
                    break
        return found

    def classified(self, vectors: KeyedVectors, name: str, strengths: Sequence[float] = STRENGTHS) -> SentimentResult:
        """Classify, keeping no sentence."""
        result = classify_sentiment(vectors, self.treebank, strengths, name=name, mistakes=0)
        print(result.summary(), flush=True)
        return result


# -------------------- words


def words(task: Task) -> dict[str, Any]:
    """Frequency, cosines and contexts of the course's words, in the course's vectors and in others."""
    course = run_course(task.data / "sst" / "stanfordSentimentTreebank")
    vectors = course.vectors
    logs = np.log(course.counts)
    first = principal_axes(vectors.matrix, n=1)
    own = [task.own(min_count=2, seed=seed) for seed in SEEDS]
    sets = {"course": vectors, "own, 50-d": own[0], "GloVe": task.glove}
    seen = {name: word_axes(found, [word for word in COURSE_WORDS if word in found]) for name, found in sets.items()}
    rows = vectors.matrix - vectors.matrix.mean(axis=0)
    bare = lexigrad.KeyedVectors(vectors.words, rows - (rows @ first.axes.T) @ first.axes)
    groups = list(GROUPS.values())
    return {
        "cost": float(course.costs[-1]),
        "axes": {name: found.to_dict() for name, found in seen.items()},
        "all_words": {
            "words": len(vectors),
            "first_axis_share": float(first.shares[0]),
            "first_axis_and_log_count": float(abs(np.corrcoef(first.coordinates[:, 0], logs)[0, 1])),
            "length_and_log_count": float(np.corrcoef(vectors.lengths, logs)[0, 1]),
        },
        "groups": GROUPS,
        "cosines": {
            "course": group_cosines(vectors, groups).tolist(),
            "course, without the mean and the first axis": group_cosines(bare, groups).tolist(),
            "own, 50-d, mean of three seeds": np.mean([group_cosines(one, groups) for one in own], axis=0).tolist(),
        },
        "contexts": contexts(task),
    }


def contexts(task: Task) -> list[list[float]]:
    """Cosines of the groups' contexts: for each word of the text, how much more often than by chance it is near.

    That is (n − e) / √e, with n the times that the word stands in a window of the group, and e those of chance.
    """
    config = lexigrad.TrainConfig(min_count=5, window=5, subsample=0)
    with lexigrad.read_corpus(task.sentences, config) as corpus:
        counts = lexigrad.count_windows(corpus, config)
    chance = np.bincount(counts.outside, counts.weights, len(counts.vocabulary))
    chance = chance / chance.sum()
    ids = {word: word_id for word_id, word in enumerate(counts.vocabulary.words)}
    rows = np.zeros((len(GROUPS), len(chance)))
    for row, members in zip(rows, GROUPS.values(), strict=True):
        for word in members:
            part = slice(counts.starts[ids[word]], counts.starts[ids[word] + 1])
            row[counts.outside[part]] += counts.weights[part]
        expected = row.sum() * chance
        row[:] = (row - expected) / np.sqrt(expected)
    units = unit_rows(rows)
    cosines: list[list[float]] = (units @ units.T).tolist()
    return cosines


# -------------------- ablations


def ablations(task: Task) -> dict[str, Any]:
    """Own vectors against GloVe's, with one thing changed at a time; differences from own vectors as they are."""
    tokens = sum(map(len, task.sentences))
    train = [[word.lower() for word in found] for found in task.treebank.sentences("train")]
    same_size, all_of_it = task.wikipedia(tokens), task.wikipedia()
    variants: dict[str, list[KeyedVectors]] = {
        "own, 50-d": [task.own(seed=seed) for seed in SEEDS],
        "GloVe, 50-d": [task.glove],
        "own, without the sentences of dev and test": [task.own(train, seed=seed) for seed in SEEDS],
        "Wikipedia, text of the same size": [task.own(same_size, seed=seed) for seed in SEEDS],
        "Wikipedia, 2 million words": [task.own(all_of_it, seed=seed, epochs=10) for seed in SEEDS],
        "own, 5 epochs": [task.own(seed=seed, epochs=5) for seed in SEEDS],
        "own, 10-d": [task.own(seed=seed, dim=10) for seed in SEEDS],
        "own, 20-d": [task.own(seed=seed, dim=20) for seed in SEEDS],
        "own, 100-d": [task.own(seed=seed, dim=100) for seed in SEEDS],
        "the course's schedule, 10-d, V and U": [run_course(task.data / "sst" / "stanfordSentimentTreebank").vectors],
    }
    own = variants["own, 50-d"]
    variants |= {
        "own, words that GloVe has too": [kept(vectors, task.glove) for vectors in own],
        "GloVe, words that own have too": [kept(task.glove, own[0])],
        "GloVe, 20 principal axes": [on_axes(task.glove, 20)],
        "own, frequent words weigh less": [weighted(vectors, task) for vectors in own],
        "GloVe, frequent words weigh less": [weighted(task.glove, task)],
        "own and GloVe side by side, 100-d": [joined(vectors, task.glove) for vectors in own],
    }
    results = {name: [task.classified(found, name) for found in several] for name, several in variants.items()}
    reference = results["own, 50-d"][0]
    return {"tokens": tokens, "rows": [row(name, several, reference) for name, several in results.items()]}


def row(name: str, several: Sequence[SentimentResult], reference: SentimentResult) -> dict[str, Any]:
    """The means over seeds, and the paired difference of the first seed from the reference."""
    train = [result.train_accuracy[result.strengths.index(result.strength)] for result in several]
    less = None if several[0] is reference else compare_accuracies(several[0], reference).to_dict()
    return {
        "name": name,
        "seeds": len(several),
        "dim": several[0].dim,
        "covered": several[0].coverage.share,
        "train": float(np.mean(train)),
        "dev": float(np.mean([result.best_dev_accuracy for result in several])),
        "test": float(np.mean([result.test_accuracy for result in several])),
        "dev_of_each": [result.best_dev_accuracy for result in several],
        "test_of_each": [result.test_accuracy for result in several],
        "test_interval_of_first": list(several[0].test_interval),
        "first_less_own": less,
    }


def kept(vectors: KeyedVectors, others: KeyedVectors) -> KeyedVectors:
    """The vectors of the words that others have too."""
    words = [word for word in vectors.words if word in others]
    return lexigrad.KeyedVectors(words, vectors.vectors_for(words))


def on_axes(vectors: KeyedVectors, dim: int) -> KeyedVectors:
    """The vectors on their first principal axes."""
    return lexigrad.KeyedVectors(vectors.words, principal_axes(vectors.matrix, n=dim).coordinates)


def weighted(vectors: KeyedVectors, task: Task) -> KeyedVectors:
    """Each vector times a / (a + p(w)), p being the word's share of the training set's tokens."""
    sif = SentenceVectorizer(vectors, weighting="sif", smoothing=SMOOTHING).fit(task.treebank.sentences("train"))
    assert sif.weights_ is not None
    return lexigrad.KeyedVectors(vectors.words, vectors.matrix * sif.weights_[:, np.newaxis])


def joined(first: KeyedVectors, second: KeyedVectors) -> KeyedVectors:
    """Both vectors of each word side by side, brought to the same mean length; zeros where one has none."""
    words = list(dict.fromkeys([*first.words, *second.words]))
    tables = []
    for vectors in (first, second):
        table = np.zeros((len(words), vectors.dim))
        inside = np.array([word in vectors for word in words])
        table[inside] = vectors.vectors_for([word for word in words if word in vectors]) / vectors.lengths.mean()
        tables.append(table)
    return lexigrad.KeyedVectors(words, np.hstack(tables))


# -------------------- the sweep


def sweep(task: Task) -> dict[str, Any]:
    """Accuracies against the strength: means of word vectors, with more numbers and epochs, and n-grams of words."""
    sets = {
        "GloVe, 50-d": task.glove,
        "own, 10-d": task.own(dim=10),
        "own, 50-d": task.own(),
        "own, 50-d, 100 epochs": task.own(epochs=100),
        "own, 200-d": task.own(dim=200),
    }
    wide = [10.0**exponent for exponent in range(-4, 4)]
    results = [task.classified(found, name, wide) for name, found in sets.items()]
    curves = [
        {
            "name": result.name,
            "parameters": result.parameters,
            "strengths": result.strengths,
            "train": result.train_accuracy,
            "dev": result.dev_accuracy,
            "strength": result.strength,
            "test": result.test_accuracy,
            "as_good": result.as_good,
        }
        for result in results
    ]
    return {"curves": [*curves, *(ngrams(task, n, wide) for n in (1, 2))]}


def ngrams(task: Task, n: int, strengths: Sequence[float]) -> dict[str, Any]:
    """The sweep of softmax regression on which words, and which n of them in a row, a sentence has."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    def of(tokens: Sequence[str]) -> list[str]:
        low = [token.lower() for token in tokens]
        return [" ".join(run) for length in range(1, n + 1) for run in zip(*(low[k:] for k in range(length)))]  # noqa: B905

    vectorizer = CountVectorizer(analyzer=of, binary=True)
    sets = {split: task.treebank.sentences(split) for split in SPLITS}
    x = {"train": vectorizer.fit_transform(sets["train"])}
    x |= {split: vectorizer.transform(sets[split]) for split in ("dev", "test")}
    y = {split: task.treebank.labels(split) for split in sets}
    models = [LogisticRegression(C=1 / strength, max_iter=1000).fit(x["train"], y["train"]) for strength in strengths]
    found = {split: [float(model.score(x[split], y[split])) for model in models] for split in ("train", "dev")}
    best = int(np.argmax(found["dev"]))
    name = "single words" if n == 1 else "single words and pairs"
    parameters = int(models[0].coef_.size + models[0].intercept_.size)
    test = float(models[best].score(x["test"], y["test"]))
    print(name, found, test, flush=True)
    return {
        "name": name,
        "parameters": parameters,
        "strengths": list(strengths),
        **found,
        "strength": strengths[best],
        "test": test,
    }


# -------------------- errors, and the network


def errors(task: Task) -> dict[str, Any]:
    """Accuracies with intervals, recall, precision, extremes and groups of errors, and the paired differences."""
    course = run_course(task.data / "sst" / "stanfordSentimentTreebank").vectors
    named = {"GloVe": task.glove, "own": task.own(), "course": course}
    results = [task.classified(vectors, name) for name, vectors in named.items()]
    pairs = [(one, other) for place, one in enumerate(results) for other in results[place + 1 :]]
    sizes = {"dev": len(results[0].dev_right), "test": len(results[0].test_right)}
    return {
        "half_width_at_36_percent": {split: half_width(0.36, size) for split, size in sizes.items()},
        "results": [result.to_dict() for result in results],
        "differences": {
            f"{one.name} less {other.name}": compare_accuracies(one, other).to_dict() for one, other in pairs
        },
    }


def half_width(share: float, sentences: int) -> float:
    """Half the width of an accuracy's interval."""
    low, high = accuracy_interval(round(share * sentences), sentences)
    return (high - low) / 2


def hidden(task: Task) -> dict[str, Any]:
    """Softmax regression and networks on the same sentences, with the checks of their gradients."""
    rows = []
    for name, vectors in {"GloVe": task.glove, "own": task.own()}.items():
        regression = task.classified(vectors, name)
        vectorizer = SentenceVectorizer(vectors)
        x = vectorizer.transform(task.treebank.sentences("train")[:100])
        labels = task.treebank.labels("train")[:100]
        for size in (None, 10, 50):
            found = regression
            if size is not None:
                strengths = [strength for strength in STRENGTHS if strength >= 0.1]
                found = classify_sentiment(vectors, task.treebank, strengths, name=name, hidden=size, mistakes=0)
                print(size, found.summary(), flush=True)
            proof = check_classifier(found.pipeline[-1], x, labels, found.strength)
            less = None if size is None else compare_accuracies(found, regression).to_dict()
            place = found.strengths.index(found.strength)
            rows.append(
                {
                    "vectors": name,
                    "hidden": size,
                    "parameters": found.parameters,
                    "strength": found.strength,
                    "train": found.train_accuracy[place],
                    "dev": found.best_dev_accuracy,
                    "test": found.test_accuracy,
                    "worst_gradient_error": proof.worst_error,
                    "less_regression": less,
                }
            )
    return {"rows": rows}


PARTS = {"words": words, "ablations": ablations, "sweep": sweep, "errors": errors, "hidden": hidden}


def main(data: str, *parts: str) -> None:
    """Measure the parts, and write the result of each."""
    task = Task(Path(data))
    for part in parts or PARTS:
        found = {"machine": machine(), **PARTS[part](task)}
        path = RESULTS / f"sentiment-{part}.json"
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    main(*islice(sys.argv, 1, None))
