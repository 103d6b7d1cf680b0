"""Pictures of results, as matplotlib figures: losses, accuracies at several strengths, and confusion matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.accuracies import accuracy_interval, percent
from lexigrad.evaluation.confusion import class_scores
from lexigrad.view.style import COLORS, FAINT, INK, MARKERS, empty_figure, import_extra, shown_name, styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Sweep", "plot_confusion", "plot_error_groups", "plot_l2_sweep", "plot_learning_curve", "plot_losses"]

LINEAR_EPOCHS: Final = 50
"""With more epochs than that their axis is logarithmic, and they get no marks of their own."""


class Sweep(Protocol):
    """The part of a classifier's results that is drawn: accuracies at several strengths, and its confusions."""

    @property
    def name(self) -> str:
        """The name of the vectors that the classifier works on, such as their file's."""

    @property
    def strengths(self) -> Sequence[float]:
        """Strengths of the L2 penalty."""

    @property
    def train_accuracy(self) -> Sequence[float]:
        """The accuracy on the training set at each strength, from 0 to 1."""

    @property
    def dev_accuracy(self) -> Sequence[float]:
        """The accuracy on the dev set at each strength, from 0 to 1."""

    @property
    def confusion(self) -> NDArray[np.integer[Any]]:
        """How many items of each true class (row) were put into each class (column)."""

    @property
    def labels(self) -> Sequence[str]:
        """The names of the classes."""


@styled
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
        value: the entry of the records to draw; it then names the vertical axis too.
        x_label: the name of the horizontal axis.
        y_label: the name of the vertical axis, for plain costs.

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
    figure, axes = empty_figure(7.0, 4.0)
    iterations = every * np.arange(1, len(costs) + 1)
    axes.plot(iterations, costs, color=COLORS[0], marker="" if len(costs) > 40 else "o", markersize=4)
    axes.annotate(
        f"{costs[-1]:.4g}", (iterations[-1], costs[-1]), (0, 9), textcoords="offset points", ha="right", color=COLORS[0]
    )
    axes.set(xlabel=x_label, ylabel=name)
    axes.xaxis.set_major_formatter(import_extra("matplotlib.ticker").StrMethodFormatter("{x:,.6g}"))
    return figure


@styled
def plot_losses(histories: Mapping[str, Sequence[Mapping[str, Any]]], measure: str = "negative_sampling") -> Figure:
    """Draw the losses of trainings after each epoch: in training dashed, on held-out text solid.

    A ring marks the smallest loss on held-out text, which the legend names. The axis of epochs is logarithmic where
    there are more than 50: what matters is at the beginning.

    Args:
        histories: for each name the records of a training, such as ``Word2Vec.history``.
        measure: the loss to draw of those in the records' ``validation``: as a rule the one that training minimizes.

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
    figure, axes = empty_figure(7.0, 4.2 + 0.22 * len(histories))
    for place, (name, history) in enumerate(histories.items()):
        _draw_losses(axes, name, history, measure, COLORS[place % len(COLORS)])
    axes.plot([], [], color=INK, ls="--", label="dashed: in training")
    if max(record["epoch"] for history in histories.values() for record in history) > LINEAR_EPOCHS:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(import_extra("matplotlib.ticker").StrMethodFormatter("{x:,.6g}"))
    axes.set(xlabel="epoch", ylabel="loss per prediction, nats")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper left", labelcolor="linecolor", handlelength=2.6)
    return figure


@styled
def plot_l2_sweep(results: Sweep | Sequence[Sweep]) -> Figure:
    """Draw accuracy against the strength of the L2 penalty, on a logarithmic axis.

    A result has one color: solid on the dev set, where the strength is chosen, with a ring at the best, and dashed on
    the training set; the legend names the best. Where a result has its confusions, a line through the ring is the
    accuracy's interval at 95 %.

    Args:
        results: one or several results of `lexigrad.classify_sentiment`.

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
    figure, axes = empty_figure(7.0, 4.2 + 0.22 * len(listed))
    for place, result in enumerate(listed):
        _draw_sweep(axes, result, COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)])
    axes.plot([], [], color=INK, marker="o", markersize=3, ls="--", label="dashed: on the training set")
    _strength_axis(axes, [strength for result in listed for strength in result.strengths])
    axes.set(xlabel="strength of the L2 penalty", ylabel="accuracy, %")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper left", labelcolor="linecolor", handlelength=2.6)
    return figure


@styled
def plot_confusion(result: Sweep) -> Figure:
    """Draw which classes a classifier takes for which: counts, shaded by their share of the true class.

    Each row is named with its recall, and each column with its precision, in percent.

    Args:
        result: a result of `lexigrad.classify_sentiment`; rows of its ``confusion`` are the truth.

    Returns:
        The figure.

    Raises:
        InputError: the matrix is not square, or does not fit its labels.
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
    scores = class_scores(counts, result.labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = empty_figure(2.4 + 0.95 * classes, 1.9 + 0.8 * classes)
    shading = import_extra("matplotlib.colors").LinearSegmentedColormap.from_list("share", ["#eef4fb", "#1a4f8a"])
    image = axes.imshow(shares, cmap=shading, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.7 else "#10243a"  # the ink with more contrast
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=ink)
    columns = [f"{shown_name(score.label)}\n{percent(score.precision)}".replace(" ", "\n") for score in scores]
    axes.set_xticks(range(classes), columns)
    axes.set_yticks(range(classes), [f"{shown_name(score.label)}\n{percent(score.recall)}" for score in scores])
    axes.set(xlabel="predicted, precision in %", ylabel="truth, recall in %", title=shown_name(result.name))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, format=import_extra("matplotlib.ticker").PercentFormatter(1.0), shrink=0.9)
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK)
    return figure


@styled
def plot_error_groups(result: Any) -> Figure:
    """Draw how much larger the share of each group of sentences is among the errors than among all sentences.

    A point is the difference of the two shares, in points, and a line its interval at 95 %: a group whose line crosses
    0 may be as frequent among the errors as it is anywhere. Errors are drawn filled, and reversals, in which praise was
    taken for blame or blame for praise, open.

    Args:
        result: a result of `lexigrad.classify_sentiment`, which has ``groups`` and a ``name``.

    Returns:
        The figure.

    Raises:
        InputError: the result has no groups.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> part = Some(share=0.5, interval=(0.1, 0.3))
        >>> result = Some(name="own", groups=[Some(name="negation", share=0.3, errors=part, reversals=part)])
        >>> [label.get_text() for label in plot_error_groups(result).axes[0].get_yticklabels()]
        ['negation, 30.0 %']
    """
    groups = result.groups
    if not groups:
        raise InputError("there is nothing to draw: the result has no groups of sentences")
    figure, axes = empty_figure(7.0, 1.7 + 0.55 * len(groups))
    kinds = (("errors", COLORS[0], COLORS[0], -0.13), ("reversals", COLORS[1], "none", 0.13))
    for kind, color, face, above in kinds:
        rows = np.arange(len(groups)) + above
        parts = [getattr(group, kind) for group in groups]
        bounds = 100 * np.array([part.interval for part in parts])
        axes.hlines(rows, *bounds.T, color=color, linewidth=1.6)
        shares = [100 * (part.share - group.share) for part, group in zip(parts, groups, strict=True)]
        axes.plot(shares, rows, "o", color=color, markerfacecolor=face, label=kind)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(groups)), [f"{shown_name(group.name)}, {percent(group.share)} %" for group in groups])
    axes.invert_yaxis()
    axes.set(xlabel="share among these less share among all sentences, points (95 %)", title=shown_name(result.name))
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    figure.legend(loc="outside upper right", labelcolor="linecolor", ncols=2)
    return figure


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
    label = shown_name(name)
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
    label = f"{shown_name(result.name)}: at best {dev[best]:.1f} on dev, at {strengths[best]:.3g}"
    axes.plot(strengths, dev, color=color, marker=marker, markersize=5, label=label)
    axes.plot(strengths, train, color=color, marker=marker, markersize=3, ls="--")
    axes.plot(strengths[best], dev[best], "o", markersize=13, markerfacecolor="none", color=color)
    sentences = int(np.sum(getattr(result, "confusion", 0)))
    if sentences:
        low, high = accuracy_interval(round(dev[best] / 100 * sentences), sentences)
        axes.vlines(strengths[best], 100 * low, 100 * high, color=color, linewidth=1)


def _strength_axis(axes: Axes, strengths: Sequence[float]) -> None:
    """A logarithmic axis; it bends to reach a strength of 0 where there is one."""
    positive = [strength for strength in strengths if strength > 0]
    if len(positive) == len(strengths):
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=min(positive, default=1.0))
