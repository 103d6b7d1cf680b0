"""The files of gensim's Word2Vec, and its conversion to lexigrad's and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

import lexigrad
from lexigrad.compat.gensim.errors import NotKeptError, WrongKindError
from lexigrad.compat.gensim.state import ModelState
from lexigrad.compat.gensim.training import Training, options_of
from lexigrad.compat.gensim.vectorfiles import is_native, read_stored, refuse_save_options, write_stored
from lexigrad.compat.gensim.vectors import KeyedVectors
from lexigrad.errors import FormatError
from lexigrad.vectors.formats.gensim.saved import read_gensim

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Self

    from lexigrad.vectors.formats.gensim.saved import GensimFile

__all__ = ["ModelFiles", "on_class_only"]

SAVED: Final = (
    "vector_size",
    "layer1_size",
    "alpha",
    "min_alpha",
    "min_alpha_yet_reached",
    "window",
    "shrink_windows",
    "min_count",
    "effective_min_count",
    "max_vocab_size",
    "max_final_vocab",
    "sample",
    "seed",
    "workers",
    "sg",
    "hs",
    "negative",
    "ns_exponent",
    "cbow_mean",
    "epochs",
    "null_word",
    "sorted_vocab",
    "batch_words",
    "compute_loss",
    "comment",
    "corpus_count",
    "corpus_total_words",
    "train_count",
    "running_training_loss",
)
"""Attributes that a file keeps besides the tables; not the time that training took, which no model's file holds."""


def on_class_only(*_: Any, **__: Any) -> None:
    """Stand in for ``load`` on a model, where a call would look as if it changed the model."""
    raise AttributeError("load is called on the class: Word2Vec.load(path)")


class ModelFiles(ModelState):
    """The methods that save and load a model, and convert it to lexigrad's and back."""

    def to_lexigrad(self) -> lexigrad.Word2Vec:
        """A copy as `lexigrad.Word2Vec`, with both tables, to be measured, saved or trained further there."""
        return Training(self, ()).start(copied=True)

    @classmethod
    def from_lexigrad(cls, model: lexigrad.Word2Vec) -> Self:
        """A copy of lexigrad's model under gensim's names.

        Raises:
            NotKeptError: the model was not trained by SGD on negative sampling.
        """
        made: Any = cls(**options_of(model.config))
        made.wv = KeyedVectors.from_lexigrad(model.vectors)
        made.wv.vectors_lockf = np.ones(1, dtype=np.float32)
        made.syn1neg = model.U.copy()
        made.history = list(model.history)
        return cast("Self", made)

    def save(
        self,
        fname_or_handle: str | os.PathLike[str],
        separately: Any = None,
        sep_limit: int = 0,
        ignore: Any = frozenset(),
        pickle_protocol: Any = None,
    ) -> None:
        """Write the model as one native file, whole, without pickle; `lexigrad.load_vectors` reads its vectors.

        Args:
            fname_or_handle: the path.
            separately: unused, as arrays are mapped from the one file.
            sep_limit: unused, for the same reason.
            ignore: must be empty.
            pickle_protocol: unused.
        """
        refuse_save_options(ignore)
        if hasattr(fname_or_handle, "write"):
            raise NotKeptError("save writes to a path, whole or not at all, not to an open file; give the path")
        state = {name: getattr(self, name) for name in SAVED}
        state |= {"class": "Word2Vec", "history": self.history, "raw_vocab": list(self.raw_vocab.items())}
        tensors = {"U": self.syn1neg} if "syn1neg" in self.__dict__ else {}
        write_stored(fname_or_handle, self.wv, state, tensors, {})

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None, *, rethrow: bool = False) -> Self:
        """Read a model that ``save``, gensim or `lexigrad.Word2Vec` wrote.

        Args:
            fname: the file. Nothing in a file of gensim's is run (`lexigrad.vectors.formats.gensim.saved`); a model of
                hierarchical softmax has vectors to search, and cannot be trained further.
            mmap: ``r`` leaves the tables of a native file on the disk, read-only.
            rethrow: unused.

        Raises:
            WrongKindError: the file holds vectors only; an AttributeError.
            FormatError: the file is in another format, or damaged.
        """
        if not is_native(fname):
            file = read_gensim(fname)
            if file.kind != "Word2Vec":
                raise WrongKindError(f"{fname} holds vectors, not a whole model; read it by KeyedVectors.load")
            return cls._of_gensim(file)
        stored = read_stored(fname, mmap)
        if not stored.state and "config" in stored.metadata:
            return cls.from_lexigrad(lexigrad.Word2Vec.load(fname))
        if stored.state.get("class") != "Word2Vec":
            raise WrongKindError(f"{fname} holds vectors, not a whole model; read it by KeyedVectors.load")
        made: Any = cls()
        stored.fill(made.wv, mmap)
        made.wv.vectors_lockf = np.ones(1, dtype=np.float32)
        _set_options(made, fname, stored.state)
        made.history = _of_kind(fname, stored.state, "history", list)
        pairs = _of_kind(fname, stored.state, "raw_vocab", list)
        if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], int) for pair in pairs):
            raise FormatError(f"{fname}: its raw_vocab is damaged")
        made.raw_vocab = {word: count for word, count in pairs if isinstance(word, (str, int))}
        if "U" in stored.tensors:
            table = stored.tensors["U"]
            if table.dtype != np.float32 or table.shape != made.wv.vectors.shape:
                raise FormatError(f"{fname}: its table U does not fit its vectors; the file is damaged")
            made.syn1neg = table if mmap == "r" else np.array(table)
        return cast("Self", made)

    @classmethod
    def _of_gensim(cls, file: GensimFile) -> Self:
        """The model that gensim saved; an attribute that its version lacked is None, or as in a new model."""
        made: Any = cls()
        usual = {name: getattr(made, name) for name in SAVED}
        unknown = {"corpus_count": None, "corpus_total_words": None}
        rates = {"min_alpha_yet_reached": file.options.get("alpha", made.alpha)}
        _set_options(made, "the model", {**usual, **unknown, **rates, **file.options})
        made.wv = KeyedVectors.from_lexigrad(file.vectors)
        made.wv.vectors_lockf = np.ones(1, dtype=np.float32)
        made.vector_size = made.layer1_size = file.vectors.dim
        if file.U is not None:
            made.syn1neg = np.array(file.U)
        return cast("Self", made)


def _set_options(model: Any, path: Any, values: Mapping[str, Any]) -> None:
    """Set the attributes that a file keeps, each of the kind that it has in a new model.

    Raises:
        FormatError: an attribute is missing, or of another kind.
    """
    for name in SAVED:
        usual, value = getattr(model, name), values.get(name, ...)
        kinds = (int, float) if isinstance(usual, (int, float)) else (int, float, str)
        if value is not None and not isinstance(value, kinds):
            raise FormatError(f"{path}: its {name} is missing or damaged")
        setattr(model, name, value)


def _of_kind(path: Any, state: Mapping[str, Any], name: str, kind: type) -> Any:
    """A value of the state, which must be of a kind."""
    if not isinstance(state.get(name), kind):
        raise FormatError(f"{path}: its {name} is missing or damaged")
    return state[name]
