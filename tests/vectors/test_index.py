"""Approximate search finds nearly all that exact search does, with its cosines; an index belongs to its vectors."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.testing import assert_array_equal

from lexigrad import KeyedVectors, save_vectors
from lexigrad.cli import main as cli
from lexigrad.errors import FormatError, InputError, MissingExtraError, UnknownWordError

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.vectors.index import ApproximateIndex

WORDS = 3000


def structured(dim: int = 40) -> KeyedVectors:
    """Words in 100 clusters, with a little noise."""
    random = np.random.default_rng(4)
    centers = random.standard_normal((100, dim)) / np.sqrt(np.arange(1, dim + 1))
    matrix = centers[random.integers(100, size=WORDS)] + 0.2 * random.standard_normal((WORDS, dim))
    return KeyedVectors([f"w{word}" for word in range(WORDS)], matrix)


@pytest.fixture(scope="module")
def vectors() -> KeyedVectors:
    return structured()


@pytest.fixture(scope="module")
def index(vectors: KeyedVectors) -> ApproximateIndex:
    return vectors.index(threads=1)


def test_true_neighbors_are_found(index: ApproximateIndex) -> None:
    assert index.recall(10) > 0.97
    assert index.recall(10, sample=10**9) > 0.97


def test_a_larger_ef_finds_more() -> None:
    random = np.random.default_rng(6)
    matrix, queries = random.standard_normal((WORDS, 60)), random.standard_normal((200, 60))  # the hardest there is
    vectors = KeyedVectors([f"w{word}" for word in range(WORDS)], matrix)
    index = vectors.index(threads=1)
    true = vectors.nearest(queries, 3)[0]
    found = []
    for ef in (1, 64, 2000):
        index.ef = ef
        found.append(
            np.isin(
                index.nearest(queries, 3)[0] + WORDS * np.arange(200)[:, np.newaxis],
                true + WORDS * np.arange(200)[:, np.newaxis],
            ).mean()
        )
    assert 0.1 < found[0] < found[1] < found[2]
    assert found[2] > 0.99


def test_recall_is_the_share_of_the_exact_answers(vectors: KeyedVectors, index: ApproximateIndex) -> None:
    words = np.random.default_rng(3).permutation(WORDS)[:50]
    true, _ = vectors.nearest(vectors.matrix[words], 5, exclude=words[:, np.newaxis])
    found, _ = index.nearest(vectors.matrix[words], 5, exclude=words[:, np.newaxis])
    shares = [len({*a} & {*b}) / 5 for a, b in zip(true.tolist(), found.tolist(), strict=True)]
    assert index.recall(5, sample=50, seed=3) == pytest.approx(np.mean(shares))


@pytest.mark.parametrize("dim", [1, 2, 7, 16, 33, 100])
def test_cosines_are_those_of_the_exact_search_bit_for_bit(dim: int) -> None:
    vectors = structured(dim)
    queries = np.random.default_rng(5).standard_normal((20, dim))
    _, exact = vectors.nearest(queries, WORDS)
    ids, cosines = vectors.index(threads=1).nearest(queries, 10)
    all_ids, _ = vectors.nearest(queries, WORDS)
    for query in range(20):
        by_id = dict(zip(all_ids[query].tolist(), exact[query].tolist(), strict=True))
        assert cosines[query].tolist() == [by_id[word_id] for word_id in ids[query].tolist()]
    assert (np.diff(cosines, axis=1) <= 0).all()


def test_vectors_get_the_same_answer_alone_and_together(vectors: KeyedVectors, index: ApproximateIndex) -> None:
    ids, cosines = index.nearest(vectors.matrix[:30], 10)
    for row in range(30):
        alone = index.nearest(vectors.matrix[row : row + 1], 10)
        assert_array_equal(alone[0][0], ids[row])
        assert_array_equal(alone[1][0], cosines[row])


def test_words_are_searched_for_as_exactly(vectors: KeyedVectors, index: ApproximateIndex) -> None:
    index.ef = 300
    assert index.most_similar("w3", n=5) == vectors.most_similar("w3", n=5)
    assert index.most_similar(["w3", "w9"], ["w4"], n=5) == vectors.most_similar(["w3", "w9"], ["w4"], n=5)
    assert index.most_similar(vectors["w3"], n=2)[0][0] == "w3"
    with pytest.raises(UnknownWordError):
        index.most_similar("zebra")
    with pytest.raises(InputError, match="needs a word or a vector"):
        index.most_similar()
    index.ef = 64


def test_excluded_words_are_not_found_and_leave_gaps_when_none_remain() -> None:
    vectors = KeyedVectors(["a", "b", "c"], np.eye(3))
    ids, cosines = vectors.index().nearest(np.eye(3)[:2], 3, exclude=[[0, 2], [-1, -1]])
    assert ids.tolist() == [[1, -1, -1], [1, 0, 2]]
    assert cosines.tolist() == [[0.0, -np.inf, -np.inf], [1.0, 0.0, 0.0]]


def test_more_words_than_there_are_give_all(vectors: KeyedVectors, index: ApproximateIndex) -> None:
    ids, _ = index.nearest(vectors.matrix[:2], WORDS + 5)
    assert ids.shape == (2, WORDS)
    assert (np.sort(ids[0]) >= 0).mean() > 0.99


def test_vectors_of_any_length_are_found_zero_too() -> None:
    matrix = np.eye(4, dtype=np.float32)
    matrix[1] *= np.float32(1e-30)
    matrix[2] *= np.float32(1e30)
    matrix[3] = 0
    index = KeyedVectors(["a", "b", "c", "zero"], matrix).index()
    ids, cosines = index.nearest(np.eye(4)[:3] * 1e100, 1)
    assert ids[:, 0].tolist() == [0, 1, 2]
    assert_array_equal(cosines[:, 0], 1.0)
    assert index.nearest(np.zeros((1, 4)), 4)[1].tolist() == [[0.0] * 4]


@pytest.mark.parametrize("size", [0, 1])
def test_few_words_or_none(size: int) -> None:
    index = KeyedVectors(["a"][:size], np.ones((size, 3))).index()
    assert index.nearest(np.ones((2, 3)), 5)[0].shape == (2, size)
    assert index.nearest(np.ones((0, 3)), 5)[0].shape == (0, size)
    with pytest.raises(InputError, match="at least two words"):
        index.recall()


def test_what_does_not_fit_is_refused(vectors: KeyedVectors, index: ApproximateIndex) -> None:
    with pytest.raises(InputError, match="must have shape"):
        index.nearest(np.ones((1, 3)), 5)
    with pytest.raises(InputError, match="not finite"):
        index.nearest(np.full((1, 40), np.nan), 5)
    with pytest.raises(InputError, match="ids out of range"):
        index.nearest(vectors.matrix[:1], 5, exclude=[[WORDS]])
    with pytest.raises(InputError, match="ef must be"):
        vectors.index(ef=0)
    with pytest.raises(InputError, match="threads must be"):
        vectors.index(threads=0)
    with pytest.raises(InputError, match="not finite"):
        KeyedVectors(["a"], [[np.inf]], check=False).index()


def test_progress_ends_with_all_vectors(vectors: KeyedVectors) -> None:
    told: list[tuple[int, int]] = []
    vectors.index(progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (WORDS, WORDS)


def test_a_padded_table_gives_the_same_index(vectors: KeyedVectors, index: ApproximateIndex, tmp_path: Path) -> None:
    padded = np.zeros((WORDS, 48), dtype=np.float32)
    padded[:, :40] = vectors.matrix
    KeyedVectors(vectors.words, padded[:, :40]).index(threads=1).save(tmp_path / "padded")
    index.save(tmp_path / "tight")
    assert (tmp_path / "padded").read_bytes() == (tmp_path / "tight").read_bytes()


def test_one_thread_builds_the_same_bytes_and_they_give_the_same_answers(
    vectors: KeyedVectors, index: ApproximateIndex, tmp_path: Path
) -> None:
    index.save(tmp_path / "first")
    vectors.index(threads=1).save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    loaded = vectors.index(tmp_path / "first", threads=1)
    for mine, theirs in zip(
        loaded.nearest(vectors.matrix[:50], 10), index.nearest(vectors.matrix[:50], 10), strict=True
    ):
        assert_array_equal(mine, theirs)


def test_safetensors_reads_the_container(index: ApproximateIndex, tmp_path: Path) -> None:
    from safetensors import safe_open

    index.save(tmp_path / "index")
    with safe_open(tmp_path / "index", framework="np") as file:
        assert file.metadata()["format"] == "lexigrad-index"
        assert file.get_tensor("graph").dtype == np.uint8


def test_an_index_of_other_vectors_is_refused(vectors: KeyedVectors, index: ApproximateIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "index")
    other = vectors.matrix.copy()
    other[-1, -1] += np.float32(1e-6)
    for matrix in (other, vectors.matrix[:-1], vectors.matrix[:, :-1]):
        with pytest.raises(FormatError, match="is an index of other vectors; build one of these"):
            KeyedVectors(vectors.words[: len(matrix)], matrix).index(tmp_path / "index")
    renamed = KeyedVectors([f"x{word}" for word in range(WORDS)], vectors.matrix)
    assert renamed.index(tmp_path / "index").most_similar("x3", n=1)[0][0].startswith("x")


def test_a_damaged_file_is_refused(vectors: KeyedVectors, index: ApproximateIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "index")
    content = (tmp_path / "index").read_bytes()
    path = tmp_path / "damaged"
    for place in (len(content) // 2, len(content) - 1, 400):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(FormatError, match="is damaged: its bytes do not have the digest"):
            vectors.index(path)
    for end in (0, 7, 8, 100, 300, len(content) - 1):
        path.write_bytes(content[:end])
        with pytest.raises(FormatError, match=r"is no index that lexigrad saved|is damaged"):
            vectors.index(path)


@pytest.mark.parametrize(
    "header",
    [b"", b"{", b"[]", b'{"__metadata__":5}', b'{"__metadata__":{"format":"lexigrad"}}', b"[" * 60_000, b"\xff" * 9],
)
def test_a_file_that_is_no_index_is_refused(vectors: KeyedVectors, tmp_path: Path, header: bytes) -> None:
    (tmp_path / "index").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(FormatError, match="is no index that lexigrad saved"):
        vectors.index(tmp_path / "index")
    (tmp_path / "index").write_bytes(b"\xff" * 8 + header)
    with pytest.raises(FormatError, match="is no index that lexigrad saved"):
        vectors.index(tmp_path / "index")
    with pytest.raises(FormatError, match="cannot read"):
        vectors.index(tmp_path / "missing")


def test_bytes_that_usearch_refuses_are_refused(
    vectors: KeyedVectors, index: ApproximateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexigrad.vectors import index as approximate

    index.save(tmp_path / "index")
    content = approximate._read(tmp_path / "index", vectors)
    monkeypatch.setattr(approximate, "_read", lambda *_: content[: len(content) // 2])
    with pytest.raises(FormatError, match="usearch does not take it"):
        vectors.index(tmp_path / "index")
    small = KeyedVectors(["a", "b"], np.ones((2, 40))).index()
    small.save(tmp_path / "small")
    short = (tmp_path / "small").read_bytes()
    graph = short[8 + int.from_bytes(short[:8], "little") :]
    monkeypatch.setattr(approximate, "_read", lambda *_: graph)
    with pytest.raises(FormatError, match="has 2 vectors of 40 numbers"):
        vectors.index(tmp_path / "index")


def test_without_usearch_the_error_names_the_extra(vectors: KeyedVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[index\]'"):
        vectors.index()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments))


def test_the_command_line_builds_an_index_and_searches_with_it(
    vectors: KeyedVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_vectors("v.safetensors", vectors)
    built = run("index", "v.safetensors", "-o", "v.index", "--threads", "1")
    assert built.exit_code == 0, built.output
    assert 0.97 < float(built.stdout.removeprefix("recall at 10: ")) <= 1
    found = run("neighbors", "v.safetensors", "w3", "--index", "v.index", "--ef", "300")
    assert (found.exit_code, found.stdout) == (0, run("neighbors", "v.safetensors", "w3").stdout)
    report = json.loads(run("index", "v.safetensors", "-o", "v.index", "--json", "--quiet", "--ef", "200").stdout)
    assert report["words"] == WORDS
    assert report["recall"] > 0.99
    save_vectors("w.safetensors", KeyedVectors(["a", "b"], np.eye(2)))
    refused = run("neighbors", "w.safetensors", "a", "--index", "v.index")
    assert (refused.exit_code, "is an index of other vectors" in refused.stderr) == (1, True)
    wrong = run("neighbors", "v.safetensors", "w3", "--index", "v.index", "--restrict", "5")
    assert (wrong.exit_code, "leave out --also and --restrict" in wrong.stderr) == (2, True)
    over = run("index", "v.safetensors", "-o", "v.safetensors")
    assert (over.exit_code, "is to be read and to be written" in over.stderr) == (2, True)
