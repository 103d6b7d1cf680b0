"""Which sentences a classifier errs on: groups of sentences, and whether errors are more frequent in them.

A sentence belongs to a group by its tokens alone, so that anybody can see why it is there:

- negation: one of the words of ``NEGATIONS``, such as *not* or *n't*;
- contrast: one of the words of ``CONTRASTS``, such as *but*;
- marks of irony: a quotation mark, a question mark, an exclamation mark or dots (``MARKS``). Whether a sentence is
  ironic cannot be told from its tokens; these marks can, and irony often comes with them;
- unknown words: a fifth or more of the tokens have no vector;
- short, long: at most 10 tokens, and at least 30.

A group matters where its share among the errors is above its share among all sentences. The interval of this
difference comes from the bootstrap over sentences, so a group of few sentences has a wide one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.evaluation.accuracies import percent
from lexigrad.evaluation.columns import aligned
from lexigrad.evaluation.intervals import SEED, interval, sampled_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lexigrad.evaluation.mistakes import Answers, Mistake
    from lexigrad.evaluation.scores import Interval

__all__ = ["CONTRASTS", "MARKS", "NEGATIONS", "ErrorGroup", "GroupShare", "error_groups", "group_table"]

# fmt: off
NEGATIONS: Final = frozenset([
    "no", "not", "n't", "never", "none", "nothing", "nobody", "neither", "nor", "nowhere", "cannot", "without",
    "hardly", "barely",
])
CONTRASTS: Final = frozenset([
    "but", "although", "though", "however", "yet", "despite", "while", "whereas", "nevertheless", "nonetheless",
    "still",
])
# fmt: on
MARKS: Final = frozenset(["``", "''", "`", "?", "!", "...", '"'])
UNKNOWN_SHARE: Final = 0.2
SHORT: Final = 10
LONG: Final = 30

GROUPS: Final[dict[str, Callable[[set[str], int, int], bool]]] = {
    "negation": lambda words, tokens, unknown: not NEGATIONS.isdisjoint(words),
    "contrast": lambda words, tokens, unknown: not CONTRASTS.isdisjoint(words),
    "marks of irony": lambda words, tokens, unknown: not MARKS.isdisjoint(words),
    "unknown words": lambda words, tokens, unknown: unknown >= UNKNOWN_SHARE * tokens,
    "short": lambda words, tokens, unknown: tokens <= SHORT,
    "long": lambda words, tokens, unknown: tokens >= LONG,
}
"""For each group whether a sentence belongs to it, by its lower-cased words and its numbers of tokens and of unknown
ones."""

SAMPLES_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class GroupShare:
    """How much of some sentences, such as the errors, lies in a group.

    Attributes:
        sentences: how many of them are in the group.
        share: which share of them that is; NaN where there are none.
        interval: the bounds of this share less the group's share of all sentences, at 95 %, by the bootstrap.
    """

    sentences: int
    share: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold; NaN becomes None."""
        bounds = [None if bound != bound else bound for bound in self.interval]
        share = None if self.share != self.share else self.share
        return {"sentences": self.sentences, "share": share, "interval": bounds}


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """A group of sentences, and its part in the errors.

    Attributes:
        name: the name of the group.
        sentences: how many sentences are in the group.
        share: which share of all sentences that is.
        errors: the part of the errors that is in the group.
        reversals: the part of the reversals, in which praise was taken for blame or blame for praise.
        examples: the errors of the group with the largest margins.
    """

    name: str
    sentences: int
    share: float
    errors: GroupShare
    reversals: GroupShare
    examples: list[Mistake]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values that JSON can hold."""
        return {
            "name": self.name,
            "sentences": self.sentences,
            "share": self.share,
            "errors": self.errors.to_dict(),
            "reversals": self.reversals.to_dict(),
            "examples": [mistake.to_dict() for mistake in self.examples],
        }


def error_groups(answers: Answers, unknown: Sequence[int], examples: int = 2) -> list[ErrorGroup]:
    """Say for each group of sentences how large its share among the errors is, against its share among all sentences.

    Args:
        answers: the classifier's answers on labelled sentences.
        unknown: for each sentence, how many of its tokens have no vector.
        examples: how many errors of each group to show, those with the largest margins.

    Returns:
        The groups that hold a sentence.

    Example:
        >>> from lexigrad.evaluation.mistakes import Answers
        >>> sentences = [["Not", "good"], ["Never", "dull"], ["Fine"], ["Bad"]]
        >>> labels = np.array([1, 3, 3, 1])
        >>> answers = Answers(sentences, labels, np.array([3, 1, 3, 1]), np.eye(5)[[3, 1, 3, 1]])
        >>> negation = error_groups(answers, [0, 0, 0, 0])[0]
        >>> negation.name, negation.share, negation.errors.share, negation.examples[0].sentence
        ('negation', 0.5, 1.0, 'Not good')
    """
    belongs = [
        [has({token.lower() for token in tokens}, len(tokens), missing) for has in GROUPS.values()]
        for tokens, missing in zip(answers.sentences, unknown, strict=True)
    ]
    members = np.array(belongs, dtype=np.float64).reshape(-1, len(GROUPS))
    errors = _shares(members, ~answers.right)
    reversals = _shares(members, answers.reversed)
    return [
        ErrorGroup(
            name=name,
            sentences=int(members[:, column].sum()),
            share=float(members[:, column].mean()),
            errors=errors[column],
            reversals=reversals[column],
            examples=answers.by_margin(examples, np.flatnonzero(members[:, column]).tolist()),
        )
        for column, name in enumerate(GROUPS)
        if members[:, column].any()
    ]


def group_table(groups: Sequence[ErrorGroup]) -> str:
    """The groups as lines of text: shares in percent, and how far those among errors lie above those among all."""
    rows: list[tuple[str, ...]] = [
        ("group", "sentences", "% of all", "% of errors", "more, 95 %", "% of reversals", "more, 95 %")
    ]
    for group in groups:
        shares = (f"{group.sentences:,}", percent(group.share))
        rows.append((group.name, *shares, *_cells(group.errors), *_cells(group.reversals)))
    return aligned(rows)


def _shares(members: NDArray[np.float64], chosen: NDArray[np.bool_]) -> list[GroupShare]:
    """For each group, a column of ``members``, its part in the chosen sentences."""
    size = chosen.sum()
    inside = chosen @ members
    above: list[NDArray[np.float64]] = []
    with np.errstate(invalid="ignore"):  # 0 / 0 where a sample holds none of the chosen sentences
        shares = inside / size
        for counts in sampled_counts(len(chosen), SEED, SAMPLES_AT_ONCE):
            of_chosen = counts * chosen
            above.append(of_chosen @ members / of_chosen.sum(axis=1, keepdims=True) - counts @ members / len(chosen))
    bounds = [interval(column) for column in np.concatenate(above).T]
    return [
        GroupShare(int(number), float(share), bound)
        for number, share, bound in zip(inside, shares, bounds, strict=True)
    ]


def _cells(part: GroupShare) -> tuple[str, str]:
    low, high = part.interval
    return percent(part.share), "–" if low != low else f"{100 * low:+.1f} to {100 * high:+.1f}"
