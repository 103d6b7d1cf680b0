"""Where words lie on a map, and which of them belong together."""

from __future__ import annotations

from importlib import import_module, util
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lexigrad.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Slow", "aligned", "available_slow", "check_slow", "clusters", "pca_places", "slow_places"]

Slow = Literal["umap", "tsne"]

ROWS_AT_ONCE: Final = 1 << 13
PACKAGES: Final[dict[Slow, tuple[str, str, str]]] = {
    "umap": ("umap", "umap-learn", "umap"),
    "tsne": ("sklearn", "scikit-learn", "sklearn"),
}
"""For each method the module that has it, the package of this module, and our extra that installs the package."""
LANDMARKS: Final = 10_000
"""t-SNE and UMAP place so many of the most frequent words; each of the others goes among its nearest ones of these."""
AXES_KEPT: Final = 50
NEAREST_LANDMARKS: Final = 5
CLUSTERS: Final = 12
ROUNDS: Final = 25


def pca_places(vectors: KeyedVectors) -> NDArray[np.float32]:
    """The two principal axes of the words' unit vectors, from the eigenvectors of their covariance.

    A singular value decomposition of 100,000 words takes many seconds; the covariance of 300 columns takes a fraction
    of one. The axes are those of `lexigrad.view.projection.principal_axes`, up to rounding.

    Returns:
        Shape ``(words, 2)``; a column of zeros where there is no second axis.

    Example:
        >>> from lexigrad import KeyedVectors
        >>> vectors = KeyedVectors(["up", "down", "aside"], [[0, 1], [0, -1], [1, 0]])
        >>> abs(pca_places(vectors)[:, 0]).round(3).tolist()
        [1.0, 1.0, 0.0]
    """
    return _on_axes(vectors, len(vectors), 2).astype(np.float32)


def aligned(places: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn and mirror a map so that its words come as near as can be to where another map has them, at its size.

    Min over rotations and reflections R of Σ |s x R − y|², both maps centered: R = U Vᵀ, where U S Vᵀ = Xᵀ Y. The best
    s would shrink a map that is unlike the other, so s = |Y| / |X| makes them equally large.

    Args:
        places: the map to turn, shape ``(words, 2)``.
        target: the other map of the same words, shape ``(words, 2)``.

    Returns:
        The turned map, shape ``(words, 2)``.

    Source: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem".
    """
    x = places.astype(np.float64) - places.mean(axis=0, dtype=np.float64)
    middle = target.mean(axis=0, dtype=np.float64)
    y = target - middle
    left, _, right = np.linalg.svd(x.T @ y)
    size, wanted = np.linalg.norm(x), np.linalg.norm(y)
    scale = wanted / size if size > 0 and wanted > 0 else 1.0
    return np.asarray(scale * x @ left @ right + middle, dtype=np.float32)


def available_slow() -> Slow | None:
    """The method for the map that takes longer: UMAP where it is installed, else t-SNE, else none."""
    methods: tuple[Slow, ...] = ("umap", "tsne")
    return next((method for method in methods if util.find_spec(PACKAGES[method][0]) is not None), None)


def check_slow(method: Slow) -> None:
    """Refuse a method whose package is not installed.

    Raises:
        MissingExtraError: the package is not installed.
    """
    module, package, extra = PACKAGES[method]
    if util.find_spec(module) is None:
        raise MissingExtraError(f"this map needs {package}: pip install 'lexigrad[{extra}]'")


def slow_places(vectors: KeyedVectors, method: Slow) -> NDArray[np.float32]:
    """A map that keeps neighbors together: t-SNE or UMAP of the frequent words, the others among them.

    Args:
        vectors: the words, the most frequent first, and their vectors.
        method: ``tsne`` or ``umap``; its package must be installed.

    Returns:
        Shape ``(words, 2)``.
    """
    placed = min(len(vectors), LANDMARKS)
    reduced = _on_axes(vectors, placed, min(AXES_KEPT, vectors.dim))
    map_of: Any
    if method == "tsne":
        perplexity = max(1.0, min(30.0, (placed - 1) / 3))
        map_of = import_module("sklearn.manifold").TSNE(
            2, perplexity=perplexity, init=_start(reduced), random_state=0, n_jobs=1
        )
    else:
        neighbors = max(2, min(15, placed - 1))
        map_of = import_module("umap").UMAP(n_neighbors=neighbors, init=_start(reduced), random_state=0, n_jobs=1)
    landmarks = np.asarray(map_of.fit_transform(reduced), dtype=np.float32)
    if placed == len(vectors):
        return landmarks
    return np.concatenate([landmarks, _among(vectors, landmarks)])


def clusters(vectors: KeyedVectors, number: int = CLUSTERS) -> NDArray[np.int64]:
    """For each word the number of its cluster: k-means on unit vectors, found on the frequent words.

    The first cluster is the one with the most words.

    Args:
        vectors: the words, the most frequent first, and their vectors.
        number: the number of clusters; there are fewer where there are fewer words.

    Returns:
        Numbers from 0, shape ``(words,)``.

    Source: Dhillon and Modha 2001, "Concept decompositions for large sparse text data using clustering".
    """
    known = np.concatenate(list(_units(vectors, min(len(vectors), LANDMARKS))))
    number = min(number, len(known))
    centers = _spread(known, number)
    for _ in range(ROUNDS):
        of = (known @ centers.T).argmax(axis=1)
        sums = np.zeros_like(centers)
        np.add.at(sums, of, known)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centers = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1.0), centers)
    found = np.concatenate([(units @ centers.T).argmax(axis=1) for units in _units(vectors, len(vectors))])
    order = np.argsort(-np.bincount(found, minlength=number), kind="stable")
    return np.asarray(np.argsort(order)[found], dtype=np.int64)


def _units(vectors: KeyedVectors, words: int) -> Iterator[NDArray[np.float64]]:
    """The unit vectors of the first so many words, some rows at a time."""
    for start in range(0, words, ROWS_AT_ONCE):
        block = slice(start, min(start + ROWS_AT_ONCE, words))
        lengths = vectors.lengths[block, np.newaxis]
        yield vectors.matrix[block] / np.where(lengths == 0, 1.0, lengths)


def _on_axes(vectors: KeyedVectors, words: int, n: int) -> NDArray[np.float64]:
    """The first so many words along their ``n`` principal axes."""
    products = np.zeros((vectors.dim, vectors.dim))
    total = np.zeros(vectors.dim)
    for units in _units(vectors, words):
        products += units.T @ units
        total += units.sum(axis=0)
    mean = total / max(words, 1)
    _, axes = np.linalg.eigh(products - max(words, 1) * np.outer(mean, mean))
    axes = axes[:, ::-1][:, :n]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[np.newaxis], axis=0)
    axes = np.where(largest < 0, -axes, axes)
    places = np.zeros((words, n))
    start = 0
    for units in _units(vectors, words):
        places[start : start + len(units), : axes.shape[1]] = (units - mean) @ axes
        start += len(units)
    return places


def _start(reduced: NDArray[np.float64]) -> NDArray[np.float32]:
    """Where t-SNE and UMAP begin: the first two axes, small."""
    first = np.zeros((len(reduced), 2))
    first[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    return np.asarray(1e-4 * first / (first.std() or 1.0), dtype=np.float32)


def _among(vectors: KeyedVectors, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The words after the landmarks: each in the middle of its nearest ones, the nearer the heavier."""
    places = []
    for start in range(len(landmarks), len(vectors), ROWS_AT_ONCE):
        block = vectors.matrix[start : start + ROWS_AT_ONCE]
        ids, cosines = vectors.nearest(block, NEAREST_LANDMARKS, restrict=len(landmarks))
        weights = np.exp(20 * (cosines - cosines.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        places.append(np.einsum("ij,ijk->ik", weights, landmarks[ids]))
    return np.concatenate(places).astype(np.float32)


def _spread(units: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Centers to begin with: the first word, then again and again the one that is farthest from those chosen."""
    chosen = [0]
    nearest = units @ units[0]
    while len(chosen) < number:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, units @ units[chosen[-1]])
    return units[chosen].copy()
