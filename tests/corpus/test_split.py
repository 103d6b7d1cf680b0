"""A corpus cut in two: every sentence is in one part, by a draw of its number."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest

import lexigrad
from lexigrad import CorpusError, InputError, TrainConfig, read_corpus
from lexigrad.corpus import split as module
from lexigrad.corpus.split import set_aside, split_corpus
from lexigrad.kernels.draws import VALIDATION_STREAM, draw, stream_key

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [[f"w{i % 7}"] * (1 + i % 4) + [f"s{i}"] for i in range(500)]
ALL = TrainConfig(min_count=1)


def sentences_of(corpus: lexigrad.Corpus) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word_id in corpus.ids.tolist():
        if word_id < 0:
            found.append([])
        else:
            found[-1].append(corpus.vocabulary.words[word_id])
    assert found.pop() == []
    return found


@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_each_sentence_goes_where_the_draw_of_its_number_says(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_IDS", block)
    key = stream_key(5, 0, VALIDATION_STREAM)
    drawn = [draw(key, number) < 0.3 * 2**64 for number in range(500)]
    with read_corpus(SENTENCES, ALL) as corpus:
        training, held_out = split_corpus(corpus, 0.3, seed=5)
        with training, held_out:
            for part, is_here in ((training, False), (held_out, True)):
                expected = [sentence for sentence, is_held in zip(SENTENCES, drawn, strict=True) if is_held == is_here]
                assert sentences_of(part) == expected
                assert part.words == sum(map(len, expected))
                assert part.report.lines == len(expected)
                assert part.vocabulary == corpus.vocabulary
    assert 100 < sum(drawn) < 200


def test_other_seeds_hold_out_other_sentences_and_larger_shares_the_same_and_more() -> None:
    with read_corpus(SENTENCES, ALL) as corpus:
        held_out = [split_corpus(corpus, *arguments)[1] for arguments in ((0.1, 1), (0.3, 1), (0.1, 2))]
        some, more, others = ({sentence[-1] for sentence in sentences_of(part)} for part in held_out)
    assert some < more
    assert not some <= others


def test_a_saved_corpus_is_split_as_its_text_is(tmp_path: Path) -> None:
    with read_corpus(SENTENCES, ALL, save=tmp_path / "saved") as corpus, read_corpus(tmp_path / "saved") as saved:
        parts = [split_corpus(one, 0.2) for one in (corpus, saved)]
        assert sentences_of(parts[0][1]) == sentences_of(parts[1][1])


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, float("nan"), True])
def test_a_share_that_is_none_is_refused(share: Any) -> None:
    with (
        read_corpus(SENTENCES, ALL) as corpus,
        pytest.raises(InputError, match="above 0 and below 1"),
        set_aside(corpus, share, ALL),
    ):
        pass


@pytest.mark.parametrize(("share", "sentence"), [(1e-9, "none is held out"), (1 - 1e-9, "none is left to train on")])
def test_an_empty_part_is_refused_and_leaves_no_file(
    share: float, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_corpus(SENTENCES, ALL) as corpus:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with pytest.raises(CorpusError, match=sentence):
            split_corpus(corpus, share)
    assert list(tmp_path.iterdir()) == []


def test_parts_are_closed_with_the_block_and_a_given_corpus_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_corpus(SENTENCES, ALL) as corpus:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with set_aside(corpus, 0.2, ALL) as (_, held_out):
            assert held_out is not None
            with set_aside(corpus, held_out, ALL) as parts:
                assert parts == (corpus, held_out)
            assert held_out.ids.size > 0
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(InputError, match="has been closed"):
            _ = held_out.ids
        with set_aside(corpus, None, ALL) as parts:
            assert parts == (corpus, None)
