"""Sentences are classified by the mean of their words' vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad import reference
from lexigrad.config import TrainConfig
from lexigrad.errors import InputError
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.evaluation.sentiment import (
    SentimentResult,
    classify_sentiment,
    compare_accuracies,
    difference_table,
    side_by_side,
)
from lexigrad.evaluation.treebank import LABELS, SPLITS, StanfordSentiment
from lexigrad.training.train import train
from lexigrad.vectors.formats import load_vectors
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("sklearn", reason="needs the extra sentiment")

WORDS = ["awful", "bad", "so-so", "good", "superb"]  # the word at k stands in sentences with the label k only
FILLERS = ["the", "film", "is", "and"]


def five_point_vectors() -> KeyedVectors:
    """Words of sentiment on a circle, fillers near the middle."""
    angles = 2 * np.pi * np.arange(5) / 5
    fillers = 0.1 * np.random.default_rng(1).normal(size=(len(FILLERS), 2))
    return KeyedVectors(WORDS + FILLERS, np.vstack([np.column_stack([np.cos(angles), np.sin(angles)]), fillers]))


def write_treebank(folder: Path, labels: tuple[int, ...] = (0, 1, 2, 3, 4), copies: int = 6) -> StanfordSentiment:
    """Sentences of three fillers and the word of their label."""
    rng = np.random.default_rng(2)
    for split in SPLITS:
        lines = [
            f"({label} (2 {' ) (2 '.join(rng.choice(FILLERS, 3))}) ({label} {WORDS[label]}))"
            for label in labels * copies
        ]
        (folder / f"{split}.txt").write_text("\n".join(lines).replace(" )", ")") + "\n", encoding="utf-8")
    return StanfordSentiment(folder)


@pytest.fixture
def treebank(tmp_path: Path) -> StanfordSentiment:
    return write_treebank(tmp_path)


# -------------------- the vectorizer


def test_a_sentence_is_the_mean_of_its_known_words_vectors_repeats_counted() -> None:
    vectorizer = SentenceVectorizer(KeyedVectors(["good", "film"], [[4.0, 0.0], [0.0, 2.0]]))
    means = vectorizer.transform([["good", "good", "film", "unheard"], ["unheard"], []])
    assert_allclose(means, [[8 / 3, 2 / 3], [0, 0], [0, 0]])


def test_a_token_is_looked_up_as_it_is_before_it_is_in_lower_case() -> None:
    vectorizer = SentenceVectorizer(KeyedVectors(["us", "US", "film"], [[1.0], [2.0], [3.0]]))
    assert vectorizer.transform(["US", "us", "Us", "FILM"]).tolist() == [[2], [1], [1], [3]]


def test_coverage_counts_the_words_without_a_vector() -> None:
    coverage = SentenceVectorizer(KeyedVectors(["film"], [[1.0]])).coverage([["A", "Film"], ["A", "bore"], []])
    assert coverage.unknown == {"A": 2, "bore": 1}
    assert (coverage.sentences, coverage.sentences_without_vectors, coverage.tokens, coverage.known) == (3, 2, 4, 1)
    assert coverage.share == 0.25
    assert json.loads(json.dumps(coverage.to_dict()))["most_frequent_unknown"] == {"A": 2, "bore": 1}


def test_a_single_string_is_not_taken_for_a_list_of_sentences() -> None:
    with pytest.raises(InputError, match="put it in a list"):
        SentenceVectorizer(five_point_vectors()).transform("a good film")


def test_the_vectorizer_works_in_a_pipeline_and_a_clone_shares_its_vectors() -> None:
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    vectors = five_point_vectors()
    pipeline = make_pipeline(SentenceVectorizer(vectors), LogisticRegression(C=100))
    sentences = [f"the {word}" for word in WORDS[:2] * 10]
    assert cross_val_score(pipeline, sentences, [0, 1] * 10, cv=2).tolist() == [1.0, 1.0]
    assert clone(pipeline)[0].vectors is vectors
    assert pipeline.fit(sentences, [0, 1] * 10)[:-1].get_feature_names_out().tolist() == ["dim0", "dim1"]
    assert "SentenceVectorizer(KeyedVectors(9 words, dim 2))" in repr(pipeline)


# -------------------- the sweep


def test_vectors_that_tell_the_labels_apart_are_classified_without_a_mistake(treebank: StanfordSentiment) -> None:
    result = classify_sentiment(five_point_vectors(), treebank, name="circle")
    assert result.best_dev_accuracy == result.test_accuracy == 1.0
    assert result.confusion.tolist() == np.diag([6] * 5).tolist()
    assert result.mistakes == []
    assert result.coverage.share == 1.0
    assert result.baseline_dev_accuracy == result.baseline_test_accuracy == 0.2
    assert result.pipeline.predict(["the film is superb", "an awful film"]).tolist() == [4, 0]


def test_the_best_strength_on_the_dev_set_is_taken_and_of_equal_ones_the_largest(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path)
    with (tmp_path / "train.txt").open("a", encoding="utf-8") as train:
        train.write("(0 awful)\n" * 100)  # held small enough, the weights give all sentences the label of these
    result = classify_sentiment(five_point_vectors(), treebank, strengths=[1e6, 1e-3, 1e-4])
    assert result.strengths == [1e-4, 1e-3, 1e6]
    assert result.dev_accuracy == [1.0, 1.0, 0.2]
    assert result.strength == 1e-3


def test_each_set_has_its_own_accuracy(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path)
    (tmp_path / "dev.txt").write_text("(4 superb)\n(3 good)\n(0 awful)\n(4 bad)\n", encoding="utf-8")
    (tmp_path / "test.txt").write_text("(4 superb)\n(0 good)\n(0 so-so)\n(0 bad)\n(4 bad)\n", encoding="utf-8")
    with (tmp_path / "train.txt").open("a", encoding="utf-8") as train:
        train.write("(4 superb)\n" * 3 + "(0 superb)\n")
    result = classify_sentiment(five_point_vectors(), treebank, strengths=[1e-3])
    assert result.train_accuracy == [33 / 34]
    assert result.dev_accuracy == [0.75]
    assert result.best_dev_accuracy == 0.75
    assert result.test_accuracy == 0.2
    assert result.baseline_dev_accuracy == 0.5
    assert result.baseline_test_accuracy == 0.4
    assert result.confusion.sum() == 4


def test_the_worst_mistake_comes_first_and_says_what_the_classifier_thought(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path)
    (tmp_path / "dev.txt").write_text("(0 superb)\n(3 good)\n(3 (2 superb) (3 good))\n(2 awful)\n", encoding="utf-8")
    result = classify_sentiment(five_point_vectors(), treebank, strengths=[0.1])
    truths = [mistake.truth_probability for mistake in result.mistakes]
    assert {mistake.sentence for mistake in result.mistakes} >= {"superb", "awful"}
    assert truths == sorted(truths)
    assert all(mistake.probability > mistake.truth_probability for mistake in result.mistakes)
    superb = next(mistake for mistake in result.mistakes if mistake.sentence == "superb")
    assert (superb.truth, superb.prediction) == ("very negative", "very positive")
    assert result.confusion[0, 4] == 1
    assert result.confusion.sum() == 4
    assert len(classify_sentiment(five_point_vectors(), treebank, [0.1], mistakes=1).mistakes) == 1


def test_a_label_that_the_training_set_lacks_has_probability_zero(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path, labels=(0, 2, 4))
    (tmp_path / "dev.txt").write_text("(1 bad)\n", encoding="utf-8")
    result = classify_sentiment(five_point_vectors(), treebank, strengths=[1.0])
    assert result.mistakes[0].truth == "negative"
    assert result.mistakes[0].truth_probability == 0
    assert result.confusion.shape == (5, 5)


@pytest.mark.parametrize("hidden", [None, 3])
def test_the_number_of_parameters_is_reported(treebank: StanfordSentiment, hidden: int | None) -> None:
    result = classify_sentiment(five_point_vectors(), treebank, [0.1], hidden=hidden)
    expected = 2 * 5 + 5 if hidden is None else reference.two_layer_parameter_count(2, hidden, 5)
    assert result.parameters == expected
    assert result.hidden == hidden


def test_the_network_depends_on_its_seed_alone(treebank: StanfordSentiment) -> None:
    results = [classify_sentiment(five_point_vectors(), treebank, [0.1], hidden=4, seed=seed) for seed in (7, 7, 8)]
    first, again, other = (result.pipeline[-1].coefs_[0] for result in results)
    assert (first == again).all()
    assert (first != other).any()


def test_a_strength_at_which_the_optimizer_gave_up_is_reported(
    treebank: StanfordSentiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lexigrad.evaluation.classifiers.NETWORK_ITERATIONS", 2)
    result = classify_sentiment(five_point_vectors(), treebank, [1e-3], hidden=4)
    assert result.unconverged == [1e-3]
    assert result.summary().endswith("stopped before the minimum at L2 0.001")
    assert classify_sentiment(five_point_vectors(), treebank, [1e-3]).unconverged == []


def test_the_result_can_be_told_as_json_as_a_line_and_as_tables(treebank: StanfordSentiment) -> None:
    steps: list[tuple[int, int]] = []
    result = classify_sentiment(
        five_point_vectors(),
        treebank,
        [0.1, 1],
        name="circle",
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 2), (2, 2)]
    told = json.loads(json.dumps(result.to_dict()))
    assert "pipeline" not in told
    assert told["dev_accuracy"] == result.dev_accuracy
    assert told["confusion"] == result.confusion.tolist()
    assert told["labels"] == list(LABELS)
    assert result.summary().startswith("circle: dev 100.0%, test 100.0% at L2 1; 100.0% of 360 tokens")
    assert result.confusion_table().splitlines()[1].split() == ["very", "negative", "6", "0", "0", "0", "0"]
    table = side_by_side([result, result]).splitlines()
    interval = ["100.0", "88.6", "to", "100.0"]  # Wilson's of 30 right among 30: 30 / (30 + 1.96²)
    assert table[1].split() == ["circle", "2", "100.0%", "1", "15", "100.0", *interval, *interval]
    assert table[3].split() == ["most", "frequent", "label", "20.0", "20.0"]
    assert "pipeline" not in repr(result)
    assert told["dev_interval"] == pytest.approx([30 / (30 + 1.959964**2), 1])
    assert (told["dev_sentences"], told["test_sentences"]) == (30, 30)
    assert [score["recall"] for score in told["classes"]] == [1.0] * 5
    assert told["extremes"]["predictions"] == told["extremes"]["truths"] == 0.4
    assert {group["name"] for group in told["groups"]} == {"short"}
    assert result.class_table().splitlines()[1].split()[2:4] == ["6", "100.0"]


# -------------------- what is right on which set


def test_the_accuracy_on_the_test_set_is_that_of_the_test_set_and_not_of_dev(tmp_path: Path) -> None:
    write_treebank(tmp_path)
    lines = (tmp_path / "test.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line.replace("(4", "(0", 1) if line.startswith("(4") else line for line in lines]  # 6 of 30
    (tmp_path / "test.txt").write_text("\n".join(wrong) + "\n", encoding="utf-8")
    result = classify_sentiment(five_point_vectors(), StanfordSentiment(tmp_path), [0.1])
    assert (result.best_dev_accuracy, result.test_accuracy) == (1.0, 0.8)
    assert (int(result.dev_right.sum()), int(result.test_right.sum()), len(result.test_right)) == (30, 24, 30)
    assert result.test_interval[1] < 0.92 < 1.0 == result.dev_interval[1]
    assert result.confusion.sum() == np.trace(result.confusion) == 30
    assert (result.baseline_dev_accuracy, result.baseline_test_accuracy) == (0.2, 0.4)


def test_the_strength_is_chosen_on_dev_although_another_is_better_on_test(tmp_path: Path) -> None:
    write_treebank(tmp_path)
    with (tmp_path / "train.txt").open("a", encoding="utf-8") as train:
        train.write("(0 awful)\n" * 100)
    (tmp_path / "test.txt").write_text("(0 superb)\n" * 9 + "(4 superb)\n", encoding="utf-8")
    result = classify_sentiment(five_point_vectors(), StanfordSentiment(tmp_path), [1e-3, 1e6])
    assert result.strength == 1e-3
    assert result.test_accuracy == 0.1  # it would be 0.9 with the other


def test_strengths_that_dev_cannot_tell_from_the_best_are_named(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path)
    with (tmp_path / "train.txt").open("a", encoding="utf-8") as train:
        train.write("(0 awful)\n" * 100)
    result = classify_sentiment(five_point_vectors(), treebank, [1e-4, 1e-3, 1e6])
    assert result.as_good == [1e-4, 1e-3]


# -------------------- compared


def test_two_results_are_compared_sentence_by_sentence(treebank: StanfordSentiment) -> None:
    vectors = five_point_vectors()
    blind = KeyedVectors(vectors.words, np.where(np.arange(9)[:, None] == 4, vectors.matrix[3], vectors.matrix))
    good = classify_sentiment(vectors, treebank, [0.1], name="a")
    bad = classify_sentiment(blind, treebank, [0.1], name="b")
    found = compare_accuracies(good, bad)
    assert (found.dev.sentences, found.dev.only_second, found.test.only_second) == (30, 0, 0)
    assert found.dev.only_first == round(30 * (1 - bad.best_dev_accuracy)) >= 5
    assert found.test.only_first == round(30 * (1 - bad.test_accuracy)) >= 5
    assert found.dev.distinguishable
    told = json.loads(json.dumps(found.to_dict()))
    assert told["test"]["difference"] == pytest.approx(1 - bad.test_accuracy)
    rows = difference_table([good, bad]).splitlines()
    assert rows[1].split()[:3] == ["a", "b", f"+{100 * (1 - bad.best_dev_accuracy):.1f}"]
    with pytest.raises(InputError, match="at least two"):
        difference_table([good])


def test_results_on_different_sentences_are_not_compared(treebank: StanfordSentiment, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    other = classify_sentiment(five_point_vectors(), write_treebank(more, copies=7), [0.1], name="other")
    with pytest.raises(InputError, match="classify the same treebank with both"):
        compare_accuracies(classify_sentiment(five_point_vectors(), treebank, [0.1]), other)


def test_a_classifier_that_cannot_tell_the_extremes_avoids_them(tmp_path: Path) -> None:
    """Extremes are rare in training, and their words have the vectors of the milder ones."""
    treebank = write_treebank(tmp_path, labels=(0, 1, 1, 2, 3, 3, 4))
    vectors = five_point_vectors()
    matrix = vectors.matrix.copy()
    matrix[0], matrix[4] = matrix[1], matrix[3]
    result = classify_sentiment(KeyedVectors(vectors.words, matrix), treebank, [0.1])
    assert [score.recall for score in result.classes] == [0, 1, 1, 1, 0]
    assert [score.predictions for score in result.classes] == [0, 18, 6, 18, 0]
    assert result.extremes.predictions == 0
    assert result.extremes.truths == pytest.approx(12 / 42)
    assert result.extremes.are_avoided


# -------------------- what is refused


def test_vectors_with_none_of_the_words_are_refused(treebank: StanfordSentiment) -> None:
    foreign = KeyedVectors(["buono", "film!"], [[1.0], [2.0]])
    with pytest.raises(InputError, match=r"it\.txt: none of the 360 tokens of .* has a vector"):
        classify_sentiment(foreign, treebank, name="it.txt")


def test_a_training_set_with_one_label_is_refused_with_its_file(tmp_path: Path) -> None:
    treebank = write_treebank(tmp_path, labels=(3,))
    with pytest.raises(InputError, match=r"train\.txt: all 6 sentences .* have the label 3 \(positive\)"):
        classify_sentiment(five_point_vectors(), treebank)


@pytest.mark.parametrize(
    "options",
    [
        {"strengths": []},
        {"strengths": [0.0]},
        {"strengths": [float("nan")]},
        {"hidden": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"mistakes": -1},
    ],
)
def test_an_argument_out_of_its_range_is_refused(treebank: StanfordSentiment, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        classify_sentiment(five_point_vectors(), treebank, **options)


def test_a_table_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        side_by_side([])


def test_the_module_is_imported_without_scikit_learn() -> None:
    code = "import sys, lexigrad.evaluation.sentiment; print({'sklearn', 'scipy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# -------------------- the real treebank


def test_pretrained_vectors_reach_their_known_accuracy(data_folder: Path) -> None:
    vectors = load_vectors(data_folder / "glove" / "glove.6B.50d.top9163.txt.xz")
    result: SentimentResult = classify_sentiment(vectors, StanfordSentiment(data_folder / "sst"), [1, 10**0.5, 10])
    assert result.best_dev_accuracy == pytest.approx(0.359, abs=0.007)
    assert result.test_accuracy == pytest.approx(0.358, abs=0.007)
    assert result.coverage.share == pytest.approx(0.84, abs=0.005)
    assert result.baseline_dev_accuracy == pytest.approx(0.253, abs=0.001)
    assert result.baseline_test_accuracy == pytest.approx(0.231, abs=0.001)


def test_vectors_trained_on_the_treebanks_sentences_alone_beat_them(data_folder: Path) -> None:
    treebank = StanfordSentiment(data_folder / "sst")
    configs = [TrainConfig(dim=50, epochs=30, lowercase=True, threads=1, seed=seed) for seed in (1, 2, 3)]
    models = [train(treebank.sentences(), config) for config in configs]
    results = [classify_sentiment(model.vectors, treebank, [0.1, 1, 10]) for model in models]
    assert np.mean([result.best_dev_accuracy for result in results]) >= 0.38
    assert np.mean([result.test_accuracy for result in results]) >= 0.37
