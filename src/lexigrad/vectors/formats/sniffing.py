"""Which format a file has, told from its first bytes and never from its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lexigrad.errors import FormatError
from lexigrad.files.tensors import begins_as_native
from lexigrad.vectors.formats import registry
from lexigrad.vectors.formats.gensim.saved import is_gensim
from lexigrad.vectors.formats.rows import is_packed, open_stream, parse_header
from lexigrad.vectors.formats.word2vec import number_of_numbers

if TYPE_CHECKING:
    import os

    from lexigrad.vectors.formats.registry import FileFormat

__all__ = ["recognized", "sniff"]

SAMPLE_BYTES: Final = 1 << 20
LINES_TRIED: Final = 10


def sniff(path: str | os.PathLike[str]) -> str:
    r"""The name of the format of a file of vectors, told from its content.

    Args:
        path: the file. Text and binary may be packed by gzip, bzip2, xz or Zstandard.

    Returns:
        ``native``, ``word2vec-text``, ``word2vec-binary``, ``glove``, ``fasttext`` (a model of fastText's or floret's),
        ``gensim``, ``npz``, ``arrow`` or ``parquet``.

    Raises:
        FormatError: the file cannot be read, or is in none of these formats.

    Example:
        >>> path = getfixture("tmp_path") / "vectors"
        >>> _ = path.write_text("2 3\nthe 0.1 0.2 0.3\ncat -0.1 0.5 0.2\n")
        >>> sniff(path)
        'word2vec-text'
    """
    return recognized(Path(path)).name


def recognized(path: Path) -> FileFormat:
    """The format of a file of vectors, as `sniff` tells it.

    Raises:
        FormatError: as `sniff`.
    """
    with open_stream(path) as stream:
        sample = stream.read(SAMPLE_BYTES)
    known = (known for known in registry.FORMATS if known.first_bytes and sample.startswith(known.first_bytes))
    found = next(known, None) or registry.named(_name_by_content(path, sample))
    if found is None:
        origins = dict.fromkeys(known.origin for known in registry.FORMATS if known.origin)
        *others, last = origins
        raise FormatError(
            f"{path} {_fault(sample)}; lexigrad reads its own files and those of {', '.join(others)} and {last}"
        )
    if not found.packed and is_packed(path):
        raise FormatError(f"{path} is a packed {found.name} file, which cannot be mapped into memory; unpack it first")
    return found


def _name_by_content(path: Path, sample: bytes) -> str:
    """The name of the format of a file whose first bytes alone do not tell it; empty if it is in none."""
    first, _, rest = sample.partition(b"\n")
    header = parse_header(first)
    if header is not None:
        # The readers refuse the absurd; a dimension below 0 would send the search for words backwards.
        words, dim = (max(0, int(number)) if len(number) < 10 else 0 for number in header)
        return "word2vec-text" if _are_text_rows(rest, words, dim) else "word2vec-binary"
    if begins_as_native(sample):
        return "native"
    if _is_pickle(sample) and is_gensim(path, sample):
        return "gensim"
    if number_of_numbers(first) and not _is_pickle(sample):
        return "glove"
    return ""


def _are_text_rows(rows: bytes, words: int, dim: int) -> bool:
    """Whether the rows after a word2vec header are text.

    They are when the first lines end in numbers. Else they may be text that is damaged, whose fault the reader of text
    names better: when they can be read as text but do not have words where the binary format has them.
    """
    lines = rows.split(b"\n", LINES_TRIED)
    if len(lines) == 1 and len(rows) > SAMPLE_BYTES // 2:  # the sample ends within the first row
        begin = rows.rpartition(b" ")[0]
        return bool(begin) and _is_readable(begin)
    whole = [line for line in (lines[:-1] or lines) if line.strip()]
    if all(number_of_numbers(line) >= max(dim, 1) for line in whole):
        return True
    return all(_is_readable(line) for line in whole) and not _are_binary_rows(rows, words, dim)


def _are_binary_rows(rows: bytes, words: int, dim: int) -> bool:
    """Whether the sample consists of rows of the binary format, and ends with the last one or within one."""
    position = 0
    for _ in range(words):
        end = rows.find(b" ", position)
        if end < 0 or _decoded(rows[position:end]) is None:
            return False
        position = end + 1 + 4 * dim
        if position > len(rows):
            return len(rows) > SAMPLE_BYTES // 2  # else the sample is the whole file
        while rows[position : position + 1] == b"\n":
            position += 1
    return position == len(rows)


def _is_readable(content: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters other than white space."""
    text = _decoded(content)
    return text is not None and all(character >= " " or character in "\t\r\n" for character in text)


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _is_pickle(sample: bytes) -> bool:
    """Whether a file begins as pickles of protocol 2 to 5 do, and as no text in UTF-8 does."""
    return re.match(rb"\x80[\x02-\x05]", sample) is not None


def _fault(sample: bytes) -> str:
    if not sample:
        return "is empty"
    if _is_pickle(sample):
        return "is a pickle of no class of gensim's, and no pickle is ever loaded, as it can run any program"
    return f"is in no known format, it begins with {sample[:24]!r}"
