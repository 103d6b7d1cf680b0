"""Words found in any case, as evaluations look for them: "KING", "King" and "king" are one word in upper case."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["AnyCase"]


class AnyCase:
    """Finds the first of the words that are equal in upper case.

    To upper-case a whole vocabulary takes longer than to evaluate a few hundred pairs. Most words are ASCII and in
    lower case already: these are found by their own spelling, and only the others are kept in upper case.

    Args:
        words: the words; of those that are equal in upper case the first counts.
        word_ids: the place of each word.

    Example:
        >>> words = ["Straße", "rose", "Rose"]
        >>> any_case = AnyCase(words, {word: word_id for word_id, word in enumerate(words)})
        >>> any_case.first_ids(["ROSE", "strasse", "tulip"])
        [1, 0, -1]
    """

    def __init__(self, words: Sequence[str], word_ids: dict[str, int]) -> None:
        self._word_ids = word_ids
        self._other_ids: dict[str, int] = {}  # by upper case, for words that are not ASCII in lower case
        if not _is_plain("\n".join(words)):
            for word_id, word in enumerate(words):
                if not _is_plain(word):
                    self._other_ids.setdefault(word.upper(), word_id)

    def first_ids(self, words: Iterable[str]) -> list[int]:
        """The place of the first word that is equal in upper case to each of these; −1 where there is none."""
        return [self._first_id(word.upper()) for word in words]

    def _first_id(self, upper: str) -> int:
        other = self._other_ids.get(upper, -1)
        lower = upper.lower()
        if lower.upper() != upper:  # such as the sign for kelvin, whose lower case is the letter k
            return other
        word_id = self._word_ids.get(lower, -1)
        return max(word_id, other) if -1 in (word_id, other) else min(word_id, other)


def _is_plain(text: str) -> bool:
    """Whether upper and lower case turn this text into each other."""
    return text.isascii() and text == text.lower()
