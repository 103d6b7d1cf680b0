"""Files of vectors: lexigrad's own, word2vec's text and binary, GloVe's, and those that gensim saved.

Each is specified byte by byte in ``docs/reference/formats.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from lexigrad.errors import FormatError, InputError
from lexigrad.formats.binary import read_binary, write_binary
from lexigrad.formats.gensimfiles import GensimFile, read_gensim
from lexigrad.formats.native import read_native, write_native
from lexigrad.formats.sniffing import Format, sniff
from lexigrad.formats.text import read_text, write_text
from lexigrad.keyedvectors import KeyedVectors
from lexigrad.vocabulary import pack_words, unpack_words

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "NATIVE_FORMAT",
    "Format",
    "GensimFile",
    "load_vectors",
    "read_gensim",
    "read_native",
    "save_vectors",
    "sniff",
    "vectors_from_tensors",
    "vectors_to_tensors",
    "write_native",
]

NATIVE_FORMAT: Final = "lexigrad"
ENDINGS: Final[Mapping[str, Format]] = {
    ".safetensors": "native",
    ".txt": "word2vec-text",
    ".bin": "word2vec-binary",
}
TENSORS: Final = {"V": ("float32", 2), "words": ("uint8", 1), "word_ends": ("int64", 1), "counts": ("int64", 1)}


def load_vectors(path: str | os.PathLike[str], *, encoding_errors: str = "strict") -> KeyedVectors:
    """Read word vectors from a file in any of the formats; its content says which.

    A native file is mapped into memory: it opens at once, whatever its size. Of a model that gensim saved, nothing is
    run; its arrays in files beside it are mapped as well.

    Args:
        path: the file. All but native files may be packed by gzip, bzip2 or xz.
        encoding_errors: ``strict`` refuses words that are not UTF-8 (word2vec.c cuts words after 98 bytes, in the
            middle of a character too); ``replace`` puts U+FFFD in place of such bytes.

    Returns:
        Words and vectors; from a model's file, its table V.

    Raises:
        FormatError: the file cannot be read, is in no known format, or contradicts itself. The message names the line
            or the byte.

    Example:
        >>> path = getfixture("tmp_path") / "vectors.txt"
        >>> save_vectors(path, KeyedVectors(["the", "cat"], [[1, 2], [3, 4]]))
        >>> load_vectors(path)["cat"].tolist()
        [3.0, 4.0]

    gensim must be told the format. It keeps the first of two rows with one word and passes over rows that the header
    does not promise; both are errors here.
    """
    if encoding_errors not in ("strict", "replace"):
        raise InputError(f"encoding_errors must be strict or replace, not {encoding_errors!r}")
    path = Path(path)
    match sniff(path):
        case "native":
            return vectors_from_tensors(path, read_native(path, NATIVE_FORMAT)[0])
        case "word2vec-binary":
            return read_binary(path, encoding_errors=encoding_errors)
        case "gensim":
            return read_gensim(path).vectors
        case format:
            return read_text(path, header=format == "word2vec-text", encoding_errors=encoding_errors)


def save_vectors(path: str | os.PathLike[str], vectors: KeyedVectors, format: Format | None = None) -> None:
    """Write word vectors, whole or not at all.

    Args:
        path: where to.
        vectors: what to write.
        format: ``native``, ``word2vec-text``, ``word2vec-binary`` or ``glove``. When None, the name's ending says it:
            ``.safetensors``, ``.txt`` or ``.bin`` for the first three.

    Raises:
        InputError: the ending says nothing, there is no such format, or a number is not finite.
        FormatError: the format cannot hold a word: only native files hold words with spaces or line breaks in them.
        LexigradError: the file cannot be written.

    Example:
        >>> path = getfixture("tmp_path") / "vectors.txt"
        >>> save_vectors(path, KeyedVectors(["the", "cat"], [[1, 2], [3, 4]]), "glove")
        >>> path.read_text().splitlines()
        ['the 1.00000000 2.00000000', 'cat 3.00000000 4.00000000']
    """
    path = Path(path)
    _ = vectors.lengths  # raises here, before a file is begun, when a number is not finite
    match format or ENDINGS.get(path.suffix):
        case "native":
            write_native(path, vectors_to_tensors(vectors), {"format": NATIVE_FORMAT, "version": "1"})
        case "word2vec-binary":
            write_binary(path, vectors)
        case "word2vec-text" | "glove" as text:
            write_text(path, vectors, header=text == "word2vec-text")
        case None:
            raise InputError(
                f"the ending of {path} names no format; end it in {', '.join(ENDINGS)}, or give format as one of "
                f"{', '.join(get_args(Format))}"
            )
        case unknown:
            raise InputError(f"there is no format {unknown!r}; known are {', '.join(get_args(Format))}")


def vectors_to_tensors(vectors: KeyedVectors) -> dict[str, NDArray[Any]]:
    """The tensors of a native file that holds ``vectors``."""
    text, ends = pack_words(vectors.words)
    tensors: dict[str, NDArray[Any]] = {"V": vectors.matrix, "words": text, "word_ends": ends}
    if vectors.counts is not None:
        tensors["counts"] = vectors.counts
    return tensors


def vectors_from_tensors(path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]]) -> KeyedVectors:
    """The vectors that a native file's tensors hold; ``path`` is for error messages."""
    for name, (dtype, dimensions) in TENSORS.items():
        tensor = tensors.get(name)
        if tensor is None and name != "counts":
            raise FormatError(f"{path} holds no tensor {name!r}; it is no file of vectors")
        if tensor is not None and (tensor.dtype != dtype or tensor.ndim != dimensions):
            raise FormatError(
                f"{path}: tensor {name!r} must be {dtype} of {dimensions} dimensions, not {tensor.dtype}"
                f" of {tensor.ndim}"
            )
    try:
        words = unpack_words(tensors["words"], tensors["word_ends"])
        return KeyedVectors(words, tensors["V"], tensors.get("counts"), check=False)
    except (FormatError, InputError) as error:
        raise FormatError(f"{path}: {error}") from error
