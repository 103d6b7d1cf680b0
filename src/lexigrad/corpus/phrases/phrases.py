"""Phrases found in a text: words that follow each other more often than by chance, joined into one token.

`lexigrad.corpus.phrases.learning` finds them. This module keeps them, with the model and in a file of its own.
"""

from __future__ import annotations

import json
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.files.strings import pack_words, unpack_words
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["PHRASE_TENSORS", "Phrase", "Phrases"]

FORMAT: Final = "lexigrad-phrases"

PHRASE_TENSORS: Final[dict[str, np.dtype[Any]]] = {
    "phrase_counts": np.dtype("<i8"),
    "phrase_ends": np.dtype("<i8"),
    "phrase_pass_ends": np.dtype("<i8"),
    "phrase_scores": np.dtype("<f8"),
    "phrase_word_ends": np.dtype("<i8"),
    "phrase_parts": np.dtype("<i4"),
    "phrase_settings": np.dtype("u1"),
    "phrase_words": np.dtype("u1"),
}
"""The arrays that stand for phrases in a file, all of one dimension."""

SETTINGS: Final[dict[str, type | tuple[type, ...]]] = {
    "connector_words": list,
    "delimiter": str,
    "min_count": int,
    "scoring": str,
    "threshold": (int, float),
}


class Phrase(NamedTuple):
    """Tokens that are joined: two words, with connector words in between."""

    parts: tuple[str, ...]
    occurrences: int
    """How often the parts stood side by side in the text, before anything was joined in this pass."""
    score: float


class Phrases:
    """The phrases of a text, pass by pass: those of a later pass may have those of earlier ones as parts; immutable.

    ``read_corpus`` and ``train`` with ``phrases=1`` or more find them, and so does `lexigrad.learn_phrases`; a model
    has those that it was trained with as ``model.phrases``.

    Args:
        passes: the phrases that each pass joins.
        connector_words: words that a phrase may hold inside but not at its ends.
        delimiter: the text between the parts of a joined phrase.
        min_count: the least count that a phrase was to have when they were found.
        scoring: ``mikolov`` or ``npmi``, by which they were scored.
        threshold: the score that a phrase was to be above.

    Raises:
        InputError: a phrase has fewer than two parts, or connector words where they cannot be, or comes twice.

    Example:
        >>> phrases = Phrases([[Phrase(("new", "york"), 20, 31.5)], [Phrase(("new_york", "city"), 8, 12.0)]])
        >>> phrases.join("a new york city guide to new york".split())
        ['a', 'new_york_city', 'guide', 'to', 'new_york']
        >>> phrases.scores
        {'new_york': 31.5, 'new_york_city': 12.0}
    """

    def __init__(
        self,
        passes: Iterable[Iterable[Phrase]],
        *,
        connector_words: Iterable[str] = (),
        delimiter: str = "_",
        min_count: int = 5,
        scoring: str = "mikolov",
        threshold: float = 10.0,
    ) -> None:
        self.passes = tuple(tuple(found) for found in passes)
        self.connector_words = frozenset(connector_words)
        self.delimiter, self.min_count, self.scoring, self.threshold = delimiter, min_count, scoring, threshold
        self._joins = [{phrase.parts: delimiter.join(phrase.parts) for phrase in found} for found in self.passes]
        for found, joins in zip(self.passes, self._joins, strict=True):
            self._check(found, joins)

    def _check(self, found: Sequence[Phrase], joins: Mapping[tuple[str, ...], str]) -> None:
        for parts in joins:
            between = [part in self.connector_words for part in parts]
            if len(parts) < 2 or between[0] or between[-1] or not all(between[1:-1]) or not all(parts):
                raise InputError(
                    f"{' '.join(parts)[:100]!r} is no phrase: it needs two words, with connector words only in between"
                )
        if len(joins) < len(found):
            raise InputError("a pass has a phrase twice; give each once")

    @cached_property
    def scores(self) -> dict[str, float]:
        """The score of each phrase, as it stands in the joined text; the best where it can be put together in two ways.

        By passes, and in each by falling score.
        """
        scores: dict[str, float] = {}
        for found, joins in zip(self.passes, self._joins, strict=True):
            for phrase in found:
                joined = joins[phrase.parts]
                scores[joined] = max(phrase.score, scores.get(joined, phrase.score))
        return scores

    def __len__(self) -> int:
        return sum(map(len, self.passes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Phrases):
            return NotImplemented
        return (self.passes, self._settings()) == (other.passes, other._settings())

    __hash__ = None  # type: ignore[assignment]  # like a list: equal by content, too large to hash

    def __repr__(self) -> str:
        return f"Phrases({len(self):,} in {len(self.passes)} passes, scoring {self.scoring}, above {self.threshold:g})"

    def join(self, tokens: Iterable[str]) -> list[str]:
        """The tokens of one sentence with its phrases joined, pass by pass, each from left to right.

        Args:
            tokens: the sentence, cut into tokens as the text that the phrases are from.
        """
        sentence = list(tokens)
        for joins in self._joins:
            sentence = self._joined(sentence, joins)
        return sentence

    def _joined(self, tokens: list[str], joins: Mapping[tuple[str, ...], str]) -> list[str]:
        """The tokens with the phrases of one pass joined."""
        joined: list[str] = []
        begun: list[str] = []  # a word that may begin a phrase, and the connector words behind it
        for token in tokens:
            if token in self.connector_words:
                (begun if begun else joined).append(token)
                continue
            phrase = joins.get((*begun, token)) if begun else None
            if phrase is None:
                joined += begun
                begun = [token]
            else:
                joined.append(phrase)
                begun = []
        return joined + begun

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a native file, which ``load`` reads back; docs/reference/formats.md specifies it.

        Raises:
            LexigradError: the file cannot be written.
        """
        write_native(path, self.to_tensors(), {"format": FORMAT, "version": "1"})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Phrases:
        """Read a file that ``save`` wrote.

        Raises:
            FormatError: the file holds no phrases, or it is damaged.
        """
        tensors, _ = read_native(path, FORMAT)
        phrases = cls.from_tensors(tensors)
        if phrases is None:
            raise FormatError(f"{path} holds no phrases; it is damaged")
        return phrases

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The phrases as arrays, by the names in ``PHRASE_TENSORS``."""
        flat = [phrase for found in self.passes for phrase in found]
        words = sorted({part for phrase in flat for part in phrase.parts})
        numbers = {word: number for number, word in enumerate(words)}
        text, word_ends = pack_words(words)
        arrays: dict[str, Any] = {
            "phrase_words": text,
            "phrase_word_ends": word_ends,
            "phrase_parts": [numbers[part] for phrase in flat for part in phrase.parts],
            "phrase_ends": np.cumsum([len(phrase.parts) for phrase in flat], dtype=np.int64),
            "phrase_pass_ends": np.cumsum([len(found) for found in self.passes], dtype=np.int64),
            "phrase_counts": [phrase.occurrences for phrase in flat],
            "phrase_scores": [phrase.score for phrase in flat],
            "phrase_settings": np.frombuffer(json.dumps(self._settings(), sort_keys=True).encode(), dtype=np.uint8),
        }
        return {name: np.asarray(arrays[name], dtype=dtype) for name, dtype in PHRASE_TENSORS.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Phrases | None:
        """The phrases in arrays that ``to_tensors`` made, None if there are none.

        Raises:
            FormatError: the arrays contradict each other.
        """
        if not any(name in tensors for name in PHRASE_TENSORS):
            return None
        for name, dtype in PHRASE_TENSORS.items():
            if name not in tensors or tensors[name].dtype != dtype or tensors[name].ndim != 1:
                raise FormatError(f"the phrases lack an array {name!r} of one dimension and type {dtype}")
        settings = _checked_settings(tensors["phrase_settings"].tobytes())
        words = unpack_words(tensors["phrase_words"], tensors["phrase_word_ends"])
        counts, scores = tensors["phrase_counts"], tensors["phrase_scores"]
        parts, size = tensors["phrase_parts"], counts.size
        ends, pass_ends = (tensors[name].tolist() for name in ("phrase_ends", "phrase_pass_ends"))
        if len(ends) != size or scores.size != size or (counts < 1).any() or not np.isfinite(scores).all():
            raise FormatError("the phrases have not a count and a score each; the file is damaged")
        for borders, total in ((ends, parts.size), (pass_ends, size)):
            if sorted(borders) != borders or min(borders, default=0) < 0 or (borders or [0])[-1] != total:
                raise FormatError("the ends of the phrases do not divide them; the file is damaged")
        if parts.size and not 0 <= parts.min() <= parts.max() < len(words):
            raise FormatError("a phrase has a word that the file does not hold; it is damaged")
        spelt = [words[part] for part in parts.tolist()]
        limits = pairwise([0, *ends])
        flat = [
            Phrase(tuple(spelt[begin:end]), count, score)
            for (begin, end), count, score in zip(limits, counts.tolist(), scores.tolist(), strict=True)
        ]
        try:
            return cls([flat[begin:end] for begin, end in pairwise([0, *pass_ends])], **settings)
        except InputError as error:
            raise FormatError(f"the phrases contradict themselves: {error}") from error

    def _settings(self) -> dict[str, Any]:
        return {
            "connector_words": sorted(self.connector_words),
            "delimiter": self.delimiter,
            "min_count": self.min_count,
            "scoring": self.scoring,
            "threshold": self.threshold,
        }


def _checked_settings(content: bytes) -> dict[str, Any]:
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError("the settings of the phrases are not JSON; the file is damaged") from error
    if not isinstance(settings, dict) or settings.keys() != SETTINGS.keys():
        raise FormatError(f"the settings of the phrases are not {', '.join(SETTINGS)}; the file is damaged")
    for name, kind in SETTINGS.items():
        if not isinstance(settings[name], kind) or isinstance(settings[name], bool):
            raise FormatError(f"{name} of the phrases has a value that it cannot have; the file is damaged")
    if not all(isinstance(word, str) for word in settings["connector_words"]):
        raise FormatError("a connector word of the phrases is no string; the file is damaged")
    return settings
