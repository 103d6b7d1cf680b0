"""Lists of ids are trained on as the text with their digits would be, and no string is made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lexigrad
from lexigrad import TrainConfig, Vocabulary, read_corpus
from lexigrad.corpus.sources import ids as itemids
from lexigrad.corpus.sources.ids import LARGEST_ITEM, ItemNames
from lexigrad.errors import CorpusError, InputError
from lexigrad.kernels.text.ids import ItemTable

ALL = TrainConfig(min_count=1)
ITEMS = st.integers(0, 12) | st.sampled_from([10**6, 2**32, 2**53 + 1, LARGEST_ITEM])
FORMS = {
    "lists": lambda rows: rows,
    "tuples": lambda rows: tuple(tuple(row) for row in rows),
    "generators": lambda rows: (iter(row) for row in rows),
    "arrays": lambda rows: [np.array(row, dtype=np.int64) for row in rows],
    "unsigned": lambda rows: [np.array(row, dtype=np.uint64) for row in rows],
    "objects": lambda rows: [np.array(row, dtype=object) for row in rows],
    "both": lambda rows: [np.array(row) if number % 2 else row for number, row in enumerate(rows)],
}


def as_text(rows):
    return (" ".join(map(str, row)) for row in rows)


def content(source, config, **how):
    """The words, counts, ids and counts of lines of a corpus."""
    with read_corpus(source, config, **how) as corpus:
        report = {**corpus.report.counts(), "bytes": 0}
        return corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), corpus.ids.tolist(), report


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30)
@given(
    rows=st.lists(st.lists(ITEMS, max_size=8), min_size=1).filter(any),
    min_count=st.integers(1, 2),
    max_vocabulary=st.none() | st.integers(1, 4),
    threads=st.integers(1, 3),
    chunk_items=st.integers(1, 20),
)
def test_ids_are_read_as_the_text_of_their_digits(form, rows, min_count, max_vocabulary, threads, chunk_items):
    config = TrainConfig(min_count=min_count, max_vocabulary=max_vocabulary, threads=threads)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemids, "CHUNK_ITEMS", chunk_items)
        try:
            expected = content(as_text(rows), config)
        except CorpusError:
            with pytest.raises(CorpusError, match="no word occurs 2 times"):
                content(FORMS[form](rows), config)
            return
        assert content(FORMS[form](rows), config) == expected


@pytest.mark.parametrize("form", ["lists", "arrays"])
def test_training_on_ids_gives_the_bytes_of_training_on_their_digits(tmp_path, form):
    rows = np.random.default_rng(1).zipf(1.3, (300, 20)) % 100
    options = TrainConfig(dim=8, min_count=2, epochs=2, threads=2)
    for name, source in (("ids", FORMS[form](rows.tolist())), ("text", as_text(rows.tolist()))):
        lexigrad.train(source, options, validation=0.1).save(tmp_path / name)
    assert (tmp_path / "ids").read_bytes() == (tmp_path / "text").read_bytes()


def test_an_array_of_two_dimensions_is_a_list_of_rows():
    rows = np.arange(12, dtype=np.int16).reshape(3, 4) % 5
    assert content(rows, ALL) == content(rows.tolist(), ALL)


def test_many_items_are_all_kept_apart():
    items = np.random.default_rng(1).permutation(300_000).astype(np.int64) << 20
    table = ItemTable(ItemNames())
    assert table.encode(items).tolist() == list(range(items.size))
    assert (table.encode(items[::-1]) == np.arange(items.size)[::-1]).all()
    assert (table.counts == 2).all()


def test_merging_adds_the_items_and_counts_of_another_table():
    table, other = ItemTable(ItemNames()), ItemTable(ItemNames())
    table.encode(np.array([5, 6, 5, -1]))
    other.encode(np.array([7, 5, -1]))
    assert table.merge(other).tolist() == [2, 0]
    assert (table.words([0, 1, 2]), table.counts.tolist()) == (["5", "6", "7"], [3, 1, 1])


@pytest.mark.parametrize(
    "names", [{7: "pear", 40: "fig", 41: "unused"}, ["", *["no"] * 6, "pear", *["no"] * 32, "fig"]]
)
def test_names_stand_in_place_of_the_digits(names):
    words, counts, ids, _ = content([[7, 40], [7]], ALL, names=names)
    assert (words, counts, ids) == (["pear", "fig"], [2, 1], [0, 1, -1, 0, -1])


def test_names_decide_the_order_of_words_that_are_as_frequent():
    assert content([[1, 2, 2, 1]], ALL, names=["", "b", "a"])[:3] == (["a", "b"], [2, 2], [1, 0, 0, 1, -1])


@pytest.mark.parametrize("names", [None, {number: f"item {number}" for number in range(5)}])
def test_a_vocabulary_is_looked_up_by_name(names):
    words = [names[number] if names else str(number) for number in (3, 1, 4)]
    given = Vocabulary([*words, "other", "01", "9" * 30], [9, 8, 7, 6, 5, 4])
    assert content([[1, 2, 3], [2]], ALL, vocabulary=given, names=names)[2] == [1, 0, -1]


def test_words_of_a_model_are_kept_however_rare_they_are():
    names = ["pear", "fig", "plum", "kiwi"]
    known = Vocabulary(["fig", "kiwi"], [2, 1])
    words, counts, *_ = content([[0, 0, 1, 2]], TrainConfig(min_count=2), known=known, names=names)
    assert (words, counts) == (["pear", "fig"], [2, 1])


def test_a_text_that_is_measured_on_has_the_same_names():
    rows, names = [[0, 1, 2], [2, 1, 0]] * 50, ["pear", "fig", "plum"]
    model = lexigrad.train(rows, TrainConfig(dim=4, epochs=1, threads=1), names=names, validation=rows[:5])
    assert model.history[-1]["validation"]["words"] == 15
    assert sorted(model.vocabulary) == sorted(names)


@pytest.mark.parametrize("names", [{1: "a"}, ["x", "a"]])
def test_an_id_without_a_name_is_an_error_unless_it_is_too_rare(names):
    with pytest.raises(InputError, match="id 2 has no name; give"):
        content([[1, 1, 2]], ALL, names=names)
    assert content([[1, 1, 2]], TrainConfig(min_count=2), names=names)[0] == ["a"]


@pytest.mark.parametrize("min_count", [1, 2])
def test_two_ids_of_one_name_are_an_error_even_if_one_is_too_rare(min_count):
    with pytest.raises(InputError, match=r"ids 1 and 2 are both named 'a'; give each its own name"):
        content([[1, 1, 2]], TrainConfig(min_count=min_count), names={1: "a", 2: "a"})


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("ab", "names must be a list of names, or a mapping from id to name, not of type str"),
        ({"a", "b"}, "not of type set"),
        ([b"a", b"b"], "the name of id 0 is of type bytes; give names as strings"),
    ],
)
def test_names_of_another_kind_are_an_error(names, says):
    with pytest.raises(InputError, match=says):
        content([[0, 1]], ALL, names=names)


def test_words_need_no_names():
    for source in (["a b"], [["a", "b"]]):
        with pytest.raises(InputError, match="names are for lists of ids"):
            content(source, ALL, names=["a"])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([[1], [2, -3]], "sentence 2 holds the id -3; ids are whole numbers from 0 to 9223372036854775807"),
        ([[1], [2, 2**63]], "sentence 2 holds the id 9223372036854775808"),
        ([np.array([1]), np.array([2**63], dtype=np.uint64)], "sentence 2 holds the id 9223372036854775808"),
        ([[1, 10**5000]], "sentence 1 holds an id of more than 64 bits"),
        ([[], [True]], "sentence 2 holds a bool among ids"),
        ([[1, True]], "sentence 1 holds a bool among ids"),
        ([[1], [1.5]], "sentence 2 holds a float among ids; give ids as whole numbers"),
        ([[1.0]], "sentence 1 holds a float among ids"),
        ([np.array([0.5])], "sentence 1 is an array of float64"),
        ([[1], ["a"]], "sentence 2 holds a str among ids"),
        ([[1], "a b"], "sentence 2 is of type str where the first is a list of ids; give lists of ids only"),
        ([[1], {1: 2}], "sentence 2 is of type dict"),
        ([[1], 2], "sentence 2 is of type int"),
        ([np.zeros((2, 2), dtype=int)], "sentence 1 is an array of 2 dimensions"),
        ([["a"], [1]], "sentence 2 holds a token of type int; give tokens as strings"),
        ([1, 2], "sentence 1 is of type int; give a string or a list of tokens or ids"),
    ],
)
def test_what_is_no_list_of_ids_is_an_error_that_names_the_sentence(rows, says):
    with pytest.raises(CorpusError, match=says):
        content(rows, ALL)


def test_empty_rows_are_empty_lines_and_nothing_else_is_no_text():
    assert content([[], np.array([]), [3], []], ALL)[3]["empty_lines"] == 3
    with pytest.raises(CorpusError, match="the text is empty"):
        content([[], []], ALL)


def test_ids_have_no_phrases() -> None:
    with pytest.raises(InputError, match="phrases are made of words, and this text has ids; leave phrases out"):
        read_corpus([[1, 2], [1, 2]], TrainConfig(min_count=1, phrases=1))
