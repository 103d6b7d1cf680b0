"""The function that trains under each loss by SGD, by the loss's name; `lexigrad.losses` has the records of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lexigrad.sgd import train_sgd
from lexigrad.softmaxsgd import train_softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.config import TrainConfig
    from lexigrad.corpus import Corpus
    from lexigrad.further import Start
    from lexigrad.model import Word2Vec
    from lexigrad.monitor import Monitor

__all__ = ["SGD"]

SGD: Final[dict[str, Callable[[Corpus, TrainConfig, Monitor, Start | None], Word2Vec]]] = {
    "negative_sampling": train_sgd,
    "naive_softmax": train_softmax,
}
"""Each trains both tables in the threads of this process, from a corpus and a config on, watched by a monitor."""
