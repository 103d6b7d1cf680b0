"""gensim's KeyedVectors on lexigrad: equal to gensim's own on the same vectors, wherever that is the aim."""

from __future__ import annotations

import gzip
import logging
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import lexigrad
from lexigrad.compat.gensim import DamagedFileError, KeyedVectors, NotKeptError, ShortFileError
from lexigrad.compat.gensim.measuring import two_sided_p

if TYPE_CHECKING:
    from pathlib import Path

gensim_models = pytest.importorskip("gensim.models")
stats = pytest.importorskip("scipy.stats")

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # gensim's of gensim

WORDS = [f"w{number}" for number in range(60)]


@pytest.fixture
def both() -> tuple[KeyedVectors, Any]:
    """The same vectors and counts, ours and gensim's."""
    matrix = np.random.default_rng(7).normal(size=(60, 12)).astype(np.float32)
    pair = KeyedVectors(12), gensim_models.KeyedVectors(12)
    for vectors in pair:
        vectors.add_vectors(WORDS, matrix.copy())
        for row, word in enumerate(WORDS):
            vectors.set_vecattr(word, "count", 100 - row)
    return pair


A_VECTOR = np.linspace(-1, 2, 12, dtype=np.float32)

CALLS: dict[str, Any] = {
    "one word": lambda wv: wv.most_similar("w3"),
    "an analogy": lambda wv: wv.most_similar(["w1", "w2"], ["w3"], topn=7),
    "words by position": lambda wv: wv.most_similar("w1", "w2"),
    "weights": lambda wv: wv.most_similar([("w1", 2.0), "w2"], [("w3", -0.5)]),
    "a vector": lambda wv: wv.most_similar([A_VECTOR], topn=60),
    "a vector and a word": lambda wv: wv.most_similar(positive=["w9", A_VECTOR]),
    "a row number": lambda wv: wv.most_similar([4], topn=3),
    "more than there are": lambda wv: wv.most_similar("w3", topn=1000),
    "no answers": lambda wv: wv.most_similar("w3", topn=0),
    "restricted": lambda wv: wv.most_similar("w3", restrict_vocab=10, topn=20),
    "clipped": lambda wv: wv.most_similar("w30", clip_start=20, clip_end=40, topn=30),
    "clipped from the end": lambda wv: wv.most_similar("w3", clip_start=50, topn=30),
    "all": lambda wv: wv.most_similar("w3", topn=None),
    "all of a part": lambda wv: wv.most_similar("w3", topn=None, clip_start=5, clip_end=9),
    "by vector": lambda wv: wv.similar_by_vector(A_VECTOR, topn=5),
    "by word": lambda wv: wv.similar_by_word("w8", topn=5, restrict_vocab=30),
    "by key": lambda wv: wv.similar_by_key("w8", 3),
    "3CosMul": lambda wv: wv.most_similar_cosmul(["w1", "w2"], ["w3"], topn=9),
    "3CosMul, positive only": lambda wv: wv.most_similar_cosmul("w1"),
    "3CosMul, all": lambda wv: wv.most_similar_cosmul("w1", "w2", topn=None),
    "similarity": lambda wv: wv.similarity("w1", "w2"),
    "distance": lambda wv: wv.distance("w1", "w2"),
    "distances": lambda wv: wv.distances("w1"),
    "distances of some": lambda wv: wv.distances(A_VECTOR, ["w3", "w1"]),
    "cosines": lambda wv: wv.cosine_similarities(A_VECTOR, wv.vectors),
    "n_similarity": lambda wv: wv.n_similarity(["w1", "w2", "unknown"], ["w3"]),
    "odd one out": lambda wv: wv.doesnt_match(["w1", "w2", "w3", "w4"]),
    "centrality": lambda wv: wv.rank_by_centrality(["w1", "w2", "w3", "w4"]),
    "centrality by length": lambda wv: wv.rank_by_centrality(["w1", "w2", "w3"], use_norm=False),
    "closer": lambda wv: wv.closer_than("w1", "w2"),
    "rank": lambda wv: wv.rank("w1", "w2"),
    "nearest of some": lambda wv: wv.most_similar_to_given("w1", ["w2", "w3", "w4"]),
    "relative": lambda wv: wv.relative_cosine_similarity("w1", "w2", topn=5),
    "mean": lambda wv: wv.get_mean_vector(["w1", "unknown", A_VECTOR], weights=[1, 2, -3]),
    "mean, as they are": lambda wv: wv.get_mean_vector(["w1", "w2"], pre_normalize=False, post_normalize=True),
    "one vector": lambda wv: wv["w5"],
    "vectors": lambda wv: wv[["w5", 3]],
    "of length 1": lambda wv: wv.get_vector("w5", norm=True),
    "all of length 1": lambda wv: wv.get_normed_vectors(),
    "index": lambda wv: (wv.get_index("w5"), wv.get_index(9), wv.get_index("no", -5), "w5" in wv, "no" in wv, 5 in wv),
    "for all": lambda wv: wv.vectors_for_all(["w5", "no", "w2", "w5"]).vectors,
    "text": str,
}


def assert_equal(found: Any, expected: Any) -> None:
    """Numbers are close, everything else is the same; ``(word, number)`` pairs in the same order."""
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_equal(one, other)
    elif isinstance(expected, str):
        assert found == expected
    else:
        assert np.shape(found) == np.shape(expected)
        assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_answer_is_gensims(both: tuple[KeyedVectors, Any], call: Any) -> None:
    ours, theirs = map(call, both)
    assert_equal(ours, theirs)


FAULTS: dict[str, Any] = {
    "an unknown word": lambda wv: wv.most_similar("no"),
    "an unknown word's vector": lambda wv: wv["no"],
    "no words": lambda wv: wv.most_similar(),
    "no positive ones": lambda wv: wv.most_similar_cosmul(negative="w1"),
    "an empty list": lambda wv: wv.n_similarity([], ["w1"]),
    "no known words": lambda wv: wv.doesnt_match(["no", "none"]),
    "too few weights": lambda wv: wv.get_mean_vector(["w1", "w2"], weights=[1]),
    "a missing key": lambda wv: wv.get_mean_vector(["no"], ignore_missing=False),
    "an attribute of another type": lambda wv: wv.set_vecattr("w1", "count", "many"),
    "a missing attribute": lambda wv: wv.get_vecattr("w1", "weight"),
}


@pytest.mark.parametrize("call", FAULTS.values(), ids=FAULTS)
def test_the_error_is_of_gensims_kind(both: tuple[KeyedVectors, Any], call: Any) -> None:
    ours, theirs = both
    with pytest.raises((KeyError, ValueError, TypeError, ZeroDivisionError)) as expected:
        call(theirs)
    with pytest.raises(expected.type):
        call(ours)


def test_an_indexer_searches_in_our_place(both: tuple[KeyedVectors, Any]) -> None:
    class Indexer:
        def most_similar(self, vector: Any, topn: int) -> Any:
            return vector, topn

    (ours, n), (theirs, m) = (wv.most_similar("w1", topn=4, indexer=Indexer()) for wv in both)
    assert n == m == 4
    assert_allclose(ours, theirs, rtol=1e-6)


# changes


def changed(wv: Any) -> Any:
    wv.most_similar("w1")
    wv["w1"] = np.ones(12, dtype=np.float32)
    wv.add_vectors(["new", "w2"], np.full((2, 12), 2.0), replace=False)
    wv[["newer", "w3"]] = [np.arange(12.0), np.arange(12.0) ** 2]
    wv.fill_norms(force=True)
    return wv


def test_after_changes_the_answers_are_gensims(both: tuple[KeyedVectors, Any]) -> None:
    ours, theirs = map(changed, both)
    assert ours.index_to_key == theirs.index_to_key
    assert_array_equal(ours.vectors, theirs.vectors)
    assert_equal(ours.most_similar("new", topn=5), theirs.most_similar("new", topn=5))
    assert_array_equal(ours.expandos["count"][:60], theirs.expandos["count"][:60])
    assert ours.get_vecattr("newer", "count") == 0


def test_a_word_twice_in_one_call_gets_one_row() -> None:
    wv = KeyedVectors(2)
    wv.add_vectors(["a", "a", "b"], [[1, 2], [3, 4], [5, 6]])
    assert wv.index_to_key == ["a", "b"]
    assert_array_equal(wv.vectors, [[1, 2], [5, 6]])
    wv.add_vectors(["b", "b"], [[7, 8], [9, 9]], extras={"weight": np.array([1.0, 2.0])}, replace=True)
    assert_array_equal(wv["b"], [9, 9])
    assert wv.get_vecattr("b", "weight") == 2.0


def test_rows_that_were_set_aside_are_filled_and_others_warn() -> None:
    wv = KeyedVectors(2, count=1)
    assert wv.add_vector("a", [1, 2]) == 0
    with pytest.warns(UserWarning, match="add_vectors"):
        assert wv.add_vector("b", np.array([3, 4])) == 1
    assert_array_equal(wv.vectors, [[1, 2], [3, 4]])
    assert wv.most_similar("a")[0][0] == "b"


def test_searches_see_vectors_that_were_put_in_place_of_others(both: tuple[KeyedVectors, Any]) -> None:
    wv = both[0]
    wv.most_similar("w1")
    wv.vectors = wv.vectors[::-1].copy()
    expected = lexigrad.KeyedVectors(WORDS, wv.vectors).most_similar("w1", n=1)
    assert_equal(wv.most_similar("w1", topn=1), expected)


def test_a_vector_cannot_be_written_to(both: tuple[KeyedVectors, Any]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        both[0]["w1"][0] = 5


def test_a_zero_vector_has_the_cosine_0() -> None:
    wv = KeyedVectors(2)
    wv.add_vectors(["a", "zero"], [[1, 2], [0, 0]])
    assert wv.similarity("a", "zero") == 0
    assert wv.most_similar("zero") == [("a", 0.0)]
    assert_array_equal(wv.get_normed_vectors()[1], [0, 0])
    assert wv.distances("a").tolist()[1] == 1


def test_vectors_that_are_not_finite_are_named() -> None:
    wv = KeyedVectors(2)
    wv.add_vectors(["a", "bad"], [[1, 2], [np.nan, 0]])
    with pytest.raises(lexigrad.InputError, match="bad"):
        wv.most_similar("a")


def test_keys_are_sorted_as_gensim_sorts_them(both: tuple[KeyedVectors, Any]) -> None:
    for wv in both:
        for row, word in enumerate(WORDS):
            wv.set_vecattr(word, "count", row // 7)
        wv.sort_by_descending_frequency()
    ours, theirs = both
    assert ours.index_to_key == theirs.index_to_key
    assert_array_equal(ours.vectors, theirs.vectors)
    assert_array_equal(ours.expandos["count"], theirs.expandos["count"])


def test_lexigrads_vectors_and_back(both: tuple[KeyedVectors, Any]) -> None:
    ours = both[0].to_lexigrad()
    assert ours.most_similar("w3")[0][0] == both[0].most_similar("w3")[0][0]
    back = KeyedVectors.from_lexigrad(ours)
    back["w1"] = np.zeros(12)
    assert ours["w1"].any()
    assert back.get_vecattr("w1", "count") == 99


# evaluation


def test_word_pairs_have_gensims_correlations_and_p_values(both: tuple[KeyedVectors, Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lines = [f"{'wW'[a % 2]}{a}\tw{b}\t{rng.random():.3f}" for a, b in rng.integers(0, 70, size=(40, 2))]
    path = tmp_path / "pairs.tsv"
    path.write_text("# a comment\n" + "\n".join(lines) + "\nno pair\n")
    for options in ({}, {"dummy4unknown": True}, {"case_insensitive": False, "dummy4unknown": True}):
        ours, theirs = (wv.evaluate_word_pairs(path, **options) for wv in both)
        assert_equal(ours, [tuple(theirs[0]), tuple(theirs[1]), theirs[2]])


def test_word_pairs_with_another_delimiter(both: tuple[KeyedVectors, Any], tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("w1,w2,1\nw1,w3,2\nw4,w5,5\n")
    ours, theirs = (wv.evaluate_word_pairs(path, delimiter=",") for wv in both)
    assert_equal(ours, [tuple(theirs[0]), tuple(theirs[1]), theirs[2]])
    with pytest.raises(lexigrad.InputError, match="delimiter"):
        both[0].evaluate_word_pairs(path)


@pytest.mark.parametrize("items", [3, 4, 10, 353, 5000])
def test_p_values_are_scipys(items: int) -> None:
    for r in (-0.999, -0.5, -0.01, 0.0, 0.03, 0.3, 0.9):
        expected = 2 * stats.t.sf(abs(r) * np.sqrt((items - 2) / (1 - r**2)), items - 2)
        assert_allclose(two_sided_p(r, items), expected, rtol=1e-8, atol=1e-300)
    assert np.isnan(two_sided_p(float("nan"), items))


def test_analogies_are_answered_as_by_gensim(both: tuple[KeyedVectors, Any], tmp_path: Path) -> None:
    for wv in both:  # w4 is to w1 as w5 is to w2, and w6 to w3
        wv["w3"], wv["w6"] = wv["w1"] + wv["w2"], wv["w4"] + wv["w5"]
        wv["w5"] = wv["w2"] - wv["w1"] + wv["w4"]
        wv.fill_norms(force=True)
    path = tmp_path / "questions.txt"
    path.write_text(": one\nw1 w4 w2 w5\nw1 w4 w2 w7\n: two\nW2 w5 w1 w4\nw1 no w2 w3\n")
    for options in ({}, {"dummy4unknown": True}, {"case_insensitive": False}, {"restrict_vocab": 6}):
        ours, theirs = (wv.evaluate_word_analogies(path, **options) for wv in both)
        assert ours == theirs
        assert ours[0] > 0
    with pytest.raises(lexigrad.InputError, match="most_similar_cosmul"):
        both[0].evaluate_word_analogies(path, similarity_function="similarity")


def test_the_similarity_function_of_analogies_is_followed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(40)]
    wv = KeyedVectors(4)
    wv.add_vectors(words, rng.normal(size=(40, 4)))
    questions = rng.permuted(np.tile(np.arange(40), (300, 1)), axis=1)[:, :3]
    answers = [wv.most_similar_cosmul([words[b], words[c]], [words[a]], topn=1)[0][0] for a, b, c in questions.tolist()]
    path = tmp_path / "questions.txt"
    lines = [f"w{a} w{b} w{c} {answer}\n" for (a, b, c), answer in zip(questions.tolist(), answers, strict=True)]
    path.write_text(": all\n" + "".join(lines))
    assert wv.evaluate_word_analogies(path, similarity_function="most_similar_cosmul")[0] > 0.98  # 0.001 for 1e-6
    assert wv.evaluate_word_analogies(path)[0] < 0.9


# word2vec's files


@pytest.mark.parametrize("binary", [False, True])
def test_files_are_written_as_gensim_writes_them_and_read_by_both(
    both: tuple[KeyedVectors, Any], tmp_path: Path, binary: bool
) -> None:
    ours, theirs = both
    ours.save_word2vec_format(tmp_path / "ours", tmp_path / "counts", binary=binary, prefix="x")
    theirs.save_word2vec_format(tmp_path / "theirs", tmp_path / "their_counts", binary=binary, prefix="x")
    assert (tmp_path / "counts").read_bytes() == (tmp_path / "their_counts").read_bytes()
    for name in ("ours", "theirs"):
        read = [
            kind.load_word2vec_format(tmp_path / name, tmp_path / "counts", binary=binary)
            for kind in (KeyedVectors, gensim_models.KeyedVectors)
        ]
        for wv in read:
            assert wv.index_to_key == [f"x{word}" for word in WORDS]
            assert_array_equal(wv.vectors, ours.vectors)
            assert wv.get_vecattr("xw3", "count") == 97


def test_rows_may_be_limited_and_packed_and_of_another_type(both: tuple[KeyedVectors, Any], tmp_path: Path) -> None:
    path = tmp_path / "vectors.gz"
    both[0].save_word2vec_format(tmp_path / "vectors", binary=True)
    path.write_bytes(gzip.compress((tmp_path / "vectors").read_bytes()))
    half = KeyedVectors.load_word2vec_format(path, binary=True, limit=5, datatype=np.float16)
    assert half.index_to_key == WORDS[:5]
    assert half.vectors.dtype == np.float16
    assert half.get_vecattr("w0", "count") == 5  # none is known, so that it falls from row to row


def test_a_file_without_a_header_and_with_a_repeated_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("a 1 2\nb 3 4\na 5 6\n")
    with caplog.at_level(logging.WARNING):
        wv = KeyedVectors.load_word2vec_format(path, no_header=True)
    assert_array_equal(wv.vectors, [[1, 2], [3, 4]])
    assert "1 rows" in caplog.text
    wv.save_word2vec_format(tmp_path / "again.txt", write_header=False)
    assert (tmp_path / "again.txt").read_text().startswith("a 1.0")


def test_words_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("1 2\nété 1 2\n".encode("latin-1"))
    assert KeyedVectors.load_word2vec_format(path, encoding="latin-1").index_to_key == ["été"]
    assert KeyedVectors.load_word2vec_format(path, unicode_errors="ignore").index_to_key == ["t"]
    with pytest.raises(UnicodeDecodeError):
        KeyedVectors.load_word2vec_format(path)


@pytest.mark.parametrize(
    ("content", "options", "error"),
    [
        (b"3 2\na 1 2\n", {}, ShortFileError),
        (b"3 2\na 12345678", {"binary": True}, ShortFileError),
        (b"999999999999999 2\na 1 2\n", {}, ShortFileError),
        (b"9 999999999999\na 1 2\n", {}, DamagedFileError),
        (b"a 1 2\n", {}, DamagedFileError),
        (b"2 2\na 1 2\nb 1\n", {}, DamagedFileError),
        (b"2 2\na 1 2\nb 1 x\n", {}, DamagedFileError),
        (b"", {"no_header": True}, ShortFileError),
        (b"2 2\n", {"no_header": True, "binary": True}, NotKeptError),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, options: Any, error: type[Exception]) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(error):
        KeyedVectors.load_word2vec_format(path, **options)
    assert issubclass(ShortFileError, EOFError)
    assert issubclass(DamagedFileError, ValueError)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    for load in (KeyedVectors.load_word2vec_format, KeyedVectors.load):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "nowhere")


def test_vectors_are_taken_from_a_file_for_known_words(both: tuple[KeyedVectors, Any], tmp_path: Path) -> None:
    path = tmp_path / "more.txt"
    path.write_text("2 12\nw3 " + " ".join("1" * 12) + "\nno " + " ".join("2" * 12) + "\n")
    wv = both[0]
    wv.intersect_word2vec_format(path, lockf=1.0)
    assert_array_equal(wv["w3"], np.ones(12))
    assert len(wv) == 60
    with pytest.raises(NotKeptError, match=re.escape("lockf=1.0")):
        wv.intersect_word2vec_format(path)
