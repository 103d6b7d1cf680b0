"""Files of analogies and of rated pairs: what may stand in them, and how a bad line is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lexigrad.errors import FormatError
from lexigrad.evaluation.testsets import NO_SECTION, read_analogies, read_rated_pairs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.txt"


def test_questions_belong_to_the_section_above_them(path: Path) -> None:
    path.write_text(
        ": capitals\nAthens Greece Rome Italy\n\n: empty\n: plurals\ncar cars dog dogs\ncar cars cat cats\n"
    )
    read = read_analogies(path)
    assert read.questions[0] == ("Athens", "Greece", "Rome", "Italy")
    assert (read.sections, read.starts, len(read.questions)) == (("capitals", "empty", "plurals"), (0, 1, 1), 3)


def test_questions_before_the_first_section_are_read_too(path: Path) -> None:
    path.write_text("// a notice\n# a remark\na b c d\n: later\ne f g h")
    assert (read_analogies(path).sections, read_analogies(path).starts) == ((NO_SECTION, "later"), (0, 1))


@pytest.mark.parametrize(
    "text",
    [
        b"cup\tmug\t9.5\nred wine\tmilk\t3\n",
        b"cup\tmug\t9.5\r\nred wine\tmilk\t3\r\n",
        b"# words and scores\nWord 1\tWord 2\tHuman (mean)\ncup\tmug\t9.5\n\nred wine\tmilk\t3",
        b"\xef\xbb\xbfcup\tmug\t9.5\nred wine \t milk\t3e0",
    ],
)
def test_rated_pairs_come_with_crlf_headings_remarks_and_without_a_last_newline(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    read = read_rated_pairs(path)
    assert (read.pairs, read.ratings) == ((("cup", "mug"), ("red wine", "milk")), (9.5, 3.0))


def test_rated_pairs_may_be_cut_by_spaces(path: Path) -> None:
    path.write_text("word1 word2 score\ncup  mug 9.5\n")
    assert read_rated_pairs(path).pairs == (("cup", "mug"),)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a b c d\na b c\n", "line 2"),
        ("a b c d e\n", "line 1"),
        (": only\n# remarks\n", "holds no questions"),
        ("", "holds no questions"),
        ("a b c d\na \udcff c d\n", "line 2: byte 3 is not UTF-8"),
    ],
)
def test_a_bad_file_of_questions_is_named_with_its_line(path: Path, text: str, where: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FormatError) as caught:
        read_analogies(path)
    assert str(path) in str(caught.value)
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("cup mug 9.5\ncup mug\n", "line 2"),
        ("cup mug 9,5\n", "line 1"),
        ("cup mug 9.5\ncup mug high\n", "line 2"),
        ("cup mug nan\n", "holds no rated pairs"),
        ("cup mug 1\ncup mug inf\n", "line 2"),
        ("cup mug 1\ncup\t\t2\n", "line 2"),
        ("word word score\n", "holds no rated pairs"),
        ("cup mug 9.5 extra\n", "line 1"),
    ],
)
def test_a_bad_file_of_rated_pairs_is_named_with_its_line(path: Path, text: str, where: str) -> None:
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_rated_pairs(path)
    assert str(path) in str(caught.value)
    assert where in str(caught.value)


@pytest.mark.parametrize("read", [read_analogies, read_rated_pairs])
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, read: object) -> None:
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(FormatError, match="cannot read"):
            read(path)  # type: ignore[operator]
