"""Words and their ids, the distributions over them, and their two ways to disk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import FormatError, InputError, UnknownWordError, near_spellings
from lexigrad.files.strings import pack_words, unpack_words

VOCABULARY = Vocabulary(["the", "cat", "sat"], [6, 3, 1])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_words_are_ordered_by_falling_count_and_then_by_code_points():
    vocabulary = Vocabulary.from_counts({"b": 2, "é": 2, "a": 2, "Z": 2, "the": 9})
    assert vocabulary.words == ["the", "Z", "a", "b", "é"]
    assert vocabulary.counts.tolist() == [9, 2, 2, 2, 2]
    assert vocabulary.counts.dtype == np.int64


def test_min_count_and_max_vocabulary_leave_out_the_rarest_words():
    counts = {"a": 5, "b": 4, "c": 4, "d": 1}
    assert Vocabulary.from_counts(counts, min_count=4).words == ["a", "b", "c"]
    assert Vocabulary.from_counts(counts, min_count=4, max_vocabulary=2).words == ["a", "b"]
    assert Vocabulary.from_counts(counts, min_count=6).words == []
    assert Vocabulary.from_counts({"a": 0, "b": 1}, min_count=0).words == ["b"]


def test_a_vocabulary_behaves_like_a_collection_of_its_words():
    assert len(VOCABULARY) == 3
    assert "cat" in VOCABULARY
    assert "dog" not in VOCABULARY
    assert list(VOCABULARY) == ["the", "cat", "sat"]
    assert [VOCABULARY.id_of(word) for word in VOCABULARY] == [0, 1, 2]
    assert VOCABULARY.total == 10


def test_vocabularies_are_equal_if_words_and_counts_are():
    assert Vocabulary(["the", "cat", "sat"], [6, 3, 1]) == VOCABULARY
    assert Vocabulary(["the", "cat", "sat"], [6, 3, 2]) != VOCABULARY
    assert Vocabulary(["the", "cat", "mat"], [6, 3, 1]) != VOCABULARY
    assert VOCABULARY != ["the", "cat", "sat"]


def test_the_counts_cannot_be_changed():
    given_counts = np.array([2, 1])
    vocabulary = Vocabulary(["a", "b"], given_counts)
    given_counts[0] = 7
    assert vocabulary.counts.tolist() == [2, 1]
    with pytest.raises(ValueError, match="read-only"):
        vocabulary.counts[0] = 7


def test_an_unknown_word_is_an_error_that_names_near_spellings():
    with pytest.raises(UnknownWordError, match="'catt' is not in the vocabulary; did you mean 'cat'"):
        VOCABULARY.id_of("catt")
    with pytest.raises(UnknownWordError, match=r"'zebra' is not in the vocabulary$"):
        VOCABULARY.id_of("zebra")


def test_the_same_word_in_other_case_is_the_nearest_spelling():
    assert near_spellings("usa", ["use", "USA", "used"])[0] == "USA"


@pytest.mark.parametrize(
    ("words", "counts", "message"),
    [
        (["a", "a"], [2, 1], "'a' twice"),
        (["a", ""], [2, 1], "empty"),
        (["a\ud800"], [2], "half of a character"),
        (["a", "b"], [2], "as many counts"),
        (["a", "b"], [1, 2], "must fall"),
        (["a", "b"], [1, 0], "at least 1, not 0"),
        (["a"], [1.5], "whole numbers"),
    ],
)
def test_words_and_counts_that_make_no_vocabulary_are_refused(words, counts, message):
    with pytest.raises(InputError, match=message):
        Vocabulary(words, counts)


def test_keep_probability_is_word2vecs_formula():
    kept = VOCABULARY.keep_probability(0.01)
    expected = [min(1.0, math.sqrt(0.01 / f) + 0.01 / f) for f in (0.6, 0.3, 0.1)]
    np.testing.assert_allclose(kept, expected, rtol=1e-14)
    assert kept.dtype == np.float64


def test_without_subsampling_every_word_is_kept():
    assert VOCABULARY.keep_probability(0).tolist() == [1.0, 1.0, 1.0]


@given(
    st.lists(st.integers(1, 2**60), min_size=1, max_size=20), st.floats(-10, 10, allow_nan=False), st.floats(1e-12, 1.0)
)
def test_both_distributions_are_probabilities_for_any_counts(counts, exponent, subsample):
    vocabulary = Vocabulary([f"w{i}" for i in range(len(counts))], sorted(counts, reverse=True))
    noise, kept = vocabulary.noise_distribution(exponent), vocabulary.keep_probability(subsample)
    assert np.isclose(noise.sum(), 1)
    assert (noise >= 0).all()
    assert ((kept > 0) & (kept <= 1)).all()


def test_the_noise_distribution_is_the_power_of_the_counts():
    expected = np.array([6, 3, 1]) ** 0.75
    np.testing.assert_allclose(VOCABULARY.noise_distribution(0.75), expected / expected.sum(), rtol=1e-14)
    np.testing.assert_allclose(VOCABULARY.noise_distribution(0), [1 / 3] * 3, rtol=1e-14)


def test_an_empty_vocabulary_is_possible_and_has_empty_distributions():
    empty = Vocabulary([], [])
    assert (len(empty), empty.total) == (0, 0)
    assert empty.noise_distribution(0.75).size == empty.keep_probability(0.1).size == 0


def test_a_saved_vocabulary_is_one_word_and_count_a_line_and_comes_back(tmp_path):
    vocabulary = Vocabulary(["the", "New York", "été", "\x00", "a\r"], [9, 3, 2, 1, 1])
    vocabulary.save(tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_bytes() == "the 9\nNew York 3\nété 2\n\x00 1\na\r 1\n".encode()
    assert Vocabulary.load(tmp_path / "words.txt") == vocabulary


def test_a_vocabulary_file_may_have_a_byte_order_mark_windows_line_ends_and_no_last_line_end(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"\xef\xbb\xbfthe 9\r\ncat 2")
    assert Vocabulary.load(tmp_path / "words.txt") == Vocabulary(["the", "cat"], [9, 2])


def test_a_word_with_a_line_break_cannot_be_saved_and_leaves_no_file(tmp_path):
    with pytest.raises(FormatError, match=r"'a\\nb' holds a line break"):
        Vocabulary(["a\nb"], [1]).save(tmp_path / "words.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the 9\ncat\n", "line 2: expected 'word count', found 'cat'"),
        (b"the 9\n\n", "line 2: expected"),
        (b"the -9\n", "line 1: expected"),
        (b"the 1_0\n", "line 1: expected"),
        (b"the " + b"9" * 5000, "line 1: expected"),
        ("the ٣\n".encode(), "line 1: expected"),
        (b"the 9\nthe 8\n", "'the' twice"),
        (b"cat 2\nthe 9\n", "must fall"),
        (b"the 9\n\xff 1\n", "not UTF-8 at byte 6"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused_with_the_place(tmp_path, content, message):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        Vocabulary.load(tmp_path / "words.txt")


def test_a_missing_vocabulary_file_is_a_clear_error(tmp_path):
    with pytest.raises(FormatError, match="cannot read the vocabulary"):
        Vocabulary.load(tmp_path / "none.txt")


@given(st.lists(WORDS, unique=True))
def test_packed_words_come_back(words):
    text, ends = pack_words(words)
    assert (text.dtype, ends.dtype, ends.size) == (np.uint8, np.int64, len(words))
    assert unpack_words(text, ends) == words


def test_a_word_that_utf8_cannot_hold_cannot_be_packed():
    with pytest.raises(FormatError, match="cannot be written in UTF-8"):
        pack_words(["a", "\ud800"])


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (b"abc", [2]),
        (b"abc", [1, 4]),
        (b"abc", [2, 1, 3]),
        (b"abc", [-1, 3]),
        (b"abc", []),
        (b"abc", [-(2**63), 3]),
        (b"aa", [1, 2]),
        ("é".encode(), [1, 2]),
        (b"\xff", [1]),
    ],
)
def test_packed_words_that_contradict_themselves_are_refused(text, ends):
    with pytest.raises(FormatError):
        unpack_words(np.frombuffer(text, dtype=np.uint8), np.array(ends, dtype=np.int64))
