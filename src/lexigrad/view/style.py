"""How all pictures look, and the first steps of each: importing an optional package, and an empty figure."""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from lexigrad.errors import MissingExtraError, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLORS", "FAINT", "INK", "MARKERS", "STYLE", "empty_figure", "import_extra", "shown_name", "styled"]

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
EXTRAS: Final = {
    "matplotlib": ("matplotlib", "plots"),
    "sklearn": ("scikit-learn", "sentiment"),
    "threadpoolctl": ("threadpoolctl", "sentiment"),  # scikit-learn needs it too
    "umap": ("umap-learn", "umap"),
}
"""For the first name of a module, the package that has it and our extra that installs the package."""


def import_extra(name: str) -> Any:
    """Return a module of a package that a picture needs and that may not be installed.

    Args:
        name: the full name of the module, of one of the packages in ``EXTRAS``.

    Raises:
        MissingExtraError: the package is not installed; the sentence names our extra that installs it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package, extra = EXTRAS[name.split(".")[0]]
        raise MissingExtraError(f"this picture needs {package}: pip install 'lexigrad[{extra}]'") from error


def shown_name(name: str) -> str:
    r"""A name as titles, legends and axes show it: no control character breaks the file, no $ begins a formula.

    Args:
        name: such as that of a file of vectors.

    Example:
        >>> print(shown_name("a\tb, 5 $"))
        a\tb, 5 \$
    """
    return visible(name).replace("$", r"\$")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Return the same function, which then draws in our style, whatever style the user has set."""

    @wraps(draw)
    def draw_in_style(*args: Arguments.args, **options: Arguments.kwargs) -> Figure:
        with import_extra("matplotlib.style").context(["default", STYLE]):
            return draw(*args, **options)

    return draw_in_style


def empty_figure(width_inches: float, height_inches: float) -> tuple[Figure, Axes]:
    """Return an empty figure and its one pair of axes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = import_extra("matplotlib.figure").Figure((width_inches, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(colors=INK)  # ticks are made when they are drawn, outside of our style
    return figure, axes
