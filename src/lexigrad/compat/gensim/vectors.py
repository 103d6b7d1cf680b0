"""gensim's KeyedVectors: keys with vectors, to be searched, changed, saved and loaded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

import lexigrad
from lexigrad.compat.gensim.errors import NotKeptError
from lexigrad.compat.gensim.measuring import Measures
from lexigrad.compat.gensim.oldnames import OldVectorNames
from lexigrad.compat.gensim.vectorfiles import (
    Layout,
    is_native,
    read_counts,
    read_rows,
    read_stored,
    refuse_save_options,
    write_stored,
)
from lexigrad.errors import InputError
from lexigrad.vectors.formats.gensim.saved import read_gensim

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Self

    from numpy.typing import NDArray


__all__ = ["KeyedVectors"]

logger = logging.getLogger(__name__)


class KeyedVectors(Measures, OldVectorNames):
    """Keys and their vectors, under gensim's names.

    Args:
        vector_size: numbers in a vector.
        count: rows to set aside, which ``add_vector`` fills.
        dtype: the vectors' type of number; searches are in float32.
        mapfile_path: unused, as in gensim.

    Example:
        >>> wv = KeyedVectors(2)
        >>> wv.add_vectors(["king", "queen", "apple"], [[1, 1], [1, 0.8], [-1, 0]])
        >>> [key for key, cosine in wv.most_similar("king")]
        ['queen', 'apple']
        >>> wv["apple"] = np.array([0.5, 1.0])
        >>> wv.to_lexigrad()
        KeyedVectors(3 words, dim 2)
    """

    vectors_lockf: NDArray[np.float32]

    @classmethod
    def from_lexigrad(cls, vectors: lexigrad.KeyedVectors) -> Self:
        """A copy of lexigrad's vectors that can be changed."""
        made = cls(vectors.dim)
        made.add_vectors(vectors.words, vectors.matrix)
        made.next_index = len(made)
        if vectors.counts is not None:
            made.expandos["count"] = vectors.counts.copy()
        return made

    def vectors_for_all(
        self, keys: Iterable[Any], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> KeyedVectors:
        """The vectors of those keys that the table holds, each once, as an object of its own.

        Args:
            keys: any keys; those that the table lacks are passed over.
            allow_inference: unused: no vector is inferred.
            copy_vecattrs: keep the attributes; without it ``count`` falls from row to row, as in gensim.
        """
        known = [key for key in dict.fromkeys(keys) if key in self]
        made = KeyedVectors(self.vector_size, dtype=self.vectors.dtype)
        if known:
            made.add_vectors(known, self[known])
        rows = [self.get_index(key) for key in known]
        made.next_index = len(known)
        made.expandos = {name: values[rows] for name, values in self.expandos.items()} if copy_vecattrs else {}
        made.expandos.setdefault("count", np.arange(len(known), 0, -1))
        return made

    def save(
        self,
        fname_or_handle: str | os.PathLike[str],
        separately: Any = None,
        sep_limit: int = 0,
        ignore: Any = frozenset(),
        pickle_protocol: Any = None,
    ) -> None:
        """Write keys, vectors and attributes as one native file, without pickle; `lexigrad.load_vectors` reads it too.

        Args:
            fname_or_handle: the path.
            separately: unused, as arrays are mapped from the one file.
            sep_limit: unused, for the same reason.
            ignore: must be empty.
            pickle_protocol: unused.
        """
        refuse_save_options(ignore)
        write_stored(_path(fname_or_handle), self, {"class": "KeyedVectors"}, {}, {})

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None) -> Self:
        """Read a file that ``save`` wrote, any other native file, or a file that gensim saved; of a model, its vectors.

        Args:
            fname: the file. Nothing in a file of gensim's is run (`lexigrad.vectors.formats.gensim.saved`).
            mmap: ``r`` leaves the vectors of a native file on the disk, read-only.

        Raises:
            FormatError: the file is none of these, or damaged.
        """
        if not is_native(fname):
            return cls.from_lexigrad(read_gensim(fname).vectors)
        stored = read_stored(fname, mmap)
        made = cls(0)
        stored.fill(made, mmap)
        return made

    def save_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write the vectors in word2vec's text or binary format, by falling ``sort_attr``, whole or not at all.

        Args:
            fname: the file; it is not packed, even if its name says so.
            fvocab: a file for the words and their ``sort_attr``.
            binary: write the numbers as bytes.
            total_vec: must be the number of keys, if it is given.
            write_header: whether the first line is ``words dim``; without it the format is GloVe's.
            prefix: the text that goes before each key.
            append: must be False.
            sort_attr: the attribute to sort by; where the table lacks it, keys stay in their order.

        Raises:
            NotKeptError: ``append``, another ``total_vec``, or a binary file without a header is asked for.
            FormatError: a key has a space in it.
        """
        if append or total_vec not in (None, len(self)) or (binary and not write_header):
            raise NotKeptError("append, total_vec and binary without a header are not kept; write one whole file")
        order = np.arange(len(self))
        if sort_attr in self.expandos:
            order = np.argsort(-self.expandos[sort_attr], kind="stable")
        elif fvocab is not None:
            raise InputError(f"there is no attribute {sort_attr!r} to write to {fvocab}; leave fvocab out")
        words = [f"{prefix}{self.index_to_key[row]}" for row in order]
        if fvocab is not None:
            values = self.expandos[sort_attr][order].tolist()
            _write_lines(fvocab, [f"{word} {value}\n" for word, value in zip(words, values, strict=True)])
        kind = "word2vec-binary" if binary else "word2vec-text" if write_header else "glove"
        lexigrad.save_vectors(fname, lexigrad.KeyedVectors(words, self.vectors[order]), kind)

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: Any = np.float32,
        no_header: bool = False,
    ) -> Self:
        """Read word2vec's text or binary format, packed by gzip, bzip2 or xz or not.

        Args:
            fname: the file. `lexigrad.load_vectors` finds the format out, and is strict.
            fvocab: a file of ``word count`` lines; without it ``count`` falls from row to row, as in gensim.
            binary: whether numbers are bytes.
            encoding: the encoding of the words.
            unicode_errors: what to do with words that are not in the encoding: ``strict``, ``replace`` or ``ignore``.
            limit: the number of rows to read, from the first on; None for all.
            datatype: the vectors' type of number.
            no_header: whether the first line is missing, as in GloVe's files.

        Raises:
            DamagedFileError: the file is not in word2vec's format; a ValueError.
            ShortFileError: the file ends too early; an EOFError.
            UnicodeDecodeError: a word is not in the encoding.
        """
        counts = None if fvocab is None else read_counts(fvocab, unicode_errors)
        layout = Layout(binary, encoding, unicode_errors, datatype, limit, not no_header)
        words, vectors, repeated = read_rows(fname, layout)
        if repeated:
            logger.warning("passed over %i rows of %s whose word had come before", repeated, fname)
        made = cls(vectors.shape[1], dtype=vectors.dtype)
        made.index_to_key, made.vectors, made.next_index = words, vectors, len(words)
        made.key_to_index = {word: row for row, word in enumerate(words)}
        if counts is None:
            made.expandos["count"] = np.arange(len(words), 0, -1)
        else:
            missing = sum(word not in counts for word in words)
            if missing:
                logger.warning("%s lacks %i of the words, whose count is 0", fvocab, missing)
            made.expandos["count"] = np.array([counts.get(word, 0) for word in words], dtype=np.int64)
        return made

    def intersect_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take the vectors of those keys that a word2vec file has too.

        Args:
            fname: the file.
            lockf: 1.0 lets training go on from these vectors. Another value would hold them still, which is not kept.
            binary: whether the file's numbers are bytes.
            encoding: the encoding of the file's words.
            unicode_errors: what to do with words that are not in the encoding.
        """
        if lockf != 1.0:
            raise NotKeptError("vectors cannot be held still in training (lockf, 0.0 by default); give lockf=1.0")
        words, vectors, _ = read_rows(fname, Layout(binary, encoding, unicode_errors))
        if vectors.shape[1] != self.vector_size:
            raise InputError(f"{fname} has vectors of {vectors.shape[1]} numbers, not {self.vector_size}")
        common = [(row, self.key_to_index[word]) for row, word in enumerate(words) if word in self.key_to_index]
        for theirs, own in common:
            self.vectors[own] = vectors[theirs]
        self.norms = None
        logger.info("took %i vectors from %s", len(common), fname)


def _path(path: Any) -> Any:
    if hasattr(path, "write"):
        raise NotKeptError("save writes to a path, whole or not at all, not to an open file; give the path")
    return path


def _write_lines(path: str | os.PathLike[str], lines: list[str]) -> None:
    from lexigrad.files.atomic import atomic_write

    with atomic_write(path) as file:
        file.writelines(line.encode() for line in lines)
