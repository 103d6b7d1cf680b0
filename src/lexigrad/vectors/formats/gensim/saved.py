"""Models and vectors that gensim saved with its own ``save``, read without gensim and without running anything.

Such a file is a pickle; large arrays lie beside it, in files of NumPy's format. The pickle is taken apart by
``lexigrad.vectors.formats.gensim.pickle``, which runs none of it. The names of the files beside it are put together
here, from names of attributes that gensim has; none is taken from the pickle.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats.gensim.machine import Name, Pairs, Record
from lexigrad.vectors.formats.gensim.npy import array_of, read_npy, scalar_of
from lexigrad.vectors.formats.gensim.pickle import first_name, parse_pickle
from lexigrad.vectors.formats.rows import is_packed, open_stream
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["GensimFile", "is_gensim", "read_gensim", "read_gensim_vectors"]

MODELS: Final = {("gensim.models.word2vec", "Word2Vec")}
VECTORS: Final = {
    ("gensim.models.keyedvectors", name)
    for name in ("KeyedVectors", "Word2VecKeyedVectors", "WordEmbeddingsKeyedVectors", "EuclideanKeyedVectors")
}
ADVICE: Final = {
    "FastText": "load it in gensim and write it with gensim.models.fasttext.save_facebook_model",
    "FastTextKeyedVectors": "load its model in gensim and write it with gensim.models.fasttext.save_facebook_model",
    "Doc2Vec": "load it in gensim and save the vectors of its words, with model.wv.save",
    "Doc2VecKeyedVectors": "it has vectors of documents; load it in gensim and write them with save_word2vec_format",
}
OPTIONS: Final = (
    "alpha", "batch_words", "cbow_mean", "comment", "compute_loss", "corpus_count", "corpus_total_words",
    "effective_min_count", "epochs", "hs", "max_final_vocab", "max_vocab_size", "min_alpha",
    "min_alpha_yet_reached", "min_count", "negative", "ns_exponent", "null_word", "sample", "seed", "sg",
    "shrink_windows", "sorted_vocab", "total_train_time", "train_count", "vector_size", "window", "workers",
)  # fmt: skip
OLD_NAMES: Final = {"epochs": "iter", "vector_size": "layer1_size"}
LONGEST_OPTION: Final = 1000
MOST_COUNT: Final = 2**63
MOST_ATTRIBUTES: Final = 100
"""A word's ``Vocab`` has up to five attributes; all words may share one, so that a large one would be read often."""


@dataclass(frozen=True, eq=False)
class GensimFile:
    """The content of a file of gensim's.

    Attributes:
        kind: ``Word2Vec`` for a whole model, ``KeyedVectors`` for vectors.
        vectors: the words, their vectors, and their counts where the file has them.
        U: a model's outside table, gensim's ``syn1neg``: float32, shape ``(len(vectors), dim)``, row i for word i;
            None where there is none, as under hierarchical softmax.
        options: a model's plain attributes under the names of gensim 4, such as ``window`` and ``negative``.
    """

    kind: str
    vectors: KeyedVectors
    U: NDArray[np.float32] | None
    options: dict[str, Any]


def is_gensim(path: Path, sample: bytes) -> bool:
    """Whether a file that begins so is a pickle of one of gensim's classes."""
    name = first_name(path, sample)
    return name is not None and name.module.partition(".")[0] == "gensim"


def read_gensim(path: str | os.PathLike[str]) -> GensimFile:
    r"""Read a file that ``save`` of gensim's ``Word2Vec`` or ``KeyedVectors`` wrote, in gensim 0.12 to 4.

    Nothing in the file is run: no unpickler reads it.

    Args:
        path: the file, packed or not. Arrays that gensim stored beside it, such as
            ``PATH.wv.vectors.npy``, must lie beside it still; they are mapped into memory.

    Raises:
        FormatError: the file is damaged, holds another of gensim's models, or lacks an array beside it.

    Example:
        >>> path = getfixture("tmp_path") / "model"
        >>> _ = path.write_bytes(b"\x80\x04K\x01.")  # the pickle of a number
        >>> read_gensim(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        lexigrad.errors.FormatError: ...model is a pickle of something else than gensim's vectors

    gensim 3's ``Vocab`` objects give the counts. Its binary trees (``syn1``, for hierarchical softmax) are passed over.
    """
    path = Path(path)
    top = parse_pickle(path, _content(path))
    if type(top) is not Record or type(top.state) is not Pairs:
        raise FormatError(f"{path} is a pickle of something else than gensim's vectors")
    saved = _Saved(path, str(path), top)
    if top.name in VECTORS:
        return GensimFile("KeyedVectors", _vectors(saved), None, {})
    if top.name not in MODELS:
        raise FormatError(f"{path} holds gensim's {_described(top.name)}")
    vectors = _vectors(saved.child("wv") or saved)  # before gensim 1 the model itself held them
    return GensimFile("Word2Vec", vectors, _outside(saved, vectors), dict(_options(saved)))


def read_gensim_vectors(path: Path) -> KeyedVectors:
    """The vectors of a file that `read_gensim` reads."""
    return read_gensim(path).vectors


def _content(path: Path) -> memoryview:
    """The whole pickle; mapped, so that arrays in it are not copied."""
    with open_stream(path) as stream:
        if is_packed(path) or not path.stat().st_size:
            return memoryview(stream.read())
        return np.asarray(np.memmap(stream, dtype=np.uint8, mode="r")).data


def _described(name: Name) -> str:
    if name.name in ADVICE:
        return f"{name.name}; {ADVICE[name.name]}"
    return f"{name.name[:60]!r}, which has no vectors of words that lexigrad reads"


class _Saved:
    """An object that gensim saved: its attributes, those in files of their own included.

    Args:
        path: the model's file.
        stem: what the names of files with the object's arrays begin with.
        record: the object.
    """

    def __init__(self, path: Path, stem: str, record: Record) -> None:
        self.path = path
        self.stem = stem
        self.attributes = record.state.by_text() if type(record.state) is Pairs else {}

    def child(self, name: str) -> _Saved | None:
        """The object that an attribute holds."""
        value = self.attributes.get(name)
        return _Saved(self.path, f"{self.stem}.{name}", value) if type(value) is Record else None

    def array(self, *names: str) -> NDArray[Any] | None:
        """The first of these attributes that is there, in the pickle or in a file beside it."""
        stored = self.attributes.get("__numpys")
        for name in names:
            if type(stored) is list and name in [entry for entry in stored if type(entry) is str]:
                return read_npy(self._beside(f"{self.stem}.{name}"))
            if self.attributes.get(name) is not None:
                return array_of(f"{self.path}: the array {name}", self.attributes[name])
        return None

    def _beside(self, name: str) -> Path:
        """The file of an array, which must lie in the model's folder and not only be linked from there."""
        if is_packed(self.path):
            raise FormatError(
                f"{self.path} was saved packed, with packed arrays beside it; load it in gensim and save it under a "
                "name that does not end in .gz or .bz2"
            )
        file = Path(f"{name}.npy")
        if not file.exists():
            raise FormatError(f"{self.path} has an array in {file.name}, which is not beside it; copy it there")
        if Path(os.path.realpath(file)).parent != Path(os.path.realpath(self.path)).parent or not file.is_file():
            raise FormatError(f"{file} is a link out of the folder, or no plain file; copy the array itself there")
        return file


def _vectors(saved: _Saved) -> KeyedVectors:
    matrix = saved.array("vectors", "syn0")
    if matrix is None:
        raise FormatError(f"{saved.path} holds no vectors; it was saved before training, or without them")
    words = _words(saved)
    try:
        vectors = KeyedVectors(words, matrix, _counts(saved, words), check=False)
    except InputError as error:
        raise FormatError(f"{saved.path}: {error}") from error
    for word in words:  # all different now, so no longer together than the file
        _check_encodable(saved, word)
    return vectors


def _words(saved: _Saved) -> list[str]:
    names = ("index_to_key", "index2word", "index2entity")
    words = next((saved.attributes[name] for name in names if name in saved.attributes), None)
    if type(words) is not list:
        raise FormatError(f"{saved.path} has no list of words")
    for word_id, word in enumerate(words):
        if type(word) is not str:
            shown = repr(word)[:40] if isinstance(word, (int, float)) else type(word).__name__
            raise FormatError(
                f"{saved.path}: key {word_id:,} is {shown}, where words are strings; give strings as keys in gensim"
            )
    return words


def _check_encodable(saved: _Saved, word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError as error:  # lone surrogates
        shown = word[:40].encode(errors="backslashreplace").decode()
        raise FormatError(
            f"{saved.path}: the word {shown!r} cannot be written in UTF-8; rename it in gensim"
        ) from error


def _counts(saved: _Saved, words: list[str]) -> NDArray[Any] | None:
    """How often each word occurs: an array since gensim 4, before that in an object for each word."""
    match saved.attributes:
        case {"expandos": Pairs() as columns} if (counts := columns.by_text().get("count")) is not None:
            return array_of(f"{saved.path}: the array of counts", counts)
        case {"vocab": Pairs() as entries}:
            by_word = entries.by_text()
            counts = [_count(saved, by_word.get(word)) for word in words]
            return None if None in counts else np.array(counts, dtype=np.int64)
    return None


def _count(saved: _Saved, entry: Any) -> int | None:
    """The count in a word's ``Vocab``; None where there is none."""
    if type(entry) is not Record or type(entry.state) is not Pairs or len(entry.state.keys) > MOST_ATTRIBUTES:
        return None
    count = entry.state.by_text().get("count")
    if type(count) is Record:
        count = scalar_of(f"{saved.path}: the count of a word", count)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if type(count) is not int:
        return None
    if not 0 <= count < MOST_COUNT:
        raise FormatError(f"{saved.path}: the count of a word is {count:,}, which cannot be")
    return count


def _outside(saved: _Saved, vectors: KeyedVectors) -> NDArray[np.float32] | None:
    """The outside table; from 3.3 to 3.8 gensim kept it in an object of its own."""
    holder = saved.child("trainables") or saved
    table = holder.array("syn1neg")
    if table is None:
        return None
    if table.shape != vectors.matrix.shape or table.dtype.kind != "f":
        raise FormatError(
            f"{saved.path}: the table syn1neg has shape {table.shape}, where the vectors have {vectors.matrix.shape}"
        )
    return table.astype(np.float32, copy=False)


def _options(saved: _Saved) -> Iterator[tuple[str, Any]]:
    """Names and values of the options that are plain numbers, strings or None."""
    holders = [saved, saved.child("vocabulary"), saved.child("trainables")]
    found = {name: value for holder in holders if holder for name, value in holder.attributes.items()}
    for name in OPTIONS:
        old_name = OLD_NAMES.get(name, name)
        value = found.get(name, found.get(old_name))
        if type(value) is Record and value.name.name == "scalar":
            value = scalar_of(f"{saved.path}: the option {name}", value)
        if type(value) in (bool, int, float) or (type(value) is str and len(value) <= LONGEST_OPTION):
            yield name, value
        elif value is None and (name in found or old_name in found):
            yield name, None
