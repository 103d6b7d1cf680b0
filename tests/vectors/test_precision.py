from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from lexigrad import KeyedVectors, ReductionLoss, Word2Vec, load_vectors, reduction_loss, save_vectors
from lexigrad.errors import FormatError, InputError
from lexigrad.files.tensors import write_native
from lexigrad.vectors.precision import reduced_rows, restored_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

any_matrix = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-60_000, 60_000, width=32)
)


def random_vectors(words: int = 400, dim: int = 20) -> KeyedVectors:
    matrix = np.random.default_rng(4).standard_normal((words, dim)).astype(np.float32)
    return KeyedVectors([f"w{number}" for number in range(words)], matrix, range(words, 0, -1))


@given(any_matrix)
def test_int8_is_within_half_a_step_of_each_number(matrix: NDArray[np.float32]) -> None:
    numbers, scales = reduced_rows(matrix, "int8", str)
    assert scales is not None
    assert (numbers.dtype, scales.dtype) == (np.int8, np.float32)
    assert numbers.min(initial=0) >= -127
    steps = np.abs(matrix).max(axis=1, keepdims=True) / 127
    wrong = np.abs(restored_rows(numbers, scales).astype(np.float64) - matrix)
    assert (wrong <= 0.5001 * steps + 1e-37).all()


@given(any_matrix)
def test_float16_is_the_nearest_one(matrix: NDArray[np.float32]) -> None:
    numbers, scales = reduced_rows(matrix, "float16", str)
    assert scales is None
    assert_array_equal(numbers, matrix.astype(np.float16))


def test_rows_of_zeros_stay_zero_and_tiny_ones_become_zero() -> None:
    matrix = np.array([[0, 0], [1e-45, 0], [1, 0]], dtype=np.float32)
    numbers, scales = reduced_rows(matrix, "int8", str)
    assert restored_rows(numbers, scales).tolist() == [[0, 0], [0, 0], [1, 0]]


def test_a_number_too_large_for_float16_is_an_error_that_names_the_word(tmp_path: Path) -> None:
    large = KeyedVectors(["fine", "large"], [[65504, 1], [65520, 1]])
    for save in (
        lambda: save_vectors(tmp_path / "v.safetensors", large, dtype="float16"),
        lambda: save_vectors(tmp_path / "v.npz", large, dtype="float16"),
        lambda: save_vectors(tmp_path / "v.parquet", large, dtype="float16"),
        lambda: reduction_loss(large, "float16"),
    ):
        with pytest.raises(InputError, match="the vector of 'large' holds a number beyond ±65504"):
            save()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("dtype", "name", "width"), [("float16", "F16", 2), ("int8", "I8", 1)])
def test_a_native_file_holds_the_bits_and_is_read_as_float32(tmp_path: Path, dtype: str, name: str, width: int) -> None:
    vectors = random_vectors()
    save_vectors(tmp_path / "v", vectors, "native", dtype=dtype)  # type: ignore[arg-type]
    tensors = safetensors.numpy.load_file(tmp_path / "v")
    assert tensors["V"].dtype == dtype
    assert ("V_scales" in tensors) == (dtype == "int8")
    found = load_vectors(tmp_path / "v")
    assert found.matrix.dtype == np.float32
    assert_array_equal(found.matrix, restored_rows(*reduced_rows(vectors.matrix, dtype, str)))  # type: ignore[arg-type]
    save_vectors(tmp_path / "whole", vectors, "native")
    saved = (tmp_path / "whole").stat().st_size - (tmp_path / "v").stat().st_size
    assert saved == pytest.approx((4 - width) * vectors.matrix.size, abs=4 * len(vectors) + 200)
    with pytest.raises(FormatError, match="no tensor 'U'; train writes it"):
        load_vectors(tmp_path / "v", table="U")
    with pytest.raises(FormatError, match="not a whole model"):
        Word2Vec.load(tmp_path / "v")


def test_both_tables_of_fewer_bits_are_read(tmp_path: Path) -> None:
    vectors = random_vectors()
    outside = KeyedVectors(vectors.words, 3 * vectors.matrix[::-1])
    save_vectors(tmp_path / "v", vectors, "native", dtype="int8", outside=outside)
    assert_allclose(load_vectors(tmp_path / "v", table="U").matrix, outside.matrix, atol=0.05)
    assert_allclose(load_vectors(tmp_path / "v").matrix, vectors.matrix, atol=0.02)
    for other in (KeyedVectors(vectors.words[::-1], vectors.matrix), KeyedVectors(vectors.words, np.ones((400, 3)))):
        with pytest.raises(InputError, match="the outside vectors must be those of the same words"):
            save_vectors(tmp_path / "v", vectors, "native", outside=other)


@pytest.mark.parametrize("scales", [None, np.ones(3, dtype=np.float32), np.ones(2, dtype=np.float64)])
def test_int8_needs_its_scales(tmp_path: Path, scales: NDArray[np.float32] | None) -> None:
    tensors: dict[str, NDArray[np.generic]] = {
        "V": np.ones((2, 2), dtype=np.int8),
        "words": np.frombuffer(b"ab", dtype=np.uint8),
        "word_ends": np.array([1, 2]),
    }
    if scales is not None:
        tensors["V_scales"] = scales
    write_native(tmp_path / "v", tensors, {"format": "lexigrad", "version": "1"})
    with pytest.raises(FormatError, match="needs a float32 scale for each row"):
        load_vectors(tmp_path / "v")


def test_ngrams_in_a_native_file_need_their_options(tmp_path: Path) -> None:
    tensors = {
        "V": np.ones((1, 2), dtype=np.float32),
        "ngrams": np.ones((3, 2), dtype=np.float32),
        "words": np.frombuffer(b"a", dtype=np.uint8),
        "word_ends": np.array([1]),
    }
    for subwords in (
        None,
        "",
        "[]",
        '{"bucket": 3}',
        "x",
        '{"bucket":4,"hashes":1,"maxn":3,"minn":2,"mode":"fasttext"}',
    ):
        metadata = {"format": "lexigrad", "version": "1"} | ({} if subwords is None else {"subwords": subwords})
        write_native(tmp_path / "v", tensors, metadata)
        with pytest.raises(FormatError, match=r"subwords in its metadata|n-grams need a float32 matrix of shape"):
            load_vectors(tmp_path / "v")


def test_the_loss_is_that_of_its_definition() -> None:
    vectors = random_vectors(50, 4)
    loss = reduction_loss(vectors, "int8", n=5, sample=1000)
    reduced = restored_rows(*reduced_rows(vectors.matrix, "int8", str)).astype(np.float64)
    exact = vectors.matrix.astype(np.float64)
    cosines = (exact * reduced).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(reduced, axis=1)
    angles = np.degrees(np.arccos(np.minimum(cosines, 1)))
    assert loss.mean_angle_degrees == pytest.approx(angles.mean(), rel=1e-3)
    assert loss.largest_angle_degrees == pytest.approx(angles.max(), rel=1e-3)
    assert loss.worst_word == vectors.words[int(angles.argmax())]
    unit, other = (table / np.linalg.norm(table, axis=1, keepdims=True) for table in (exact, reduced))
    kept = []
    for row in range(50):
        lists = [set(np.argsort(-(table @ table[row]))[:6].tolist()) - {row} for table in (unit, other)]
        kept.append(len(lists[0] & lists[1]) / 5)
    assert loss.neighbors_kept == pytest.approx(np.mean(kept))
    assert (loss.words, loss.sample, loss.neighbors) == (50, 50, 5)
    assert loss.table_ratio == (4 + 4) / 16


def test_less_bits_cost_more() -> None:
    vectors = random_vectors()
    half, quarter = reduction_loss(vectors, "float16"), reduction_loss(vectors, "int8")
    assert 0 < half.mean_angle_degrees < quarter.mean_angle_degrees < 1
    assert 1 >= half.neighbors_kept > quarter.neighbors_kept > 0.9
    assert reduction_loss(vectors, "float32").mean_angle_degrees == 0
    assert "int8: vectors turned by 0." in quarter.summary()
    assert "% of the 10 nearest words kept, of 400 words asked" in quarter.summary()


def test_one_word_has_no_neighbors_to_keep() -> None:
    loss = reduction_loss(KeyedVectors(["a"], [[1, 2]]), "float16")
    assert math.isnan(loss.neighbors_kept)
    assert loss.to_dict()["neighbors_kept"] is None
    assert loss.sample == 0
    assert ReductionLoss(**loss.to_dict()).summary().endswith("at most")
    assert reduction_loss(KeyedVectors([], np.empty((0, 2))), "int8").worst_word is None


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(InputError, match="no dtype 'float8'"):
        reduced_rows(np.ones((1, 1), dtype=np.float32), "float8", str)  # type: ignore[arg-type]
