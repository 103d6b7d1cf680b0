"""Vectors read from a file in any of the formats, as its content says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats.sniffing import recognized

if TYPE_CHECKING:
    from lexigrad.vectors.formats.safetensors import Table
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["load_vectors"]

HUB_FILE: Final = "model.safetensors"


def load_vectors(path: str | os.PathLike[str], *, encoding_errors: str = "strict", table: Table = "V") -> KeyedVectors:
    """Read word vectors from a file in any of the formats; its content says which.

    A native file, an Arrow file and fastText's binary one are mapped into memory: they open at once,
    however large they are. Of a model that gensim saved, nothing is run; its arrays in files beside it are mapped too.

    Args:
        path: the file, or a Hub folder that `save_hub` wrote. Text, word2vec's binary files and gensim's may be packed
            by gzip, bzip2, xz or Zstandard.
        encoding_errors: ``strict`` refuses words that are not UTF-8 (word2vec.c cuts words after 98 bytes, in the
            middle of a character too); ``replace`` puts U+FFFD in place of such bytes.
        table: ``V``, or ``U`` for the outside vectors, from a file that holds them: native, npz, Arrow or Parquet.

    Returns:
        Words and vectors, as `lexigrad.SubwordVectors` if the file has n-grams: fastText's and floret's models.

    Raises:
        FormatError: the file cannot be read, is in no known format, contradicts itself, or has no such table. The
            message names the line or the byte.
        MissingExtraError: an Arrow or Parquet file needs pyarrow, and one packed by Zstandard needs zstandard.

    Example:
        >>> from lexigrad import KeyedVectors, save_vectors
        >>> path = getfixture("tmp_path") / "vectors.txt"
        >>> save_vectors(path, KeyedVectors(["the", "cat"], [[1, 2], [3, 4]]))
        >>> load_vectors(path)["cat"].tolist()
        [3.0, 4.0]

    gensim must be told the format. It keeps the first of two rows with one word and passes over rows that the header
    does not promise; both are errors here.
    """
    if encoding_errors not in ("strict", "replace"):
        raise InputError(f"encoding_errors must be strict or replace, not {encoding_errors!r}")
    if table not in ("V", "U"):
        raise InputError(f"table must be V or U, not {table!r}")
    path = _hub_file(Path(path)) if os.path.isdir(path) else Path(path)
    found = recognized(path)
    if table == "U" and not found.both_tables:
        raise FormatError(
            f"{path} is in the format {found.name}, which holds one table; the outside vectors are not in it"
        )
    return found.read(path, table=table, encoding_errors=encoding_errors)


def _hub_file(folder: Path) -> Path:
    """The file with the vectors of a Hub folder."""
    path = folder / HUB_FILE
    if not path.is_file():
        raise FormatError(
            f"cannot read {folder}: it is a folder without {HUB_FILE}; name a file, or a folder that save_hub wrote"
        )
    return path
