from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from gensim.models.fasttext import load_facebook_vectors
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from places import GOLDEN

from lexigrad import KeyedVectors, SubwordVectors, load_vectors
from lexigrad.errors import InputError, UnknownWordError
from lexigrad.vectors.subwords import LONGEST_NGRAM, Subwords, composed

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = (
    "fasttext-skipgram.bin",
    "fasttext-cbow.bin",
    "fasttext-supervised.bin",
    "floret-fasttext.bin",
    "floret.bin",
)
THEIRS: dict[str, dict[str, list[float]]] = json.loads((GOLDEN / "fasttext.json").read_text(encoding="utf-8"))

any_word = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def fnv1a(ngram: str) -> int:
    """As fastText's manual has it, byte by byte; a byte above 127 is negative."""
    hashed = 2166136261
    for byte in ngram.encode():
        hashed = ((hashed ^ (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF) * 16777619 & 0xFFFFFFFF
    return hashed


def ngrams_of(word: str, minn: int, maxn: int) -> list[str]:
    marked = f"<{word}>"
    return [
        ngram
        for begin in range(len(marked))
        for size in range(max(minn, 1), maxn + 1)
        if begin + size <= len(marked)
        for ngram in [marked[begin : begin + size]]
        if not (size == 1 and (begin == 0 or begin == len(marked) - 1))
    ]


def vectors(**options: object) -> SubwordVectors:
    rows = np.random.default_rng(3).standard_normal((12, 4)).astype(np.float32)
    return SubwordVectors(["</s>", "cat"], rows[:2], rows[2:], Subwords(3, 4, 10), [7, 3], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", MODELS)
def test_words_that_are_not_listed_have_the_vectors_that_the_real_programs_give_them(model: str) -> None:
    found = load_vectors(GOLDEN / model)
    assert isinstance(found, SubwordVectors)
    unlisted = [word for word in THEIRS[model] if word not in found]
    assert len(unlisted) == 12
    composed_by_them = [word for word in unlisted if any(THEIRS[model][word])]
    assert len(composed_by_them) >= 11
    for word in composed_by_them:
        assert_allclose(found[word], THEIRS[model][word], atol=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_words_that_are_listed_too_one_by_one_and_all_together(model: str) -> None:
    found = load_vectors(GOLDEN / model)
    listed = [word for word in THEIRS[model] if word in found]
    alone = [found[word] for word in listed]
    assert "matrix" not in vars(found)  # one word needs no other
    assert_allclose(alone, [THEIRS[model][word] for word in listed], atol=1e-7)
    assert_array_equal(alone, found.matrix[[found.word_ids[word] for word in listed]])
    assert_array_equal(alone, [found[word] for word in listed])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS[:2])
def test_gensim_composes_the_same_vectors(model: str) -> None:
    theirs = load_facebook_vectors(str(GOLDEN / model))
    found = load_vectors(GOLDEN / model)
    assert found.words == theirs.index_to_key
    assert found.words[0] == "</s>"  # to which gensim gives n-grams, where fastText has none
    assert_allclose(found.matrix[1:], theirs.vectors[1:], atol=1e-6)
    for word in ("Katze", "ёлка", "🦊🦊", "日本", "überüber"):
        assert_allclose(found[word], theirs[word], atol=1e-6)


@given(
    words=st.lists(any_word, max_size=5), minn=st.integers(-1, 4), maxn=st.integers(0, 5), bucket=st.integers(1, 10**6)
)
def test_ngrams_and_their_hashes_are_those_of_the_definition(
    words: list[str], minn: int, maxn: int, bucket: int
) -> None:
    rows, counts = Subwords(minn, maxn, bucket).rows([word.encode() for word in words])
    expected = [[fnv1a(ngram) % bucket for ngram in ngrams_of(word, minn, maxn)] for word in words]
    expected = [[] if word == "</s>" else of_word for word, of_word in zip(words, expected, strict=True)]
    assert counts.tolist() == list(map(len, expected))
    assert rows.tolist() == [row for of_word in expected for row in of_word]


def test_floret_hashes_the_whole_word_first_and_each_ngram_several_times() -> None:
    """The vectors of the golden file hold that the hashes are right; this, that none is lost."""
    subwords = Subwords(2, 3, 2**31 - 1, "floret", 4)
    rows, counts = subwords.rows([b"", b"a" * 100])
    assert counts.tolist() == [4 * 2, 4 * (1 + 101 + 100)]  # of <> the whole word and one n-gram
    assert rows[:4].tolist() == rows[4:8].tolist()
    assert len(set(rows[:4].tolist())) == 4


def test_a_word_alone_has_the_bits_that_it_has_among_others_however_long_it_is() -> None:
    random = np.random.default_rng(1)
    ngrams = random.standard_normal((500, 3)).astype(np.float32)
    words = [b"x" * 30_000, *(b"w%d" % number for number in range(500)), b"y" * 70_000, b"z"]
    own, have = np.ones((len(words), 3), dtype=np.float32), np.ones(len(words), dtype=bool)
    subwords = Subwords(3, 6, 500)
    together, totals = composed(words, own, have, ngrams, subwords)
    alone = [composed([word], own[:1], have[:1], ngrams, subwords)[0][0] for word in words]
    assert_array_equal(together, alone)
    assert totals[0] == 1 + sum(30_002 - size + 1 for size in (3, 4, 5, 6))


def test_the_sums_are_those_of_the_definition() -> None:
    found = vectors()
    rows, _ = found.subwords.rows([b"cats"])
    assert_allclose(found["cats"], found.ngrams[rows].mean(axis=0), atol=1e-6)
    rows, _ = found.subwords.rows([b"cat"])
    own = np.random.default_rng(3).standard_normal((12, 4)).astype(np.float32)[1]
    assert_allclose(found["cat"], (own + found.ngrams[rows].sum(axis=0)) / (1 + len(rows)), atol=1e-6)
    assert_array_equal(found["</s>"], np.random.default_rng(3).standard_normal((12, 4)).astype(np.float32)[0])


def test_unlisted_words_can_be_asked_about_but_are_not_among_the_words() -> None:
    found = vectors()
    assert "cats" not in found
    assert len(found) == 2
    assert found.words == ["</s>", "cat"]
    assert found.similarity("cats", "cat") == pytest.approx(found.similarity(found["cats"], found["cat"]))
    assert [word for word, _ in found.most_similar("cats")] != []
    assert "cat" not in dict(found.most_similar("cat", n=5))
    assert "cat" in dict(found.most_similar(["cats", "dogs"], ["birds"], n=5))
    assert found.doesnt_match(["cats", "cat", "birds"]) in ("cats", "cat", "birds")
    assert_array_equal(found.vectors_for(["cats", "cat"]), [found["cats"], found["cat"]])
    assert found.vectors_for([]).shape == (0, 4)
    with pytest.raises(UnknownWordError):
        found.id_of("cats")
    assert (found.dim, repr(found)) == (4, "SubwordVectors(2 words, 10 n-grams, dim 4)")


def test_a_word_without_ngrams_is_unknown() -> None:
    found = vectors()
    with pytest.raises(UnknownWordError, match="'' is not in the vocabulary; nor has it n-grams"):
        found[""]
    with pytest.raises(InputError, match="UTF-8"):
        found["\ud800"]
    with pytest.raises(InputError, match="a word is a str"):
        found[3]  # type: ignore[index]
    without = SubwordVectors(["a"], np.ones((1, 2), np.float32), np.empty((0, 2), np.float32), Subwords(3, 0, 0))
    assert without["a"].tolist() == [1, 1]
    with pytest.raises(UnknownWordError, match="nor has it n-grams"):
        without["abcdef"]


def test_whole_rows_are_the_words_vectors() -> None:
    found = vectors(whole=True)
    assert_array_equal(found["cat"], np.random.default_rng(3).standard_normal((12, 4)).astype(np.float32)[1])
    assert_array_equal(found["cats"], vectors()["cats"])


def test_numbers_that_are_not_finite_are_found_by_the_search_and_name_the_word() -> None:
    rows: NDArray[np.float32] = np.full((1, 2), np.nan, dtype=np.float32)
    found = SubwordVectors(["a"], rows, np.ones((3, 2), dtype=np.float32), Subwords(1, 2, 3))
    with pytest.raises(InputError, match="the vector of 'a'"):
        found.most_similar("b")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((3, 6, 0), "to 0 rows"),
        ((3, 6, -5), "to -5 rows"),
        ((3, 6, 2**31), "rows"),
        ((3, LONGEST_NGRAM + 1, 5), "maxn is at most 64"),
        ((3, 6, 5, "fasttext", 2), "cannot have 2 rows each"),
        ((3, 6, 5, "floret", 5), "cannot have 5 rows each"),
        ((3, 6, 5, "other"), "the mode 'other'"),
    ],
)
def test_ngrams_that_cannot_be_are_refused(options: tuple[int, int, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Subwords(*options)


def test_a_matrix_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="the n-grams need a float32 matrix of shape"):
        SubwordVectors(["a"], np.ones((1, 2), np.float32), np.ones((4, 3), np.float32), Subwords(3, 6, 4))


def test_subword_vectors_are_keyed_vectors() -> None:
    assert isinstance(vectors(), KeyedVectors)
    assert vectors().counts is not None
