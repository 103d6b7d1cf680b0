"""Strings as two arrays, as files without strings hold them: the bytes of all strings, and where each string ends."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.errors import FormatError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["encoded", "first_repeated", "pack_words", "unpack_words"]


def pack_words(words: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    r"""Words as two arrays: the bytes of all of them in UTF-8, one after another, and where each ends.

    Args:
        words: any number of them, of any length.

    Returns:
        The bytes, and the ends, counted in bytes from the beginning; shape ``(len(words),)``.

    Raises:
        FormatError: a word cannot be written in UTF-8.

    Example:
        >>> text, ends = pack_words(["to", "été"])
        >>> bytes(text), ends.tolist()
        (b'to\xc3\xa9t\xc3\xa9', [2, 7])
    """
    codes = [encoded(word) for word in words]
    text = np.frombuffer(b"".join(codes), dtype=np.uint8)
    ends = np.cumsum([len(code) for code in codes], dtype=np.int64)
    return text, ends


def unpack_words(text: NDArray[Any], ends: NDArray[Any]) -> list[str]:
    """The words that ``pack_words`` packed.

    Args:
        text: the bytes of all words.
        ends: where each word ends.

    Raises:
        FormatError: the ends do not divide the text, a word is not UTF-8, or a word comes twice.

    Example:
        >>> unpack_words(*pack_words(["to", "été"]))
        ['to', 'été']
    """
    borders = np.concatenate([np.zeros(1, dtype=np.int64), ends.astype(np.int64)])
    if borders[-1] != text.size or (np.diff(borders) < 0).any():
        raise FormatError("the ends of the words do not divide the words' bytes; the file is damaged")
    content, limits = text.astype(np.uint8).tobytes(), borders.tolist()
    try:
        words = [content[begin:end].decode() for begin, end in pairwise(limits)]
    except UnicodeDecodeError as error:
        raise FormatError("a word is not UTF-8; the file is damaged") from error
    if len(set(words)) < len(words):
        raise FormatError(f"the word {quoted(first_repeated(words))} comes twice; the file is damaged")
    return words


def encoded(text: str) -> bytes:
    """``text`` in UTF-8.

    Raises:
        FormatError: the text holds half of a character; the message shows it.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"the character {text[error.start]!r} cannot be written in UTF-8; leave it out") from error


def first_repeated(words: Iterable[str]) -> str:
    """The first of the ``words`` that has come before; there must be one."""
    seen: set[str] = set()
    return next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
