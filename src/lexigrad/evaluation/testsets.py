"""Reads the sets that measure word vectors: analogies in sections, and pairs of words that people have rated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Analogies", "Question", "RatedPairs", "read_analogies", "read_rated_pairs"]

Question = tuple[str, str, str, str]
SHOWN: Final = 60
LONGEST_LINE_BYTES: Final = 1 << 16
NO_SECTION: Final = "(before the first section)"


@dataclass(frozen=True, slots=True)
class Analogies:
    """Questions "a is to b as c is to d", section after section.

    Attributes:
        path: the file they come from.
        questions: the four words of each question.
        sections: the names of the sections, in the file's order.
        starts: the number of the first question of each section.
    """

    path: str
    questions: tuple[Question, ...]
    sections: tuple[str, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RatedPairs:
    """Pairs of words, each with the mean of people's ratings of their similarity.

    Attributes:
        path: the file they come from.
        pairs: the two words of each pair.
        ratings: the rating of each pair, on the scale of the file.
    """

    path: str
    pairs: tuple[tuple[str, str], ...]
    ratings: tuple[float, ...]


def read_analogies(path: str | os.PathLike[str]) -> Analogies:
    r"""Read a file of analogies: four words a line, ``: NAME`` begins a section, ``#`` or ``//`` a comment.

    Args:
        path: the file, UTF-8.

    Raises:
        FormatError: the file cannot be read, a line is no question, or there is no question; the message names file and
            line.

    Example:
        >>> path = getfixture("tmp_path") / "questions.txt"
        >>> _ = path.write_text(": royals\nman king woman queen\n")
        >>> read_analogies(path).questions
        (('man', 'king', 'woman', 'queen'),)

    gensim passes over a line that is no question, and refuses questions before the first section.
    """
    questions: list[Question] = []
    sections: list[str] = []
    starts: list[int] = []
    for number, line in _lines(path, comments=("#", "//")):
        if line.startswith(":"):
            sections.append(line.lstrip(": "))
            starts.append(len(questions))
            continue
        if not sections:
            sections, starts = [NO_SECTION], [0]
        words = line.split(maxsplit=4)
        if len(words) != 4:
            raise FormatError(
                f"{path}, line {number:,}: a question is four words, not {_shown(line)}; correct the line"
            )
        questions.append((words[0], words[1], words[2], words[3]))
    if not questions:
        raise FormatError(f"{path} holds no questions; a line must hold four words, such as: man king woman queen")
    return Analogies(os.fspath(path), tuple(questions), tuple(sections), tuple(starts))


def read_rated_pairs(path: str | os.PathLike[str]) -> RatedPairs:
    r"""Read a file of rated pairs: ``word word score`` a line, cut at tabs where there are some, else at white space.

    Lines that begin with ``#`` are comments. The first line may be a heading, whose score begins with a letter.

    Args:
        path: the file, UTF-8.

    Raises:
        FormatError: the file cannot be read, a line is no rated pair, or there is no pair; the message names file and
            line.

    Example:
        >>> path = getfixture("tmp_path") / "pairs.txt"
        >>> _ = path.write_text("# similarity\ncup mug 9.5\ncup idea 0.5")
        >>> read_rated_pairs(path).ratings
        (9.5, 0.5)

    gensim passes over a line that is no rated pair; it cuts at tabs only, unless told otherwise.
    """
    pairs: list[tuple[str, str]] = []
    ratings: list[float] = []
    is_first = True
    for number, line in _lines(path, comments=("#",)):
        fields = [field.strip() for field in line.split("\t", 3)] if "\t" in line else line.split(maxsplit=3)
        rating = _number(fields[2]) if len(fields) == 3 and all(fields) else None
        if rating is not None:
            pairs.append((fields[0], fields[1]))
            ratings.append(rating)
        elif not (is_first and len(fields) == 3 and fields[2][:1].isalpha()):
            raise FormatError(
                f"{path}, line {number:,}: expected `word word score`, found {_shown(line)}; correct the line"
            )
        is_first = False
    if not pairs:
        raise FormatError(f"{path} holds no rated pairs; a line must hold two words and a number, such as: cup mug 9.5")
    return RatedPairs(os.fspath(path), tuple(pairs), tuple(ratings))


def _lines(path: str | os.PathLike[str], comments: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The number and the stripped text of each line that is neither empty nor a comment."""
    try:
        with open(path, "rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE_BYTES), b""), start=1):
                if len(raw) == LONGEST_LINE_BYTES:
                    raise FormatError(
                        f"{path}, line {number:,}: longer than {LONGEST_LINE_BYTES:,} bytes; cut the line"
                    )
                line = _decoded(path, number, raw).strip()
                if line and not line.startswith(comments):
                    yield number, line
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error


def _decoded(path: str | os.PathLike[str], number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}, line {number:,}: byte {error.start + 1} is not UTF-8; convert the file") from error


def _number(text: str) -> float | None:
    """The number that a text stands for; None where it is no finite number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _shown(line: str) -> str:
    """The line as an error shows it."""
    return repr(line if len(line) <= SHOWN else line[:SHOWN] + "…")
