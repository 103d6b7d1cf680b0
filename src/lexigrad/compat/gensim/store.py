"""Models and vectors of gensim's kind as native files, which `lexigrad.load_vectors` reads too; other state is JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.compat.gensim.refusals import NotKeptError
from lexigrad.errors import FormatError
from lexigrad.formats.native import begins_as_native, read_native, write_native
from lexigrad.formats.tensors import NATIVE_FORMAT, vectors_from_tensors
from lexigrad.strings import pack_words

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lexigrad.compat.gensim.tables import VectorTable

__all__ = ["Stored", "is_native", "read_stored", "refuse_save_options", "write_stored"]

WIDTHS: Final = {"float32": np.float32, "float16": np.float16}
NUMBERS: Final = "biuf"
"""The kinds of NumPy's types that attributes may have; all others are objects."""

STATE: Final = "gensim"
"""The tensor that holds the state as JSON in UTF-8; tensors have no limit of size, as the header has."""


class Stored:
    """The content of a file.

    Attributes:
        tensors: the tensors by name.
        state: the values that are neither vectors nor counts, and ``class``: ``Word2Vec`` or ``KeyedVectors``.
        metadata: the metadata of the native file.
    """

    def __init__(self, path: Path, tensors: dict[str, NDArray[Any]], metadata: dict[str, str]) -> None:
        self.path, self.tensors, self.metadata = path, tensors, metadata
        self.state: dict[str, Any] = {}
        if STATE in tensors:
            try:
                self.state = json.loads(tensors[STATE].astype(np.uint8).tobytes())
            except (ValueError, RecursionError) as error:
                raise FormatError(f"{path}: the tensor {STATE!r} is not JSON: {error}") from error
            if not isinstance(self.state, dict):
                raise FormatError(f"{path}: the tensor {STATE!r} must hold a JSON object")

    def fill(self, table: VectorTable, mmap: str | None) -> None:
        """Put keys, vectors and attributes into an empty table.

        Args:
            table: the table to fill.
            mmap: ``r`` leaves the vectors mapped and read-only; with other values they are copied.
        """
        vectors = vectors_from_tensors(self.path, self.tensors)
        try:
            table.index_to_key = self.state.get("keys") or vectors.words
            table.key_to_index = {key: row for row, key in enumerate(table.index_to_key) if key is not None}
            dtype = np.dtype(WIDTHS[self.state.get("dtype", "float32")])
            table.vectors = vectors.matrix if mmap == "r" and dtype == np.float32 else vectors.matrix.astype(dtype)
            table.vector_size, table.next_index = vectors.dim, len(table.index_to_key)
            if vectors.counts is not None:
                table.expandos["count"] = vectors.counts.copy()
            for name, attribute in self.state.get("attributes", {}).items():
                table.expandos[name] = _array(attribute["values"], attribute["dtype"])
            fits = all(len(values) == len(vectors) for values in (table.index_to_key, *table.expandos.values()))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise FormatError(f"{self.path}: the tensor {STATE!r} contradicts the others: {error}") from error
        if not fits:
            raise FormatError(f"{self.path}: keys, vectors and attributes differ in number; the file is damaged")


def is_native(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of lexigrad's own, by its first bytes."""
    with open(path, "rb") as file:
        return begins_as_native(file.read(9))


def read_stored(path: str | os.PathLike[str], mmap: str | None = None) -> Stored:
    """Read a native file.

    Args:
        path: the file, with the state of a model of gensim's kind or without.
        mmap: the mode, as gensim takes it; ``r+`` would change the file, and is refused.

    Raises:
        FormatError: the file is not native, or damaged.
    """
    if mmap not in (None, "r", "c"):
        raise NotKeptError(f"load(mmap={mmap!r}) is not kept, files are never changed in place; take mmap='r' or None")
    return Stored(Path(path), *read_native(path, NATIVE_FORMAT))


def write_stored(
    path: str | os.PathLike[str],
    table: VectorTable,
    state: dict[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write keys, vectors, attributes and further state as one native file, whole or not at all.

    Raises:
        NotKeptError: the vectors, or an attribute, are of a type that the file cannot hold.
    """
    if table.vectors.dtype not in (np.float32, np.float16):
        raise NotKeptError(f"files hold vectors as float32, and these are {table.vectors.dtype}; use astype first")
    keys = [key.item() if isinstance(key, np.integer) else key for key in table.index_to_key]
    are_words = all(isinstance(key, str) for key in keys)
    text, ends = pack_words([str(key) if are_words else str(row) for row, key in enumerate(keys)])
    vectors = table.vectors.astype(np.float32, copy=False)
    arrays: dict[str, NDArray[Any]] = {"V": vectors, "words": text, "word_ends": ends}
    attributes = dict(table.expandos)
    counts = attributes.get("count")
    if counts is not None and counts.dtype.kind in "iu" and (counts >= 0).all():
        arrays["counts"] = attributes.pop("count").astype(np.int64)
    whole = {
        **state,
        "dtype": str(table.vectors.dtype),
        "keys": None if are_words else keys,
        "attributes": {
            name: {"dtype": values.dtype.str if values.dtype.kind in NUMBERS else "object", "values": values.tolist()}
            for name, values in attributes.items()
        },
    }
    try:
        encoded = json.dumps(whole, ensure_ascii=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise NotKeptError(f"files hold attributes of numbers and strings only, and one is neither: {error}") from error
    arrays[STATE] = np.frombuffer(encoded, dtype=np.uint8)
    write_native(path, {**arrays, **tensors}, {"format": NATIVE_FORMAT, "version": "1", **metadata})


def refuse_save_options(ignore: Any) -> None:
    """Refuse to leave attributes out of a file."""
    if ignore:
        raise NotKeptError("save(ignore=...) is not kept: a file holds the whole; save model.wv for the vectors alone")


def _array(values: list[Any], name: str) -> NDArray[Any]:
    """The values as an array of one dimension, of a type of numbers or of objects."""
    dtype = np.dtype(object) if name == "object" else np.dtype(str(name))
    if dtype.kind not in (*NUMBERS, "O"):
        raise ValueError(f"an attribute cannot be {name}")
    array = np.empty(len(values), dtype=dtype)
    array[:] = values
    return array


def _plain(value: Any) -> Any:
    """A number of NumPy's as one of Python's, which JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be saved")
