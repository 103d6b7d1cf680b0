"""Vectors written to a file in the format that its name's ending or the caller says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lexigrad.errors import InputError
from lexigrad.vectors.formats import registry

if TYPE_CHECKING:
    import os

    from lexigrad.vectors.formats.registry import FileFormat
    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.vectors.precision import Dtype

__all__ = ["save_vectors"]


def save_vectors(
    path: str | os.PathLike[str],
    vectors: KeyedVectors,
    format: str | None = None,
    *,
    dtype: Dtype = "float32",
    outside: KeyedVectors | None = None,
) -> None:
    """Write word vectors, whole or not at all.

    Args:
        path: where to.
        vectors: what to write. Only a native file keeps the n-grams of `lexigrad.SubwordVectors`; the others hold the
            vectors of its words.
        format: ``native``, ``word2vec-text`` (which fastText calls .vec), ``word2vec-binary``, ``glove``, ``npz``,
            ``arrow`` or ``parquet``. When None, the name's ending says it: ``.safetensors``, ``.txt`` or ``.vec``,
            ``.bin``, ``.npz``, ``.arrow`` or ``.feather``, ``.parquet``.
        dtype: ``float32``; ``float16`` for native, npz, Arrow and Parquet; ``int8``, with a scale for each row, for
            native. They are read as float32. What that costs, `lexigrad.reduction_loss` measures.
        outside: the outside vectors U of the same words, to be written too: native, npz, Arrow and Parquet hold both.

    Raises:
        InputError: the ending says nothing, there is no such format, it cannot hold what is asked for, or a number is
            not finite, or too large for the dtype.
        FormatError: the format cannot hold a word: only native, Arrow and Parquet files hold words with spaces or line
            breaks in them.
        MissingExtraError: Arrow and Parquet need pyarrow.
        LexigradError: the file cannot be written.

    Example:
        >>> from lexigrad import KeyedVectors
        >>> path = getfixture("tmp_path") / "vectors.txt"
        >>> save_vectors(path, KeyedVectors(["the", "cat"], [[1, 2], [3, 4]]), "glove")
        >>> path.read_text().splitlines()
        ['the 1.00000000 2.00000000', 'cat 3.00000000 4.00000000']
    """
    path = Path(path)
    _check_vectors(vectors, outside)
    chosen = _chosen(path, format)
    _check_format(chosen, dtype, has_outside=outside is not None)
    chosen.write(path, vectors, outside=outside, dtype=dtype)


def _check_vectors(vectors: KeyedVectors, outside: KeyedVectors | None) -> None:
    """Refuse vectors that no file can hold, before a file is begun."""
    _ = vectors.lengths  # raises when a number is not finite
    if outside is not None:
        _ = outside.lengths
        if outside.words != vectors.words or outside.dim != vectors.dim:
            raise InputError("the outside vectors must be those of the same words, in the same order, and as long")


def _chosen(path: Path, format: str | None) -> FileFormat:
    """The format to write."""
    if format:
        chosen = registry.named(format)
        if chosen is None or not chosen.writer:
            raise InputError(f"there is no format {format!r} to write; known are {_names(registry.written())}")
        return chosen
    chosen = registry.by_ending(path.suffix)
    if chosen is None:
        raise InputError(
            f"the ending of {path} names no format; end it in {', '.join(registry.endings())}, or give format as one "
            f"of {_names(registry.written())}"
        )
    return chosen


def _check_format(chosen: FileFormat, dtype: str, *, has_outside: bool) -> None:
    """Refuse a format that cannot hold the second table, or numbers of this type."""
    if has_outside and not chosen.both_tables:
        able = tuple(known for known in registry.written() if known.both_tables)
        raise InputError(f"{chosen.name} holds one table; write V and U to two files, or as one of {_names(able)}")
    if dtype not in registry.dtypes():
        raise InputError(f"there is no dtype {dtype!r} for vectors; known are {', '.join(registry.dtypes())}")
    if dtype not in chosen.dtypes:
        able = tuple(known for known in registry.written() if dtype in known.dtypes)
        raise InputError(f"{chosen.name} holds {' and '.join(chosen.dtypes)} only; for {dtype} take {_names(able)}")


def _names(formats: tuple[FileFormat, ...]) -> str:
    return ", ".join(known.name for known in formats)
