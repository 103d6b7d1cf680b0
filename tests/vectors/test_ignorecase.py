"""Words found whatever their case: the first that is equal in upper case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lexigrad.vectors.ignorecase import AnyCase

LETTERS = st.sampled_from(
    "kKsSß\N{KELVIN SIGN}ıiIİéÉσς1-"
)  # upper case lengthens ß; K, ı and ς share theirs with others
WORDS = st.text(LETTERS, min_size=1, max_size=3)


def first_in(words: list[str], asked: str) -> int:
    """The definition."""
    return next((word_id for word_id, word in enumerate(words) if word.upper() == asked.upper()), -1)


def first_ids(words: list[str], asked: list[str]) -> list[int]:
    return AnyCase(words, {word: word_id for word_id, word in enumerate(words)}).first_ids(asked)


@given(st.lists(WORDS, unique=True), st.lists(WORDS))
def test_it_is_the_first_word_with_the_same_upper_case(words: list[str], asked: list[str]) -> None:
    asked = [*words, *asked]
    assert first_ids(words, asked) == [first_in(words, word) for word in asked]


def test_words_in_lower_case_are_found_by_every_spelling() -> None:
    assert first_ids(["king", "queen"], ["King", "QUEEN", "queen", "qu een"]) == [0, 1, 1, -1]


def test_a_letter_whose_lower_case_is_another_letters_is_not_that_letter() -> None:
    assert first_ids(["k"], ["\N{KELVIN SIGN}", "K"]) == [-1, 0]


def test_words_may_hold_line_ends() -> None:
    assert first_ids(["a\nb", "A", "c"], ["a", "A\nB", "C"]) == [1, 0, 2]


def test_no_words_are_found_among_none() -> None:
    assert first_ids([], ["king"]) == [-1]
