"""Columns of tables and datasets: Parquet and Arrow files, and the tables of other packages as Python objects.

A file is known by its first bytes, among text files too. The package of an object, pyarrow, polars, pandas, datasets or
any other that speaks Arrow's C interface, is found out without importing it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lexigrad.corpus.sources.arrow import check_column, chosen_column, column_chunks, first_line, import_pyarrow
from lexigrad.corpus.sources.files import FileSource, Source
from lexigrad.errors import CorpusError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

__all__ = ["TableFileSource", "TableSource", "is_table", "row_groups", "table_arrays"]

READ_BYTES: Final = 1 << 20
"""The bytes of a Parquet file that are read at a time."""
BATCH_BYTES: Final = 1 << 21
SMALLEST_BATCH: Final = 16
LARGEST_BATCH: Final = 4_096
"""Rows at a time, so that rows much longer than the file's average, or repeated ones, take little memory."""
ROWS: Final = 4_096
"""Rows of an object that are converted at a time."""
LINE_BREAKS: Final = b"\t\n\v\f\r"
GIVEN: Final = "the given table"

Arrays = Iterator[Any]
"""Arrays of a column."""
Batches = Iterator[tuple[Any, float]]
"""Arrays of a column in a file, each with the share of the file that has been read."""


@dataclass(slots=True)
class TableFileSource(FileSource):
    """Iterates over the chunks of files, those of Parquet and Arrow tables among them.

    Args:
        paths: files, folders and globs; ``-`` is standard input.
        whole_lines: whether text is cut only at line ends.
        column: the column of tables to read; the only one of text if None.
        lowercase: whether lists of tokens become lower case.
        groups: the row groups of a Parquet file to read, which stand one behind the other; all of them if None.

    Raises:
        CorpusError: A file is damaged, or has no such column.
        MissingExtraError: A file is a table, and pyarrow is not installed.
    """

    column: str | None = None
    lowercase: bool = False
    groups: range | None = None

    def chunks_of(self, file: io.BufferedReader, name: str) -> Iterator[tuple[Any, int]]:
        """The chunks of one file, each with the number of its bytes on disk that have been read."""
        arrays_of = _table_reader(file)
        if arrays_of is None:
            yield from FileSource.chunks_of(self, file, name)
            return
        size, share, first_row = _size(file), 0.0, 0
        if self.groups is not None:
            arrays_of, first_row = partial(_parquet_arrays, groups=self.groups), _rows_before(file, self.groups.start)

        def arrays() -> Iterator[Any]:
            nonlocal share
            for array, share in _drawn_ahead(_readable(arrays_of(file, name, self.column), name)):  # noqa: B007
                yield array

        for chunk in column_chunks(arrays(), name, self, lowercase=self.lowercase, before=first_row):
            yield chunk, int(share * size)


def is_table(file: io.BufferedReader) -> bool:
    """Whether a file of this beginning is a Parquet or Arrow table."""
    return _table_reader(file) is not None


def row_groups(file: io.BufferedReader, name: str) -> list[int] | None:
    """The bytes of each row group of a Parquet file, unpacked; None if it is another table.

    Raises:
        CorpusError: The file is damaged.
    """
    if _table_reader(file) is not _parquet_arrays:
        return None
    with _explained(name):
        metadata = _metadata(file)
        return [max(0, metadata.row_group(number).total_byte_size) for number in range(metadata.num_row_groups)]


def _metadata(file: io.BufferedReader) -> Any:
    """A Parquet file's table of contents."""
    import_pyarrow()
    from pyarrow import parquet

    return parquet.read_metadata(file)


def _rows_before(file: io.BufferedReader, group: int) -> int:
    """The rows of a Parquet file in front of a row group."""
    metadata = _metadata(file)
    return sum(metadata.row_group(number).num_rows for number in range(group))


def _size(file: io.BufferedReader) -> int:
    try:
        return os.fstat(file.fileno()).st_size if file.seekable() else 0
    except OSError:  # it is on another machine
        return 0


def _table_reader(file: io.BufferedReader) -> Callable[..., Batches] | None:
    """The function that reads the arrays of a column from a file of this beginning; None if it is no table."""
    start = file.peek(8)[:8]
    if start.startswith(b"PAR1") and _is_binary(start[4:5]):
        return _parquet_arrays
    if start.startswith(b"ARROW1\0\0"):
        return _arrow_file_arrays
    return _arrow_stream_arrays if start.startswith(b"\xff\xff\xff\xff") else None


def _is_binary(byte: bytes) -> bool:
    """Whether a byte is one that no text holds."""
    return byte < b" " and byte not in LINE_BREAKS


def _drawn_ahead(arrays: Batches) -> Batches:
    """The arrays; another thread unpacks the next one while the caller works on the last."""
    with ThreadPoolExecutor(1, thread_name_prefix="lexigrad") as pool:
        coming = pool.submit(next, arrays, None)
        while array := coming.result():
            coming = pool.submit(next, arrays, None)
            yield array


def _readable(arrays: Batches, name: str) -> Batches:
    """The arrays; an error other than a CorpusError while they are read says that the file is damaged."""
    with _explained(name):
        yield from arrays


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say in one sentence that a file is damaged."""
    pyarrow = import_pyarrow()
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, EOFError, LookupError, MemoryError) as error:
        raise CorpusError(
            f"cannot read {name!r} to its end: {first_line(error)}; it is truncated or damaged, so write it again"
        ) from error


def _parquet_arrays(file: io.BufferedReader, name: str, column: str | None, groups: range | None = None) -> Batches:
    """The column of a Parquet file, or of some row groups of one, a few rows at a time."""
    import_pyarrow()
    from pyarrow import parquet

    if not file.seekable():
        raise CorpusError("a Parquet file cannot be read from a pipe, as it ends with its table of contents; name it")
    table = parquet.ParquetFile(file, pre_buffer=False, buffer_size=READ_BYTES, page_checksum_verification=True)
    chosen = chosen_column(table.schema_arrow, column, name)
    rows, metadata = 0, table.metadata
    wanted = groups if groups is None else list(groups)
    for batch in table.iter_batches(_batch_rows(metadata), wanted, columns=[chosen], use_threads=False):
        rows += batch.num_rows
        yield batch.column(batch.schema.get_field_index(chosen)), rows / max(metadata.num_rows, rows, 1)


def _batch_rows(metadata: Any) -> int:
    """The number of rows to read at a time, by the average size of a row.

    The sizes of the one column would say more, but where those of a damaged file make no sense, pyarrow ends the
    process.
    """
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    each = max(size, 0) / max(metadata.num_rows, 1)
    return int(min(max(BATCH_BYTES / max(each, 1), SMALLEST_BATCH), LARGEST_BATCH))


def _arrow_file_arrays(file: io.BufferedReader, name: str, column: str | None) -> Batches:
    """The column of an Arrow or Feather file, one record batch after another."""
    ipc = import_pyarrow().ipc
    if not file.seekable():
        raise CorpusError("an Arrow file cannot be read from a pipe, an Arrow stream can; name the file")
    schema = ipc.open_file(file).schema
    chosen = chosen_column(schema, column, name)
    alone = ipc.IpcReadOptions(included_fields=[schema.get_field_index(chosen)], use_threads=False)
    table = ipc.open_file(file, options=alone)
    for number in range(table.num_record_batches):
        batch = table.get_batch(number)
        yield batch.column(batch.schema.get_field_index(chosen)), (number + 1) / table.num_record_batches


def _arrow_stream_arrays(file: io.BufferedReader, name: str, column: str | None) -> Batches:
    """The column of an Arrow stream, which may come from standard input, one record batch after another."""
    ipc = import_pyarrow().ipc
    stream = ipc.open_stream(file, options=ipc.IpcReadOptions(use_threads=False))
    chosen = chosen_column(stream.schema, column, name)
    size = _size(file)
    for batch in stream:
        yield batch.column(batch.schema.get_field_index(chosen)), file.tell() / size if size else 0.0


@dataclass(slots=True)
class TableSource(Source):
    """Iterates over the chunks of a column.

    Args:
        arrays: the column, as arrays of pyarrow; read once.
        lowercase: whether lists of tokens become lower case.

    Raises:
        CorpusError: The column cannot be read, or its type is not one of text.
    """

    arrays: Iterable[Any]
    lowercase: bool = False

    def __iter__(self) -> Iterator[Any]:
        for chunk in column_chunks(_sound(self.arrays), GIVEN, self, lowercase=self.lowercase):
            self.done_bytes = self.text_bytes
            yield chunk


def table_arrays(source: Any, column: str | None) -> Arrays | None:
    """The arrays of a column of a table or dataset, or of a column by itself; None if ``source`` is neither.

    Raises:
        CorpusError: The table has no such column, or several and none is named.
        MissingExtraError: pyarrow is not installed.
    """
    package = type(source).__module__.split(".")[0]
    kind = type(source).__name__
    if package == "datasets" and kind in ("Dataset", "IterableDataset"):
        return _of_batches(_dataset_batches(source, column), column)
    if package == "datasets" and kind in ("DatasetDict", "IterableDatasetDict"):
        raise CorpusError(f"{kind} holds several datasets; give one of them: {', '.join(map(repr, source))}")
    if package == "pandas" and kind == "Series":
        return _series_arrays(source)
    if package == "pandas" and kind == "DataFrame":
        return _frame_arrays(source, column)
    if package == "polars" and kind == "LazyFrame":
        is_there = column in source.collect_schema().names()
        return table_arrays((source.select(column) if is_there else source).collect(), column)
    if hasattr(source, "__arrow_c_stream__"):
        return _stream_arrays(source, column)
    return _array_arrays(source, column) if hasattr(source, "__arrow_c_array__") else None


def _sound(arrays: Iterable[Any]) -> Arrays:
    """The arrays; an error of pyarrow's about the objects becomes one sentence."""
    pyarrow = import_pyarrow()
    try:
        yield from arrays
    except (pyarrow.ArrowException, OverflowError) as error:
        raise CorpusError(
            f"the given column cannot be read: {first_line(error)}; give strings, lists of tokens or lists of ids"
        ) from error


def _of_batches(batches: Iterable[Any], column: str | None) -> Arrays:
    """A column of record batches or tables."""
    chosen = None
    for batch in batches:
        if chosen is None:
            chosen = chosen_column(batch.schema, column, GIVEN)
        found = batch.column(batch.schema.get_field_index(chosen))
        yield from getattr(found, "chunks", [found])


def _stream_arrays(source: Any, column: str | None) -> Arrays:
    """The arrays of an object that gives a stream of Arrow's C interface: record batches, or the arrays of a column."""
    pyarrow = import_pyarrow()
    try:
        batches = pyarrow.RecordBatchReader.from_stream(source)
    except (TypeError, ValueError, pyarrow.ArrowException):  # it is no stream of batches
        yield from _checked_column(pyarrow.chunked_array(source)).chunks
    else:
        yield from _of_batches(batches, column)


def _array_arrays(source: Any, column: str | None) -> Arrays:
    """The arrays of an object that gives one array of Arrow's C interface: a record batch, or a column."""
    pyarrow = import_pyarrow()
    if hasattr(source, "schema"):
        yield from _of_batches([pyarrow.record_batch(source)], column)
    else:
        yield _checked_column(pyarrow.array(source))


def _checked_column(array: Any) -> Any:
    """A column by itself, whose type must be one of text."""
    check_column(array.type, "the given column")
    return array


def _dataset_batches(dataset: Any, column: str | None) -> Iterator[Any]:
    """Tables of a few rows of a dataset of Hugging Face, in the order of its selections and filters."""
    if column is not None and column in (dataset.column_names or ()):
        dataset = dataset.select_columns([column])
    yield from dataset.with_format("arrow").iter(batch_size=ROWS)


def _series_arrays(series: Any) -> Arrays:
    """A few values of a pandas Series at a time; a value that pandas takes for missing is null."""
    pyarrow = import_pyarrow()
    for begin in range(0, len(series), ROWS):
        array = pyarrow.array(series.iloc[begin : begin + ROWS], from_pandas=True)
        yield from map(_checked_column, getattr(array, "chunks", [array]))


def _frame_arrays(frame: Any, column: str | None) -> Arrays:
    """A column of a pandas DataFrame."""
    pyarrow = import_pyarrow()
    named = frame if column is None or column not in frame.columns else frame[[column]]
    schema = pyarrow.Table.from_pandas(named.iloc[:ROWS], preserve_index=False).schema
    yield from _series_arrays(frame[chosen_column(schema, column, GIVEN)])
