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
    from lexigrad import gradcheck as gradcheck
    from lexigrad import reference as reference
    from lexigrad.compat.hub import save_hub
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.corpus.phrases.phrases import Phrases
    from lexigrad.corpus.reading import learn_phrases, read_corpus
    from lexigrad.corpus.report import ReadingReport
    from lexigrad.corpus.shards import count_words, write_window_counts
    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.corpus.windows.counts import WindowCounts, count_windows
    from lexigrad.engines.opening import open_engine
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
    from lexigrad.evaluation import course as course
    from lexigrad.evaluation import stability as stability
    from lexigrad.evaluation.evaluate import compare, evaluate_analogies, evaluate_similarity
    from lexigrad.evaluation.sentencevectors import SentenceVectorizer
    from lexigrad.evaluation.sentiment import classify_sentiment
    from lexigrad.evaluation.stability import VectorsSet
    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.training.checkpoints import Checkpoints
    from lexigrad.training.loss.bias import best_bias
    from lexigrad.training.loss.heldout import HeldOutLoss, held_out_loss
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.progress import Callback, SolverProgress, TrainProgress
    from lexigrad.training.seeds import train_seeds
    from lexigrad.training.train import train
    from lexigrad.vectors.formats.loading import load_vectors
    from lexigrad.vectors.formats.saving import save_vectors
    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.vectors.precision import ReductionLoss, reduction_loss
    from lexigrad.vectors.subwordvectors import SubwordVectors
    from lexigrad.view import plots as plots

__version__ = "0.1.0"

__all__ = [
    # train
    "train",
    "Checkpoints",
    "train_seeds",
    "TrainConfig",
    "TrainProgress",
    "SolverProgress",
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
    # several machines
    "open_engine",
    "count_words",
    "write_window_counts",
    # vectors
    "KeyedVectors",
    "SubwordVectors",
    "load_vectors",
    "save_vectors",
    "read_gensim",
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
    "train": "training.train",
    "Checkpoints": "training.checkpoints",
    "train_seeds": "training.seeds",
    "TrainConfig": "config",
    "TrainProgress": "training.progress",
    "SolverProgress": "training.progress",
    "open_engine": "engines.opening",
    "count_words": "corpus.shards",
    "write_window_counts": "corpus.shards",
    "read_gensim": "vectors.formats",
    "Callback": "training.progress",
    "Word2Vec": "training.model",
    "read_corpus": "corpus.reading",
    "Corpus": "corpus.corpus",
    "ReadingReport": "corpus.report",
    "Vocabulary": "corpus.vocabulary",
    "count_windows": "corpus.windows.counts",
    "WindowCounts": "corpus.windows.counts",
    "learn_phrases": "corpus.reading",
    "Phrases": "corpus.phrases.phrases",
    "KeyedVectors": "vectors.keyedvectors",
    "SubwordVectors": "vectors.subwordvectors",
    "load_vectors": "vectors.formats.loading",
    "save_vectors": "vectors.formats.saving",
    "reduction_loss": "vectors.precision",
    "ReductionLoss": "vectors.precision",
    "save_hub": "compat.hub",
    "held_out_loss": "training.loss.heldout",
    "HeldOutLoss": "training.loss.heldout",
    "best_bias": "training.loss.bias",
    "evaluate_analogies": "evaluation.evaluate",
    "evaluate_similarity": "evaluation.evaluate",
    "compare": "evaluation.evaluate",
    "VectorsSet": "evaluation.stability",
    "StanfordSentiment": "evaluation.treebank",
    "SentenceVectorizer": "evaluation.sentencevectors",
    "classify_sentiment": "evaluation.sentiment",
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
_MODULES = {
    "reference": "reference",
    "gradcheck": "gradcheck",
    "course": "evaluation.course",
    "plots": "view.plots",
    "stability": "evaluation.stability",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first touch (PEP 562)."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"lexigrad.{_MODULES[name]}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lexigrad' has no attribute {name!r}")
    value = getattr(import_module(f"lexigrad.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
