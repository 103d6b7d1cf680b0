"""The state of gensim's KeyedVectors: keys, vectors and attributes of keys, all of which can be changed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import lexigrad
from lexigrad.errors import InputError, UnknownWordError, unknown_word_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["KEYS", "VectorTable", "as_list", "first_vectors"]

KEYS: Final = (str, int, np.integer)


def as_list(value: Any) -> list[Any]:
    """One key or vector, several of them, or None, as a list."""
    if value is None:
        return []
    if isinstance(value, KEYS) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return [value]
    return list(value)


def first_vectors(rows: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Vectors to start from, each number between −1 / dim and 1 / dim."""
    drawn = np.random.default_rng(seed).random((rows, dim), dtype=np.float32)
    return (2 * drawn - 1) / np.float32(dim)


class VectorTable:
    """Keys and their vectors, one row a key, and attributes of keys.

    Attributes:
        vectors: shape ``(keys, vector_size)``; change rows of it, and call ``fill_norms(force=True)``.
        index_to_key: the key of each row.
        key_to_index: the row of each key.
        expandos: attributes by name, an array with one value a key; ``get_vecattr`` and ``set_vecattr`` use them.
        norms: the length of each vector, or None where they are to be computed anew.
    """

    def __init__(self, vector_size: int, count: int = 0, dtype: Any = np.float32, mapfile_path: Any = None) -> None:
        self.vector_size = vector_size
        self.index_to_key: list[Any] = [None] * count
        self.next_index = 0
        self.key_to_index: dict[Any, int] = {}
        self.vectors: NDArray[Any] = np.zeros((count, vector_size), dtype=dtype)
        self.norms: NDArray[Any] | None = None
        self.expandos: dict[str, NDArray[Any]] = {}
        self.mapfile_path = mapfile_path
        self._searcher: tuple[NDArray[Any], lexigrad.KeyedVectors] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_searcher": None}

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: Any) -> bool:
        return self.has_index_for(key)

    def __getitem__(self, key_or_keys: Any) -> NDArray[Any]:
        if isinstance(key_or_keys, KEYS):
            return self.get_vector(key_or_keys)
        return np.vstack([self.get_vector(key) for key in key_or_keys])

    def __setitem__(self, keys: Any, weights: Any) -> None:
        self.add_vectors(keys, weights, replace=True)

    def get_index(self, key: Any, default: int | None = None) -> int:
        """The row of a key; a number that is no key is a row itself.

        Raises:
            UnknownWordError: the key has no row, and there is no default; a KeyError.
        """
        row = self.key_to_index.get(key)
        if row is not None:
            return row
        if isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            return int(key)
        if default is None:
            words = [word for word in self.index_to_key if isinstance(word, str)]
            raise UnknownWordError(unknown_word_message(str(key), words))
        return default

    def has_index_for(self, key: Any) -> bool:
        """Whether there is a row for the key."""
        return self.get_index(key, -1) >= 0

    def get_vector(self, key: Any, norm: bool = False) -> NDArray[Any]:
        """The vector of a key, read-only, shape ``(vector_size,)``; with ``norm`` scaled to length 1."""
        row = self.get_index(key)
        vector = self.vectors[row]
        if norm:
            self.fill_norms()
            assert self.norms is not None
            vector = vector / (self.norms[row] or self.norms.dtype.type(1))
        vector.flags.writeable = False
        return np.asarray(vector)

    def get_normed_vectors(self) -> NDArray[Any]:
        """All vectors scaled to length 1, shape ``(keys, vector_size)``."""
        self.fill_norms()
        return np.asarray(self.vectors / self.divisors()[:, np.newaxis])

    def fill_norms(self, force: bool = False) -> None:
        """Compute the lengths of all vectors, if they are not known or ``force`` is given.

        Raises:
            InputError: a number is not finite.
        """
        if self.norms is None or force or self._searcher is None or self._searcher[0] is not self.vectors:
            searcher = self._made_searcher()
            self.norms = searcher.lengths.astype(self.vectors.dtype)
            self._searcher = self.vectors, searcher

    def divisors(self) -> NDArray[Any]:
        """The lengths, with 1 for 0: the vector of length 1 along a zero vector is the zero vector."""
        assert self.norms is not None
        return np.where(self.norms == 0, self.norms.dtype.type(1), self.norms)

    def searcher(self) -> lexigrad.KeyedVectors:
        """Lexigrad's own vectors on the same rows, for its search; words are the keys where these are strings."""
        self.fill_norms()
        assert self._searcher is not None
        return self._searcher[1]

    def to_lexigrad(self) -> lexigrad.KeyedVectors:
        """A frozen copy as `lexigrad.KeyedVectors`, with counts where there are some.

        Raises:
            InputError: a key is not a string.
        """
        odd = next((key for key in self.index_to_key if not isinstance(key, str)), None)
        if odd is not None:
            raise InputError(f"lexigrad's words are strings, and one key is {odd!r}; rename it")
        counts = self.expandos.get("count")
        known = None if counts is None or counts.dtype.kind not in "iu" else counts.copy()
        return lexigrad.KeyedVectors(self.index_to_key, np.array(self.vectors, dtype=np.float32), known)

    def _made_searcher(self) -> lexigrad.KeyedVectors:
        keys: Iterable[str] = self.index_to_key
        rows = len(self.vectors)
        if not len(self.key_to_index) == len(self) == rows or not all(isinstance(key, str) for key in keys):
            keys = map(str, range(rows))
        return lexigrad.KeyedVectors(keys, self.vectors)

    def add_vector(self, key: Any, vector: Any) -> int:
        """Add one vector, in the next row that was set aside; returns the row."""
        row = self.next_index
        if row >= len(self) or self.index_to_key[row] is not None:
            warnings.warn(
                "each single vector that is added copies the whole table; add many at once by add_vectors, or give "
                "KeyedVectors a count",
                UserWarning,
                stacklevel=2,
            )
            row = len(self)
            self.add_vectors([key], [vector])
        else:
            self.index_to_key[row], self.key_to_index[key] = key, row
            self.vectors[row] = vector
            self.norms = None
        self.next_index = row + 1
        return row

    def add_vectors(
        self, keys: Any, weights: Any, extras: Mapping[str, NDArray[Any]] | None = None, replace: bool = False
    ) -> None:
        """Add vectors; a key that has one keeps it, or with ``replace`` gets the new one.

        Args:
            keys: one key, or several.
            weights: a vector, or one for each key, of shape ``(keys, vector_size)``.
            extras: attributes by name, an array with a value for each key.
            replace: whether keys that have a vector get the new vector and attributes.
        """
        keys = as_list(keys)
        given = np.asarray(weights).reshape(len(keys), -1)
        if given.shape[1] != self.vector_size:
            raise InputError(f"a vector must have {self.vector_size} numbers, not {given.shape[1]}")
        extras = {} if extras is None else dict(extras)
        self.allocate_vecattrs(list(extras), [extra.dtype for extra in extras.values()])
        is_new = np.zeros(len(keys), dtype=bool)
        for place, key in enumerate(keys):
            if key not in self.key_to_index:
                is_new[place] = True
                self.key_to_index[key] = len(self.index_to_key)
                self.index_to_key.append(key)
        self.vectors = np.vstack((self.vectors, given[is_new].astype(self.vectors.dtype)))
        self.allocate_vecattrs()
        rows = np.array([self.get_index(key) for key in keys], dtype=np.int64)
        put = is_new | replace
        self.vectors[rows[put]] = given[put]
        for name, extra in extras.items():
            self.expandos[name][rows[put]] = np.asarray(extra)[put]
        self.norms = None

    def allocate_vecattrs(self, attrs: Sequence[str] | None = None, types: Sequence[Any] | None = None) -> None:
        """Make room for attributes: an array of each type with a value for each key; without names, for those known.

        Raises:
            TypeError: there is an attribute of this name with another type.
        """
        if attrs is None or types is None:
            attrs, types = list(self.expandos), [values.dtype for values in self.expandos.values()]
        for name, kind in zip(attrs, types, strict=True):
            wanted: Any = np.int64 if kind is int else object if kind is str else kind
            values = self.expandos.get(name)
            if values is None:
                self.expandos[name] = np.zeros(len(self), dtype=wanted)
                continue
            if not np.issubdtype(wanted, values.dtype):
                raise TypeError(f"the attribute {name!r} holds {values.dtype}, not {kind}; name another one")
            if len(values) != len(self):
                self.expandos[name] = np.zeros(len(self), dtype=values.dtype)
                kept = min(len(values), len(self))
                self.expandos[name][:kept] = values[:kept]

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set an attribute of a key."""
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """An attribute of a key.

        Raises:
            KeyError: there is no such key, or no such attribute.
        """
        return self.expandos[attr][self.get_index(key)]

    def resize_vectors(self, seed: int = 0) -> None:
        """Give the vectors as many rows as there are keys; new rows are drawn."""
        known = min(len(self.vectors), len(self))
        if len(self.vectors) != len(self):
            vectors = first_vectors(len(self), self.vector_size, seed)
            vectors[:known] = self.vectors[:known]
            self.vectors = vectors
        self.allocate_vecattrs()
        self.norms = None

    def sort_by_descending_frequency(self) -> None:
        """Order the keys by falling ``count``, equal ones the later first, as gensim does."""
        if not len(self):
            return
        self.allocate_vecattrs()
        counts = np.asarray(self.expandos["count"], dtype=np.int64)
        order = np.lexsort((-np.arange(len(counts)), -counts))
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        if len(self.vectors):
            self.vectors = self.vectors[order]
        self.norms = None

    def unit_normalize_all(self) -> None:
        """Scale all vectors to length 1, for good; training further makes no sense then."""
        self.vectors = self.get_normed_vectors().astype(self.vectors.dtype, copy=False)
        self.norms = None
