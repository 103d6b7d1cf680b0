"""The start of a run: the values that all its calls need, and the first tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexigrad.kernels.simd import row_parts
from lexigrad.kernels.tables import Table
from lexigrad.replicas.training import Setup
from lexigrad.sampling import START_STREAM, alias_table, keep_thresholds, stream_key
from lexigrad.sgd import PARTS
from lexigrad.stepsize import settings_of
from lexigrad.training.sgd.run import plain_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus

__all__ = ["first_tables", "setup_of"]


def setup_of(name: str, corpus: Corpus, config: TrainConfig) -> Setup:
    """The values that all calls of a run need."""
    vocabulary, settings = corpus.vocabulary, settings_of(config, plain_ids(corpus.ids))
    settings = settings._replace(weight=float(settings.weight))  # plain numbers go over the wire
    keep = keep_thresholds(vocabulary.keep_probability(config.subsample))
    alias = alias_table(vocabulary.noise_distribution(config.noise_exponent))
    return Setup(name, len(vocabulary), config.seed, settings, keep, alias)


def first_tables(corpus: Corpus, config: TrainConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The tables that training starts from: V drawn, and U of zeros."""
    shape = len(corpus.vocabulary), config.dim
    V = Table(*shape, row_parts(config.dim, PARTS))
    V.fill(stream_key(config.seed, 0, START_STREAM))
    return V.rows(), np.zeros(shape, np.float32)
