"""The function that trains under each loss by SGD, by the loss's name; its record is in `lexigrad.config.losses`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lexigrad.training.sgd.naive_softmax import train_softmax
from lexigrad.training.sgd.negative_sampling import train_sgd

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.config import TrainConfig
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.training.further import Start
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.monitor import Monitor

__all__ = ["SGD"]

SGD: Final[dict[str, Callable[[Corpus, TrainConfig, Monitor, Start | None], Word2Vec]]] = {
    "negative_sampling": train_sgd,
    "naive_softmax": train_softmax,
}
"""Each trains both tables in the threads of this process, from a corpus and a config on, watched by a monitor."""
