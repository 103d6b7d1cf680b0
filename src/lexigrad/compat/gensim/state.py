"""The attributes of a model of gensim's kind, and the checks of its options and its text before it begins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final

from lexigrad.compat.gensim.errors import NotKeptError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.compat.gensim.vectors import KeyedVectors


__all__ = ["ModelState", "check_text", "refuse_options"]


PACKED_ENDINGS: Final = (".gz", ".bz2", ".xz", ".zst")


class ModelState:
    """The attributes of a model, under gensim's names; its options are those of `Word2Vec`."""

    wv: KeyedVectors
    syn1neg: NDArray[np.float32]
    """The outside vectors; missing until there is a vocabulary."""
    raw_vocab: dict[Any, int]
    history: list[dict[str, Any]]
    vector_size: int
    window: int
    shrink_windows: bool
    alpha: float
    min_alpha: float
    min_alpha_yet_reached: float
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    null_word: int
    sample: float
    seed: int
    epochs: int
    workers: int
    min_count: int
    effective_min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    sorted_vocab: int
    compute_loss: bool
    corpus_count: int
    corpus_total_words: int
    train_count: int
    total_train_time: float
    running_training_loss: float


def refuse_options(model: ModelState) -> None:
    """Refuse options that ask for a method that lexigrad does not have."""
    if model.hs:
        raise NotKeptError(
            "hs=1, hierarchical softmax, is not kept; take negative sampling, hs=0 and negative=5, or train the full "
            "softmax by lexigrad.train with loss='naive_softmax'"
        )
    if model.negative <= 0:
        raise ValueError("negative must be at least 1: without negative samples there is no training; give negative=5")
    if not model.cbow_mean and not model.sg:
        raise NotKeptError("cbow_mean=0, the sum of the context's vectors, is not kept; take cbow_mean=1, their mean")
    if model.null_word:
        raise NotKeptError("null_word=1 is not kept, it is for doc2vec; leave it out")


def check_text(sentences: Any, corpus_file: Any, passes: int) -> None:
    """Refuse sentences and files that are no text, and sentences that cannot be read ``passes`` times."""
    if (sentences is None) == (corpus_file is None):
        raise TypeError("give a text, either as sentences or as corpus_file")
    if corpus_file is not None:
        if not isinstance(corpus_file, (str, os.PathLike)) or not os.path.isfile(corpus_file):
            raise TypeError(f"corpus_file must be the path of a file, not {corpus_file!r}")
        if os.fspath(corpus_file).endswith(PACKED_ENDINGS):
            raise TypeError(f"corpus_file must not be packed, and {corpus_file!r} is; give LineSentence(corpus_file)")
        return
    if isinstance(sentences, (str, bytes)) or not isinstance(sentences, Iterable):
        raise TypeError(f"sentences must be lists of words, not {sentences!r:.60}; a path goes to corpus_file")
    if isinstance(sentences, GeneratorType) and passes > 1:
        raise TypeError("a generator can be gone through only once; give a list, or an object with __iter__")
