"""What fuzzing and reading the readers of treebanks, similarities and analogies closely have found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lexigrad.errors import FormatError, LexigradError
from lexigrad.evaluation.testsets import read_analogies, read_rated_pairs
from lexigrad.evaluation.treebank import StanfordSentiment

if TYPE_CHECKING:
    from pathlib import Path

LONG = 2 << 20


@pytest.mark.parametrize(
    "line", [b"(" * LONG, b"(2 a" + b" " * LONG, b"(2 " + b"w" * LONG, b"(" + b"9" * LONG], ids=range(4)
)
def test_a_line_that_no_tree_needs_is_refused_before_it_is_read(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "train.txt").write_bytes(b"(2 a)\n" + line)
    with pytest.raises(FormatError, match="line 2: longer than 1,048,576 bytes"):
        StanfordSentiment(tmp_path).sentences("train")


@pytest.mark.parametrize("line", ["(" + "9" * 5000, ")" + "x" * 5000, "(2 a b" + "x" * 5000, "(2 a)" + "x" * 5000])
def test_a_sentence_about_a_tree_repeats_only_the_beginning_of_what_is_wrong(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.txt").write_text(line)
    with pytest.raises(FormatError, match="line 1") as caught:
        StanfordSentiment(tmp_path).sentences("train")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_empty_lines_above_a_tree_are_counted(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes(b"\n\r\n(2 a)\n")
    with pytest.raises(FormatError, match=r"line 1: malformed tree: an empty line"):
        StanfordSentiment(tmp_path).sentences("train")


@pytest.mark.parametrize("line", [b"a " * LONG, b"a\t" * LONG, b"x" * LONG], ids=["words", "tabs", "one word"])
def test_a_line_that_no_pair_or_question_needs_is_refused_before_it_is_read(tmp_path: Path, line: bytes) -> None:
    for read, sound in ((read_rated_pairs, b"cup mug 9\n"), (read_analogies, b"a b c d\n")):
        (tmp_path / "set").write_bytes(sound + line)
        with pytest.raises(LexigradError, match="line 2: longer than 65,536 bytes; cut the line"):
            read(tmp_path / "set")
