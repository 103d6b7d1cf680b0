"""A cosine is exactly 1 for equal vectors, and equal vectors tie, wherever a cosine is given; none is above 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lexigrad.compat.gensim import KeyedVectors as GensimVectors
from lexigrad.evaluation.analogies import are_right
from lexigrad.evaluation.evaluate import evaluate_similarity
from lexigrad.evaluation.stability import VectorsSet
from lexigrad.vectors import search
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.search import balanced, cosines, cosines_with

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NUMBERS = st.floats(-100, 100, width=32).filter(lambda number: number == 0 or abs(number) > 1e-6)


@st.composite
def rows(draw: st.DrawFn) -> NDArray[np.float32]:
    """Some rows, none of zeros, of any dimension up to 40."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    matrix = draw(arrays(np.float32, shape, elements=NUMBERS))
    matrix[~matrix.any(axis=1), 0] = 1
    return matrix


@st.composite
def twins(draw: st.DrawFn) -> KeyedVectors:
    """Words ``a0``, ``a1`` and so on, each with twins: ``b`` with the same row, ``c`` with it times a power of two."""
    matrix = draw(rows())
    powers = draw(arrays(np.int8, len(matrix), elements=st.integers(-30, 30)))
    scaled = np.ldexp(matrix, powers[:, np.newaxis].astype(np.int32))
    words = [f"{letter}{row}" for letter in "abc" for row in range(len(matrix))]
    return KeyedVectors(words, np.concatenate([matrix, matrix, scaled]))


def families(vectors: KeyedVectors) -> list[list[str]]:
    """The words whose vectors point the same way by their making."""
    return [[f"{letter}{row}" for letter in "abc"] for row in range(len(vectors) // 3)]


@given(twins())
def test_the_similarity_of_twins_is_one(vectors: KeyedVectors) -> None:
    for family in families(vectors):
        assert {vectors.similarity(one, other) for one in family for other in family} == {1.0}
        assert {vectors.similarity(one, -vectors[other]) for one in family for other in family} == {-1.0}


@given(twins())
def test_a_search_finds_twins_with_cosine_one_and_ties_twins_of_others(vectors: KeyedVectors) -> None:
    for word in vectors.words:
        found = dict(vectors.most_similar(word, n=len(vectors)))
        assert max(found.values()) <= 1
        for family in families(vectors):
            values = {found[twin] for twin in family if twin != word}
            assert values == {1.0} if word in family else len(values) == 1
        assert {**found, word: 1.0} == dict(vectors.nearest_to_vector(vectors[word], n=len(vectors)))
        assert [cosine for _, cosine in vectors.most_similar(negative=word, n=len(vectors))][-2:] == [-1.0, -1.0]


@given(twins())
def test_an_approximate_index_gives_the_cosines_of_the_exact_search(vectors: KeyedVectors) -> None:
    pytest.importorskip("usearch")
    index = vectors.index(threads=1)
    ids, found = index.nearest(vectors.matrix, n=1)
    assert (found[ids >= 0] == 1.0).all()
    for word in vectors.words[:3]:
        exact = dict(vectors.most_similar(word, n=len(vectors)))
        assert all(exact[neighbor] == cosine for neighbor, cosine in index.most_similar(word, n=len(vectors)))


@given(twins())
def test_the_neighbors_of_a_set_of_vectors_tie_too(vectors: KeyedVectors) -> None:
    found = {word: cosine for word, cosine, _ in VectorsSet([vectors] * 3).most_similar("a0", n=len(vectors))}
    assert found["b0"] == found["c0"] == 1.0
    assert max(found.values()) <= 1
    for family in families(vectors)[1:]:
        assert len({found[word] for word in family}) == 1


@given(twins())
def test_gensims_names_give_the_same_in_single_precision(vectors: KeyedVectors) -> None:
    theirs = GensimVectors(vectors.dim)
    theirs.add_vectors(vectors.words, vectors.matrix)
    for family in families(vectors):
        for one in family:
            assert {float(theirs.similarity(one, other)) for other in family} == {1.0}
            assert {float(theirs.distance(one, other)) for other in family} == {0.0}
            assert theirs.distances(one, family).tolist() == [0.0] * 3
            found = dict(theirs.most_similar(one, topn=len(vectors)))
            assert {found[twin] for twin in family if twin != one} == {1.0}
            of_all = theirs.most_similar(one, topn=None)
            assert {float(of_all[theirs.get_index(twin)]) for twin in family} == {1.0}
            assert of_all.max() <= 1
            assert dict(theirs.similar_by_vector(vectors[one], topn=len(vectors)))[one] == 1.0
            assert theirs.rank(one, family[-1]) == 1


def test_pairs_of_twins_tie_in_an_evaluation(tmp_path: Path) -> None:
    matrix = np.random.default_rng(2).standard_normal((400, 37)).astype(np.float32)
    words = [f"{letter}{row}" for letter in "ab" for row in range(400)]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(f"a{row} {twin}{row} 5" for row in range(400) for twin in "ab"))
    found = evaluate_similarity(KeyedVectors(words, np.concatenate([matrix, 4 * matrix])), path)
    assert set(found.cosines.tolist()) == {1.0}


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_of_twins_that_answer_equally_well_the_first_counts(method: Any) -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        a, b, c, d = random.standard_normal((4, 11)).astype(np.float32)
        d = (b - a + c + 0.01 * d).astype(np.float32)
        vectors = KeyedVectors(list("abcdef"), np.stack([a, b, c, d, 8 * d, d / 8]))
        questions = np.array([[0, 1, 2, answer] for answer in (3, 4, 5)])
        assert are_right(vectors, questions, np.arange(6), method).tolist() == [True, False, False]


@given(rows(), st.data())
def test_a_cosine_is_symmetric_and_stands_within_its_bounds(matrix: NDArray[np.float32], data: st.DataObject) -> None:
    a = balanced(matrix.astype(np.float64))
    other = data.draw(st.permutations(range(len(a))))
    nearly = a * (1 + data.draw(st.floats(0, 1e-15)))
    for b in (a[other], nearly):
        found = cosines(a, b)
        assert (np.abs(found) <= 1).all()
        assert (found == cosines(b, a)).all()
    lengths = np.linalg.norm(a, axis=1)
    np.testing.assert_allclose(cosines(a, a[other]), (a * a[other]).sum(axis=1) / lengths / lengths[other], atol=1e-14)
    assert (np.concatenate([cosines(a[:1], a[i : i + 1]) for i in range(len(a))]) == cosines(a[:1], a)).all()


def test_the_cosine_with_all_rows_does_not_depend_on_how_they_lie_or_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(4).standard_normal((100, 23)).astype(np.float32)
    vector = matrix[5].astype(np.float64)
    whole = cosines_with(vector, matrix)
    assert whole[5] == 1.0
    padded = np.zeros((100, 32), dtype=np.float32)
    padded[:, :23] = matrix
    monkeypatch.setattr(search, "ROWS_AT_ONCE", 7)
    for same in (matrix, padded[:, :23], np.asfortranarray(matrix)):
        assert (cosines_with(vector, same) == whole).all()
    assert cosines_with(vector, matrix[:0]).shape == (0,)


def test_zeros_have_the_cosine_zero_and_large_and_small_numbers_neither_overflow_nor_vanish() -> None:
    wide = balanced(np.array([[3e200, 4e200], [3e-200, 4e-200], [5e-324, 0], [0.0, 0.0]]))
    found = cosines(wide, balanced(np.array([[4e-300, 3e-300], [4e300, 3e300], [1.0, 0], [1.0, 1.0]])))
    np.testing.assert_allclose(found, [0.96, 0.96, 1, 0], rtol=1e-12)
