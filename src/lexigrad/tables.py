"""Columns of tables and datasets that are Python objects: of pyarrow, polars, pandas, datasets, or any Arrow speaker.

What an object is, is found out without importing its package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lexigrad.columnrows import column_chunks
from lexigrad.columns import check_column, chosen_column, first_line, import_pyarrow
from lexigrad.errors import CorpusError
from lexigrad.sources import Source

__all__ = ["TableSource", "table_arrays"]

ROWS: Final = 4_096
"""Rows that are converted at a time."""

Arrays = Iterator[Any]

GIVEN: Final = "the given table"


@dataclass(slots=True)
class TableSource(Source):
    """Iterates over the chunks of a column.

    Args:
        arrays: The column, as arrays of pyarrow; read once.
        lowercase: Whether lists of tokens become lower case.

    Raises:
        CorpusError: The column cannot be read, or is none of text.
    """

    arrays: Iterable[Any]
    lowercase: bool = False

    def __iter__(self) -> Iterator[Any]:
        for chunk in column_chunks(_sound(self.arrays), GIVEN, self, lowercase=self.lowercase):
            self.done_bytes = self.text_bytes
            yield chunk


def table_arrays(source: Any, column: str | None) -> Arrays | None:
    """The arrays of a column of a table or dataset, or of what is a column itself; None if ``source`` is neither.

    Raises:
        CorpusError: It has no such column, or several and none is named.
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
    """The arrays; what pyarrow cannot make of the objects is said in one sentence."""
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
    """Whatever gives a stream of Arrow's C interface: of record batches, or of the arrays of one column."""
    pyarrow = import_pyarrow()
    try:
        batches = pyarrow.RecordBatchReader.from_stream(source)
    except (TypeError, ValueError, pyarrow.ArrowException):  # it is no stream of batches
        yield from _checked_column(pyarrow.chunked_array(source)).chunks
    else:
        yield from _of_batches(batches, column)


def _array_arrays(source: Any, column: str | None) -> Arrays:
    """Whatever gives one array of Arrow's C interface: a record batch, or a column."""
    pyarrow = import_pyarrow()
    if hasattr(source, "schema"):
        yield from _of_batches([pyarrow.record_batch(source)], column)
    else:
        yield _checked_column(pyarrow.array(source))


def _checked_column(array: Any) -> Any:
    """A column by itself, if it is one of text."""
    check_column(array.type, "the given column")
    return array


def _dataset_batches(dataset: Any, column: str | None) -> Iterator[Any]:
    """Tables of a few rows of a dataset of Hugging Face, in its order, as its selections and filters say."""
    if column is not None and column in (dataset.column_names or ()):
        dataset = dataset.select_columns([column])
    yield from dataset.with_format("arrow").iter(batch_size=ROWS)


def _series_arrays(series: Any) -> Arrays:
    """A few values of a pandas Series at a time; what pandas takes for missing is null."""
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
