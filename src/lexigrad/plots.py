"""Pictures of vectors and of results, as matplotlib figures.

All have a transparent ground and colors halfway between black and white, so that the same file reads on paper and on a
dark page. They are made without pyplot: no window opens, no global state changes, and a figure is freed when it is no
longer used. ``figure.savefig("words.svg")`` writes one.

Example:
    >>> from lexigrad.keyedvectors import KeyedVectors
    >>> figure = plot_words(KeyedVectors(["cup", "mug", "idea"], [[1, 0], [3, 1], [0, 1]]), ["cup", "mug", "idea"])
    >>> len(figure.axes)
    1
"""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, Protocol, get_args

import numpy as np

from lexigrad.errors import InputError, MissingExtraError
from lexigrad.labels import place_labels
from lexigrad.projection import principal_axes
from lexigrad.search import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from lexigrad.keyedvectors import KeyedVectors

__all__ = ["Method", "Sweep", "plot_confusion", "plot_l2_sweep", "plot_learning_curve", "plot_losses", "plot_words"]

Method = Literal["pca", "tsne", "umap"]
Arguments = ParamSpec("Arguments")

INK: Final = "#797979"  # contrast 4.3 on white and on a page of #0d1117
FAINT: Final = "#79797955"
COLORS: Final = ("#2f7fd1", "#c9621c", "#218a5f", "#b05ccc", "#d04a5c", "#8a7a00")  # each 3.9 or more on both
MARKERS: Final = ("o", "s", "^", "D", "v", "P")  # so that series differ without their colors
STYLE: Final = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "font.size": 11,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
LABEL_SIZE: Final = 11.5
EXTRAS: Final = {
    "matplotlib": ("matplotlib", "plots"),
    "sklearn": ("scikit-learn", "sentiment"),
    "threadpoolctl": ("threadpoolctl", "sentiment"),  # scikit-learn needs it too
    "umap": ("umap-learn", "umap"),
}
"""For a module, its package's name and our extra that installs it."""
LARGEST_INCHES: Final = 60.0
LINEAR_EPOCHS: Final = 50
"""With more epochs than that their axis is logarithmic, and they get no marks of their own."""


class Sweep(Protocol):
    """What is drawn of a classifier's results: accuracies at several strengths, and what it confuses."""

    @property
    def name(self) -> str:
        """What was classified with, such as the file of the vectors."""

    @property
    def strengths(self) -> Sequence[float]:
        """Strengths of the L2 penalty."""

    @property
    def train_accuracy(self) -> Sequence[float]:
        """At each strength, from 0 to 1."""

    @property
    def dev_accuracy(self) -> Sequence[float]:
        """At each strength, from 0 to 1."""

    @property
    def confusion(self) -> NDArray[np.integer[Any]]:
        """How many items of each true class (row) were put into each class (column)."""

    @property
    def labels(self) -> Sequence[str]:
        """The names of the classes."""


def _import(name: str) -> Any:
    """A module of an optional package."""
    try:
        return import_module(name)
    except ImportError as error:
        package, extra = EXTRAS[name.split(".")[0]]
        raise MissingExtraError(f"this picture needs {package}: pip install 'lexigrad[{extra}]'") from error


def _styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Let a function draw in our style, whatever the user's own is."""

    @wraps(draw)
    def draw_in_style(*args: Arguments.args, **options: Arguments.kwargs) -> Figure:
        with _import("matplotlib.style").context(["default", STYLE]):
            return draw(*args, **options)

    return draw_in_style


@_styled
def plot_words(vectors: KeyedVectors, words: Sequence[str], method: Method = "pca") -> Figure:
    """Draw words as points of the plane, near each other when their vectors are.

    ``pca`` shows the two directions in which the chosen words' vectors differ most (`principal_axes`): distances are
    shadows of the true ones. ``tsne`` and ``umap`` keep neighbors by cosine together and distances not.

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
    side = 2.0 + len(chosen) ** 0.5
    while True:
        figure, axes = _figure(1.25 * side, side)
        axes.scatter(points[:, 0], points[:, 1], s=22, color=COLORS[0], linewidths=0, zorder=3)
        axes.margins(0.08)
        axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
        axes.tick_params(labelsize=9)
        if method != "pca":  # the numbers mean nothing there
            axes.set(xticks=[], yticks=[])
        if _label_points(figure, axes, points, chosen) or side >= LARGEST_INCHES:
            return figure
        side *= 1.25


@_styled
def plot_learning_curve(
    history: Sequence[float] | Sequence[Mapping[str, Any]],
    *,
    every: int = 1,
    value: str = "loss",
    x_label: str = "iteration",
    y_label: str = "cost",
) -> Figure:
    """Draw how the cost falls.

    Args:
        history: costs in their order, or records of a training such as ``Word2Vec.history``.
        every: iterations from one entry to the next: 10 for the costs of `lexigrad.course.run_course`.
        value: which entry of the records to draw; it then names the vertical axis too.
        x_label: what is counted from left to right.
        y_label: what is drawn, for plain costs.

    Returns:
        The figure.

    Raises:
        InputError: there is nothing to draw, or the records have no such entry.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> figure = plot_learning_curve([19.1, 14.0, 11.2, 10.1], every=10)
        >>> figure.axes[0].lines[0].get_xdata().tolist()
        [10, 20, 30, 40]
    """
    if len(history) == 0:
        raise InputError("there is nothing to draw: the history is empty")
    costs, name = _costs(history, value, y_label)
    figure, axes = _figure(7.0, 4.0)
    iterations = every * np.arange(1, len(costs) + 1)
    axes.plot(iterations, costs, color=COLORS[0], marker="" if len(costs) > 40 else "o", markersize=4)
    axes.annotate(
        f"{costs[-1]:.4g}", (iterations[-1], costs[-1]), (0, 9), textcoords="offset points", ha="right", color=COLORS[0]
    )
    axes.set(xlabel=x_label, ylabel=name)
    axes.xaxis.set_major_formatter(_import("matplotlib.ticker").StrMethodFormatter("{x:,.6g}"))
    return figure


@_styled
def plot_losses(histories: Mapping[str, Sequence[Mapping[str, Any]]], measure: str = "negative_sampling") -> Figure:
    """Draw the losses of trainings after each epoch: in training dashed, on held-out text solid.

    A ring marks the smallest loss on held-out text, which the legend names. The axis of epochs is logarithmic where
    there are more than 50: what matters is at the beginning.

    Args:
        histories: for each name the records of a training, such as ``Word2Vec.history``.
        measure: which loss of the records' ``validation`` to draw: that which the training minimises.

    Returns:
        The figure.

    Raises:
        InputError: there is nothing to draw: a history has no epochs, or neither loss.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> losses = [(2.9, 2.9), (2.6, 2.7), (2.4, 2.8)]
        >>> history = [
        ...     {"epoch": epoch, "loss": training, "validation": {"negative_sampling": held_out}}
        ...     for epoch, (training, held_out) in enumerate(losses, start=1)
        ... ]
        >>> [text.get_text() for text in plot_losses({"own": history}).legends[0].get_texts()][0]
        'own: 2.7000 on held-out text after epoch 2 of 3'
    """
    if not histories:
        raise InputError("there is nothing to draw: give the history of at least one training")
    figure, axes = _figure(7.0, 4.2 + 0.22 * len(histories))
    for place, (name, history) in enumerate(histories.items()):
        _draw_losses(axes, name, history, measure, COLORS[place % len(COLORS)])
    axes.plot([], [], color=INK, ls="--", label="dashed: in training")
    if max(record["epoch"] for history in histories.values() for record in history) > LINEAR_EPOCHS:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(_import("matplotlib.ticker").StrMethodFormatter("{x:,.6g}"))
    axes.set(xlabel="epoch", ylabel="loss per prediction, nats")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper left", labelcolor="linecolor", handlelength=2.6)
    return figure


@_styled
def plot_l2_sweep(results: Sweep | Sequence[Sweep]) -> Figure:
    """Draw accuracy against the strength of the L2 penalty, on a logarithmic axis.

    A result has one color: solid on the dev set, where the strength is chosen, with a ring at the best, and dashed on
    the training set; the legend names the best.

    Args:
        results: what `lexigrad.sentiment` gives, one or several.

    Returns:
        The figure.

    Raises:
        InputError: there is no result, or a result has no strengths.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from types import SimpleNamespace
        >>> one = SimpleNamespace(name="own", strengths=[0.1, 1], train_accuracy=[0.4, 0.3], dev_accuracy=[0.3, 0.35])
        >>> plot_l2_sweep(one).axes[0].get_xscale()
        'log'
    """
    listed: list[Any] = list(results) if isinstance(results, (list, tuple)) else [results]
    if not listed or any(len(result.strengths) == 0 for result in listed):
        raise InputError("there is nothing to draw: a sweep needs at least one strength")
    figure, axes = _figure(7.0, 4.2 + 0.22 * len(listed))
    for place, result in enumerate(listed):
        _draw_sweep(axes, result, COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)])
    axes.plot([], [], color=INK, marker="o", markersize=3, ls="--", label="dashed: on the training set")
    _strength_axis(axes, [strength for result in listed for strength in result.strengths])
    axes.set(xlabel="strength of the L2 penalty", ylabel="accuracy, %")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper left", labelcolor="linecolor", handlelength=2.6)
    return figure


@_styled
def plot_confusion(result: Sweep) -> Figure:
    """Draw which classes a classifier takes for which: counts, shaded by their share of the true class.

    Args:
        result: what `lexigrad.sentiment` gives; rows of its ``confusion`` are the truth.

    Returns:
        The figure.

    Raises:
        InputError: the table is not square, or does not fit its labels.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from types import SimpleNamespace
        >>> result = SimpleNamespace(name="own", confusion=np.array([[8, 2], [3, 7]]), labels=["bad", "good"])
        >>> [text.get_text() for text in plot_confusion(result).axes[0].texts]
        ['8', '2', '3', '7']
    """
    counts = np.asarray(result.confusion)
    classes = len(result.labels)
    if counts.shape != (classes, classes) or classes == 0:
        raise InputError(f"a confusion matrix of {classes} labels must be square, but has shape {counts.shape}")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(2.4 + 0.95 * classes, 1.6 + 0.8 * classes)
    shading = _import("matplotlib.colors").LinearSegmentedColormap.from_list("share", ["#eef4fb", "#1a4f8a"])
    image = axes.imshow(shares, cmap=shading, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.7 else "#10243a"  # what has more contrast
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=ink)
    axes.set_xticks(range(classes), [label.replace(" ", "\n") for label in result.labels])
    axes.set_yticks(range(classes), result.labels)
    axes.set(xlabel="predicted", ylabel="truth", title=result.name)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, format=_import("matplotlib.ticker").PercentFormatter(1.0), shrink=0.9)
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK)
    return figure


def _figure(width_inches: float, height_inches: float) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes."""
    figure = _import("matplotlib.figure").Figure((width_inches, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(colors=INK)  # ticks are made when they are drawn, outside of our style
    return figure, axes


def _in_the_plane(matrix: NDArray[np.float64], method: str) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """The place of each row in the plane, and what the two axes are."""
    least = {"pca": 2, "tsne": 4, "umap": 5}
    if method not in least:
        raise InputError(f"method must be one of {', '.join(get_args(Method))}, not {method!r}")
    if len(matrix) < least[method]:
        raise InputError(f"{method} needs at least {least[method]} different words, not {len(matrix)}; give more words")
    if method == "pca":
        found = principal_axes(matrix)
        first, second = (f"{share:.0%} of the variance" for share in found.shares)
        return found.coordinates, (f"first principal axis, {first}", f"second principal axis, {second}")
    units = unit_rows(matrix)  # neighbors by cosine, as everywhere
    return (_tsne(units), ("t-SNE", "")) if method == "tsne" else (_umap(units), ("UMAP", ""))


def _tsne(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Its threads wait for each other longer than a few words take: one is faster."""
    projection = _import("sklearn.manifold").TSNE(
        2, perplexity=min(30.0, (len(matrix) - 1) / 3), init="pca", random_state=0, n_jobs=1
    )
    with _import("threadpoolctl").threadpool_limits(1):
        return np.asarray(projection.fit_transform(matrix), dtype=np.float64)


def _umap(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    neighbors = min(15, len(matrix) - 1)
    projection = _import("umap").UMAP(n_neighbors=neighbors, init="pca", random_state=0, n_jobs=1)
    return np.asarray(projection.fit_transform(matrix), dtype=np.float64)


def _label_points(figure: Figure, axes: Axes, points: NDArray[np.float64], words: Sequence[str]) -> bool:
    """Write each word near its point, with a line to it where it is not next to it; False when there is no room."""
    canvas = _import("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is placed now must not move when it is drawn
    renderer, frame = canvas.get_renderer(), axes.get_window_extent()
    pixels = axes.transData.transform(points) - frame.p0
    style: dict[str, Any] = {"size": LABEL_SIZE, "color": INK, "ha": "center", "va": "center", "parse_math": False}
    texts = [axes.text(x, y, word, **style) for (x, y), word in zip(points.tolist(), words, strict=True)]
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


def _costs(history: Sequence[Any], value: str, y_label: str) -> tuple[list[float], str]:
    """The numbers to draw, and their name."""
    if not isinstance(history[0], dict):
        return [float(cost) for cost in history], y_label
    lacking = [record for record in history if value not in record]
    if lacking:
        there = ", ".join(lacking[0])
        raise InputError(f"a record of the history has no {value!r}, but has {there}; give one of these as value")
    return [float(record[value]) for record in history], value.replace("_", " ")


def _draw_losses(axes: Axes, name: str, history: Sequence[Mapping[str, Any]], measure: str, color: str) -> None:
    """The two curves of one training, and a ring where the solid one is lowest."""
    if not history or any("epoch" not in record for record in history):
        raise InputError(f"the history of {name} has no epochs to draw the losses of; those of SGD have")
    training = [(record["epoch"], record["loss"]) for record in history if record.get("loss") is not None]
    held_out = [(record["epoch"], record["validation"][measure]) for record in history if "validation" in record]
    if not training and not held_out:
        raise InputError(f"the history of {name} holds no losses; train with loss_sample or validation")
    marker = "" if len(history) > LINEAR_EPOCHS else "o"
    label = name
    if held_out:
        epoch, least = min(held_out, key=lambda point: point[1])
        label += f": {least:.4f} on held-out text after epoch {epoch:,} of {history[-1]['epoch']:,}"
        axes.plot(epoch, least, "o", markersize=13, markerfacecolor="none", color=color)
    axes.plot([], [], color=color, label=label)
    for points, style in ((held_out, "-"), (training, "--")):
        if points:
            axes.plot(*zip(*points, strict=True), color=color, ls=style, marker=marker, markersize=3)


def _draw_sweep(axes: Axes, result: Any, color: str, marker: str) -> None:
    """The two curves of one result, and a ring where dev is best."""
    order = np.argsort(result.strengths)
    strengths = np.asarray(result.strengths, dtype=np.float64)[order]
    train, dev = (100 * np.asarray(curve)[order] for curve in (result.train_accuracy, result.dev_accuracy))
    best = int(np.flatnonzero(dev == dev.max())[-1])  # the largest of equally good strengths
    label = f"{result.name}: at best {dev[best]:.1f} on dev, at {strengths[best]:.3g}"
    axes.plot(strengths, dev, color=color, marker=marker, markersize=5, label=label)
    axes.plot(strengths, train, color=color, marker=marker, markersize=3, ls="--")
    axes.plot(strengths[best], dev[best], "o", markersize=13, markerfacecolor="none", color=color)


def _strength_axis(axes: Axes, strengths: Sequence[float]) -> None:
    """A logarithmic axis; it bends to reach a strength of 0 where there is one."""
    positive = [strength for strength in strengths if strength > 0]
    if len(positive) == len(strengths):
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=min(positive, default=1.0))
