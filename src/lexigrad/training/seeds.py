"""Several trainings that differ in their seed alone, from a text that is read once.

One training is one draw of the dice. `lexigrad.stability` says which of a word's neighbors the next draw finds again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lexigrad.config import TrainConfig
from lexigrad.corpus.corpus import Corpus
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.split import set_aside
from lexigrad.errors import InputError
from lexigrad.training.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.engines.interface import Engine
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.progress import Callback, Progress, TrainProgress

__all__ = ["each_seed", "train_seeds"]


def train_seeds(
    corpus: Any,
    config: TrainConfig | None = None,
    *,
    seeds: int = 5,
    vocabulary: Vocabulary | None = None,
    names: Any = None,
    validation: Any = None,
    progress: Progress | None = None,
    callbacks: Sequence[Callback] = (),
    engine: Engine | None = None,
) -> list[Word2Vec]:
    """Train one model for each of several seeds; the text is read and encoded once.

    Args:
        corpus: a `Corpus`, or anything that `read_corpus` takes: paths, sentences as strings, lists of tokens or of
            ids.
        config: the options; its seed is the first model's, the next models have the numbers that follow.
        seeds: the number of models.
        vocabulary: words and counts to use, in place of those of the text.
        names: what ids are called, as for `read_corpus`.
        validation: the text on which each model is measured, as for `train`; a share is the same sentences for all
            models.
        progress: called as `train` calls it, with the words of all models together.
        callbacks: called as `train` calls them, by each training in turn.
        engine: the workers that carry each training out, as for `train`.

    Returns:
        The models, in the order of their seeds.

    Raises:
        CorpusError: the text cannot be read, or no word is left.
        ConfigError: a seed would be too large.
        InputError: ``seeds`` is less than 1, or a `Corpus` is given, and a vocabulary or names besides.

    Example:
        >>> sentences = 50 * ["the cat sat on the mat", "the dog sat on the rug"]
        >>> config = TrainConfig(dim=8, min_count=1, epochs=1, threads=1)
        >>> [model.config.seed for model in train_seeds(sentences, config, seeds=2)]
        [1, 2]
    """
    config = config or TrainConfig()
    if isinstance(corpus, Corpus):
        if vocabulary is not None or names is not None:
            raise InputError("a Corpus has its vocabulary; give the vocabulary to read_corpus, and names too")
        return list(each_seed(corpus, config, seeds, progress, validation, callbacks, engine=engine))
    with read_corpus(corpus, config, vocabulary=vocabulary, names=names) as encoded:
        return list(each_seed(encoded, config, seeds, progress, validation, callbacks, engine=engine))


def each_seed(
    corpus: Corpus,
    config: TrainConfig,
    seeds: int,
    progress: Progress | None = None,
    validation: Any = None,
    callbacks: Sequence[Callback] = (),
    logs: Sequence[Path] | None = None,
    engine: Engine | None = None,
) -> Iterator[Word2Vec]:
    """Train the models of `train_seeds` one after another, so that each can be saved and dropped before the next.

    Args:
        corpus: the encoded text.
        config: the options; its seed is the first model's.
        seeds: the number of models, at least 1.
        progress: as for `train_seeds`.
        validation: as for `train_seeds`.
        callbacks: as for `train_seeds`.
        logs: a file for each model's `train` to log to, if any.
        engine: as for `train_seeds`.

    Yields:
        One model after another.
    """
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise InputError(f"seeds must be a whole number of at least 1, not {seeds!r}")
    if seeds > 1 and not config.has_effect("seed"):
        raise InputError(
            f"{config.solver} depends on no seed: every training gives the same vectors; take solver='sgd'"
        )
    configs = [replace(config, seed=config.seed + number) for number in range(seeds)]
    files: Sequence[Path | None] = logs or [None] * seeds
    how: dict[str, Any] = {"callbacks": callbacks, "engine": engine}
    if seeds == 1:
        yield train(corpus, config, validation=validation, progress=progress, log=files[0], **how)
        return
    shown = None if progress is None else _OfAll(progress, seeds)
    with set_aside(corpus, validation, config) as (training, held_out):
        for seeded, log in zip(configs, files, strict=True):
            model = train(training, seeded, validation=held_out, progress=shown, log=log, **how)
            if shown is not None:
                shown.begin_next()
            yield model


class _OfAll:
    """Turns the progress of one training after another into the progress of all trainings together."""

    def __init__(self, progress: Progress, trainings: int) -> None:
        self.progress = progress
        self.trainings = trainings
        self.words, self.seconds = 0, 0.0  # of the trainings that are over
        self.latest: TrainProgress | None = None

    def __call__(self, one: TrainProgress) -> None:
        self.latest = replace(
            one,
            words_done=self.words + one.words_done,
            words_total=one.words_total * self.trainings,
            seconds=self.seconds + one.seconds,
        )
        self.progress(self.latest)

    def begin_next(self) -> None:
        """Begin to count where the last training ended."""
        if self.latest is not None:
            self.words, self.seconds = self.latest.words_done, self.latest.seconds
