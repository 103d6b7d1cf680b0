"""Vectors as a table of Apache Arrow: an Arrow (Feather) file, mapped into memory, or a Parquet file."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lexigrad.errors import FormatError, InputError, MissingExtraError
from lexigrad.files.atomic import atomic_write
from lexigrad.vectors.keyedvectors import KeyedVectors
from lexigrad.vectors.precision import reduced_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.vectors.formats.safetensors import Table
    from lexigrad.vectors.precision import Dtype

__all__ = ["read_arrow", "read_parquet", "write_arrow", "write_parquet"]

NAMES: Final[dict[Table, str]] = {"V": "vector", "U": "outside_vector"}
METADATA: Final = {"lexigrad": json.dumps({"format": "lexigrad-vectors", "version": "1"})}
ROWS_IN_A_GROUP: Final = 1 << 16


def write_arrow(
    path: Path, vectors: KeyedVectors, outside: KeyedVectors | None = None, dtype: Dtype = "float32"
) -> None:
    """Write an Arrow file with the columns ``word``, ``count`` (if known), ``vector``, and ``outside_vector``.

    Args:
        path: where to.
        vectors: the table V.
        outside: the table U of the same words, or None for a file without that column.
        dtype: ``float32`` or ``float16``; a column has no place for the scales of int8 rows.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    _write(path, vectors, outside, dtype, "arrow")


def write_parquet(
    path: Path, vectors: KeyedVectors, outside: KeyedVectors | None = None, dtype: Dtype = "float32"
) -> None:
    """Write the columns of ``write_arrow`` as a Parquet file; the arguments are the same."""
    _write(path, vectors, outside, dtype, "parquet")


def read_arrow(path: Path, *, table: Table = "V") -> KeyedVectors:
    """Read an Arrow (Feather) file with a column of words and one of lists of numbers, such as ``write_arrow`` writes.

    Args:
        path: the file.
        table: ``V`` for the column ``vector``, ``U`` for ``outside_vector``.

    Returns:
        Words and vectors; float32 numbers in one batch stay on the disk until they are used.

    Raises:
        FormatError: the file is no such file, a column is missing or of another type, a value is null, or lists differ
            in length.
        MissingExtraError: pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    return _read(pyarrow, path, table, lambda: pyarrow.ipc.open_file(pyarrow.memory_map(str(path))).read_all())


def read_parquet(path: Path, *, table: Table = "V") -> KeyedVectors:
    """Read a Parquet file with the columns of an Arrow file; arguments and errors are those of ``read_arrow``."""

    def whole_table() -> Any:
        from pyarrow import parquet

        return parquet.ParquetFile(str(path)).read()

    return _read(_pyarrow(), path, table, whole_table)


def _write(
    path: Path, vectors: KeyedVectors, outside: KeyedVectors | None, dtype: Dtype, kind: Literal["arrow", "parquet"]
) -> None:
    """Write an Arrow or a Parquet file."""
    pyarrow = _pyarrow()
    tables: dict[Table, KeyedVectors] = {"V": vectors} if outside is None else {"V": vectors, "U": outside}
    numbers = {
        NAMES[table]: reduced_rows(given.matrix, dtype, lambda row: repr(vectors.words[row][:40]))[0]
        for table, given in tables.items()
    }
    fields = [pyarrow.field("word", pyarrow.string(), nullable=False)]
    if vectors.counts is not None:
        fields.append(pyarrow.field("count", pyarrow.int64(), nullable=False))
    item = pyarrow.field("item", pyarrow.from_numpy_dtype(np.dtype(dtype)), nullable=False)
    fields += [pyarrow.field(name, pyarrow.list_(item, vectors.dim), nullable=False) for name in numbers]
    schema = pyarrow.schema(fields, metadata=METADATA)
    with atomic_write(path) as file, _refusals(pyarrow, path, "write"):
        if kind == "arrow":
            writer = pyarrow.ipc.new_file(file, schema)
        else:
            from pyarrow import parquet

            # Numbers of vectors are all different and look random: nothing would compress them.
            writer = parquet.ParquetWriter(file, schema, use_dictionary=False, compression="none")
        rows = max(len(vectors), 1) if kind == "arrow" else ROWS_IN_A_GROUP  # one batch is mapped as one array
        with writer:
            for batch in _batches(pyarrow, schema, vectors, numbers, rows):
                writer.write_batch(batch)


def _read(pyarrow: Any, path: Path, table: Table, whole_table: Callable[[], Any]) -> KeyedVectors:
    """The words and vectors of a table, which ``whole_table`` opens."""
    with _refusals(pyarrow, path, "read"):
        found = whole_table()
        found.validate(full=True)
        for name in ("word", NAMES[table]):
            if name not in found.column_names:
                raise FormatError(f"it has no column {name!r}, only {str(found.column_names)[:100]}")
        words = _column(found, "word", _is_text(pyarrow, found.schema.field("word").type), "strings").to_pylist()
        matrix = _matrix(pyarrow, found, NAMES[table])
        counts = None
        if "count" in found.column_names:
            is_whole = pyarrow.types.is_integer(found.schema.field("count").type)
            counts = _column(found, "count", is_whole, "whole numbers").to_numpy()
        return KeyedVectors(words, matrix, counts, check=False)


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtraError("Arrow and Parquet files need pyarrow: pip install 'lexigrad[arrow]'") from error
    return pyarrow


@contextmanager
def _refusals(pyarrow: Any, path: Path, verb: str) -> Iterator[None]:
    """Turn an error of pyarrow's into a FormatError of one line that names the file."""
    refused = (pyarrow.ArrowException, FormatError, InputError, OSError, MemoryError, ValueError, OverflowError)
    try:
        yield
    except refused as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:300]
        raise FormatError(f"cannot {verb} {path}: {reason}") from error


def _batches(
    pyarrow: Any, schema: Any, vectors: KeyedVectors, numbers: dict[str, NDArray[Any]], rows: int
) -> Iterator[Any]:
    """The table in batches of ``rows`` rows."""
    for start in range(0, max(len(vectors), 1), rows):
        block = slice(start, start + rows)
        columns = [pyarrow.array(vectors.words[block], type=pyarrow.string())]
        if vectors.counts is not None:
            columns.append(pyarrow.array(vectors.counts[block]))
        for name, table in numbers.items():
            flat = pyarrow.array(np.ascontiguousarray(table[block]).reshape(-1))
            columns.append(pyarrow.FixedSizeListArray.from_arrays(flat, type=schema.field(name).type))
        yield pyarrow.record_batch(columns, schema=schema)


def _is_text(pyarrow: Any, kind: Any) -> bool:
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _column(table: Any, name: str, is_right: bool, needed: str) -> Any:
    """A column without nulls, of the right type."""
    column = table.column(name)
    if not is_right or column.null_count:
        found = f"{column.null_count:,} nulls" if is_right else str(column.type)[:60]
        raise FormatError(f"the column {name!r} holds {found}, where {needed} are needed")
    return column


def _matrix(pyarrow: Any, table: Any, name: str) -> NDArray[Any]:
    """A column of lists of numbers as a matrix."""
    kind = table.schema.field(name).type
    is_fixed = pyarrow.types.is_fixed_size_list(kind)
    is_list = is_fixed or pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)
    right = bool(is_list and pyarrow.types.is_floating(kind.value_type))
    column = _column(table, name, right, "lists of floats")
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pyarrow.ChunkedArray):  # too large for one array, or none at all
        array = array.chunk(0) if array.num_chunks else pyarrow.array([], type=kind)
    values = array.flatten()
    if values.null_count:
        raise FormatError(f"the column {name!r} holds {values.null_count:,} numbers that are null")
    dim = kind.list_size if is_fixed else _only_length(array, name)
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(array), dim)


def _only_length(array: Any, name: str) -> int:
    """The length that all lists have."""
    lengths = np.diff(array.offsets.to_numpy())
    if not lengths.size or (lengths != lengths[0]).any():
        raise FormatError(f"the lists in the column {name!r} differ in length, or there are none")
    return int(lengths[0])
