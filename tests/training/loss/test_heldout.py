"""Both losses of a model on held-out text: against brute force with the reference, and the bias that suits it best."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.optimize import minimize

import lexigrad
from lexigrad import CorpusError, InputError, TrainConfig, Vocabulary, Word2Vec, best_bias, held_out_loss, reference
from lexigrad.corpus.split import split_corpus
from lexigrad.corpus.windows.counts import WindowCounts
from lexigrad.kernels.draws import TOKEN_STREAM, draw, keep_thresholds, stream_key
from lexigrad.training.loss import bias as module
from lexigrad.training.loss.allpairs import loss_of_counts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WORDS = [f"w{i:04}" for i in range(1_300)]
TEXT = 40 * ["the cat sat on the mat", "the dog sat on the rug", "a cat and a dog ran"]
SMALL = TrainConfig(dim=8, min_count=1, threads=1, epochs=2)


def random_model(words: int, *, dim: int = 6, bias: bool = True, scale: float = 1.0, **options: Any) -> Word2Vec:
    random = np.random.default_rng(words)
    V, U = (scale * random.standard_normal((2, words, dim))).astype(np.float32)
    b = random.standard_normal(words).astype(np.float32) if bias else None
    vocabulary = Vocabulary(WORDS[:words], np.arange(2 * words, words, -1))
    return Word2Vec(V, U, vocabulary, TrainConfig(dim=dim, **options), bias=b)


def random_counts(words: int, share: float = 0.3) -> NDArray[np.float32]:
    """A matrix n(c, o), mostly zeros; one word has no window, another stands in none."""
    random = np.random.default_rng(words + 1)
    counts = random.gamma(0.5, size=(words, words)).astype(np.float32) * (random.random((words, words)) < share)
    counts[3], counts[:, 5] = 0, 0
    return counts


def window_counts(matrix: NDArray[np.float32], vocabulary: Vocabulary) -> WindowCounts:
    centers, outside = np.nonzero(matrix)
    starts = np.searchsorted(centers, np.arange(len(matrix) + 1)).astype(np.int64)
    options = {"window": 5, "dynamic_window": True, "subsample": 0.0}
    return WindowCounts(vocabulary, starts, outside.astype(np.int32), matrix[centers, outside], options, 1_000)


def with_bias(model: Word2Vec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """V and U in double precision, the bias as one more column of U, to which V has ones."""
    bias = np.zeros(len(model.U)) if model.bias is None else model.bias
    return np.column_stack([model.V, np.ones(len(model.V))]).astype(float), np.column_stack([model.U, bias])


def expected_negative_sampling(v_c: Any, o: int, U: Any, noise: Any, negatives: int) -> tuple[float, Any, Any]:
    """`reference.negative_sampling` in expectation: the true word once, and ``negatives`` draws of the noise."""
    score = U @ v_c
    loss = -reference.log_sigmoid(score[o]) - negatives * float(noise @ reference.log_sigmoid(-score))
    return float(loss), np.zeros_like(v_c), np.zeros_like(U)


def brute_force(model: Word2Vec, matrix: NDArray[np.float32]) -> tuple[float, float]:
    """Both losses per pair, one pair after the other, by the reference."""
    V, U = with_bias(model)
    noise = model.vocabulary.noise_distribution(model.config.noise_exponent)
    losses = np.zeros(2)
    for c, o in np.argwhere(matrix).tolist():
        n = float(matrix[c, o])
        losses[0] += n * expected_negative_sampling(V[c], o, U, noise, model.config.negatives)[0]
        losses[1] += n * reference.naive_softmax(V[c], o, U)[0]
    return tuple((losses / matrix.sum(dtype=float)).tolist())


# skip-gram


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("negatives", [1, 5])
def test_skipgram_equals_the_sum_of_the_reference_over_all_pairs(bias: bool, negatives: int) -> None:
    model, matrix = random_model(40, bias=bias, negatives=negatives), random_counts(40)
    found = held_out_loss(model, window_counts(matrix, model.vocabulary))
    expected = brute_force(model, matrix)
    np.testing.assert_allclose((found.negative_sampling, found.naive_softmax), expected, rtol=1e-6)
    assert found.pairs == pytest.approx(matrix.sum(dtype=float))
    assert found.perplexity == pytest.approx(math.exp(expected[1]), rel=1e-5)


def test_the_expectation_is_that_of_the_reference_with_each_negative_by_its_chance() -> None:
    """A draw of the true word counts here; the reference leaves it out, so its term is taken beside another word."""
    model = random_model(12)
    V, U = with_bias(model)
    noise = model.vocabulary.noise_distribution(0.75)

    def term(word: int) -> float:
        other = (word + 1) % 12
        both, *_ = reference.negative_sampling(V[1], other, [word], U)
        return both - reference.negative_sampling(V[1], other, [], U)[0]

    true = reference.negative_sampling(V[1], 2, [], U)[0]
    drawn = sum(chance * term(word) for word, chance in enumerate(noise.tolist()))
    assert expected_negative_sampling(V[1], 2, U, noise, 5)[0] == pytest.approx(true + 5 * drawn, rel=1e-12)


def test_tiles_of_rows_and_columns_join_without_a_seam() -> None:
    """1,300 words take two tiles of columns, the last one filled up, and six of rows."""
    model, matrix = random_model(1_300), random_counts(1_300, share=0.01)
    V, U = with_bias(model)
    scores, n = V @ U.T, matrix.astype(float)
    noise = model.vocabulary.noise_distribution(0.75)
    negative = (n * np.logaddexp(0, -scores)).sum() + 5 * float(n.sum(axis=1) @ (np.logaddexp(0, scores) @ noise))
    softmax = float(n.sum(axis=1) @ np.log(np.exp(scores).sum(axis=1))) - (n * scores).sum()
    found = held_out_loss(model, window_counts(matrix, model.vocabulary))
    expected = np.array([negative, softmax]) / n.sum()
    np.testing.assert_allclose((found.negative_sampling, found.naive_softmax), expected, rtol=1e-6)


def test_scores_in_the_hundreds_do_not_overflow() -> None:
    model, matrix = random_model(40, scale=12.0), random_counts(40)
    found = held_out_loss(model, window_counts(matrix, model.vocabulary))
    expected = brute_force(model, matrix)
    assert expected[1] > 100
    np.testing.assert_allclose((found.negative_sampling, found.naive_softmax), expected, rtol=1e-6)
    assert replace(found, losses={"naive_softmax": 1e6}).perplexity == math.inf


def test_vectors_of_zeros_know_nothing() -> None:
    """The softmax's perplexity is then the number of words, and negative sampling costs (K + 1) log 2."""
    model = random_model(50, bias=False, scale=0.0)
    found = held_out_loss(model, window_counts(random_counts(50), model.vocabulary))
    assert found.perplexity == pytest.approx(50, rel=1e-6)
    assert found.negative_sampling == pytest.approx(6 * math.log(2), rel=1e-6)


def test_plain_arrays_give_the_same_as_a_model() -> None:
    model, matrix = random_model(40), random_counts(40)
    counts, noise = window_counts(matrix, model.vocabulary), model.vocabulary.noise_distribution(0.75)
    found = loss_of_counts(model.V, model.U, model.bias, counts, noise, 5, threads=1)
    whole = held_out_loss(model, counts)
    assert (found.pairs, found.negative_sampling, found.naive_softmax) == (
        *(whole.pairs, whole.negative_sampling, whole.naive_softmax),
    )


@pytest.mark.parametrize("method", ["skipgram", "cbow"])
def test_threads_do_not_change_a_bit(method: str) -> None:
    model = lexigrad.train(200 * TEXT, replace(SMALL, model=method))
    first, *others = (held_out_loss(model, 30 * TEXT, threads=threads) for threads in (1, 1, 2, 5))
    assert all(other == first for other in others)


# CBOW


def drawn_windows(ids: list[int], vocabulary: Vocabulary, config: TrainConfig) -> list[tuple[int, list[int]]]:
    """Each word kept and its context, by draws one at a time."""
    thresholds = keep_thresholds(vocabulary.keep_probability(config.subsample)).tolist()
    key = stream_key(config.seed, 0, TOKEN_STREAM)
    sentences: list[list[tuple[int, int]]] = [[]]
    for position, word in enumerate(ids):
        bits = draw(key, position)
        if word < 0:
            sentences.append([])
        elif bits >> 32 <= thresholds[word]:
            width = 1 + ((bits % 2**32) * config.window >> 32) if config.dynamic_window else config.window
            sentences[-1].append((word, width))
    found = []
    for sentence in sentences:
        words = [word for word, _ in sentence]
        for place, (word, width) in enumerate(sentence):
            around = words[max(0, place - width) : place] + words[place + 1 : place + 1 + width]
            found += [(word, around)] if around else []
    return found


@pytest.mark.parametrize("options", [{"subsample": 0.0, "dynamic_window": False, "window": 2}, {"subsample": 0.02}])
def test_cbow_equals_the_sum_of_the_reference_over_all_windows(options: dict[str, Any]) -> None:
    sentences = [*TEXT, "alone", "the dog"]
    config = replace(SMALL, model="cbow", **options)
    with lexigrad.read_corpus(sentences, config) as corpus:
        model = replace(lexigrad.train(corpus, config), bias=np.linspace(-1, 1, len(corpus.vocabulary), dtype="f"))
        windows = drawn_windows(corpus.ids.tolist(), corpus.vocabulary, config)
        found = held_out_loss(model, corpus)
    V, U = with_bias(model)
    noise = model.vocabulary.noise_distribution(0.75)

    def negative_sampling(v_hat: Any, o: int, U: Any) -> tuple[float, Any, Any]:
        return expected_negative_sampling(v_hat, o, U, noise, 5)

    for value, word_loss in (
        (found.negative_sampling, negative_sampling),
        (found.naive_softmax, reference.naive_softmax),
    ):
        losses = [reference.cbow(center, context, V, U, word_loss)[0] for center, context in windows]
        assert value == pytest.approx(np.mean(losses), rel=1e-6)
    assert found.pairs == len(windows)


# texts


def test_a_text_is_read_with_the_models_words_and_options() -> None:
    model = lexigrad.train(TEXT, replace(SMALL, lowercase=True))
    found = held_out_loss(model, ["THE green CAT sat", "a cat"])
    with lexigrad.read_corpus(["the cat sat", "a cat"], vocabulary=model.vocabulary) as corpus:
        assert held_out_loss(model, corpus).naive_softmax == found.naive_softmax
    assert (found.words, found.unknown, found.coverage) == (5, 1, 5 / 6)


def test_the_losses_are_plain_numbers_for_json() -> None:
    found = held_out_loss(lexigrad.train(TEXT, SMALL), TEXT)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["perplexity"] == found.perplexity
    assert set(values) == {
        *("pairs", "negative_sampling", "naive_softmax", "perplexity", "words", "unknown", "coverage"),
    }


def test_another_config_measures_by_other_windows_and_more_negatives() -> None:
    model = lexigrad.train(TEXT, replace(SMALL, subsample=0.0))
    narrow = replace(model.config, window=1, dynamic_window=False, negatives=1)
    assert held_out_loss(model, ["the cat sat", "a dog"], narrow).pairs == pytest.approx(6)
    assert held_out_loss(model, TEXT, narrow).negative_sampling < held_out_loss(model, TEXT).negative_sampling


def test_what_cannot_be_measured_is_refused() -> None:
    model = random_model(40)
    counts = window_counts(random_counts(40), model.vocabulary)
    with pytest.raises(InputError, match="vocabulary is not the model's"):
        held_out_loss(random_model(41), counts)
    with pytest.raises(InputError, match="nothing to predict"):
        held_out_loss(model, [["w0001"], ["w0002"]])
    with pytest.raises(InputError, match="nothing to predict"):
        held_out_loss(model, window_counts(np.zeros((40, 40), np.float32), model.vocabulary))
    with pytest.raises(InputError, match="give the text itself"):
        held_out_loss(replace(model, config=replace(model.config, model="cbow")), counts)
    with pytest.raises(InputError, match="not finite"):
        held_out_loss(replace(model, U=np.full_like(model.U, np.inf)), counts)
    with pytest.raises(InputError, match="not finite"):
        best_bias(replace(model, U=np.full_like(model.U, np.nan)), counts)
    with pytest.raises(InputError, match="nothing to predict"):
        best_bias(model, window_counts(np.zeros((40, 40), np.float32), model.vocabulary))


def test_a_saved_text_of_other_phrases_than_the_models_is_refused(tmp_path: Path) -> None:
    config = replace(SMALL, phrases=1, phrase_min_count=2, phrase_threshold=0.1)
    model = lexigrad.train(TEXT, SMALL)
    with lexigrad.read_corpus(TEXT, config, vocabulary=model.vocabulary) as corpus:
        assert corpus.phrases
        corpus.save(tmp_path / "text")
    with pytest.raises(CorpusError, match="was read with other phrases"):
        held_out_loss(model, tmp_path / "text")


# the best bias


def test_the_best_bias_is_where_a_general_optimiser_ends() -> None:
    model, matrix = random_model(15, scale=0.7), random_counts(15)
    matrix[0, 5] = 0.5  # no word without an occurrence, to which the two would give different shares
    counts = window_counts(matrix, model.vocabulary)
    scores = model.V.astype(float) @ model.U.T.astype(float)

    def loss(b: NDArray[np.float64]) -> float:
        normalizers = np.log(np.exp(scores + b).sum(axis=1))
        return float(matrix.sum(axis=1) @ normalizers - (matrix * (scores + b)).sum()) / counts.pairs

    best = minimize(loss, np.zeros(15), tol=1e-10).fun
    found = held_out_loss(replace(model, bias=best_bias(model, counts)), counts).naive_softmax
    assert best - 1e-6 < found < best + 1e-4
    assert found < loss(np.zeros(15)) - 0.1


def test_no_pass_for_the_best_bias_raises_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, moments = [], module._softmax_moments

    def noted(*arguments: Any) -> Any:
        found = moments(*arguments)
        losses.append(found[0])
        return found

    monkeypatch.setattr(module, "_softmax_moments", noted)
    model = random_model(300, bias=False)
    best_bias(model, window_counts(random_counts(300, share=0.05), model.vocabulary))
    assert len(losses) > 3
    assert all(later < earlier + 1e-6 for earlier, later in pairwise(losses))


def test_with_the_best_bias_words_are_expected_as_often_as_they_come() -> None:
    model, matrix = random_model(40, scale=0.3), random_counts(40)
    bias = best_bias(model, window_counts(matrix, model.vocabulary))
    scores = model.V.astype(float) @ model.U.T.astype(float) + bias
    expected = matrix.sum(axis=1) @ reference.softmax(scores)
    seen = matrix.sum(axis=0) > 1
    np.testing.assert_allclose(expected[seen], matrix.sum(axis=0)[seen], rtol=0.05)
    assert 0.2 < expected[5] < 0.8  # never seen, so counted half a time


def test_the_best_bias_does_not_depend_on_threads() -> None:
    model = random_model(300)
    counts = window_counts(random_counts(300, share=0.05), model.vocabulary)
    assert best_bias(model, counts, threads=1).tobytes() == best_bias(model, counts, threads=3).tobytes()


# training with a part held out


def test_training_records_the_loss_on_what_it_held_out() -> None:
    config = replace(SMALL, seed=3)
    model = lexigrad.train(TEXT, config, validation=0.2)
    with lexigrad.read_corpus(TEXT, config) as corpus:
        training, held_out = split_corpus(corpus, 0.2, seed=3)
        with training, held_out:
            same = lexigrad.train(training, config)
            assert same.V.tobytes() == model.V.tobytes()
            assert model.history[-1]["validation"] == held_out_loss(same, held_out).to_dict()
    assert model.history[-1]["epoch"] == 2


def test_a_text_of_its_own_can_be_held_out() -> None:
    model = lexigrad.train(TEXT, SMALL, validation=["the green cat sat", "on the mat"])
    found = model.history[-1]["validation"]
    assert (found["words"], found["unknown"]) == (6, 1)
    assert found == held_out_loss(model, ["the green cat sat", "on the mat"]).to_dict()


def test_all_seeds_are_measured_on_the_same_sentences() -> None:
    first, second = lexigrad.train_seeds(TEXT, SMALL, seeds=2, validation=0.2)
    measured = [model.history[-1]["validation"] for model in (first, second)]
    assert measured[0]["words"] == measured[1]["words"]
    assert measured[0]["pairs"] == measured[1]["pairs"]
    assert measured[0]["naive_softmax"] != measured[1]["naive_softmax"]


@pytest.mark.parametrize("options", [{}, {"model": "cbow", "subsample": 1e-9}])
def test_a_text_without_windows_is_found_out_before_training(options: dict[str, Any]) -> None:
    """Under CBOW dropped words are drawn, so that nothing may be left of a short text."""
    text = ["the cat"] if options else ["cat", "dog heard"]

    def never(progress: object) -> None:
        raise AssertionError

    with pytest.raises(InputError, match="nothing to predict"):
        lexigrad.train(TEXT, replace(SMALL, **options), validation=[line.split() for line in text], progress=never)


def test_cbow_is_measured_too() -> None:
    model = lexigrad.train(TEXT, replace(SMALL, model="cbow"), validation=0.2)
    assert model.history[-1]["validation"]["perplexity"] < 2 * len(model.vocabulary)
