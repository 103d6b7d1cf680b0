"""Files of vectors: lexigrad's own, those of word2vec, GloVe, fastText, gensim, NumPy and Arrow, and Hub folders.

Each is specified byte by byte in ``docs/reference/formats.md``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lexigrad.errors import FormatError, InputError
from lexigrad.formats.arrow import read_arrow, write_arrow
from lexigrad.formats.binary import read_binary, write_binary
from lexigrad.formats.fasttext import read_fasttext
from lexigrad.formats.gensimfiles import GensimFile, read_gensim
from lexigrad.formats.native import native_image, read_native, read_native_image, write_native
from lexigrad.formats.npz import read_npz, write_npz
from lexigrad.formats.sniffing import Format, sniff
from lexigrad.formats.tensors import (
    HUB_TABLE,
    NATIVE_FORMAT,
    Table,
    vectors_from_tensors,
    vectors_metadata,
    vectors_to_tensors,
)
from lexigrad.formats.text import read_text, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexigrad.keyedvectors import KeyedVectors
    from lexigrad.reduction import Dtype

__all__ = [
    "NATIVE_FORMAT",
    "Format",
    "GensimFile",
    "load_vectors",
    "native_image",
    "read_gensim",
    "read_native",
    "read_native_image",
    "save_vectors",
    "sniff",
    "vectors_from_tensors",
    "vectors_metadata",
    "vectors_to_tensors",
    "write_hub_vectors",
    "write_native",
]

ENDINGS: Final[Mapping[str, Format]] = {
    ".safetensors": "native",
    ".txt": "word2vec-text",
    ".vec": "word2vec-text",
    ".bin": "word2vec-binary",
    ".npz": "npz",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".parquet": "parquet",
}
WRITTEN: Final[tuple[Format, ...]] = (
    "native",
    "word2vec-text",
    "word2vec-binary",
    "glove",
    "npz",
    "arrow",
    "parquet",
)
"""The formats that are written; fastText's binary one and gensim's are read only."""
HOLD_TWO_TABLES: Final[tuple[Format, ...]] = ("native", "npz", "arrow", "parquet")
"""The formats that can hold U beside V, and numbers of fewer bits than float32."""
HUB_FILE: Final = "model.safetensors"


def load_vectors(path: str | os.PathLike[str], *, encoding_errors: str = "strict", table: Table = "V") -> KeyedVectors:
    """Read word vectors from a file in any of the formats; its content says which.

    A native file, an Arrow file and fastText's binary one are mapped into memory: they open at once, whatever their
    size. Of a model that gensim saved, nothing is run; its arrays in files beside it are mapped as well.

    Args:
        path: the file, or a Hub folder that `save_hub` wrote. All but native files may be packed by gzip, bzip2 or xz.
        encoding_errors: ``strict`` refuses words that are not UTF-8 (word2vec.c cuts words after 98 bytes, in the
            middle of a character too); ``replace`` puts U+FFFD in place of such bytes.
        table: ``V``, or ``U`` for the outside vectors, from a file that holds them: native, npz, Arrow or Parquet.

    Returns:
        Words and vectors, as `lexigrad.SubwordVectors` if the file has n-grams: fastText's and floret's models.

    Raises:
        FormatError: the file cannot be read, is in no known format, contradicts itself, or has no such table. The
            message names the line or the byte.
        MissingExtraError: it is an Arrow or Parquet file, and pyarrow is not installed.

    Example:
        >>> from lexigrad import KeyedVectors
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
    found = sniff(path)
    if table == "U" and found not in HOLD_TWO_TABLES:
        raise FormatError(f"{path} is in the format {found}, which holds one table; the outside vectors are not in it")
    match found:
        case "native":
            return vectors_from_tensors(path, *read_native(path, NATIVE_FORMAT), table)
        case "npz":
            return read_npz(path, table=table)
        case "arrow" | "parquet":
            return read_arrow(path, table=table)
        case "fasttext":
            return read_fasttext(path, encoding_errors=encoding_errors)
        case "word2vec-binary":
            return read_binary(path, encoding_errors=encoding_errors)
        case "gensim":
            return read_gensim(path).vectors
        case "word2vec-text" | "glove":
            return read_text(path, header=found == "word2vec-text", encoding_errors=encoding_errors)


def save_vectors(
    path: str | os.PathLike[str],
    vectors: KeyedVectors,
    format: Format | None = None,
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
    _check(vectors, outside)
    chosen = _chosen(path, format, dtype, outside)
    match chosen:
        case "native":
            write_native(path, vectors_to_tensors(vectors, outside, dtype), vectors_metadata(vectors))
        case "npz":
            write_npz(path, vectors, outside, dtype)
        case "arrow" | "parquet":
            write_arrow(path, vectors, outside, dtype, chosen)
        case "word2vec-binary":
            write_binary(path, vectors)
        case _:
            write_text(path, vectors, header=chosen == "word2vec-text")


def write_hub_vectors(path: str | os.PathLike[str], vectors: KeyedVectors) -> None:
    """Write the vectors of a Hub folder: a native file whose table has the name by which other libraries know it."""
    tensors = vectors_to_tensors(vectors)
    tensors[HUB_TABLE] = tensors.pop("V")
    write_native(path, tensors, vectors_metadata(vectors))


def _hub_file(folder: Path) -> Path:
    """The file with the vectors of a Hub folder."""
    path = folder / HUB_FILE
    if not path.is_file():
        raise FormatError(
            f"cannot read {folder}: it is a folder without {HUB_FILE}; name a file, or a folder that save_hub wrote"
        )
    return path


def _check(vectors: KeyedVectors, outside: KeyedVectors | None) -> None:
    """Refuse before a file is begun."""
    _ = vectors.lengths  # raises when a number is not finite
    if outside is not None:
        _ = outside.lengths
        if outside.words != vectors.words or outside.dim != vectors.dim:
            raise InputError("the outside vectors must be those of the same words, in the same order, and as long")


def _chosen(path: Path, format: Format | None, dtype: Dtype, outside: KeyedVectors | None) -> Format:
    """The format to write, if it can hold what it is to hold."""
    chosen = format or ENDINGS.get(path.suffix)
    if chosen is None:
        raise InputError(
            f"the ending of {path} names no format; end it in {', '.join(ENDINGS)}, or give format as one of "
            f"{', '.join(WRITTEN)}"
        )
    if chosen not in WRITTEN:
        raise InputError(f"there is no format {chosen!r} to write; known are {', '.join(WRITTEN)}")
    if outside is not None and chosen not in HOLD_TWO_TABLES:
        raise InputError(
            f"{chosen} holds one table; write V and U to two files, or as one of {', '.join(HOLD_TWO_TABLES)}"
        )
    if dtype != "float32" and chosen not in HOLD_TWO_TABLES:
        able = "native" if dtype == "int8" else ", ".join(HOLD_TWO_TABLES)
        raise InputError(f"{chosen} holds float32 only; for {dtype} take {able}")
    return chosen
