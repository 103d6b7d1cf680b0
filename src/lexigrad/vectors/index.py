"""Approximate search by a graph of near neighbors (HNSW), and how much of the exact search it finds.

The graph is usearch's, over the vectors rounded to 8 bits. It only proposes candidates; their cosines are computed from
the vectors themselves in float64, as the exact search does. So a score is exact, and an answer can only be missing.

Source: Malkov and Yashunin 2018, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs", IEEE TPAMI 42(4); M, ef and ef_construction are its names.
"""

from __future__ import annotations

import os
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from lexigrad.errors import FormatError, InputError, LexigradError, MissingExtraError
from lexigrad.files.tensors import TensorFile, write_native
from lexigrad.vectors.search import at_least_one, checked_exclusions, checked_vectors, nearest_of, unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["ApproximateIndex"]

M: Final = 16
EF_CONSTRUCTION: Final = 128
RESCORED: Final = 4
"""How many candidates have their cosines computed for each answer asked for: 8 bits confuse near vectors."""
ROWS_AT_ONCE: Final = 1 << 14
DIGEST_BYTES: Final = 16
FORMAT: Final = "lexigrad-index"
GRAPH: Final = "graph"
"""The tensor with usearch's bytes."""


class Searched(Protocol):
    """Vectors that an index can search; `lexigrad.KeyedVectors` are such."""

    words: list[str]
    matrix: NDArray[np.float32]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """The length of each vector."""

    def combined(self, positive: Any = ..., negative: Any = ...) -> tuple[NDArray[np.float64], list[int]]:
        """The vector to search for, and the ids of the words given."""

    def nearest(
        self, vectors: ArrayLike, n: int, *, exclude: ArrayLike | None = ...
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The exact search."""


class ApproximateIndex:
    """Finds most of the nearest words without comparing with all of them; made by `lexigrad.KeyedVectors.index`.

    Attributes:
        vectors: the vectors that it searches.
        ef: how many candidates a search keeps while it walks through the graph. More find more of the true neighbors
            and take longer; `recall` says how many are found. May be set at any time.

    Example:
        >>> from lexigrad import KeyedVectors
        >>> matrix = np.random.default_rng(1).standard_normal((500, 8))
        >>> vectors = KeyedVectors([f"w{row}" for row in range(500)], matrix)
        >>> index = vectors.index()
        >>> index.most_similar("w3", n=2) == vectors.most_similar("w3", n=2)
        True
    """

    def __init__(self, vectors: Searched, graph: Any, ef: int, threads: int | None) -> None:
        self.vectors = vectors
        self.ef = at_least_one("ef", ef)
        self._graph = graph
        self._threads = _threads(threads)

    @classmethod
    def build(
        cls,
        vectors: Searched,
        *,
        ef: int,
        threads: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> ApproximateIndex:
        """Build the graph; the arguments are those of `KeyedVectors.index`."""
        index = cls(vectors, _empty_graph(vectors.matrix.shape[1]), ef, threads)
        size = len(vectors.words)
        _ = vectors.lengths  # refuses numbers that are not finite
        for start in range(0, size, ROWS_AT_ONCE):
            rows = unit_rows(vectors.matrix[start : start + ROWS_AT_ONCE].astype(np.float64)).astype(np.float32)
            index._graph.add(np.arange(start, start + len(rows)), rows, threads=index._threads)
            if progress is not None:
                progress(start + len(rows), size)
        return index

    @classmethod
    def load(cls, vectors: Searched, path: str | os.PathLike[str], *, ef: int, threads: int | None) -> ApproximateIndex:
        """Read a file that `save` wrote; the arguments are those of `KeyedVectors.index`."""
        path = Path(path)
        graph = _empty_graph(vectors.matrix.shape[1])
        content = _read(path, vectors)
        try:
            graph.load(content)
        except (RuntimeError, ValueError) as error:
            raise FormatError(f"{path}: usearch does not take it: {error}; build the index again") from error
        if (len(graph), graph.ndim) != vectors.matrix.shape:
            raise FormatError(f"{path} has {len(graph):,} vectors of {graph.ndim} numbers; build the index again")
        return cls(vectors, graph, ef, threads)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph, whole or not at all; it serves these vectors only, and they are not in the file.

        Args:
            path: where to.

        Raises:
            LexigradError: the file cannot be written.
        """
        content = memoryview(self._graph.save())
        metadata = {"format": FORMAT, "version": "1", "digest": _digest(content), "vectors": self._digest}
        write_native(path, {GRAPH: np.frombuffer(content, dtype=np.uint8)}, metadata, sort_keys=True)

    def nearest(
        self, vectors: ArrayLike, n: int, *, exclude: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The ids of ``n`` words with large cosines with each of ``vectors``: mostly the words with the largest.

        Args:
            vectors: shape ``(k, dim)``.
            n: how many words for each.
            exclude: ids of words that row i must not get, shape ``(k, e)``; −1 means none.

        Returns:
            Ids and exact cosines, as `KeyedVectors.nearest` gives them: shape ``(k, n)``, by falling cosine, equal
            cosines by rising id; −1 and −∞ where exclusions leave too few words.

        Raises:
            InputError: a shape does not fit, a vector is not finite, or an id is out of range.
        """
        matrix = self.vectors.matrix
        queries = checked_vectors(vectors, matrix.shape[1])
        columns = min(at_least_one("n", n), len(matrix))
        struck = None if exclude is None else checked_exclusions(exclude, len(queries), len(matrix))
        if not columns or not len(queries):
            return np.empty((len(queries), columns), dtype=np.int64), np.empty((len(queries), columns))
        wanted = min(len(matrix), RESCORED * columns + (0 if struck is None else struck.shape[1]))
        candidates = self._candidates(unit_rows(queries), wanted)
        if struck is not None:
            candidates[(candidates[:, :, np.newaxis] == struck[:, np.newaxis]).any(axis=2)] = -1
        return nearest_of(candidates, queries, matrix, columns)

    def most_similar(self, positive: Any = (), negative: Any = (), n: int = 10) -> list[tuple[str, float]]:
        """Words with large cosines with Σ positive − Σ negative, the words given left out.

        Args:
            positive: a word, a vector of shape ``(dim,)``, or several of them.
            negative: likewise, to be subtracted.
            n: how many words to return.

        Returns:
            ``(word, cosine)``, the largest cosine first. Some of the words that `KeyedVectors.most_similar` gives may
            be missing, and others stand in their place.

        Raises:
            UnknownWordError: a word has no vector.
            InputError: nothing is given, or a vector does not fit.
        """
        query, given = self.vectors.combined(positive, negative)
        exclude = np.array([given], dtype=np.int64).reshape(1, -1)
        ids, cosines = self.nearest(query[np.newaxis], n, exclude=exclude)
        pairs = zip(ids[0].tolist(), cosines[0].tolist(), strict=True)
        return [(self.vectors.words[word_id], cosine) for word_id, cosine in pairs if word_id >= 0]

    def recall(self, n: int = 10, *, sample: int = 1000, seed: int = 0) -> float:
        """The share of words' true ``n`` nearest words that a search finds, on the average of a sample of words.

        Args:
            n: how many nearest words, a word itself not counted.
            sample: how many words to search for; all when there are fewer.
            seed: the seed of the choice of words.

        Returns:
            A share from 0 to 1 of the answers of the exact search, `KeyedVectors.nearest`.

        Raises:
            InputError: there are fewer than two words, or a number is below 1.
        """
        size = len(self.vectors.words)
        if size < 2:
            raise InputError("recall needs at least two words")
        words = np.random.default_rng(seed).permutation(size)[: at_least_one("sample", sample)]
        queries, itself = self.vectors.matrix[words], words[:, np.newaxis]
        true, _ = self.vectors.nearest(queries, n, exclude=itself)
        found, _ = self.nearest(queries, n, exclude=itself)
        hits = (true[:, :, np.newaxis] == found[:, np.newaxis]) & (true >= 0)[:, :, np.newaxis]
        return float(hits.sum() / (true >= 0).sum())

    @cached_property
    def _digest(self) -> str:
        return _digest_of_vectors(self.vectors)

    def _candidates(self, units: NDArray[np.float64], wanted: int) -> NDArray[np.int64]:
        """Ids that the graph proposes, shape ``(k, wanted)``, −1 where it proposes fewer."""
        self._graph.expansion_search = max(at_least_one("ef", self.ef), wanted)
        found = self._graph.search(units.astype(np.float32), wanted, threads=min(self._threads, len(units)))
        keys = np.atleast_2d(found.keys).astype(np.int64)  # for one vector usearch gives one row, as long as its finds
        candidates = np.full((len(units), wanted), -1, dtype=np.int64)
        candidates[:, : keys.shape[1]] = keys
        if len(units) > 1:
            candidates[np.arange(wanted) >= found.counts[:, np.newaxis].astype(np.int64)] = -1
        if candidates.size and (candidates.max() >= len(self.vectors.words) or candidates.min() < -1):
            raise LexigradError("the index names words that there are not; build it again")
        return candidates


def _threads(threads: int | None) -> int:
    """The number of threads to use: the one given, or the number of cores that this process may use."""
    if threads is not None:
        return at_least_one("threads", threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _empty_graph(dim: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError as error:
        raise MissingExtraError("an approximate index needs usearch: pip install 'lexigrad[index]'") from error
    return Index(
        ndim=dim, metric="cos", dtype="i8", connectivity=M, expansion_add=EF_CONSTRUCTION, enable_key_lookups=False
    )


def _digest(content: memoryview) -> str:
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def _digest_of_vectors(vectors: Searched) -> str:
    """A digest of the vectors' numbers in their order."""
    digest = blake2b(repr(vectors.matrix.shape).encode(), digest_size=DIGEST_BYTES)
    for start in range(0, len(vectors.matrix), ROWS_AT_ONCE):
        digest.update(vectors.matrix[start : start + ROWS_AT_ONCE].astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def _read(path: Path, vectors: Searched) -> bytes:
    """The graph's bytes in a file, after a check that they are whole and belong to these vectors."""
    try:
        with path.open("rb") as opened:
            file = TensorFile(opened, format=FORMAT)
            content = _graph_bytes(file)
    except FormatError as error:
        raise FormatError(f"{path} is no index that lexigrad saved: {error}") from error
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    if file.metadata.get("vectors") != _digest_of_vectors(vectors):
        raise FormatError(f"{path} is an index of other vectors; build one of these")
    if file.metadata.get("digest") != _digest(memoryview(content)):
        raise FormatError(f"{path} is damaged: its bytes do not have the digest that it names; build the index again")
    return content


def _graph_bytes(file: TensorFile) -> bytes:
    if GRAPH not in file or file.entries[GRAPH].dtype != np.uint8:
        raise FormatError(f"it has no tensor {GRAPH!r} of bytes")
    return file.read(GRAPH).tobytes()
