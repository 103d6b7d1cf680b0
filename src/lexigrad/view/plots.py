"""Pictures of vectors and of results, as matplotlib figures.

All pictures have a transparent ground and colors halfway between black and white, so that the same file reads on paper
and on a dark page. They are made without pyplot: no window opens, no global state changes, and a figure is freed when
it is no longer used. ``figure.savefig("words.svg")`` writes one.

Example:
    >>> from lexigrad.vectors.keyedvectors import KeyedVectors
    >>> figure = plot_words(KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]]), ["cup", "mug", "idea"])
    >>> len(figure.axes)
    1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from lexigrad.errors import InputError, visible
from lexigrad.vectors.search import unit_rows
from lexigrad.view.labels import place_labels
from lexigrad.view.projection import principal_axes
from lexigrad.view.results import (
    Sweep,
    plot_confusion,
    plot_error_groups,
    plot_l2_sweep,
    plot_learning_curve,
    plot_losses,
)
from lexigrad.view.style import COLORS, INK, empty_figure, import_extra, styled
from lexigrad.view.wordgroups import COURSE_GROUPS, COURSE_WORDS, group_cosines, word_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = [
    "COURSE_GROUPS",
    "COURSE_WORDS",
    "Method",
    "Sweep",
    "group_cosines",
    "plot_confusion",
    "plot_error_groups",
    "plot_l2_sweep",
    "plot_learning_curve",
    "plot_losses",
    "plot_words",
    "principal_axes",
    "word_axes",
]

Method = Literal["pca", "tsne", "umap"]

LABEL_SIZE: Final = 11.5
LARGEST_INCHES: Final = 60.0


@styled
def plot_words(vectors: KeyedVectors, words: Sequence[str], method: Method = "pca") -> Figure:
    """Draw words as points of the plane, near each other when their vectors are.

    ``pca`` shows the two directions in which the chosen words' vectors differ most (`principal_axes`): distances are
    shadows of the true ones, on the same scale in both directions. ``tsne`` and ``umap`` keep neighbors by cosine
    together and distances not.

    Args:
        vectors: where the words' vectors are.
        words: the words to show; one given twice is shown once. No label covers another: the more words, the larger
            the picture.
        method: ``pca``, ``tsne`` (needs scikit-learn) or ``umap`` (needs umap-learn).

    Returns:
        The figure.

    Raises:
        UnknownWordError: a word has no vector.
        InputError: there are too few words, or the method is unknown.
        MissingExtraError: matplotlib, or what the method needs, is not installed.

    Example:
        >>> from lexigrad import KeyedVectors
        >>> vectors = KeyedVectors(["rain", "snow", "tea"], [[1, 0, 1], [1, 0.2, 0.8], [0, 1, 0]])
        >>> figure = plot_words(vectors, ["rain", "snow", "tea"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['rain', 'snow', 'tea']

    Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE"; McInnes, Healy, Melville 2018, "UMAP".
    """
    chosen = list(dict.fromkeys(words))
    points, axis_names = _in_the_plane(vectors.vectors_for(chosen).astype(np.float64), method)
    side, shape = 2.0 + len(chosen) ** 0.5, _shape(points)
    while True:
        figure, axes = empty_figure(side * shape, side)
        axes.set_aspect("equal", adjustable="datalim")  # or a distance across would look unlike the same one upwards
        axes.scatter(points[:, 0], points[:, 1], s=22, color=COLORS[0], linewidths=0, zorder=3)
        axes.margins(0.08)
        axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
        axes.tick_params(labelsize=9)
        if method != "pca":  # the numbers mean nothing there
            axes.set(xticks=[], yticks=[])
        if _label_points(figure, axes, points, chosen) or side >= LARGEST_INCHES:
            return figure
        side *= 1.25


def _shape(points: NDArray[np.float64]) -> float:
    """How many times as wide as high a picture of these points is: as they lie, from 1 to 2."""
    across, up = np.ptp(points, axis=0)
    return float(np.clip(across / up if up > 0 else 2.0, 1.0, 2.0))


def _in_the_plane(matrix: NDArray[np.float64], method: str) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """Return the place of each row in the plane, and the names of the two axes."""
    least = {"pca": 2, "tsne": 4, "umap": 5}
    if method not in least:
        raise InputError(f"method must be one of {', '.join(get_args(Method))}, not {method!r}")
    if len(matrix) < least[method]:
        raise InputError(f"{method} needs at least {least[method]} different words, not {len(matrix)}; give more words")
    if method == "pca":
        if matrix.shape[1] < 2:
            raise InputError("the vectors have 1 dimension, and a picture by pca needs 2; give vectors of 2 or more")
        found = principal_axes(matrix)
        first, second = (f"{share:.0%} of the variance" for share in found.shares)
        return found.coordinates, (f"first principal axis, {first}", f"second principal axis, {second}")
    units = unit_rows(matrix)  # neighbors by cosine, as everywhere
    return (_tsne(units), ("t-SNE", "")) if method == "tsne" else (_umap(units), ("UMAP", ""))


def _tsne(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place rows by t-SNE on one thread: for few rows, several threads would mostly wait for each other."""
    projection = import_extra("sklearn.manifold").TSNE(
        2, perplexity=min(30.0, (len(matrix) - 1) / 3), init="pca", random_state=0, n_jobs=1
    )
    with import_extra("threadpoolctl").threadpool_limits(1):
        return np.asarray(projection.fit_transform(matrix), dtype=np.float64)


def _umap(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    neighbors = min(15, len(matrix) - 1)
    projection = import_extra("umap").UMAP(n_neighbors=neighbors, init="pca", random_state=0, n_jobs=1)
    return np.asarray(projection.fit_transform(matrix), dtype=np.float64)


def _label_points(figure: Figure, axes: Axes, points: NDArray[np.float64], words: Sequence[str]) -> bool:
    """Write each word near its point, with a line where it is not next to it; return False when there is no room."""
    canvas = import_extra("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is placed now must not move when it is drawn
    renderer, frame = canvas.get_renderer(), axes.get_window_extent()
    pixels = axes.transData.transform(points) - frame.p0
    style: dict[str, Any] = {"size": LABEL_SIZE, "color": INK, "ha": "center", "va": "center", "parse_math": False}
    texts = [axes.text(x, y, visible(word), **style) for (x, y), word in zip(points.tolist(), words, strict=True)]
    sizes = np.array([text.get_window_extent(renderer).size for text in texts])
    places = place_labels(pixels, sizes, frame.width, frame.height)
    if places is None:
        return False
    back = axes.transData.inverted()
    for text, size, point, place in zip(texts, sizes, pixels, places, strict=True):
        x, y = back.transform(place + frame.p0)
        text.set_position((x, y))
        edge = np.clip(point, place - size / 2, place + size / 2)
        if np.hypot(*(edge - point)) > 12:
            line = back.transform(np.array([point, edge]) + frame.p0)
            axes.plot(line[:, 0], line[:, 1], color=INK, alpha=0.7, linewidth=0.8, zorder=1, scalex=False, scaley=False)
    return True
