"""The attributes of a model of gensim's kind, declared for all parts of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.compat.gensim.keyedvectors import KeyedVectors

__all__ = ["ModelState"]


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
