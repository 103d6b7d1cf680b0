"""The vocabulary of gensim's model: words counted, pruned by a rule, kept or dropped, and added to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP", "count_words", "downsampling", "is_kept", "threshold"]

RULE_DEFAULT: Final = 0
RULE_DISCARD: Final = 1
RULE_KEEP: Final = 2


def is_kept(word: Any, count: int, min_count: int, trim_rule: Callable[[Any, int, int], int] | None) -> bool:
    """Whether a word stays: as the rule says, and where the rule says nothing, if the word is frequent enough.

    Example:
        >>> is_kept("cat", 3, 5, None), is_kept("cat", 3, 5, lambda word, count, min_count: RULE_KEEP)
        (False, True)
    """
    ruling = RULE_DEFAULT if trim_rule is None else trim_rule(word, count, min_count)
    return count >= min_count if ruling == RULE_DEFAULT else ruling == RULE_KEEP


def count_words(
    sentences: Iterable[Any],
    most_words: int | None = None,
    trim_rule: Callable[[Any, int, int], int] | None = None,
) -> tuple[dict[Any, int], int, int]:
    """The number of times that each word occurs, the number of all words, and that of sentences.

    Args:
        sentences: the text, each sentence a list of words.
        most_words: whenever more words than this are known, rare ones are forgotten: none the first time, those that
            occurred once the second, at most twice the third, and so on. Counts are then too low, as in gensim.
        trim_rule: says which words are never, or always, forgotten.

    Raises:
        TypeError: a sentence has no length, such as a generator.

    Example:
        >>> count_words([["to", "be"], ["to"]])
        ({'to': 2, 'be': 1}, 3, 2)
    """
    counts: Counter[Any] = Counter()
    words, number, reduced = 0, 0, 1
    for number, sentence in enumerate(sentences, start=1):  # noqa: B007  # the number of the last is the count
        if not hasattr(sentence, "__len__"):
            raise TypeError(f"a sentence must be a list of words, not {type(sentence).__name__}")
        words += len(sentence)
        counts.update(sentence)
        if most_words and len(counts) > most_words:
            kept = {word: count for word, count in counts.items() if is_kept(word, count, reduced, trim_rule)}
            counts = Counter(kept)
            reduced += 1
    return dict(counts), words, number


def downsampling(kept: Mapping[Any, int], sample: float) -> tuple[int, int]:
    """The number of words that are sometimes dropped at random, and that of occurrences left, in expectation.

    Args:
        kept: the words and how often they occur.
        sample: words that occur more often than this are dropped at times; it is a share of all occurrences below 1,
            and a number of them from 1 on.
    """
    counts = np.array(list(kept.values()), dtype=np.float64)
    if not sample or not counts.size:
        return 0, int(counts.sum())
    ratio = threshold(int(counts.sum()), sample) / counts
    keep = np.sqrt(ratio) + ratio
    return int((keep < 1).sum()), int((np.minimum(keep, 1) * counts).sum())


def threshold(total: int, sample: float) -> float:
    """The number of occurrences that ``sample`` means in a text of ``total`` words."""
    return sample * total if sample < 1 else float(int(sample * (3 + 5**0.5) / 2))
