"""The formats of files of vectors, one record a format.

`load_vectors`, `save_vectors`, the recognition of a file by its first bytes, the choices of the command line, its
manual and the errors follow from the records. To add a format, write a module with its reader and its writer, and add a
record here. This module imports nothing heavy, so that the command line can name the formats without NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["FASTTEXT_MAGIC", "FORMATS", "NATIVE", "FileFormat", "by_ending", "dtypes", "endings", "named", "written"]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """The facts of a format that are known before one of its files is opened.

    Attributes:
        name: what `save_vectors` and the command line call it.
        origin: the program or the project of whose files it is, as an error lists them; empty for lexigrad's own.
        reader: ``module:function``, imported when a file is read. The function takes a path, and by keyword ``table``
            if the format holds both tables, and ``encoding_errors`` if ``encoding_varies``.
        writer: ``module:function``, or empty for a format that is read only. The function takes a path and the vectors,
            and by keyword ``outside`` if the format holds both tables, and ``dtype`` if it has several.
        endings: the endings of names by which `save_vectors` chooses it.
        first_bytes: what each of its files begins with; empty where `sniff` has to look further.
        both_tables: whether a file can hold U beside V.
        dtypes: the types of number that a file can hold, as `save_vectors` takes them.
        packed: whether its files are read as a stream, and so may be packed; others are mapped into memory.
        encoding_varies: whether its words may be something else than UTF-8.
        extra: the extra of lexigrad that it needs; empty if none.
    """

    name: str
    origin: str = ""
    reader: str
    writer: str = ""
    endings: tuple[str, ...] = ()
    first_bytes: bytes = b""
    both_tables: bool = False
    dtypes: tuple[str, ...] = ("float32",)
    packed: bool = False
    encoding_varies: bool = False
    extra: str = ""

    def read(self, path: Path, *, table: str, encoding_errors: str) -> KeyedVectors:
        """Read a file of this format; what the format does not know of is passed over."""
        options = {"table": table} if self.both_tables else {}
        if self.encoding_varies:
            options["encoding_errors"] = encoding_errors
        vectors: KeyedVectors = _imported(self.reader)(path, **options)
        return vectors

    def write(self, path: Path, vectors: KeyedVectors, *, outside: KeyedVectors | None, dtype: str) -> None:
        """Write a file of this format; the caller has made sure that the format holds what is given."""
        options: dict[str, Any] = {"outside": outside} if self.both_tables else {}
        if len(self.dtypes) > 1:
            options["dtype"] = dtype
        _imported(self.writer)(path, vectors, **options)


FASTTEXT_MAGIC: Final = b"\xba\x16\x4f\x2f"  # 793712314, little-endian

NATIVE: Final = FileFormat(
    name="native",
    reader="lexigrad.vectors.formats.safetensors:read_native_vectors",
    writer="lexigrad.vectors.formats.safetensors:write_native_vectors",
    endings=(".safetensors",),
    both_tables=True,
    dtypes=("float32", "float16", "int8"),
)
"""The format that holds whole models, too."""

FORMATS: Final[tuple[FileFormat, ...]] = (
    NATIVE,
    FileFormat(
        name="word2vec-text",
        origin="word2vec",
        reader="lexigrad.vectors.formats.word2vec:read_word2vec_text",
        writer="lexigrad.vectors.formats.word2vec:write_word2vec_text",
        endings=(".txt", ".vec"),
        packed=True,
        encoding_varies=True,
    ),
    FileFormat(
        name="word2vec-binary",
        origin="word2vec",
        reader="lexigrad.vectors.formats.word2vec:read_binary",
        writer="lexigrad.vectors.formats.word2vec:write_binary",
        endings=(".bin",),
        packed=True,
        encoding_varies=True,
    ),
    FileFormat(
        name="glove",
        origin="GloVe",
        reader="lexigrad.vectors.formats.word2vec:read_glove",
        writer="lexigrad.vectors.formats.word2vec:write_glove",
        packed=True,
        encoding_varies=True,
    ),
    FileFormat(
        name="fasttext",
        origin="fastText",
        reader="lexigrad.vectors.formats.fasttext:read_fasttext",
        first_bytes=FASTTEXT_MAGIC,
        encoding_varies=True,
    ),
    FileFormat(
        name="gensim",
        origin="gensim",
        reader="lexigrad.vectors.formats.gensim.saved:read_gensim_vectors",
        packed=True,
    ),
    FileFormat(
        name="npz",
        origin="NumPy (.npz)",
        reader="lexigrad.vectors.formats.npz:read_npz",
        writer="lexigrad.vectors.formats.npz:write_npz",
        endings=(".npz",),
        first_bytes=b"PK\x03\x04",
        both_tables=True,
        dtypes=("float32", "float16"),
    ),
    FileFormat(
        name="arrow",
        origin="Arrow",
        reader="lexigrad.vectors.formats.arrow:read_arrow",
        writer="lexigrad.vectors.formats.arrow:write_arrow",
        endings=(".arrow", ".feather"),
        first_bytes=b"ARROW1\0\0",
        both_tables=True,
        dtypes=("float32", "float16"),
        extra="arrow",
    ),
    FileFormat(
        name="parquet",
        origin="Parquet",
        reader="lexigrad.vectors.formats.arrow:read_parquet",
        writer="lexigrad.vectors.formats.arrow:write_parquet",
        endings=(".parquet",),
        first_bytes=b"PAR1",
        both_tables=True,
        dtypes=("float32", "float16"),
        extra="arrow",
    ),
)


def named(name: str) -> FileFormat | None:
    """The format of this name, None if there is none."""
    return next((known for known in FORMATS if known.name == name), None)


def by_ending(ending: str) -> FileFormat | None:
    """The format that `save_vectors` chooses for a name that ends so, None if there is none."""
    return next((known for known in written() if ending in known.endings), None)


def written() -> tuple[FileFormat, ...]:
    """The formats that are written, and not only read."""
    return tuple(known for known in FORMATS if known.writer)


def endings(*, with_extras: bool = True) -> tuple[str, ...]:
    """The endings that choose a format.

    Args:
        with_extras: whether to count formats that need an extra of lexigrad.
    """
    return tuple(ending for known in written() if with_extras or not known.extra for ending in known.endings)


def dtypes() -> tuple[str, ...]:
    """The types of number that some format can hold."""
    return tuple(dict.fromkeys(dtype for known in written() for dtype in known.dtypes))


def _imported(place: str) -> Callable[..., Any]:
    """The function at ``module:function``."""
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
