r"""The Stanford Sentiment Treebank, in both layouts in which it is handed round.

``trees/{train,dev,test}.txt`` hold a tree a line, such as ``(3 (2 Good) (2 fun))``; the root's label is the sentence's.
The official folder holds the sentences in ``datasetSentences.txt``, which part each belongs to in ``datasetSplit.txt``,
and the labels in ``dictionary.txt`` and ``sentiment_labels.txt``. Only files that a call needs must be there.

Tokens stay as the files spell them: ``-LRB-`` and ``-RRB-`` for parentheses, ``\/`` for a slash, upper and lower case.
They are cut at the ASCII space only, because two of them hold a no-break space.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import numpy as np

from lexigrad.errors import CorpusError, FormatError, InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["LABELS", "SPLITS", "Split", "StanfordSentiment", "check_labels", "parse_tree"]

Split = Literal["train", "dev", "test"]

SPLITS: Final[tuple[Split, ...]] = ("train", "dev", "test")
LABELS: Final = ("very negative", "negative", "neutral", "positive", "very positive")
"""What the labels 0 to 4 mean."""

SENTENCES: Final = "datasetSentences.txt"
SPLIT_OF: Final = "datasetSplit.txt"
DICTIONARY: Final = "dictionary.txt"
SCORES: Final = "sentiment_labels.txt"
SPLIT_NUMBERS: Final[dict[str, Split]] = {"1": "train", "2": "test", "3": "dev"}
UPPER_BOUNDS: Final = (0.2, 0.4, 0.6, 0.8)
"""The largest score of each label but the last: the official folder has scores from 0 to 1."""

LONGEST_LINE_BYTES: Final = 1 << 20
SHOWN: Final = 40
NUMBER: Final = re.compile("[0-9]{1,9}")
PIECE: Final = re.compile(r"(\()([^ ()]*)|(\))|([^ ()]+)")

Example = tuple[list[str], int]


class StanfordSentiment:
    r"""Sentences of film reviews with labels from 0, very negative, to 4, very positive.

    Files are read when they are first needed, and once.

    Args:
        path: the folder with ``train.txt``, ``dev.txt`` and ``test.txt``, the official folder, or a folder that holds
            one of them as ``trees`` or ``stanfordSentimentTreebank``; where both are, the trees are read.

    Attributes:
        folder: where the files are.
        layout: ``trees`` or ``official``.

    Raises:
        CorpusError: the folder is not there or holds neither layout. When files are read: one is missing or empty.
        FormatError: when files are read, a line is malformed; the message names file and line.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> for name in SPLITS:
        ...     _ = (folder / f"{name}.txt").write_text("(4 (3 Great) (2 fun))\n(0 (1 Bland) (2 film))\n")
        >>> treebank = StanfordSentiment(folder)
        >>> treebank.sentences("dev"), treebank.labels("dev").tolist()
        ([['Great', 'fun'], ['Bland', 'film']], [4, 0])

    Source: Socher, Perelygin, Wu, Chuang, Manning, Ng, Potts 2013, "Recursive deep models for semantic compositionality
    over a sentiment treebank".
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder, self.layout = _find_layout(Path(path))
        self._read: dict[Split, list[Example]] = {}

    def __repr__(self) -> str:
        return f"StanfordSentiment({str(self.folder)!r})"

    def sentences(self, split: Split | None = None) -> list[list[str]]:
        """The tokens of each sentence of a split, or of all splits when none is named.

        All sentences come in the order train, dev, test from trees, in the file's order from the official folder.

        Args:
            split: ``train``, ``dev`` or ``test``; None for all.

        Raises:
            CorpusError: a file is missing or empty.
            FormatError: a line is malformed.
        """
        if self.layout == "trees":
            splits = SPLITS if split is None else (_checked_split(split),)
            return [tokens for name in splits for tokens, _ in self._trees(name)]
        if split is None:
            return list(self._official_sentences.values())
        return [self._official_sentences[number] for number in self._official_numbers(_checked_split(split))]

    def labels(self, split: Split) -> NDArray[np.int64]:
        """The label of each sentence of a split, from 0 to 4; shape ``(sentences,)``.

        The official folder scores each sentence from 0 to 1; the next label begins above 0.2, 0.4, 0.6 and 0.8.

        Args:
            split: ``train``, ``dev`` or ``test``.

        Raises:
            CorpusError: a file is missing or empty; the official folder is often handed round without its labels.
            FormatError: a line is malformed, or a sentence has no score.
        """
        if self.layout == "trees":
            return np.array([label for _, label in self._trees(_checked_split(split))], dtype=np.int64)
        numbers = self._official_numbers(_checked_split(split))
        scores = [self._score(number) for number in numbers]
        return np.searchsorted(UPPER_BOUNDS, scores, side="left").astype(np.int64)

    def file_of(self, split: Split) -> Path:
        """The file that a split's sentences come from, for messages."""
        return self.folder / (f"{split}.txt" if self.layout == "trees" else SENTENCES)

    def _trees(self, split: Split) -> list[Example]:
        if split not in self._read:
            path = self.folder / f"{split}.txt"
            self._read[split] = [_parsed(path, number, line) for number, line in _lines(path)]
        return self._read[split]

    @cached_property
    def _official_sentences(self) -> dict[int, list[str]]:
        """The tokens of each sentence, by its number."""
        path = self.folder / SENTENCES
        found: dict[int, list[str]] = {}
        for line_number, (number, sentence) in _records(path, "\t"):
            tokens = [token for token in _repaired(sentence).split(" ") if token]
            if not NUMBER.fullmatch(number) or int(number) in found or not tokens:
                _malformed(path, line_number, "a number that no other line has, a tab and a sentence")
            found[int(number)] = tokens
        return found

    @cached_property
    def _split_of(self) -> dict[int, Split]:
        """The split of each sentence, by its number."""
        path = self.folder / SPLIT_OF
        found: dict[int, Split] = {}
        for line_number, (number, split) in _records(path, ","):
            known = NUMBER.fullmatch(number) and int(number) in self._official_sentences
            if not known or int(number) in found or split not in SPLIT_NUMBERS:
                _malformed(path, line_number, f"the number of a sentence in {SENTENCES}, once, a comma and 1, 2 or 3")
            found[int(number)] = SPLIT_NUMBERS[split]
        missing = self._official_sentences.keys() - found.keys()
        if missing:
            raise FormatError(f"{path} has no line for sentence {min(missing)} of {SENTENCES}; fetch the file again")
        return found

    def _official_numbers(self, split: Split) -> list[int]:
        numbers = [number for number, found in self._split_of.items() if found == split]
        if not numbers:
            raise CorpusError(f"{self.folder / SPLIT_OF} names no sentence of the {split} split; fetch the file again")
        return numbers

    @cached_property
    def _scores(self) -> dict[str, float]:
        """The score of each phrase."""
        score_of: dict[str, float] = {}
        path = self.folder / SCORES
        self._expect_labels()
        for line_number, (phrase_id, score) in _records(path, "|"):
            if not re.fullmatch(r"0(\.\d+)?|1(\.0*)?", score):
                _malformed(path, line_number, "a phrase's number, a bar and a score from 0 to 1")
            score_of[phrase_id] = float(score)
        path = self.folder / DICTIONARY
        found: dict[str, float] = {}
        for line_number, (phrase, phrase_id) in _records(path, "|", header=False):
            if phrase_id not in score_of:
                _malformed(path, line_number, f"a phrase, a bar and a number that {SCORES} has")
            found[_repaired(phrase)] = score_of[phrase_id]
        return found

    def _expect_labels(self) -> None:
        """Refuse, before any file is read, when a file of labels is missing."""
        missing = [name for name in (DICTIONARY, SCORES) if not (self.folder / name).is_file()]
        if missing:
            raise CorpusError(
                f"the labels are in {DICTIONARY} and {SCORES}, and {self.folder / missing[0]} is missing; "
                "put it there, or give the folder that holds the treebank's trees (train.txt, dev.txt, test.txt)"
            )

    def _score(self, number: int) -> float:
        """The score of a sentence; the dictionary has plain parentheses where the sentences have escapes."""
        sentence = " ".join(self._official_sentences[number])
        plain = sentence.replace("-LRB-", "(").replace("-RRB-", ")")
        score = self._scores.get(sentence, self._scores.get(plain))
        if score is None:
            raise FormatError(
                f"{self.folder / DICTIONARY} has no phrase that is sentence {number} of {SENTENCES}, "
                f"{sentence[:60]!r}; take both files from the same release"
            )
        return score


def check_labels(treebank: StanfordSentiment) -> None:
    r"""Refuse a treebank that a classifier cannot learn from: a split's labels cannot be read, or train has only one.

    Args:
        treebank: all its files are read, so that nothing is computed before one of them is found to be malformed.

    Raises:
        CorpusError: a file is missing or empty.
        FormatError: a line is malformed.
        InputError: all sentences of the training set have the same label.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> for name in SPLITS:
        ...     _ = (folder / f"{name}.txt").write_text("(4 (3 Great) (2 fun))\n")
        >>> try:
        ...     check_labels(StanfordSentiment(folder))
        ... except InputError as error:
        ...     print(str(error).partition("train.txt: ")[2])
        all 1 sentences of the training set have the label 4 (very positive); a classifier needs two labels at least
    """
    train, *_ = [treebank.labels(split) for split in SPLITS]
    if (train == train[0]).all():
        raise InputError(
            f"{treebank.file_of('train')}: all {len(train):,} sentences of the training set have the label "
            f"{train[0]} ({LABELS[train[0]]}); a classifier needs two labels at least"
        )


def parse_tree(line: str) -> Example:
    """Read one tree: its leaves' words, and the label of its root.

    Args:
        line: such as ``(3 (2 Good) (2 fun))``: each node is a label from 0 to 4 and a word, or a label and nodes.

    Returns:
        The tokens, and the label.

    Raises:
        FormatError: the tree is malformed, or a label is not 0 to 4.

    Example:
        >>> parse_tree("(3 (2 Good) (4 (2 clean) (2 fun)))")
        (['Good', 'clean', 'fun'], 3)
    """
    tokens: list[str] = []
    labels: list[int] = []
    holds: list[str] = []  # what each open node holds so far: nothing, a word, or nodes
    for match in PIECE.finditer(line):
        opening, label, closing, word = match.groups()
        inside = holds[-1] if holds else "no tree" if not labels else "whole tree"
        if opening and inside in ("no tree", "nothing", "nodes"):
            holds[-1:] = ["nodes"] if holds else []
            holds.append("nothing")
            labels.append(_parsed_label(label))
        elif word and inside == "nothing":
            holds[-1] = "word"
            tokens.append(word)
        elif closing and inside in ("word", "nodes"):
            holds.pop()
        else:
            raise FormatError(f"malformed tree: {match[0][:SHOWN]!r} at character {match.start() + 1} cannot be there")
    if holds or not labels:
        what = f"{len(holds)} open parentheses at its end" if holds else "an empty line"
        raise FormatError(f"malformed tree: {what}")
    return tokens, labels[0]


def _parsed_label(label: str) -> int:
    if label not in {"0", "1", "2", "3", "4"}:
        raise FormatError(f"a label is {label[:SHOWN]!r}; labels are whole numbers from 0 to 4")
    return int(label)


def _parsed(path: Path, line_number: int, line: str) -> Example:
    try:
        return parse_tree(line)
    except FormatError as error:
        raise FormatError(f"{path}, line {line_number}: {error}; fetch the file again, or mend the line") from error


def _find_layout(path: Path) -> tuple[Path, Literal["trees", "official"]]:
    """The folder of the treebank at or below ``path``, and its layout."""
    if not path.is_dir():
        raise CorpusError(f"there is no folder {str(path)!r}; give the folder that holds the treebank")
    for folder in (path, path / "trees"):
        if any((folder / f"{split}.txt").is_file() for split in SPLITS):
            return folder, "trees"
    for folder in (path, path / "stanfordSentimentTreebank"):
        if (folder / SENTENCES).is_file():
            return folder, "official"
    raise CorpusError(
        f"the folder {str(path)!r} holds no treebank: neither train.txt, dev.txt and test.txt with trees, "
        f"nor the official {SENTENCES}; give the folder that does"
    )


def _checked_split(split: Split) -> Split:
    if split not in SPLITS:
        raise InputError(f"split must be train, dev or test, not {split!r}")
    return split


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, without their line ends."""
    try:
        with path.open("rb") as file:
            line_number, blank = 0, True
            while content := file.readline(LONGEST_LINE_BYTES):
                line_number += 1
                line = _decoded(path, line_number, content)
                if blank and line.strip():  # the file is not empty, so the blank lines above are lines too
                    blank = False
                    yield from ((number, "") for number in range(1, line_number))
                if not blank:
                    yield line_number, line
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}; put the file there") from error
    if blank:
        raise CorpusError(f"{path} is empty; fetch the file again")


def _decoded(path: Path, line_number: int, content: bytes) -> str:
    """The text of a line without its line end."""
    if len(content) == LONGEST_LINE_BYTES:
        raise FormatError(f"{path}, line {line_number}: longer than {LONGEST_LINE_BYTES:,} bytes; fetch the file again")
    try:
        line = content.decode("utf-8-sig" if line_number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}, line {line_number}: not UTF-8; fetch the file again") from error
    return line.removesuffix("\n").removesuffix("\r")


def _records(path: Path, separator: str, *, header: bool = True) -> Iterator[tuple[int, tuple[str, str]]]:
    """The two fields of each line after the header, cut at the last separator, with the line's number."""
    empty = True
    for line_number, line in _lines(path):
        if header and line_number == 1:
            continue
        fields = line.split(separator, 1) if separator == "\t" else line.rsplit(separator, 1)
        if len(fields) != 2:
            _malformed(path, line_number, f"two fields with {separator!r} between them")
        empty = False
        yield line_number, (fields[0], fields[1].strip())
    if empty:
        raise CorpusError(f"{path} holds nothing below its header; fetch the file again")


def _malformed(path: Path, line_number: int, expected: str) -> NoReturn:
    raise FormatError(f"{path}, line {line_number}: expected {expected}; fetch the file again")


def _repaired(text: str) -> str:
    """Undo the release's double encoding: its sentences have ``Ã©`` for ``é``, where the trees are right."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
