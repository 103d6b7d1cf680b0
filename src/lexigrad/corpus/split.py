"""A corpus cut in two: sentences to train on, and sentences held out to measure on.

The number of a sentence and the seed decide where it goes, by a hash (`lexigrad.kernels.draws`), so that the same
sentences are held out from every training, with any number of threads.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from lexigrad.corpus.corpus import Corpus, check_phrases, stored_corpus
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.report import ReadingReport, counted
from lexigrad.errors import CorpusError, InputError
from lexigrad.kernels.draws import VALIDATION_STREAM, stream_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig

__all__ = ["set_aside", "split_corpus"]

BLOCK_IDS: Final = 1 << 18
"""Ids dealt out at a time."""


@contextmanager
def set_aside(corpus: Corpus, validation: Any, config: TrainConfig) -> Iterator[tuple[Corpus, Corpus | None]]:
    """The corpus to train on, and the one to measure on; temporary files are removed when the block ends.

    Args:
        corpus: the whole text.
        validation: a share of its sentences; or a text of its own in any form that `read_corpus` takes, which is read
            with the corpus' vocabulary and phrases; or a `Corpus` of that vocabulary; or None to hold nothing out.
        config: the options of reading, and the seed that decides which sentences are held out.

    Yields:
        Both corpora; the second is None if ``validation`` is.

    Raises:
        InputError: the share is not above 0 and below 1.
        CorpusError: a text cannot be read, or either part is left with nothing.
    """
    with ExitStack() as opened:
        if validation is None or isinstance(validation, Corpus):
            if validation is not None:
                check_phrases(validation.phrases, corpus.phrases, "the held-out text")
            yield corpus, validation
        elif isinstance(validation, Real):
            parts = split_corpus(corpus, cast("float", validation), config.seed)
            for part in parts:
                opened.enter_context(part)
            yield parts
        else:
            reading = replace(config, phrases=0)  # the corpus' phrases are joined, and the text learns none of its own
            known = {"vocabulary": corpus.vocabulary, "names": corpus.names, "phrases": corpus.phrases}
            held_out = opened.enter_context(read_corpus(validation, reading, **known))
            check_phrases(held_out.phrases, corpus.phrases, "the held-out text")
            yield corpus, held_out


def split_corpus(corpus: Corpus, share: float, seed: int = 1) -> tuple[Corpus, Corpus]:
    """Cut a corpus in two, by sentences; each sentence is held out with probability ``share``.

    Both parts keep the vocabulary of the whole, with its counts. They are in temporary files until they are closed.

    Args:
        corpus: the whole text.
        share: the share of its sentences to hold out, above 0 and below 1.
        seed: another seed holds out other sentences.

    Returns:
        The corpus that is left to train on, and the one that is held out.

    Raises:
        InputError: the share is not above 0 and below 1.
        CorpusError: either part would be empty, or there is no room for temporary files.

    Example:
        >>> with read_corpus(100 * ["the cat sat"] + 100 * ["the dog sat"]) as corpus:
        ...     training, held_out = split_corpus(corpus, 0.1)
        ...     training.words + held_out.words == corpus.words, 10 < held_out.report.lines < 30
        (True, True)
        >>> training.close(), held_out.close()
        (None, None)
    """
    if isinstance(share, bool) or not 0 < share < 1:
        raise InputError(f"the share of sentences to hold out must be above 0 and below 1, not {share!r}")
    draws = _Draws(np.uint64(stream_key(seed, 0, VALIDATION_STREAM)), np.uint64(int(share * 2.0**64)))
    held_out = _part(corpus, draws, is_held_out=True)
    try:
        return _part(corpus, draws, is_held_out=False), held_out
    except BaseException:
        held_out.close()
        raise


class _Draws(NamedTuple):
    """A sentence is held out when the draw of its number is below a limit."""

    key: np.uint64
    limit: np.uint64


def _part(corpus: Corpus, draws: _Draws, *, is_held_out: bool) -> Corpus:
    """One of the two parts, in a temporary file."""
    from lexigrad.kernels.losses import take_sentences

    words = sentences = 0

    def blocks() -> Iterator[NDArray[np.int32]]:
        nonlocal words, sentences
        sentence = 0
        for begin in range(0, corpus.ids.size, BLOCK_IDS):
            ids = np.asarray(corpus.ids[begin : begin + BLOCK_IDS])
            taken = np.empty_like(ids)
            sentence, size = take_sentences(ids, sentence, draws.key, draws.limit, is_held_out, taken)
            ends = int(np.count_nonzero(taken[:size] < 0))
            words, sentences = words + size - ends, sentences + ends
            yield taken[:size]
        if not words:
            raise CorpusError(
                f"of {counted(sentence, 'sentence')} none is {'held out' if is_held_out else 'left to train on'}; give "
                f"a {'larger' if is_held_out else 'smaller'} share, another seed, or a file to measure on"
            )

    def report() -> ReadingReport:
        return ReadingReport(lines=sentences, tokens=words, kept=words)

    return stored_corpus(blocks(), corpus.vocabulary, report, save=None, phrases=corpus.phrases)
