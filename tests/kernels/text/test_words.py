"""The compiled pass over bytes cuts words exactly as Python does, and confuses no two words."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.kernels.text import words as kernels
from lexigrad.kernels.text.words import WordTable, separated, whitespace, word_characters

ALPHABETS = {"whitespace": whitespace, "words": word_characters}
TOKENIZERS = {"whitespace": str.split, "words": re.compile(r"\w+").findall}
TRICKY = (
    "aB é_\u0301\u00a0\u0085\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u200b\x00\r\v\f\x1c\x1f\ufeff\ufffd日ß\U0001f600"
)
TEXTS = st.text(st.sampled_from(TRICKY + "\n") | st.characters(exclude_categories=["Cs"]))


def words_of(table, ids):
    """The lines of words that ids stand for."""
    words, lines, line = table.words(range(len(table))), [], []
    for word_id in ids.tolist():
        if word_id >= 0:
            line.append(words[word_id])
        else:
            lines.append(line)
            line = []
    return lines if not line else [*lines, line]


@pytest.mark.parametrize("tokens", ALPHABETS)
@settings(deadline=None)
@given(text=TEXTS)
def test_any_text_is_cut_into_the_words_that_python_finds(tokens, text):
    table = WordTable()
    ids = table.encode((text + "\n").encode(), ALPHABETS[tokens]())
    assert words_of(table, ids) == [TOKENIZERS[tokens](line) for line in text.split("\n")]


@pytest.mark.parametrize("tokens", ALPHABETS)
def test_every_character_of_unicode_is_part_of_a_word_or_not_as_in_python(tokens):
    lines = [f"a{chr(code)}b" for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and code != 10]
    table = WordTable()
    ids = table.encode("\n".join([*lines, ""]).encode(), ALPHABETS[tokens]())
    expected = itertools.chain.from_iterable((*TOKENIZERS[tokens](line), None) for line in lines)
    positions: dict[str | None, int] = {None: -1}
    assert ids.tolist() == [positions.setdefault(word, len(positions) - 1) for word in expected]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))))
def test_separated_tokens_may_hold_any_character(sentences):
    text = b"".join(b"".join(token.encode() + b"\xfe" for token in tokens) + b"\xff" for tokens in sentences)
    table = WordTable()
    assert words_of(table, table.encode(text, separated())) == sentences


def test_words_are_counted_and_numbered_in_the_order_of_their_first_occurrence():
    table = WordTable()
    assert table.encode(b"to be or not\n\nto be", whitespace()).tolist() == [0, 1, 2, 3, -1, -1, 0, 1]
    assert table.counts.tolist() == [2, 2, 1, 1]
    assert table.words(range(4)) == ["to", "be", "or", "not"]


def test_half_a_million_words_are_all_kept_apart_even_where_their_hashes_agree():
    words = ["".join(letters) for letters in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=4)]
    assert len(np.unique(upper_hashes(words))) < len(words)  # some do
    table = WordTable()
    ids = table.encode(" ".join(words + words).encode(), whitespace())
    assert ids.tolist() == [*range(len(words)), *range(len(words))]
    assert (table.counts == 2).all()


def upper_hashes(words):
    """The part of the hash that the table compares, computed anew: 64-bit FNV-1a, mixed, its upper half."""
    letters = np.array([list(word.encode()) for word in words], dtype=np.uint64)
    fingerprints = np.full(len(words), 0xCBF29CE484222325, dtype=np.uint64)
    for column in letters.T:
        fingerprints = (fingerprints ^ column) * np.uint64(0x100000001B3)
    fingerprints ^= fingerprints >> np.uint64(32)
    return fingerprints * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)


def test_a_word_and_its_beginning_are_two_words():
    table = WordTable()
    assert table.encode(b"ab abc a ab abc a", whitespace()).tolist() == [0, 1, 2, 0, 1, 2]


def test_two_words_of_the_same_hash_are_two_words_even_if_one_begins_with_the_other():
    arena = np.frombuffer(b"abc\xfe", dtype=np.uint8)
    starts = np.zeros(1, dtype=np.int64)
    upper, mask = np.uint64(5), np.uint64(7)
    slots = np.zeros(8, dtype=np.uint64)
    slots[5] = upper << np.uint64(32) | np.uint64(1)  # the word 0, "abc"
    for word, place in [(b"abc", 5), (b"ab", 6), (b"abcd", 6), (b"xbc", 6)]:
        text = np.frombuffer(word, dtype=np.uint8)
        assert kernels.find(text, 0, len(word), slots, mask, upper, starts, arena) == place


def test_a_word_may_be_a_million_bytes_long():
    long = "x" * 1_000_000
    table = WordTable()
    assert table.encode(f"{long} y {long} {long}y".encode(), whitespace()).tolist() == [0, 1, 0, 2]
    assert table.words([2]) == [long + "y"]


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("defghi")))
def test_merging_adds_the_words_and_counts_of_another_table(first, second):
    table, other = WordTable(), WordTable()
    table.encode(" ".join(first).encode(), whitespace())
    ids = other.encode(" ".join(second).encode(), whitespace())
    merged_ids = table.merge(other)
    assert table.words(merged_ids[ids]) == second
    counts = dict(zip(table.words(range(len(table))), table.counts.tolist(), strict=True))
    assert counts == Counter(first + second)


def test_asking_for_ids_counts_nothing():
    table = WordTable()
    table.encode(b"to be", whitespace())
    for _ in range(2):
        assert table.ids_of(["be", "New York", "to"])[[0, 2]].tolist() == [1, 0]
        assert table.counts[:2].tolist() == [1, 1]
        assert not table.counts[2:].any()


def test_a_word_that_the_table_does_not_have_has_no_id():
    table = WordTable()
    table.encode(b"to be", whitespace())
    assert table.ids_of(["be", "New York"]).tolist() == [1, -1]
