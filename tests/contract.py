"""The contract of every trainer, on a text with a planted answer; the tests of each engine subclass it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest

import lexigrad
from lexigrad import TrainConfig, Word2Vec

TOPICS, WORDS = 12, 8
MOSTLY_KEPT = 0.003
"""A threshold of subsampling at which 82 % of the planted words are kept."""


def planted_sentences(sentences: int = 3_000, length: int = 12, seed: int = 0) -> list[list[str]]:
    """Each sentence is drawn from the words of one topic, so a word's neighbors are its topic's."""
    random = np.random.default_rng(seed)
    topics = random.integers(0, TOPICS, sentences)
    words = random.integers(0, WORDS, (sentences, length))
    return [[f"t{topic}w{word}" for word in row] for topic, row in zip(topics.tolist(), words.tolist(), strict=True)]


def topic_precision(model: Word2Vec) -> float:
    """The share of all words' nearest neighbors that are of the word's own topic."""
    hits = [
        neighbor.split("w")[0] == word.split("w")[0]
        for word in model.vocabulary
        for neighbor, _ in model.vectors.most_similar(word, n=WORDS - 1)
    ]
    return float(np.mean(hits))


class TrainerContract:
    """The tests that every engine must pass; a subclass sets ``options``, those of its engine."""

    options: ClassVar[dict[str, object]]

    def config(self, **changes: object) -> TrainConfig:
        usual = {"dim": 20, "min_count": 1, "subsample": 0.0, "epochs": 5, "threads": 1}
        return TrainConfig(**{**usual, **self.options, **changes})  # type: ignore[arg-type]

    @pytest.mark.parametrize(("threads", "subsample"), [(1, 0.0), (2, 0.0), (2, MOSTLY_KEPT)])
    def test_it_finds_the_planted_topics(self, threads: int, subsample: float) -> None:
        model = lexigrad.train(planted_sentences(), self.config(threads=threads, subsample=subsample))
        assert topic_precision(model) > 0.95

    def test_another_seed_gives_other_vectors_with_the_same_topics(self) -> None:
        first, second = (lexigrad.train(planted_sentences(), self.config(seed=seed)) for seed in (1, 2))
        assert not np.array_equal(first.V, second.V)
        assert topic_precision(second) > 0.95

    def test_any_number_of_threads_gives_the_same_bytes_every_time(self) -> None:
        """There are more threads than cores too, so that some lose their core while others wait for them."""
        trained = [
            lexigrad.train(planted_sentences(2_000), self.config(epochs=2, threads=threads, subsample=MOSTLY_KEPT))
            for threads in (1, 1, 2, 2, 3, 4, 7)
        ]
        assert len({model.V.tobytes() + model.U.tobytes() for model in trained}) == 1

    def test_hash_seed_and_folder_do_not_change_the_bytes(self, tmp_path: object) -> None:
        code = (
            "import hashlib, lexigrad, contract\n"
            f"config = lexigrad.TrainConfig(**{ {**self.config(epochs=1).to_dict()}!r})\n"
            "model = lexigrad.train(contract.planted_sentences(300), config)\n"
            "print(hashlib.sha256(model.V.tobytes() + model.U.tobytes()).hexdigest())"
        )
        path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
        digests = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed, folder in (("1", os.getcwd()), ("2", str(tmp_path)))
        }
        assert len(digests) == 1

    def test_a_word_on_its_own_line_learns_nothing_and_breaks_nothing(self) -> None:
        model = lexigrad.train([["a"], ["b"], ["a"]] * 100, self.config(threads=2))
        assert np.isfinite(model.V).all()
        assert not np.isnan(model.U).any()

    def test_one_long_sentence_is_trained_whole(self) -> None:
        """Spans of work cut it, windows do not: every word of the one line has its topic."""
        line = [word for sentence in planted_sentences(12_000) for word in sentence]
        by_topic = sorted(line, key=lambda word: int(word[1:].split("w")[0]))
        model = lexigrad.train([by_topic], self.config(threads=2, epochs=3))
        assert topic_precision(model) > 0.95

    @pytest.mark.parametrize("dim", [1, 15, 16, 33])
    def test_any_dimension_gives_finite_vectors_of_that_length(self, dim: int) -> None:
        model = lexigrad.train(planted_sentences(200), self.config(dim=dim, epochs=1))
        assert model.V.shape == model.U.shape == (TOPICS * WORDS, dim)
        assert np.isfinite(model.V).all()

    def test_two_words_do_not_run_away(self) -> None:
        """A block holds the same word many times; its summed step must not explode."""
        model = lexigrad.train([["a", "b"] * 50] * 200, self.config(epochs=20))
        assert float(np.abs(model.V).max()) < 100
