from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from numpy.testing import assert_array_equal

from lexigrad.errors import InputError, UnknownWordError
from lexigrad.vectors.keyedvectors import KeyedVectors


@pytest.fixture(scope="module")
def random_vectors() -> KeyedVectors:
    matrix = np.random.default_rng(1).standard_normal((300, 20)).astype(np.float32)
    return KeyedVectors([f"word{number}" for number in range(300)], matrix, np.arange(300, 0, -1))


@pytest.fixture(scope="module")
def gensim_vectors(random_vectors: KeyedVectors) -> GensimVectors:
    vectors = GensimVectors(random_vectors.dim)
    vectors.add_vectors(random_vectors.words, random_vectors.matrix)
    return vectors


@pytest.fixture
def royals() -> KeyedVectors:
    return KeyedVectors(
        ["man", "woman", "king", "queen", "tea"], [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1], [-1, -1, 0]]
    )


def test_words_lengths_membership_and_rows(royals: KeyedVectors) -> None:
    assert len(royals) == 5
    assert royals.dim == 3
    assert list(royals) == royals.words
    assert "queen" in royals
    assert "Queen" not in royals
    assert 0 not in royals
    assert royals["king"].tolist() == [1, 0, 1]
    assert royals.vectors_for(["tea", "man"]).tolist() == [[-1, -1, 0], [1, 0, 0]]
    assert royals.vectors_for([]).shape == (0, 3)


def test_float32_is_kept_without_a_copy_and_cannot_be_written_to() -> None:
    table = np.ones((2, 8), dtype=np.float32)
    vectors = KeyedVectors(["a", "b"], table[:, :5], [2, 1])
    assert np.shares_memory(vectors.matrix, table)
    assert vectors.counts is not None
    for array in (vectors.matrix, vectors["a"], vectors.counts, vectors.lengths):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    table[0, 0] = 2  # whoever made the table may still write to it
    assert vectors["a"][0] == 2


def test_vectors_for_gives_an_array_of_its_own(royals: KeyedVectors) -> None:
    royals.vectors_for(["king"])[:] = 9
    assert royals["king"].tolist() == [1, 0, 1]


def test_an_unknown_word_is_an_error_that_names_near_spellings(royals: KeyedVectors) -> None:
    for ask in (
        lambda: royals["quen"],
        lambda: royals.most_similar("quen"),
        lambda: royals.most_similar("king", negative=["quen"]),
        lambda: royals.similarity("king", "quen"),
        lambda: royals.vectors_for(["king", "quen"]),
        lambda: royals.analogy("man", "king", "quen"),
        lambda: royals.doesnt_match(["king", "quen"]),
    ):
        with pytest.raises(UnknownWordError, match=r"'quen' .*'queen'"):
            ask()


def test_most_similar_agrees_with_gensim(random_vectors: KeyedVectors, gensim_vectors: GensimVectors) -> None:
    vector = random_vectors["word9"] * 3
    for positive, negative, restrict in (
        ("word3", (), None),
        (["word3", "word8"], ["word20"], None),
        (["word3", vector], "word7", None),
        (vector, ["word1"], 100),
    ):
        ours = random_vectors.most_similar(positive, negative, n=12, restrict=restrict)
        theirs = gensim_vectors.most_similar(
            positive, list(negative) if negative == () else negative, topn=12, restrict_vocab=restrict
        )
        assert [word for word, _ in ours] == [word for word, _ in theirs]
        np.testing.assert_allclose([cosine for _, cosine in ours], [cosine for _, cosine in theirs], atol=2e-6)


def test_doesnt_match_and_similarity_agree_with_gensim(
    random_vectors: KeyedVectors, gensim_vectors: GensimVectors
) -> None:
    for start in range(0, 300, 25):
        words = random_vectors.words[start : start + 5]
        assert random_vectors.doesnt_match(words) == gensim_vectors.doesnt_match(words)
        assert random_vectors.similarity(*words[:2]) == pytest.approx(
            float(gensim_vectors.similarity(*words[:2])), abs=1e-6
        )


def test_an_analogy_is_solved_and_leaves_out_its_own_words(royals: KeyedVectors) -> None:
    assert royals.analogy("man", "king", "woman", n=1)[0][0] == "queen"
    answers = [word for word, _ in royals.analogy("man", "king", "woman")]
    assert sorted(answers) == ["queen", "tea"]
    assert royals.analogy("man", "king", "woman", restrict=3) == []


def test_nearest_to_vector_leaves_nothing_out(royals: KeyedVectors) -> None:
    assert royals.nearest_to_vector([2, 0, 2], n=1) == [("king", pytest.approx(1.0))]
    assert len(royals.nearest_to_vector([2, 0, 2], n=100)) == 5
    assert [word for word, _ in royals.nearest_to_vector([0, 0, 1], restrict=2)] == ["man", "woman"]


def test_zero_vectors_have_cosine_zero_with_everything() -> None:
    vectors = KeyedVectors(["nothing", "something", "else"], [[0, 0], [1, 2], [-2, -4]])
    assert vectors.similarity("nothing", "something") == 0
    assert vectors.most_similar("nothing") == [("something", 0.0), ("else", 0.0)]
    found = vectors.most_similar("something")
    assert found[0] == ("nothing", 0.0)
    assert found[1][1] == pytest.approx(-1)
    assert vectors.doesnt_match(["something", "nothing"]) == "nothing"


def test_nearest_strikes_the_excluded_words_of_each_row(royals: KeyedVectors) -> None:
    ids, _ = royals.nearest(royals.matrix[:2], n=2, exclude=[[0, -1], [1, 3]])
    assert ids.tolist() == [[2, 1], [0, 2]]


def test_an_empty_set_of_vectors_finds_nothing() -> None:
    vectors = KeyedVectors([], np.empty((0, 4), dtype=np.float32))
    ids, cosines = vectors.nearest(np.ones((2, 4)), n=3)
    assert ids.shape == cosines.shape == (2, 0)
    assert vectors.nearest_to_vector([1, 1, 1, 1]) == []


def test_counts_are_kept_as_int64() -> None:
    counts = KeyedVectors(["a", "b"], [[1.0], [2.0]], [7, 0]).counts
    assert_array_equal(counts, [7, 0])
    assert counts is not None
    assert counts.dtype == np.int64


@pytest.mark.parametrize(
    ("words", "matrix", "counts", "message"),
    [
        (["a", "b", "a"], np.ones((3, 2)), None, "'a' comes twice"),
        (["a", "b"], np.ones((3, 2)), None, "shape \\(3, 2\\)"),
        (["a"], np.ones(2), None, "shape \\(2,\\)"),
        (["a"], np.ones((1, 0)), None, "shape \\(1, 0\\)"),
        (["a", "b"], [[1.0, 2.0], [np.nan, 1.0]], None, "'b' \\(row 1\\)"),
        (["a"], [[-np.inf]], None, "'a' \\(row 0\\)"),
        (["a"], [[1e300]], None, "'a' \\(row 0\\)"),
        (["a"], np.full((1, 4), 3e38), None, "far too large"),
        (["a"], np.array([["x"]]), None, "real numbers"),
        (["a"], [[1.0]], [1, 2], "counts"),
        (["a"], [[1.0]], [0.5], "counts"),
        (["a"], [[1.0]], [-1], "is -1"),
    ],
)
def test_what_does_not_fit_is_refused(words: list[str], matrix: object, counts: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        KeyedVectors(words, matrix, counts)  # type: ignore[arg-type]


def test_a_table_not_checked_at_first_is_checked_by_the_first_search() -> None:
    vectors = KeyedVectors(["a", "b"], [[1.0], [np.nan]], check=False)
    with pytest.raises(InputError, match="'b'"):
        vectors.most_similar("a")


def test_questions_that_make_no_sense_are_refused(royals: KeyedVectors) -> None:
    for ask, message in (
        (lambda: royals.most_similar(), "at least one"),
        (lambda: royals.most_similar([1.0, 2.0, 3.0]), "a word or a NumPy vector, not float"),
        (lambda: royals.most_similar("king", n=0), "n must be"),
        (lambda: royals.most_similar("king", n=True), "n must be"),
        (lambda: royals.most_similar("king", restrict=0), "restrict must be"),
        (lambda: royals.nearest_to_vector([1.0, 2.0]), "shape \\(3,\\), not \\(2,\\)"),
        (lambda: royals.nearest_to_vector([1.0, np.nan, 2.0]), "not finite"),
        (lambda: royals.nearest(np.ones(3), 1), "shape"),
        (lambda: royals.nearest(np.ones((1, 3)), 1, exclude=[[5]]), "out of range"),
        (lambda: royals.nearest(np.ones((1, 3)), 1, exclude=[[1], [2]]), "row of ids"),
        (lambda: royals.doesnt_match([]), "at least one"),
        (lambda: royals[3], "a word is a str, not int"),
    ):
        with pytest.raises(InputError, match=message):
            ask()
