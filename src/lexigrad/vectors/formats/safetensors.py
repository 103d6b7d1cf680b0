"""Vectors as the tensors of a native file, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from lexigrad.errors import FormatError, InputError
from lexigrad.files.strings import pack_words, unpack_words
from lexigrad.files.tensors import read_native, write_native
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.precision import reduced_rows, restored_rows
from lexigrad.vectors.subwords import Subwords
from lexigrad.vectors.subwordvectors import SubwordVectors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lexigrad.vectors.precision import Dtype

__all__ = [
    "HUB_TABLE",
    "NATIVE_FORMAT",
    "Table",
    "read_native_vectors",
    "vectors_from_tensors",
    "vectors_metadata",
    "vectors_to_tensors",
    "write_hub_vectors",
    "write_native_vectors",
]

NATIVE_FORMAT: Final = "lexigrad"
Table: TypeAlias = Literal["V", "U"]
HUB_TABLE: Final = "embeddings"
"""The name of V in a Hub folder, which model2vec gives it and sentence-transformers takes."""
TABLE_TYPES: Final = ("float32", "float16", "int8")
LISTS: Final = {"words": "uint8", "word_ends": "int64", "counts": "int64"}


def read_native_vectors(path: Path, *, table: Table = "V") -> KeyedVectors:
    """Read the vectors of a native file; they stay on the disk until they are used.

    Args:
        path: the file.
        table: which of the tables.

    Raises:
        FormatError: the file is no native file of vectors, contradicts itself, or lacks the table.
    """
    return vectors_from_tensors(path, *read_native(path, NATIVE_FORMAT), table)


def write_native_vectors(
    path: Path, vectors: KeyedVectors, outside: KeyedVectors | None = None, dtype: Dtype = "float32"
) -> None:
    """Write vectors as a native file; the arguments are those of ``vectors_to_tensors``."""
    write_native(path, vectors_to_tensors(vectors, outside, dtype), vectors_metadata(vectors))


def write_hub_vectors(path: str | os.PathLike[str], vectors: KeyedVectors) -> None:
    """Write the vectors of a Hub folder: a native file whose table has the name by which other libraries know it."""
    tensors = vectors_to_tensors(vectors)
    tensors[HUB_TABLE] = tensors.pop("V")
    write_native(path, tensors, vectors_metadata(vectors))


def vectors_to_tensors(
    vectors: KeyedVectors, outside: KeyedVectors | None = None, dtype: Dtype = "float32"
) -> dict[str, NDArray[Any]]:
    """The tensors of a native file that holds ``vectors``.

    Args:
        vectors: the table V, with the rows of n-grams where it has them.
        outside: the table U of the same words, or None.
        dtype: the type of the tables' numbers.
    """
    text, ends = pack_words(vectors.words)
    tables = {"V": vectors.matrix}
    if outside is not None:
        tables["U"] = outside.matrix
    if isinstance(vectors, SubwordVectors):
        tables["ngrams"] = vectors.ngrams
    tensors: dict[str, NDArray[Any]] = {"words": text, "word_ends": ends}
    for name, table in tables.items():
        tensors |= _reduced(name, table, vectors.words, dtype)
    if vectors.counts is not None:
        tensors["counts"] = vectors.counts
    return tensors


def vectors_metadata(vectors: KeyedVectors) -> dict[str, str]:
    """The metadata of a native file that holds ``vectors``."""
    metadata = {"format": NATIVE_FORMAT, "version": "1"}
    if isinstance(vectors, SubwordVectors):
        subwords = vectors.subwords
        options = {name: getattr(subwords, name) for name in ("bucket", "hashes", "maxn", "minn", "mode")}
        metadata["subwords"] = json.dumps(options)
    return metadata


def vectors_from_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str] | None = None,
    table: Table = "V",
) -> KeyedVectors:
    """The vectors that a native file's tensors hold.

    Args:
        path: the file, for error messages.
        tensors: as ``read_native`` gives them.
        metadata: as ``read_native`` gives them; None when n-grams do not matter.
        table: which of the tables.
    """
    if HUB_TABLE in tensors:
        tensors = {**tensors, "V": tensors[HUB_TABLE]}
    matrix = _restored(path, tensors, table)
    for name, dtype in LISTS.items():
        tensor = tensors.get(name)
        if tensor is None and name != "counts":
            raise FormatError(f"{path} holds no tensor {name!r}; it is no file of vectors")
        if tensor is not None and (tensor.dtype != dtype or tensor.ndim != 1):
            raise FormatError(
                f"{path}: tensor {name!r} must be {dtype} of 1 dimensions, not {tensor.dtype} of {tensor.ndim}"
            )
    try:
        words = unpack_words(tensors["words"], tensors["word_ends"])
        if table == "V" and metadata is not None and "ngrams" in tensors:
            ngrams, subwords = _restored(path, tensors, "ngrams"), _subwords(metadata)
            return SubwordVectors(words, matrix, ngrams, subwords, tensors.get("counts"), whole=True)
        return KeyedVectors(words, matrix, tensors.get("counts"), check=False)
    except (FormatError, InputError) as error:
        raise FormatError(f"{path}: {error}") from error


def _reduced(name: str, table: NDArray[np.float32], words: list[str], dtype: Dtype) -> dict[str, NDArray[Any]]:
    """The tensors of a table: its numbers, and their scales if they have such."""

    def named(row: int) -> str:
        return f"the n-gram {row:,}" if name == "ngrams" else repr(words[row][:40])

    numbers, scales = reduced_rows(table, dtype, named)
    return {name: numbers} if scales is None else {name: numbers, f"{name}_scales": scales}


def _restored(path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """A table in float32: over its bytes in the file, unless its numbers have fewer bits there."""
    numbers = tensors.get(name)
    if numbers is None:
        hint = "; it is no file of vectors" if name == "V" else "; train writes it, and convert --table both"
        raise FormatError(f"{path} holds no tensor {name!r}{hint}")
    if numbers.dtype not in TABLE_TYPES or numbers.ndim != 2:
        raise FormatError(
            f"{path}: tensor {name!r} must be float32 of 2 dimensions, not {numbers.dtype} of {numbers.ndim}; float16 "
            "and int8 are read too"
        )
    if numbers.dtype != "int8":
        return restored_rows(numbers, None)
    scales = tensors.get(f"{name}_scales")
    if scales is None or scales.dtype != "float32" or scales.shape != numbers.shape[:1]:
        raise FormatError(f"{path}: the int8 tensor {name!r} needs a float32 scale for each row, '{name}_scales'")
    return restored_rows(numbers, scales)


def _subwords(metadata: Mapping[str, str]) -> Subwords:
    """The n-grams that the metadata describe."""
    try:
        options = json.loads(metadata.get("subwords", ""))
    except (ValueError, RecursionError) as error:
        raise FormatError("the subwords in its metadata are not JSON") from error
    match options:
        case {"bucket": int(bucket), "hashes": int(hashes), "maxn": int(maxn), "minn": int(minn), "mode": str(mode)}:
            if abs(minn) < 2**31 and mode in ("fasttext", "floret"):
                return Subwords(minn, maxn, bucket, mode, hashes)  # type: ignore[arg-type]  # one of the two
    raise FormatError("the subwords in its metadata must be bucket, hashes, maxn, minn and mode")
