"""gensim's readers of text: iterables of sentences, each a list of words, that can be gone through again and again."""

from __future__ import annotations

import io
import itertools
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from lexigrad.errors import InputError
from lexigrad.files.packed import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BrownCorpus", "LineSentence", "PathLineSentences", "Text8Corpus", "text_files"]

LONGEST_SENTENCE: Final = 10_000
"""The most words of a sentence by default, as in gensim; a longer sentence is cut."""

BLOCK_BYTES: Final = 1 << 16


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where its first bytes say that it is packed."""
    with open(path, "rb") as file:
        yield io.BufferedReader(cast("io.RawIOBase", unpacked(file)))


def _cut(words: list[str], most: int) -> Iterator[list[str]]:
    """The words in sentences of no more than ``most`` words."""
    for start in range(0, len(words), most):
        yield words[start : start + most]


def _words(line: bytes | str) -> list[str]:
    return (line if isinstance(line, str) else line.decode()).split()


class LineSentence:
    r"""The sentences of a text, one a line, words separated by white space.

    Args:
        source: a path, or a file that is open and has ``seek``. A packed file is unpacked, as its first bytes say.
        max_sentence_length: the most words of a sentence; longer lines are cut. A training that is given the path of a
            file reads it without this class, and leaves its lines whole.
        limit: the number of lines to read, from the first on; None for all.

    Example:
        >>> path = getfixture("tmp_path") / "text.txt"
        >>> _ = path.write_text("to be or\nnot to be\n")
        >>> list(LineSentence(path))
        [['to', 'be', 'or'], ['not', 'to', 'be']]
    """

    def __init__(self, source: Any, max_sentence_length: int = LONGEST_SENTENCE, limit: int | None = None) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit

    def __iter__(self) -> Iterator[list[str]]:
        if isinstance(self.source, (str, os.PathLike)):
            with _opened(self.source) as file:
                yield from self._sentences(file)
        else:
            self.source.seek(0)
            yield from self._sentences(self.source)

    def _sentences(self, lines: Any) -> Iterator[list[str]]:
        for line in itertools.islice(lines, self.limit):
            yield from _cut(_words(line), self.max_sentence_length)


class PathLineSentences:
    """The sentences of all files in a folder, sorted by name, each read as `LineSentence` reads it.

    Args:
        source: the folder, which must hold nothing but files, or one file.
        max_sentence_length: the most words of a sentence; longer lines are cut.
        limit: the number of lines to read of each file, from the first on; None for all.

    Raises:
        InputError: there is no such file or folder.
    """

    def __init__(
        self, source: str | os.PathLike[str], max_sentence_length: int = LONGEST_SENTENCE, limit: int | None = None
    ) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit
        path = Path(source)
        if not path.exists():
            raise InputError(f"there is no file or folder {str(source)!r}; give the folder of the text")
        self.input_files = sorted(map(str, path.iterdir())) if path.is_dir() else [str(path)]

    def __iter__(self) -> Iterator[list[str]]:
        for path in self.input_files:
            yield from LineSentence(path, self.max_sentence_length, self.limit)


class Text8Corpus:
    """The words of a file without line breaks, such as text8, cut into sentences of equal length.

    Args:
        fname: the file.
        max_sentence_length: the number of words of a sentence.
    """

    def __init__(self, fname: str | os.PathLike[str], max_sentence_length: int = LONGEST_SENTENCE) -> None:
        self.fname, self.max_sentence_length = fname, max_sentence_length

    def __iter__(self) -> Iterator[list[str]]:
        words: list[str] = []
        rest = b""
        with _opened(self.fname) as file:
            while block := file.read(BLOCK_BYTES):
                head, space, tail = (rest + block).rpartition(b" ")  # the last word may go on in the next block
                rest = tail
                words += _words(head if space else b"")
                while len(words) > self.max_sentence_length:
                    yield words[: self.max_sentence_length]
                    del words[: self.max_sentence_length]
        words += _words(rest)
        yield from _cut(words, self.max_sentence_length)


class BrownCorpus:
    """The sentences of the Brown corpus as NLTK keeps it: tokens ``word/tag``, of which those with a letter tag count.

    Args:
        dirname: the folder of its files.
    """

    def __init__(self, dirname: str | os.PathLike[str]) -> None:
        self.dirname = dirname

    def __iter__(self) -> Iterator[list[str]]:
        for path in sorted(Path(self.dirname).iterdir()):
            if path.is_file():
                with _opened(path) as file:
                    sentences = [self._tagged(line) for line in file]
                yield from filter(None, sentences)

    def _tagged(self, line: bytes) -> list[str]:
        """The words of a line in lower case, each with the first two letters of its tag."""
        pairs = [token.split("/") for token in _words(line)]
        return [f"{pair[0].lower()}/{pair[1][:2]}" for pair in pairs if len(pair) == 2 and pair[1][:2].isalpha()]


def text_files(sentences: Any) -> list[Path] | None:
    """The files behind an iterable of sentences, where reading them at once gives the same sentences, uncut."""
    if isinstance(sentences, LineSentence) and isinstance(sentences.source, (str, os.PathLike)):
        paths = [Path(sentences.source)]
    elif isinstance(sentences, PathLineSentences):
        paths = [Path(path) for path in sentences.input_files]
    else:
        return None
    return paths if sentences.limit is None and sentences.max_sentence_length == LONGEST_SENTENCE else None
