"""What a solver by SGD draws from a text, read off the tables that it trains; the tests of each engine subclass these.

The text has sentences of two words that stand nowhere else, so that each word is kept or dropped, and drawn as a
negative, by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

import lexigrad
from lexigrad import TrainConfig, Vocabulary, Word2Vec

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS = 2_048
SENTENCES = [[f"left{i}", f"right{i}"] for i in range(PAIRS)]
WORDS = [word for sentence in SENTENCES for word in sentence]
FREQUENT, RARE = 1_000, 1


def threshold_of(kept: float) -> float:
    """The t at which a share √(t/f) + t/f of the text's words is kept; all have the same frequency f."""
    return float(((1 + 4 * kept) ** 0.5 - 1) ** 2 / 4 / len(WORDS))


def rows_of(model: Word2Vec, table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows of the text's words, in the order of the text."""
    return table[[model.vocabulary.id_of(word) for word in WORDS]]


def trained_sentences(**options: Any) -> NDArray[np.bool_]:
    """Whether each sentence was trained: a word's row of V moves where both words are kept, and only there."""
    usual = {"dim": 20, "min_count": 1, "threads": 1, "loss_sample": 0}
    config = TrainConfig(**{**usual, **options})
    vocabulary = Vocabulary(WORDS, [1] * len(WORDS))
    tables = np.random.default_rng(0).normal(0, 0.1, (2, len(WORDS), config.dim)).astype(np.float32)
    start = Word2Vec(*tables, vocabulary, config)
    model = lexigrad.train(SENTENCES, config, vocabulary=vocabulary, start=start)
    moved = (rows_of(model, model.V) != tables[0]).any(axis=1).reshape(PAIRS, 2)
    np.testing.assert_array_equal(moved[:, 0], moved[:, 1])
    return moved[:, 0]


def check_share(trained: NDArray[np.bool_], kept: float, epochs: int) -> None:
    """The share of sentences that were trained in some epoch, each word being kept with a probability in each epoch."""
    expected = 1 - (1 - kept**2) ** epochs
    error = np.sqrt(expected * (1 - expected) / PAIRS)
    assert trained.mean() == pytest.approx(expected, abs=4 * error)


class SubsampleContract:
    """Solvers drop words of the text as often as they should, other ones in each epoch and with each seed."""

    options: ClassVar[dict[str, object]]

    def test_without_subsampling_every_sentence_is_trained(self) -> None:
        assert trained_sentences(**self.options, epochs=1, subsample=0.0).all()

    @pytest.mark.parametrize("epochs", [1, 3])
    def test_subsampling_drops_the_share_that_it_should_and_other_words_in_each_epoch(self, epochs: int) -> None:
        check_share(trained_sentences(**self.options, epochs=epochs, subsample=threshold_of(0.5)), 0.5, epochs)

    def test_another_seed_drops_other_words(self) -> None:
        first, second = (
            trained_sentences(**self.options, epochs=1, subsample=threshold_of(0.5), seed=seed) for seed in (1, 2)
        )
        check_share(first & second, 0.5**2, 1)


class NegativesContract:
    """Solvers draw negatives from the noise distribution, other ones in each epoch."""

    options: ClassVar[dict[str, object]]

    def drawn(self, epochs: int, **changes: Any) -> NDArray[np.int64]:
        """How often each word was drawn as a negative.

        All center vectors are (1, 0, 0, …), outside vectors begin at 0, and the rate is so small that no score leaves
        0: a word's row of U moves by rate / 2 for each time that it is predicted, and against it by the weight of a
        negative, for every prediction of the block that drew it.
        """
        rate, negatives, block = 1e-6, 5, 64
        usual = {"dim": 20, "min_count": 1, "threads": 1, "loss_sample": 0, "subsample": 0.0}
        steady = {"learning_rate": rate, "schedule": "constant", "negatives": negatives}
        config = TrainConfig(epochs=epochs, **{**usual, **steady, **self.options, **changes})
        vocabulary = Vocabulary(WORDS, [FREQUENT] * PAIRS + [RARE] * PAIRS)
        tables = np.zeros((2, len(WORDS), config.dim), np.float32)
        tables[0, :, 0] = 1
        model = lexigrad.train(SENTENCES, config, vocabulary=vocabulary, start=Word2Vec(*tables, vocabulary, config))
        against = epochs - rows_of(model, model.U)[:, 0] / (rate / 2)
        drawn = against / (block * negatives / 16)  # a block draws 16
        counts: NDArray[np.int64] = drawn.round().astype(np.int64)
        np.testing.assert_allclose(drawn, counts, atol=0.1)  # a negative that is a true word has no term
        assert counts.sum() == epochs * 16 * len(WORDS) // block
        return counts

    @pytest.mark.parametrize("exponent", [-0.3, 0.0, 0.25])
    def test_negatives_come_from_the_noise_distribution(self, exponent: float) -> None:
        counts = self.drawn(4, noise_exponent=exponent)
        expected = FREQUENT**exponent / (FREQUENT**exponent + RARE**exponent)
        error = np.sqrt(expected * (1 - expected) / counts.sum())
        assert counts[:PAIRS].sum() / counts.sum() == pytest.approx(expected, abs=4 * error)

    def test_each_epoch_draws_other_negatives(self) -> None:
        """If all drew the same, every word would be drawn 4 times or a multiple of it."""
        assert np.gcd.reduce(self.drawn(4)) == 1
