"""gensim's scores of a pair of words, by which phrases are found, and the check of a score of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import inf, log
from typing import Final

from lexigrad.errors import ConfigError

__all__ = ["SCORER_ARGUMENTS", "Scorer", "name_of", "npmi_scorer", "original_scorer", "scorer_of"]

Scorer = Callable[..., float]

SCORER_ARGUMENTS: Final = (
    "worda_count",
    "wordb_count",
    "bigram_count",
    "len_vocab",
    "min_count",
    "corpus_word_count",
)
"""The arguments of a scorer, all by name."""


def original_scorer(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: float, corpus_word_count: int
) -> float:
    """Mikolov et al. 2013, as gensim scales it: (count(ab) − min_count) / (count(a) · count(b)) · len_vocab.

    Example:
        >>> original_scorer(10, 20, 15, 1000, 5, 100_000)
        50.0
    """
    if worda_count == 0 or wordb_count == 0:
        return -inf
    return (bigram_count - min_count) / float(worda_count * wordb_count) * len_vocab


def npmi_scorer(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: float, corpus_word_count: int
) -> float:
    """Normalized pointwise mutual information, from −1 to 1: ln(p(ab) / (p(a) · p(b))) / −ln p(ab) (Bouma 2009).

    Example:
        >>> round(npmi_scorer(10, 20, 10, 1000, 5, 100_000), 4)
        0.9247

    Unlike gensim, a candidate that is the whole text, for which the quotient has no value, has the score −∞.
    """
    if bigram_count < min_count or not (worda_count and wordb_count and bigram_count):
        return -inf
    total = float(corpus_word_count)
    together = bigram_count / total
    if together == 1:
        return -inf
    return log(together / ((worda_count / total) * (wordb_count / total))) / -log(together)


SCORERS: Final[dict[str, Scorer]] = {"default": original_scorer, "npmi": npmi_scorer}


def scorer_of(scoring: str | Scorer) -> Scorer:
    """The function that a name stands for, or the function itself if it takes the arguments of a scorer."""
    if isinstance(scoring, str):
        if scoring not in SCORERS:
            raise ConfigError(f"scoring must be {', '.join(SCORERS)} or a function, not {scoring!r}")
        return SCORERS[scoring]
    if not callable(scoring):
        raise ConfigError(f"scoring must be {', '.join(SCORERS)} or a function, not {scoring!r}")
    parameters = inspect.signature(scoring).parameters
    takes_all = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    missing = [name for name in SCORER_ARGUMENTS if name not in parameters and not takes_all]
    if missing:
        raise ConfigError(f"the scoring function lacks the parameters {', '.join(missing)}")
    return scoring


def name_of(scoring: Scorer) -> str:
    """The name of a scorer, ``custom`` for one that is not gensim's."""
    return next((name for name, scorer in SCORERS.items() if scorer is scoring), "custom")
