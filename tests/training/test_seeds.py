"""Several seeds: each model is the one that its seed gives alone, and the text is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lexigrad.config import TrainConfig
from lexigrad.corpus.reading import read_corpus
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import ConfigError, InputError
from lexigrad.evaluation.stability import stability
from lexigrad.training import seeds as module
from lexigrad.training.seeds import each_seed, train_seeds
from lexigrad.training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.training.progress import TrainProgress

SENTENCES = 40 * ["the king and the queen sat in the hall", "the man and the woman ate bread in the house"]
CONFIG = TrainConfig(dim=8, epochs=2, min_count=1, threads=1, seed=7)


def test_each_model_is_the_one_of_its_seed() -> None:
    models = train_seeds(SENTENCES, CONFIG, seeds=3)
    assert [model.config.seed for model in models] == [7, 8, 9]
    alone = train(SENTENCES, models[2].config)
    assert (models[2].V == alone.V).all()
    assert (models[0].V != models[1].V).any()
    assert stability(models, n=2).members == 3


def test_an_engine_trains_every_seed() -> None:
    """Its bytes are those of this process, so that only its calls show that it did."""
    with CountingEngine(1) as engine:
        models = train_seeds(SENTENCES, CONFIG, seeds=2, engine=engine)
        assert engine.named.count("train_segment") == 2 * CONFIG.epochs
    here = train_seeds(SENTENCES, CONFIG, seeds=2)
    assert [model.V.tobytes() for model in models] == [model.V.tobytes() for model in here]


class CountingEngine(ThreadEngine):
    """Threads that keep the names of what they were asked for."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.named: list[str] = []

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:
        self.named.append(function.__name__)
        return super().call(function, *arguments, returns=returns, on=on)


def test_the_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = []
    monkeypatch.setattr(module, "read_corpus", lambda *a, **k: times.append(a) or read_corpus(*a, **k))
    train_seeds(SENTENCES, CONFIG, seeds=3)
    assert len(times) == 1


def test_progress_is_that_of_all_models_together() -> None:
    seen: list[TrainProgress] = []
    train_seeds(SENTENCES, CONFIG, seeds=2, progress=seen.append)
    done = [progress.words_done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].words_total == seen[0].words_total
    assert [progress.seconds for progress in seen] == sorted(progress.seconds for progress in seen)


def test_a_corpus_is_taken_as_it_is() -> None:
    with read_corpus(SENTENCES, CONFIG) as corpus:
        assert [model.vocabulary for model in each_seed(corpus, CONFIG, 2)] == [corpus.vocabulary] * 2
        with pytest.raises(InputError, match="has its vocabulary"):
            train_seeds(corpus, CONFIG, vocabulary=corpus.vocabulary)


@pytest.mark.parametrize("seeds", [0, True, 1.5])
def test_the_number_of_seeds_is_checked_before_training(seeds: int) -> None:
    with pytest.raises(InputError, match="seeds must be"):
        train_seeds(SENTENCES, CONFIG, seeds=seeds)


def test_a_seed_that_is_too_large_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed"):
        train_seeds(SENTENCES, TrainConfig(seed=2**63 - 1), seeds=2)
