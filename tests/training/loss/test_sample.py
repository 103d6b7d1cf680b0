"""The training loss: the same as the reference gives on windows drawn one at a time, and by any number of threads."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from contract import planted_sentences

import lexigrad
from lexigrad import TrainConfig, held_out_loss, reference
from lexigrad.kernels.draws import LOSS_STREAM, alias_table, draw, keep_thresholds, stream_key
from lexigrad.training.loss import sample as sample_module
from lexigrad.training.loss.sample import LossSample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad import Corpus

SMALL = TrainConfig(dim=9, min_count=1, threads=1, epochs=2, subsample=0.003, loss_sample=150)
BOTH = pytest.mark.parametrize("model", ["skipgram", "cbow"])
LOSSES = pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax"])


def window_at(ids: list[int], position: int, keep: list[int], config: TrainConfig) -> list[int]:
    """The words around a position as an epoch would draw them; none where the word itself is dropped."""
    key = stream_key(config.seed, 2, LOSS_STREAM)

    def is_kept(place: int) -> bool:
        return ids[place] >= 0 and draw(key, place) >> 32 <= keep[ids[place]]

    def found(step: int) -> Iterator[int]:
        place = position + step
        while 0 <= place < len(ids) and ids[place] >= 0:
            if is_kept(place):
                yield ids[place]
            place += step

    if not is_kept(position):
        return []
    width = 1 + ((draw(key, position) % 2**32) * config.window >> 32) if config.dynamic_window else config.window
    left, right = (list(found(step))[:width] for step in (-1, 1))
    return left[::-1] + right


def drawn_sample(corpus: Corpus, config: TrainConfig) -> list[tuple[int, list[int], list[int]]]:
    """Each window's word, the words around it and its negatives, by draws one at a time."""
    ids, vocabulary = corpus.ids.tolist(), corpus.vocabulary
    keep = vocabulary.keep_probability(config.subsample)
    kept = corpus.words * float(vocabulary.counts @ keep) / int(vocabulary.counts.sum())
    places = min(len(ids), math.ceil(config.loss_sample * len(ids) / kept))
    place_key, negative_key = (stream_key(config.seed, number, LOSS_STREAM) for number in (0, 1))
    alias = alias_table(vocabulary.noise_distribution(config.noise_exponent)).tolist()
    found: list[tuple[int, list[int], list[int]]] = []
    for i in range(places):
        begin, end = i * len(ids) // places, (i + 1) * len(ids) // places
        position = begin + ((draw(place_key, i) >> 32) * (end - begin) >> 32)
        around = window_at(ids, position, keep_thresholds(keep).tolist(), config)
        if around:
            bits = [draw(negative_key, len(found) * 64 + k) for k in range(config.negatives)]
            cells = [((b >> 32) * len(alias)) >> 32 for b in bits]
            takes = [b % 2**32 <= alias[cell] >> 32 for b, cell in zip(bits, cells, strict=True)]
            negatives = [c if own else alias[c] % 2**32 for c, own in zip(cells, takes, strict=True)]
            found.append((ids[position], around, negatives))
    return found


def with_hits(negatives: list[int]) -> reference.WordLoss:
    """`reference.negative_sampling`, which takes no o among the negatives, and the terms of such negatives besides."""

    def word_loss(v: Any, o: int, U: Any) -> tuple[float, Any, Any]:
        others = [k for k in negatives if k != o]
        loss, *gradients = reference.negative_sampling(v, o, others, U)
        hits = (len(negatives) - len(others)) * reference.log_sigmoid(-(U[o] @ v))
        return loss - float(hits), *gradients  # type: ignore[return-value]

    return word_loss


def by_reference(model: lexigrad.Word2Vec, corpus: Corpus) -> float:
    """The mean loss of a prediction, one prediction after the other."""
    config, (V, U) = model.config, (model.V.astype(np.float64), model.U.astype(np.float64))
    total, predictions = 0.0, 0
    for outside, around, negatives in drawn_sample(corpus, config):
        word_loss = reference.naive_softmax if config.loss == "naive_softmax" else with_hits(negatives)
        if config.model == "cbow":
            total += reference.cbow(outside, around, V, U, word_loss)[0]
            predictions += 1
        else:
            total += sum(reference.skipgram(center, [outside], V, U, word_loss)[0] for center in around)
            predictions += len(around)
    return total / predictions


@BOTH
@LOSSES
@pytest.mark.parametrize("options", [{}, {"window": 3, "dynamic_window": False, "subsample": 0.0, "negatives": 20}])
def test_the_reported_loss_is_what_the_reference_gives_on_the_same_windows(
    model: str, loss: str, options: dict[str, Any]
) -> None:
    config = replace(SMALL, model=model, loss=loss, **options)  # type: ignore[arg-type]
    text = [*planted_sentences(300, length=9), ["t0w0"], ["t0w1", "t0w2"]]
    with lexigrad.read_corpus(text, config) as corpus:
        trained = lexigrad.train(corpus, config)
        expected = by_reference(trained, corpus)
        sampled = drawn_sample(corpus, config)
        keep = corpus.vocabulary.keep_probability(config.subsample)
        assert (keep[0] < 0.9) == (config.subsample > 0)  # words are dropped, or this says nothing of dropping
        assert LossSample(corpus, config).windows == len(sampled)
    assert any(outside in negatives for outside, _, negatives in sampled) or loss == "naive_softmax"
    assert trained.history[-1]["loss"] == pytest.approx(expected, abs=1e-6)
    assert trained.history[-1]["loss"] == pytest.approx(expected, rel=1e-12)


@BOTH
@LOSSES
def test_every_number_of_threads_reports_the_same_loss_to_the_bit(model: str, loss: str) -> None:
    """Several parts for several threads, of one run's tables and of another's."""
    config = replace(SMALL, model=model, loss=loss, deterministic=True, loss_sample=3_000)  # type: ignore[arg-type]
    text = planted_sentences(400)
    losses = [
        [record["loss"] for record in lexigrad.train(text, replace(config, threads=threads)).history]
        for threads in (1, 2, 3, 4)
    ]
    assert losses[0] == losses[1] == losses[2] == losses[3]


@BOTH
def test_a_small_text_is_measured_whole(model: str) -> None:
    config = replace(SMALL, model=model, subsample=0.0, loss_sample=5_000)  # type: ignore[arg-type]
    with lexigrad.read_corpus(planted_sentences(100), config) as corpus:
        assert LossSample(corpus, config).windows == 1_200


def test_about_as_many_windows_are_measured_as_were_asked_for() -> None:
    """Words that are dropped are made up for."""
    config = replace(SMALL, subsample=1e-3, loss_sample=1_000)
    with lexigrad.read_corpus(planted_sentences(4_000), config) as corpus:
        assert float(corpus.vocabulary.keep_probability(1e-3).max()) < 0.5
        assert 900 < LossSample(corpus, config).windows < 1_100


@BOTH
@LOSSES
def test_on_a_large_sample_it_is_near_the_exact_loss_of_the_text(model: str, loss: str) -> None:
    """Held-out loss takes negatives, and for skip-gram windows, in expectation."""
    config = replace(SMALL, model=model, loss=loss, loss_sample=20_000)  # type: ignore[arg-type]
    with lexigrad.read_corpus(planted_sentences(3_000), config) as corpus:
        trained = lexigrad.train(corpus, config)
        exact = getattr(held_out_loss(trained, corpus), loss)
    assert trained.history[-1]["loss"] == pytest.approx(exact, rel=0.02)


def test_tiles_of_rows_and_columns_of_the_softmax_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(SMALL, loss="naive_softmax")
    with lexigrad.read_corpus(planted_sentences(100), config) as corpus:
        sample = LossSample(corpus, config)
        V, U = (2 * np.random.default_rng(0).standard_normal((2, len(corpus.vocabulary), 9))).astype(np.float32)
        whole = sample.loss(V, U)
        monkeypatch.setattr(sample_module, "COLUMNS", 7)
        monkeypatch.setattr(sample_module, "ROWS", 5)
        assert sample.loss(V, U) == pytest.approx(whole, rel=1e-12)


@LOSSES
def test_vectors_of_zeros_know_nothing(loss: str) -> None:
    config = replace(SMALL, loss=loss)  # type: ignore[arg-type]
    with lexigrad.read_corpus(planted_sentences(100), config) as corpus:
        zeros = np.zeros((len(corpus.vocabulary), 9), np.float32)
        expected = {"negative_sampling": 6 * math.log(2), "naive_softmax": math.log(len(corpus.vocabulary))}
        assert LossSample(corpus, config).loss(zeros, zeros) == pytest.approx(expected[loss], rel=1e-12)


@LOSSES
def test_scores_in_the_thousands_do_not_overflow_and_tables_that_are_not_finite_are_told(loss: str) -> None:
    config = replace(SMALL, loss=loss)  # type: ignore[arg-type]
    with lexigrad.read_corpus(planted_sentences(100), config) as corpus:
        sample = LossSample(corpus, config)
        random = np.random.default_rng(0)
        V, U = (20 * random.standard_normal((2, len(corpus.vocabulary), 9))).astype(np.float32)
        loss_of_large = sample.loss(V, U)
        assert loss_of_large is not None
        assert 100 < loss_of_large < 1e5
        U[:] = np.inf
        assert not math.isfinite(sample.loss(V, U) or 0.0)


def test_a_text_without_windows_has_no_loss() -> None:
    with lexigrad.read_corpus([["a"], ["b"]], SMALL) as corpus:
        assert LossSample(corpus, SMALL).loss(*np.zeros((2, 2, 9), np.float32)) is None
