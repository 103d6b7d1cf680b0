from __future__ import annotations

import io
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lexigrad import KeyedVectors, load_vectors, save_vectors
from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats import sniff

if TYPE_CHECKING:
    from pathlib import Path

VECTORS = KeyedVectors(["the", "new york", "été"], [[1, 2], [0.1, -3], [0, 0]], [9, 5, 5])
OUTSIDE = KeyedVectors(VECTORS.words, [[5, 6], [7, 8], [9, 0.3]], [9, 5, 5])


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    assert len(str(caught.value)) < 500 + len(str(path))
    return str(caught.value)


def changed(path: Path, **arrays: Any) -> Path:
    """A file of two words in which these arrays, or bytes of members, have other values."""
    sound: dict[str, Any] = {"words": np.array(["a", "b"]), "vectors": np.eye(2, dtype=np.float32)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in {**sound, **arrays}.items():
            if value is None:
                continue
            content = io.BytesIO()
            if isinstance(value, bytes):
                content.write(value)
            else:
                np.save(content, value, allow_pickle=value.dtype.hasobject)
            archive.writestr(f"{name}.npy", content.getvalue())
    return path


def header(dtype: str, shape: object, content: bytes = b"", order: str = "False") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def test_numpy_itself_reads_what_is_written_without_pickle(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v.npz", VECTORS, outside=OUTSIDE)
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["counts", "outside_vectors", "vectors", "words"]
        assert arrays["words"].tolist() == VECTORS.words
        assert_array_equal(arrays["vectors"], VECTORS.matrix)
        assert_array_equal(arrays["outside_vectors"], OUTSIDE.matrix)
        assert arrays["counts"].tolist() == [9, 5, 5]


def test_both_tables_are_read_back(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v.npz", VECTORS, outside=OUTSIDE)
    assert sniff(tmp_path / "v.npz") == "npz"
    found, outside = load_vectors(tmp_path / "v.npz"), load_vectors(tmp_path / "v.npz", table="U")
    assert_array_equal(found.matrix, VECTORS.matrix)
    assert_array_equal(outside.matrix, OUTSIDE.matrix)
    assert found.counts is not None
    assert found.words == outside.words == VECTORS.words
    save_vectors(tmp_path / "v.npz", VECTORS)
    with pytest.raises(FormatError, match="it has no array 'outside_vectors'"):
        load_vectors(tmp_path / "v.npz", table="U")


def test_headers_that_python_2_wrote_are_read(tmp_path: Path) -> None:
    matrix = header("'<f4'", "(2L, 2L)", np.eye(2, dtype="<f4").tobytes())
    found = load_vectors(changed(tmp_path / "v.npz", vectors=matrix))
    assert_array_equal(found.matrix, np.eye(2))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_writes_is_read(tmp_path: Path, dtype: str, order: str) -> None:
    matrix = np.arange(6).reshape(3, 2).astype(dtype, order=order)  # type: ignore[call-overload]
    np.savez(tmp_path / "v.npz", words=np.array(["a", "bé", "c"]).astype(">U9"), vectors=matrix, more=np.ones(1))
    found = load_vectors(tmp_path / "v.npz")
    assert found.words == ["a", "bé", "c"]
    assert found.matrix.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found.counts is None


def test_compressed_arrays_are_refused_with_what_to_do(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "v.npz", words=np.array(["a"]), vectors=np.ones((1, 2)))
    assert "its arrays are compressed; numpy.savez(path" in refusal(tmp_path / "v.npz")


class Planted:
    """Runs a command if it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('a pickle was loaded')",)


def test_no_pickle_is_loaded(tmp_path: Path) -> None:
    for name in ("words", "vectors", "counts"):
        objects = np.array([Planted(), Planted()], dtype=object)
        assert "a type of Python objects" in refusal(changed(tmp_path / "v.npz", **{name: objects}))
    pickled = pickle.dumps(Planted())
    assert "no .npz of vectors" in refusal(changed(tmp_path / "v.npz", words=pickled))


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no words": ({"words": None}, "it has no array 'words'"),
    "no vectors": ({"vectors": None}, "it has no array 'vectors'"),
    "bytes": ({"words": np.array([b"a", b"b"])}, "where strings (U) of one are needed"),
    "words in rows": ({"words": np.array([["a"], ["b"]])}, "where strings (U) of one are needed"),
    "whole numbers": ({"vectors": np.eye(2, dtype=np.int32)}, "where floats of two are needed"),
    "complex": ({"vectors": np.eye(2, dtype=np.complex64)}, "where floats of two are needed"),
    "long double": ({"vectors": header("'<f16'", (2, 2), bytes(64))}, "where floats of two are needed"),
    "a row": ({"vectors": np.ones(2)}, "where floats of two are needed"),
    "more rows": ({"vectors": np.ones((3, 2))}, "2 words need a matrix of as many rows"),
    "no columns": ({"vectors": np.ones((2, 0))}, "2 words need a matrix of as many rows"),
    "counts of words": ({"counts": np.array(["1", "2"])}, "where whole numbers of one are needed"),
    "counts below 0": ({"counts": np.array([1, -2])}, "counts must be at least 0"),
    "a word twice": ({"words": np.array(["a", "a"])}, "'a' comes twice"),
    "not finite": ({"vectors": np.array([[1, np.nan], [1, 1]])}, "the vector of 'a'"),
    "no character": ({"words": header("'<U1'", (2,), b"\xff\xff\xff\x7f" + bytes(4))}, "no character"),
    "half a character": ({"words": np.array(["a", "\ud800"])}, "no character"),
    "a lying shape": ({"vectors": header("'<f4'", (2, 2**40), bytes(16))}, "does not fill its bytes"),
    "an impossible shape": ({"vectors": header("'<f4'", (2**62, 2**62), bytes(16))}, "does not fill its bytes"),
    "a shape below 0": ({"vectors": header("'<f4'", (-2, 2), bytes(16))}, "without type, order and shape"),
    "a structure": ({"vectors": header("[('a', '<f4')]", (2, 2), bytes(16))}, "without type, order and shape"),
    "a type that cannot be": ({"vectors": header("'<f3'", (2, 2), bytes(16))}, "no .npz of vectors"),
    "code in the header": ({"vectors": header("__import__('os').abort()", (2, 2))}, "no .npz of vectors"),
    "a header cut short": ({"vectors": b"\x93NUMPY\x01\x00\xff\x0f{"}, "without type, order and shape"),
    "no header": ({"vectors": b"\x93NUM"}, "does not begin as NumPy's arrays do"),
    # Found by fuzzing: at this, NumPy's own reader raised a TokenError that it does not name.
    "a header with a zero": ({"vectors": header("'<f4'", "(2,\0 2)", bytes(16))}, "without type, order and shape"),
    "another version": ({"vectors": b"\x93NUMPY\x04\x00" + bytes(90)}, "does not begin as NumPy's arrays do"),
}


@pytest.mark.parametrize("name", CASES)
def test_files_that_contradict_themselves_are_refused(tmp_path: Path, name: str) -> None:
    arrays, sentence = CASES[name]
    assert sentence in refusal(changed(tmp_path / "v.npz", **arrays))


def test_a_sound_file_of_that_make_is_read(tmp_path: Path) -> None:
    assert load_vectors(changed(tmp_path / "v.npz")).words == ["a", "b"]
    matrix = header("'<f4'", (2, 2), np.eye(2, dtype="<f4").tobytes())
    assert load_vectors(changed(tmp_path / "v.npz", vectors=matrix))["b"].tolist() == [0, 1]


def test_other_zip_files_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "it has no array 'words'" in refusal(tmp_path / "other.zip")
    content = changed(tmp_path / "v.npz").read_bytes()
    (tmp_path / "v.npz").write_bytes(content[:-30])
    assert "no .npz of vectors" in refusal(tmp_path / "v.npz")
    (tmp_path / "v.npz").write_bytes(content.replace(b"\0\0\x80\x3f", b"\0\0\x80\x3e", 1))
    assert "Bad CRC-32" in refusal(tmp_path / "v.npz")


def test_words_that_numpys_strings_cannot_hold_are_named(tmp_path: Path) -> None:
    for word, fault in (("x\0", "ends in a zero"), ("x" * 1001, "has more than 1,000 char"), ("\ud800", "UTF-8")):
        with pytest.raises(FormatError, match=fault):
            save_vectors(tmp_path / "v.npz", KeyedVectors([word], [[1]]))
    with pytest.raises(InputError, match="npz holds float32 and float16 only; for int8 take native"):
        save_vectors(tmp_path / "v.npz", VECTORS, dtype="int8")
    assert list(tmp_path.iterdir()) == []
