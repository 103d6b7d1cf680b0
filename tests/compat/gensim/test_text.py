"""gensim's readers of text: the sentences that gensim's give."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

import lexigrad
from lexigrad.compat.gensim import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus

if TYPE_CHECKING:
    from pathlib import Path


def test_line_sentences_of_paths_files_and_packed_files(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("to be or not\n\nto be\n", encoding="utf-8")
    packed = tmp_path / "text.txt.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    expected = [["to", "be", "or", "not"], ["to", "be"]]
    with path.open("rb") as file:
        for source in (path, str(packed), file):
            sentences = LineSentence(source)
            assert list(sentences) == list(sentences) == expected
    assert list(LineSentence(path, max_sentence_length=3)) == [["to", "be", "or"], ["not"], ["to", "be"]]
    assert list(LineSentence(path, limit=1)) == expected[:1]
    assert list(PathLineSentences(tmp_path)) == 2 * expected
    assert list(PathLineSentences(path)) == expected
    with pytest.raises(lexigrad.InputError, match="nowhere"):
        PathLineSentences(tmp_path / "nowhere")


@pytest.mark.parametrize("length", [7, 1000, 10_000])
def test_text8_is_cut_into_sentences_as_by_gensim(tmp_path: Path, length: int) -> None:
    theirs = pytest.importorskip("gensim.models.word2vec").Text8Corpus

    path = tmp_path / "text8"
    path.write_text(" ".join(f"word{number * 7919 % 1009}" for number in range(25_000)))
    ours, expected = list(Text8Corpus(path, length)), list(theirs(path, length))
    assert [word for sentence in ours for word in sentence] == [word for sentence in expected for word in sentence]
    assert [len(sentence) for sentence in ours[:-1]] == (len(ours) - 1) * [length]


def test_the_brown_corpus_keeps_words_with_tags_of_letters(tmp_path: Path) -> None:
    theirs = pytest.importorskip("gensim.models.word2vec").BrownCorpus

    (tmp_path / "ca01").write_text("The/at Grand/jj-tl Jury/nn-tl said/vbd ./.\n\n,/,\n1/2/cd it/pps\n")
    assert list(BrownCorpus(tmp_path)) == list(theirs(tmp_path))
    assert next(iter(BrownCorpus(tmp_path)))[:2] == ["the/at", "grand/jj"]
