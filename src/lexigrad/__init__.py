"""Trains, proves and uses word vectors (word2vec).

Importing this package costs next to nothing: each public name is imported when it is first touched.

Example:
    >>> import lexigrad
    >>> lexigrad.TrainConfig(dim=50).dim
    50
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigrad import course as course
    from lexigrad import gradcheck as gradcheck
    from lexigrad import plots as plots
    from lexigrad import reference as reference
    from lexigrad import stability as stability
    from lexigrad.bestbias import best_bias
    from lexigrad.checkpoints import Checkpoints
    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus, ReadingReport, learn_phrases, read_corpus
    from lexigrad.errors import (
        ConfigError,
        CorpusError,
        EngineError,
        FormatError,
        GradientError,
        InputError,
        LexigradError,
        MissingExtraError,
        UnknownWordError,
    )
    from lexigrad.evaluation import compare, evaluate_analogies, evaluate_similarity
    from lexigrad.formats.loading import load_vectors
    from lexigrad.formats.saving import save_vectors
    from lexigrad.heldout import HeldOutLoss, held_out_loss
    from lexigrad.hub import save_hub
    from lexigrad.keyedvectors import KeyedVectors
    from lexigrad.model import Word2Vec
    from lexigrad.phrases import Phrases
    from lexigrad.progress import Callback, TrainProgress
    from lexigrad.reduction import ReductionLoss, reduction_loss
    from lexigrad.seeds import train_seeds
    from lexigrad.sentencevectors import SentenceVectorizer
    from lexigrad.sentiment import classify_sentiment
    from lexigrad.stability import VectorsSet
    from lexigrad.subwordvectors import SubwordVectors
    from lexigrad.trainer import train
    from lexigrad.treebank import StanfordSentiment
    from lexigrad.vocabulary import Vocabulary
    from lexigrad.windowcounts import WindowCounts, count_windows

__version__ = "0.1.0"

__all__ = [
    # train
    "train",
    "Checkpoints",
    "train_seeds",
    "TrainConfig",
    "TrainProgress",
    "Callback",
    "Word2Vec",
    # text and words
    "read_corpus",
    "Corpus",
    "ReadingReport",
    "Vocabulary",
    "count_windows",
    "WindowCounts",
    "learn_phrases",
    "Phrases",
    # vectors
    "KeyedVectors",
    "SubwordVectors",
    "load_vectors",
    "save_vectors",
    "reduction_loss",
    "ReductionLoss",
    "save_hub",
    # measures and pictures
    "held_out_loss",
    "HeldOutLoss",
    "best_bias",
    "evaluate_analogies",
    "evaluate_similarity",
    "compare",
    "VectorsSet",
    "stability",
    "StanfordSentiment",
    "SentenceVectorizer",
    "classify_sentiment",
    "plots",
    # the definition and its proof
    "reference",
    "gradcheck",
    "course",
    # errors
    "LexigradError",
    "ConfigError",
    "CorpusError",
    "EngineError",
    "FormatError",
    "GradientError",
    "InputError",
    "MissingExtraError",
    "UnknownWordError",
    "__version__",
]

_HOMES = {
    "train": "trainer",
    "Checkpoints": "checkpoints",
    "train_seeds": "seeds",
    "TrainConfig": "config",
    "TrainProgress": "progress",
    "Callback": "progress",
    "Word2Vec": "model",
    "read_corpus": "corpus",
    "Corpus": "corpus",
    "ReadingReport": "corpus",
    "Vocabulary": "vocabulary",
    "count_windows": "windowcounts",
    "WindowCounts": "windowcounts",
    "learn_phrases": "corpus",
    "Phrases": "phrases",
    "KeyedVectors": "keyedvectors",
    "SubwordVectors": "subwordvectors",
    "load_vectors": "formats.loading",
    "save_vectors": "formats.saving",
    "reduction_loss": "reduction",
    "ReductionLoss": "reduction",
    "save_hub": "hub",
    "held_out_loss": "heldout",
    "HeldOutLoss": "heldout",
    "best_bias": "bestbias",
    "evaluate_analogies": "evaluation",
    "evaluate_similarity": "evaluation",
    "compare": "evaluation",
    "VectorsSet": "stability",
    "StanfordSentiment": "treebank",
    "SentenceVectorizer": "sentencevectors",
    "classify_sentiment": "sentiment",
    "LexigradError": "errors",
    "ConfigError": "errors",
    "CorpusError": "errors",
    "EngineError": "errors",
    "FormatError": "errors",
    "GradientError": "errors",
    "InputError": "errors",
    "MissingExtraError": "errors",
    "UnknownWordError": "errors",
}
_MODULES = ("reference", "gradcheck", "course", "plots", "stability")


def __getattr__(name: str) -> Any:
    """Import a public name on first touch (PEP 562)."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"lexigrad.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lexigrad' has no attribute {name!r}")
    value = getattr(import_module(f"lexigrad.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
