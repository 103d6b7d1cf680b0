"""Sentences from Python, and lines cut by a function, become chunks of separated tokens."""

from __future__ import annotations

import pytest

from lexigrad.config import TrainConfig
from lexigrad.corpus.sources import sentences
from lexigrad.corpus.sources.files import FileSource
from lexigrad.corpus.sources.sentences import SentenceSource
from lexigrad.corpus.sources.tokenizer import TokenizedSource
from lexigrad.corpus.sources.which import open_source
from lexigrad.errors import CorpusError


def chunks_of(given, **options):
    source = open_source(given, None, TrainConfig(**options))
    return [(chunk.text, chunk.separated) for chunk in source]


def test_strings_are_lines_of_text_and_each_ends_its_line():
    assert chunks_of(["a b", "c\n", "", "d\ne"]) == [(b"a b\nc\n\nd\ne\n", False)]


def test_token_lists_keep_their_tokens_whole_whatever_is_in_them():
    assert chunks_of([["New York", "a\nb"], [], ("é",)]) == [
        (b"New York\xfea\nb\xfe\xff\xff" + "é".encode() + b"\xfe\xff", True)
    ]


def test_strings_and_token_lists_may_be_mixed():
    assert chunks_of(["a", ["b"], "c"]) == [(b"a\n", False), (b"b\xfe\xff", True), (b"c\n", False)]


def test_a_generator_is_read_once_and_only_as_far_as_chunks_are_asked_for(monkeypatch):
    monkeypatch.setattr(sentences, "CHUNK_BYTES", 4)
    drawn = []
    chunks = iter(SentenceSource((drawn.append(n) or f"word{n}" for n in range(100)), TrainConfig()))
    assert next(chunks).text == b"word0\n"
    assert drawn == [0, 1]
    assert b"".join(chunk.text for chunk in chunks) == "".join(f"word{n}\n" for n in range(1, 100)).encode()


def test_a_tokenizer_is_given_each_line_without_its_end():
    given = []

    def tokenizer(line):
        given.append(line)
        return line.split("-")

    assert chunks_of(["A-b\r\nc-d\n", "e"], tokens=tokenizer, lowercase=True) == [
        (b"a\xfeb\xfe\xffc\xfed\xfe\xffe\xfe\xff", True)
    ]
    assert given == ["a-b", "c-d", "e"]


def test_a_tokenizer_reads_the_lines_of_files(tmp_path):
    (tmp_path / "text").write_bytes("\ufeffÜber x\r\n\nb y".encode())
    config = TrainConfig(tokens=lambda line: line.split(" ") if line else [], lowercase=True)
    source = TokenizedSource(FileSource([str(tmp_path / "text")], whole_lines=True), config)
    expected = [["über", "x"], [], ["b", "y"]]
    assert b"".join(chunk.text for chunk in source) == b"".join(
        b"".join(token.encode() + b"\xfe" for token in tokens) + b"\xff" for tokens in expected
    )
    assert source.text_bytes == source.total_bytes


def test_tokens_of_token_lists_are_turned_to_lower_case_if_asked_for():
    assert chunks_of([["ÜBER", "A"]], lowercase=True) == [("über".encode() + b"\xfea\xfe\xff", True)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([["a"], 3], "sentence 2 is of type int"),
        ([b"bytes"], "sentence 1 is of type bytes"),
        ([["a", 3]], "sentence 1 holds a token of type int"),
        ([["a", ""]], "sentence 1 holds an empty token"),
        ([["a\udcff"]], r"sentence 1 holds '\\udcff', half of a character, at position 1"),
        (["ab\ud800"], "sentence 1 holds .* at position 2"),
    ],
)
def test_what_is_no_sentence_is_an_error_that_names_its_number(given, message):
    with pytest.raises(CorpusError, match=message):
        chunks_of(given)


def test_lone_surrogates_are_replaced_and_counted_if_asked_for():
    source = SentenceSource(["a\udcff\ud800", ["\udc80"]], TrainConfig(encoding_errors="replace"))
    assert b"".join(chunk.text for chunk in source) == "a\ufffd\ufffd\n\ufffd".encode() + b"\xfe\xff"
    assert source.replaced_bytes == 3


@pytest.mark.parametrize("result", ["a string", 3, b"bytes"])
def test_a_tokenizer_that_returns_no_list_is_an_error(result):
    with pytest.raises(CorpusError, match=f"the tokenizer returned {type(result).__name__}"):
        chunks_of(["a"], tokens=lambda _: result)
