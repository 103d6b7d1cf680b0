"""A trained word2vec model: both tables, the vocabulary, and how it was trained."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.phrases.phrases import Phrases
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import ConfigError, FormatError, InputError
from lexigrad.files.tensors import read_native, write_native
from lexigrad.vectors.formats.safetensors import NATIVE_FORMAT, vectors_from_tensors, vectors_to_tensors
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Word2Vec"]


@dataclass(frozen=True, eq=False, repr=False)
class Word2Vec:
    """The center table V, the outside table U, and where they come from; frozen.

    Attributes:
        V: center vectors, float32, shape ``(len(vocabulary), dim)``; these are the word vectors that one uses.
        U: outside vectors, of the same shape.
        vocabulary: row i of either table belongs to its word i.
        config: the options of the training.
        history: the records of the training, in order; plain values that JSON can hold.
        bias: one number for each outside word that is added to its scores, float32, shape ``(len(vocabulary),)``, or
            None; score(c, o) = u_o·v_c + b_o.
        phrases: the phrases that were joined in its text, or None if the config asked for none; ``phrases.join`` joins
            them in new text.

    Raises:
        InputError: a table's shape or type does not fit.

    Example:
        >>> vocabulary = Vocabulary(["the", "cat"], [5, 2])
        >>> V = np.array([[1, 2], [3, 4]], dtype=np.float32)
        >>> model = Word2Vec(V, np.zeros_like(V), vocabulary, TrainConfig(dim=2))
        >>> path = getfixture("tmp_path") / "model.safetensors"
        >>> model.save(path)
        >>> Word2Vec.load(path).vectors["cat"].tolist()
        [3.0, 4.0]
    """

    V: NDArray[np.float32]
    U: NDArray[np.float32]
    vocabulary: Vocabulary
    config: TrainConfig
    history: list[dict[str, Any]] = field(default_factory=list)
    bias: NDArray[np.float32] | None = None
    phrases: Phrases | None = None

    def __post_init__(self) -> None:
        needed = (len(self.vocabulary), self.config.dim)
        shapes = {"V": needed, "U": needed, "bias": needed[:1]}
        for name, table in (("V", self.V), ("U", self.U), ("bias", self.bias)):
            if table is not None and (table.shape != shapes[name] or table.dtype != np.float32):
                raise InputError(
                    f"{name} must be float32 of shape {shapes[name]}, not {table.dtype} of shape {table.shape}"
                )

    @cached_property
    def vectors(self) -> KeyedVectors:
        """The words with their rows of V, not copied."""
        return KeyedVectors(self.vocabulary.words, self.V, self.vocabulary.counts, check=False)

    @cached_property
    def outside_vectors(self) -> KeyedVectors:
        """The words with their rows of U, not copied."""
        return KeyedVectors(self.vocabulary.words, self.U, self.vocabulary.counts, check=False)

    def __repr__(self) -> str:
        return f"Word2Vec({len(self.vocabulary):,} words, dim {self.config.dim}, {self.config.model})"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as one native file, whole or not at all; ``load_vectors`` reads it too.

        Args:
            path: the file to write; its ending changes nothing.

        Raises:
            InputError: the history has values that JSON cannot hold.
            LexigradError: the file cannot be written.
        """
        try:
            metadata = {
                "format": NATIVE_FORMAT,
                "version": "1",
                "config": json.dumps(self.config.to_dict(), sort_keys=True, ensure_ascii=False),
                "history": json.dumps(self.history, sort_keys=True, ensure_ascii=False),
            }
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the history cannot be saved as JSON: {error}; record plain numbers and strings"
            ) from error
        tensors = {**vectors_to_tensors(self.vectors), "U": self.U}
        if self.bias is not None:
            tensors["bias"] = self.bias
        if self.phrases is not None:
            tensors |= self.phrases.to_tensors()
        write_native(path, tensors, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Word2Vec:
        """Read a file that ``save`` wrote; the tables are mapped into memory, read-only.

        Args:
            path: the file.

        Raises:
            FormatError: the file cannot be read, contradicts itself, or holds word vectors only.
        """
        tensors, metadata = read_native(path, NATIVE_FORMAT)
        vectors = vectors_from_tensors(path, tensors)
        if vectors.counts is None or not {"config", "history"} <= metadata.keys() or "U" not in tensors:
            raise FormatError(f"{path} holds word vectors, not a whole model; read it with load_vectors")
        try:
            config = TrainConfig.from_dict(_parsed(path, metadata, "config", dict))
            vocabulary = Vocabulary(vectors.words, vectors.counts)
            history = _parsed(path, metadata, "history", list)
            phrases = Phrases.from_tensors(tensors)
            return cls(vectors.matrix, tensors["U"], vocabulary, config, history, tensors.get("bias"), phrases)
        except (ConfigError, FormatError, InputError) as error:
            raise FormatError(f"{path}: {error}") from error


def _parsed(path: str | os.PathLike[str], metadata: Mapping[str, str], name: str, kind: type) -> Any:
    """The JSON value under a name in a file's metadata, which must be of a given kind."""
    try:
        value = json.loads(metadata[name])
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{Path(path)}: the {name} in its metadata is not JSON: {error}") from error
    if not isinstance(value, kind):
        raise FormatError(f"{Path(path)}: the {name} in its metadata must be a JSON {kind.__name__}")
    return value
