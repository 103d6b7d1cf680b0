from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from pyarrow import feather, parquet

from lexigrad import KeyedVectors, load_vectors, save_vectors
from lexigrad.errors import FormatError, InputError, MissingExtraError
from lexigrad.vectors.formats import sniff

if TYPE_CHECKING:
    from pathlib import Path

VECTORS = KeyedVectors(["the", "new york", "été"], [[1, 2], [0.1, -3], [0, 0]], [9, 5, 5])
OUTSIDE = KeyedVectors(VECTORS.words, [[5, 6], [7, 8], [9, 0.3]], [9, 5, 5])
KINDS = ("arrow", "parquet")


def table(**columns: Any) -> pa.Table:
    sound = {"word": pa.array(["a", "b"]), "vector": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2))}
    return pa.table({name: column for name, column in {**sound, **columns}.items() if column is not None})


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    assert len(str(caught.value)) < 500 + len(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_both_tables_and_counts_are_read_back(tmp_path: Path, kind: str, dtype: Any) -> None:
    path = tmp_path / f"v.{kind}"
    save_vectors(path, VECTORS, dtype=dtype, outside=OUTSIDE)
    assert sniff(path) == kind
    found, outside = load_vectors(path), load_vectors(path, table="U")
    assert_array_equal(found.matrix, VECTORS.matrix.astype(dtype))
    assert_array_equal(outside.matrix, OUTSIDE.matrix.astype(dtype))
    assert found.words == outside.words == VECTORS.words
    assert found.counts is not None
    assert found.counts.tolist() == [9, 5, 5]
    save_vectors(path, VECTORS)
    with pytest.raises(FormatError, match="it has no column 'outside_vector', only"):
        load_vectors(path, table="U")


def test_pandas_polars_and_pyarrow_read_what_is_written(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v.parquet", VECTORS)
    save_vectors(tmp_path / "v.feather", VECTORS)
    for frame in (pd.read_parquet(tmp_path / "v.parquet"), pd.read_feather(tmp_path / "v.feather")):
        assert frame["word"].tolist() == VECTORS.words
        assert_array_equal(np.stack(frame["vector"]), VECTORS.matrix)
    for polars in (pl.read_parquet(tmp_path / "v.parquet"), pl.read_ipc(tmp_path / "v.feather")):
        assert polars["count"].to_list() == [9, 5, 5]
        assert_array_equal(polars["vector"].to_numpy(), VECTORS.matrix)
    schema = parquet.read_schema(tmp_path / "v.parquet")
    assert str(schema.field("vector").type).startswith("fixed_size_list<")
    assert schema.metadata[b"lexigrad"] == b'{"format": "lexigrad-vectors", "version": "1"}'
    assert feather.read_table(tmp_path / "v.feather").schema.metadata[b"lexigrad"]


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_many_rows_and_gaps_between_them_are_written(tmp_path: Path, kind: str) -> None:
    padded = np.random.default_rng(2).standard_normal((70_000, 8)).astype(np.float32)
    written = KeyedVectors([f"w{number}" for number in range(70_000)], padded[:, :5])
    save_vectors(tmp_path / f"v.{kind}", written)
    found = load_vectors(tmp_path / f"v.{kind}")
    assert found.words == written.words
    assert_array_equal(found.matrix, written.matrix)


def test_an_arrow_file_is_mapped_and_not_read(tmp_path: Path) -> None:
    written = KeyedVectors([f"w{number}" for number in range(1000)], np.ones((1000, 1000)))
    save_vectors(tmp_path / "v.arrow", written)
    before = pa.total_allocated_bytes()
    found = load_vectors(tmp_path / "v.arrow")
    assert pa.total_allocated_bytes() - before < 1_000_000  # of 4
    assert_array_equal(found.matrix, written.matrix)


@pytest.mark.parametrize("write", [feather.write_feather, parquet.write_table])
def test_columns_of_other_makes_are_read(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "v"
    lists = pa.array([[1.0, 2.0], [3.0, 4.0]])
    for words in (pa.array(["a", "b"], pa.large_string()), pa.chunked_array([["a"], ["b"]])):
        for rows in (lists, lists.cast(pa.large_list(pa.float32())), pa.chunked_array([lists[:1], lists[1:]])):
            write(table(word=words, vector=rows, more=pa.array([1, 2])), str(path))
            found = load_vectors(path)
            assert found.words == ["a", "b"]
            assert found.matrix.tolist() == [[1, 2], [3, 4]]
            assert found.counts is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no words": ({"word": None}, "it has no column 'word', only"),
    "no vectors": ({"vector": None}, "it has no column 'vector', only"),
    "words of numbers": ({"word": pa.array([1, 2])}, "the column 'word' holds int64, where strings are needed"),
    "a null word": ({"word": pa.array(["a", None])}, "the column 'word' holds 1 nulls"),
    "a null vector": ({"vector": pa.array([[1.0], None])}, "the column 'vector' holds 1 nulls"),
    "a null number": ({"vector": pa.array([[1.0], [None]])}, "1 numbers that are null"),
    "strings": ({"vector": pa.array([["x"], ["y"]])}, "where lists of floats are needed"),
    "plain numbers": ({"vector": pa.array([1.0, 2.0])}, "where lists of floats are needed"),
    "lists of two lengths": ({"vector": pa.array([[1.0], [1.0, 2.0]])}, "differ in length"),
    "empty lists": ({"vector": pa.array([[], []], pa.list_(pa.float32()))}, "need a matrix of as many rows"),
    "a word twice": ({"word": pa.array(["a", "a"])}, "'a' comes twice"),
    "counts of text": ({"count": pa.array(["1", "2"])}, "where whole numbers are needed"),
    "counts below 0": ({"count": pa.array([1, -2])}, "counts must be at least 0"),
}


@pytest.mark.parametrize("write", [feather.write_feather, parquet.write_table])
@pytest.mark.parametrize("name", WRONG)
def test_tables_that_are_no_vectors_are_refused(tmp_path: Path, name: str, write: Any) -> None:
    columns, sentence = WRONG[name]
    write(table(**columns), str(tmp_path / "v"))
    assert sentence in refusal(tmp_path / "v")


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"v.{kind}"
    save_vectors(path, VECTORS)
    content = path.read_bytes()
    for end in (8, 20, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        assert "cannot read" in refusal(path)


def test_numbers_that_are_not_finite_are_found_by_the_search(tmp_path: Path) -> None:
    feather.write_feather(table(vector=pa.array([[1.0, float("nan")], [1.0, 2.0]])), str(tmp_path / "v"))
    with pytest.raises(InputError, match="the vector of 'a'"):
        load_vectors(tmp_path / "v").most_similar("b")


def test_int8_is_not_for_arrow(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parquet holds float32 and float16 only; for int8 take native"):
        save_vectors(tmp_path / "v.parquet", VECTORS, dtype="int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_pyarrow_the_extra_is_named_and_nothing_is_written(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_vectors(tmp_path / f"v.{kind}", VECTORS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[arrow\]'"):
        load_vectors(tmp_path / f"v.{kind}")
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[arrow\]'"):
        save_vectors(tmp_path / f"new.{kind}", VECTORS)
    assert [path.name for path in tmp_path.iterdir()] == [f"v.{kind}"]
