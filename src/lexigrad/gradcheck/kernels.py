"""Prove kernels: compare the step that each one takes with the gradient of `lexigrad.reference`.

The kernels run as in training, except that all changes are computed at the same tables, with learning rate 1, and added
to tables of zeros: the sums must be the negative gradient of the summed loss. The text is small and unkind: few
words, so that they repeat within windows and among the negatives, true words among the negatives, one-word sentences,
and windows that end at the sentences' and at the blocks' borders.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad import reference
from lexigrad.errors import GradientError
from lexigrad.gradcheck.equations import Checked
from lexigrad.kernels.draws import alias_table, keep_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexigrad.kernels.sgd.span import Settings
    from lexigrad.reference import WordLoss

__all__ = ["TOLERANCE", "KernelCase", "check_kernels", "worst_row_error"]

TOLERANCE: Final = 1e-5
"""The relative error that passes: kernels work in float32, with 24 bits or 6e-8, and add some hundred terms."""


@dataclass(frozen=True)
class KernelCase:
    """One kernel and the shape it runs at; the rest is drawn from the seed."""

    model: str = "skipgram"
    historic: bool = False
    dim: int = 100
    window: int = 5
    dynamic: bool = True
    negatives: int = 5
    block: int = 64
    repeats: int = 6
    bands: tuple[int, ...] = ()
    parts: int = 2
    words: int = 13
    sentences: tuple[int, ...] = (1, 90, 2, 7, 1, 40)
    seed: int = 1

    @property
    def name(self) -> str:
        """The name of the case in the table."""
        update = "word2vec's update" if self.historic else "negative_sampling"
        return f"{self.model} kernel, {update}, dim {self.dim}, window {self.window}, {self.negatives} negatives"

    def check(self) -> Checked:
        """Compare the kernel's step with the reference's gradient.

        Raises:
            GradientError: they differ by more than the tolerance.
        """
        step = _Step(self)
        expected = step.reference()
        worst = max(worst_row_error(*pair) for pair in zip(step.kernel(), expected, strict=True))
        if not worst <= TOLERANCE:
            raise GradientError(f"{self.name}: off by {worst:.2g} of a row's largest entry, above {TOLERANCE:g}")
        return Checked(self.name, worst, sum(table.size for table in expected))


def check_kernels() -> Iterator[Checked]:
    """Check every kernel at a usual and at an odd shape; yield each row when it is known.

    Raises:
        GradientError: from the first kernel that fails.
    """
    for model, historic in (("skipgram", False), ("cbow", False), ("cbow", True)):
        yield KernelCase(model, historic).check()
        yield KernelCase(model, historic, dim=17, window=2, dynamic=False, negatives=20, block=8).check()


def worst_row_error(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference in a row, divided by the largest entry that the row should have; zeros must be zeros.

    Entries are not compared one by one: where terms of both signs cancel, float32 leaves nothing to compare.

    Example:
        >>> worst_row_error(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[1.0, 4.0], [0.0, 0.0]]))
        0.5
    """
    difference = np.abs(np.asarray(actual, dtype=np.float64) - expected).max(axis=1)
    size = np.abs(expected).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(difference == 0, 0.0, difference / size)
    return float(np.where(np.isnan(error), np.inf, error).max())


def _settings(case: KernelCase) -> Settings:
    """The kernels' settings for a case."""
    from lexigrad.kernels.sgd.span import Settings, drawn_and_weight

    drawn, weight = drawn_and_weight(case.negatives)
    return Settings(
        dim=case.dim,
        window=case.window,
        dynamic=case.dynamic,
        bands=np.array(case.bands or (1, case.window + 1)),
        block=case.block,
        repeats=case.repeats,
        first_rate=1.0,
        step_blocks=3,
        step_repeats=12.0,
        step_draws=6.0,
        slots=3,
        drawn=drawn,
        weight=weight,
        cbow=case.model == "cbow",
        historic=case.historic,
    )


class _Step:
    """Tables, text and draws of a case, and the change of both tables by the kernel and by the reference."""

    def __init__(self, case: KernelCase) -> None:
        from lexigrad.kernels.compiler.rowshape import row_parts
        from lexigrad.kernels.sgd.piece import Cuts, Draws, Piece, Text
        from lexigrad.kernels.sgd.span import ready_piece
        from lexigrad.kernels.sgd.tables import Table
        from lexigrad.kernels.sgd.team import new_shared

        self.case = case
        random = np.random.Generator(np.random.Philox(case.seed))
        self.shape = row_parts(case.dim, case.parts)
        self.V, self.U = (Table(case.words, case.dim, self.shape) for _ in range(2))
        for table in (self.V, self.U):
            table.put(random.normal(0, case.dim**-0.25, (case.words, case.dim)).astype(np.float32))
        sentences = [[*random.integers(0, case.words, length), -1] for length in case.sentences]
        self.ids = np.concatenate(sentences).astype(np.int32)
        self.ids.flags.writeable = False  # as in training: Numba compiles for each kind of array anew
        shares = random.dirichlet(np.ones(case.words))
        keep = keep_thresholds(np.linspace(0.5, 1, case.words))
        self.draws = Draws.of_epoch(case.seed, 0, keep, alias_table(shares))
        self.settings = _settings(case)
        self.shared = new_shared(self.settings, len(self.shape), case.model == "cbow")
        self.piece = Piece(*(row[0] for row in self.shared.pieces))
        cuts = Cuts(*(row[0] for row in self.shared.cuts))
        self.text = Text(self.ids, 0, self.ids.size)
        _, self.places, _, blocks = ready_piece(self.shape, self.text, self.draws, self.settings, self.piece, cuts)
        self.block_starts = cuts.starts[:blocks].tolist()

    def kernel(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The change of V and of U that the kernels give."""
        from lexigrad.kernels.sgd.barrier import Gate
        from lexigrad.kernels.sgd.span import Rates
        from lexigrad.kernels.sgd.step import Tables
        from lexigrad.kernels.sgd.superstep import train_together
        from lexigrad.kernels.sgd.tables import Table
        from lexigrad.kernels.sgd.team import Team, new_members

        d_V, d_U = (Table(self.case.words, self.case.dim, self.shape) for _ in range(2))
        tables = Tables(self.V.floats, self.U.floats, d_V.floats, d_U.floats)
        team = Team(Gate(1, 1).state, self.shared)
        (member,) = new_members(self.settings, self.shape, self.case.model == "cbow", 1, 1)
        train_together(self.shape, self.text, tables, self.draws, self.settings, Rates(1.0, 1.0), team, member)
        return d_V.rows(), d_U.rows()

    def reference(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The change of V and of U that the equations give."""
        V, U = (table.rows().astype(np.float64) for table in (self.V, self.U))
        d_V, d_U = np.zeros_like(V), np.zeros_like(U)
        words = self.words(self.piece.rows[: self.places])
        windows = [self._window(place) for place in range(self.places)]
        bands = range(self.settings.bands.size - 1)
        for (place, word), band in product(enumerate(words), bands):
            loss = self._loss(place, band)
            if self.case.model == "skipgram":
                outside = [words[o] for o in self._at_distances(place, band) if place in windows[o]]
                _, d_center, d_outside = reference.skipgram(word, outside, V, U, loss)
            elif windows[place]:
                _, d_center, d_outside = reference.cbow(word, [words[c] for c in windows[place]], V, U, loss)
                d_center *= len(windows[place]) if self.case.historic else 1
            else:
                continue
            d_V -= d_center
            d_U -= d_outside
        return d_V, d_U

    def words(self, rows: NDArray[np.int64]) -> list[int]:
        """The words whose rows are at these offsets."""
        words: list[int] = np.searchsorted(self.V.offsets, rows).tolist()
        return words

    def _window(self, place: int) -> list[int]:
        first, last = place - self.piece.left[place], place + self.piece.right[place]
        return [other for other in range(first, last + 1) if other != place]

    def _at_distances(self, place: int, band: int) -> list[int]:
        """The places whose distance from this one is in the band."""
        near, after = self.settings.bands[band : band + 2]
        return [other for other in range(self.places) if near <= abs(other - place) < after]

    def _loss(self, place: int, band: int) -> WordLoss:
        """Negative sampling with the negatives of the block in which the center stands."""
        from lexigrad.kernels.sgd.piece import draw_negatives

        rows = np.zeros(self.settings.drawn, np.int64)
        start = max(start for start in self.block_starts if start <= place)
        draw_negatives(self.shape, self.draws, band * self.places + start, rows, rows.size)
        negatives = self.words(rows)
        weight = self.case.negatives / rows.size

        def loss(v: NDArray[np.float64], o: int, U: NDArray[np.float64]) -> Any:
            return reference.negative_sampling(v, o, [k for k in negatives if k != o], U, weight)

        return loss
