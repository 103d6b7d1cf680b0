"""The losses and windows that an assignment asks for: how each is called, what is right, and what is often wrong.

The tables are small and unkind, as everywhere in the proof: words repeat in windows and among the negatives, the
outside word is drawn, the center word stands in its own window, and no two sizes are equal, so that a transposed array
shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lexigrad import reference
from lexigrad.errors import GradientError, InputError
from lexigrad.gradcheck.equations import TOLERANCE, relative_error
from lexigrad.gradcheck.students.findings import Diagnosis, Slip, diagnose
from lexigrad.gradcheck.students.slips import (
    cbow_slips,
    drawn,
    naive_softmax_slips,
    negative_sampling_slips,
    right_cbow,
    right_skipgram,
    skipgram_slips,
)
from lexigrad.gradcheck.students.strangers import LOSS, Adapted, Calls, Cases
from lexigrad.reference import WordLoss

__all__ = ["Exercise", "FixedDraws", "cbow", "naive_softmax", "negative_sampling", "skipgram", "some_numbers"]

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[..., Any]
Given: TypeAlias = Callable[[WordLoss], Function]
"""Makes of one of our losses one that takes the assignment's arguments, by their names too."""

WORDS: Final = "abcdefg"
WORD_IDS: Final = {word: word_id for word_id, word in enumerate(WORDS)}
DRAWS_AT_MOST: Final = 10_000


class FixedDraws:
    """Stands in for the assignment's dataset: each call of ``sampleTokenIdx`` gives the next of a list of draws.

    Args:
        draws: word ids, given one after the other and then from the beginning again.

    Raises:
        InputError: there is none.

    Example:
        >>> dataset = FixedDraws([4, 1, 4])
        >>> [dataset.sampleTokenIdx() for _ in range(5)]
        [4, 1, 4, 4, 1]
    """

    def __init__(self, draws: Sequence[int]) -> None:
        if not len(draws):
            raise InputError("draws must hold at least one word id to draw, but hold none")
        self._draws, self._left = cycle(draws), DRAWS_AT_MOST

    def sampleTokenIdx(self) -> int:
        """Give the next draw.

        Raises:
            InputError: so many were drawn that the caller would hardly ever end.
        """
        self._left -= 1
        if self._left < 0:
            raise InputError(f"sampleTokenIdx was called more than {DRAWS_AT_MOST:,} times; draw K negatives, no more")
        return next(self._draws)


def dataset_of(draws: Sequence[int]) -> FixedDraws:
    """A dataset of a class of its own: whoever puts other functions into that class changes no other dataset."""
    own: type[FixedDraws] = type("FixedDraws", (FixedDraws,), {})
    return own(draws)


@dataclass(frozen=True)
class Exercise:
    """One function that students write.

    Attributes:
        name: its name in a student's file.
        adapt: makes of the student's function one that takes the cases' arguments.
        right: the right function of the cases' arguments.
        cases: the arguments at which it is graded.
        gradients: the arguments whose gradients it returns; none where it returns a value.
        slips: known wrong forms.
        theirs: what the assignment calls these arguments, where it is something else.
        divisor: by what loss and gradients may be divided, all of them, as the assignment leaves it open.
    """

    name: str
    adapt: Callable[[Function], Function]
    right: Function
    cases: Cases
    gradients: tuple[str, ...] = ()
    slips: Sequence[Slip] = ()
    theirs: Mapping[str, str] = field(default_factory=dict)
    divisor: float = 1.0

    def diagnose(self, function: Function, tolerance: float = TOLERANCE) -> Diagnosis:
        """Grade a student's function.

        Args:
            function: as it is in the student's file.
            tolerance: the worst relative error that passes.
        """
        by = self.divisor if self._is_divided(function) else 1.0
        return diagnose(
            self._renamed(self.adapt(function)),
            self._renamed(self.right, by),
            {case: {self.theirs.get(ours, ours): some[ours] for ours in some} for case, some in self.cases.items()},
            [self.theirs.get(ours, ours) for ours in self.gradients],
            slips=[Slip(slip.cause, self._renamed(slip.form, by)) for slip in self.slips],
            name=self.name,
            tolerance=tolerance,
        )

    def _is_divided(self, function: Function) -> bool:
        """Whether a student's loss is the right one divided by the divisor."""
        if self.divisor == 1:
            return False
        right = Calls(self.right, self.cases, self.gradients).outputs()[LOSS]
        try:
            theirs = Calls(self.adapt(function), self.cases, self.gradients).outputs()[LOSS]
        except GradientError:
            return False
        return all(relative_error(theirs[case] * self.divisor, right[case]) < TOLERANCE for case in right)

    def _renamed(self, function: Function, divisor: float = 1.0) -> Function:
        """A function that takes its arguments under the assignment's names, and divides what it returns."""
        ours = {theirs: ours for ours, theirs in self.theirs.items()}

        def renamed(**arguments: Any) -> Any:
            returned = function(**{ours.get(name, name): value for name, value in arguments.items()})
            return returned if divisor == 1 else [np.asarray(part) / divisor for part in returned]

        return renamed


def some_numbers(*shape: int, first: int = 1) -> Array:
    """Numbers between −1 and 1 without a pattern: sin 1, sin 4, sin 9 and so on."""
    k = np.arange(first, first + np.prod(shape), dtype=np.float64)
    return np.asarray(np.sin(k * k).reshape(shape))


# -------------------- losses and windows


def naive_softmax(name: str, theirs: Mapping[str, str]) -> Exercise:
    """The naive softmax under an edition's name."""
    tables = {"v_c": some_numbers(3), "U": some_numbers(7, 3, first=50)}
    return Exercise(
        name,
        lambda function: lambda v_c, o, U: function(v_c, o, U, dataset_of([0])),
        reference.naive_softmax,
        {"outside word 2": {"o": 2, **tables}, "outside word 6": {"o": 6, **tables}},
        ("v_c", "U"),
        naive_softmax_slips(),
        theirs,
    )


def negative_sampling(name: str, theirs: Mapping[str, str]) -> Exercise:
    """Negative sampling under an edition's name, with draws that are known."""
    tables = {"v_c": some_numbers(3), "U": some_numbers(7, 3, first=50), "o": 2}
    return Exercise(
        name,
        # K = 10 is the default, so it is not handed over
        lambda function: lambda v_c, o, U, draws, K: function(v_c, o, U, dataset_of(draws), *([] if K == 10 else [K])),
        lambda v_c, o, U, draws, K: reference.negative_sampling(v_c, o, drawn(o, draws, K), U),
        {
            "three words drawn": {**tables, "draws": [4, 1, 5], "K": 3},
            "a word drawn twice": {**tables, "draws": [4, 1, 4], "K": 3},
            "the outside word drawn": {**tables, "draws": [4, 2, 1, 0], "K": 3},
            "ten words drawn": {**tables, "draws": [3, 2, 0, 6, 3], "K": 10},
        },
        ("v_c", "U"),
        negative_sampling_slips(),
        theirs,
    )


def _sampled(v: Array, o: int, U: Array) -> tuple[float, Array, Array]:
    """Negative sampling with negatives that depend on the outside word alone, one of them twice."""
    negatives = (np.array([1, 3, 1]) + o) % len(U)
    return reference.negative_sampling(v, o, negatives, U)


def _windows() -> Cases:
    """Windows of two words on either side, with both losses."""
    tables = {"V": some_numbers(7, 3), "U": some_numbers(7, 3, first=50), "window": 2, "center": 2}
    windows: dict[str, tuple[list[int], WordLoss]] = {
        "a full window": ([1, 3, 4, 0], reference.naive_softmax),
        "a full window, with negative sampling": ([1, 3, 4, 0], _sampled),
        "a word twice in the window": ([1, 3, 1, 4], _sampled),
        "the second word of a sentence": ([3, 5, 6], reference.naive_softmax),
        "the center word in its window": ([1, 2, 6], _sampled),
    }
    return {
        window: {**tables, "outside": outside, "word_loss": word_loss}
        for window, (outside, word_loss) in windows.items()
    }


def skipgram(theirs: Mapping[str, str], given: Given) -> Exercise:
    """Skip-gram, under an edition's names."""
    adapt = _adapted(theirs, given)
    return Exercise("skipgram", adapt, right_skipgram, _windows(), ("V", "U"), skipgram_slips(), theirs)


def cbow(theirs: Mapping[str, str], given: Given) -> Exercise:
    """CBOW with the sum of the context's vectors, under an edition's names."""
    return Exercise("cbow", _adapted(theirs, given), right_cbow, _windows(), ("V", "U"), cbow_slips(), theirs)


def _adapted(theirs: Mapping[str, str], given: Given) -> Callable[[Function], Function]:
    """Call a student's skip-gram or CBOW with words, and with a loss in the assignment's form."""

    def adapt(function: Function) -> Function:
        def adapted(center: int, outside: list[int], V: Array, U: Array, word_loss: WordLoss, window: int) -> Any:
            words, word_ids = [WORDS[o] for o in outside], dict(WORD_IDS)
            returned = function(WORDS[center], window, words, word_ids, V, U, dataset_of([0]), given(word_loss))
            changed = [theirs["outside"]] if words != [WORDS[o] for o in outside] else []
            return Adapted(returned, [*changed, theirs["word_ids"]] if word_ids != WORD_IDS else changed)

        return adapted

    return adapt
