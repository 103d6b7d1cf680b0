"""The last steps that L-BFGS remembers, in pieces that lie with an engine's workers.

With the last steps s_i, the differences y_i of the gradient that they made, ρ_i = 1 / s_i·y_i, g the gradient and H one
over the curvature's diagonal, the two loops of L-BFGS are

    α_i = ρ_i (s_i·g − Σ_{j>i} α_j s_i·y_j)                       the newest first
    r = γ H (g − Σ_i α_i y_i),    γ = 1 / (ρ_m y_m·H y_m)         m the newest
    c_i = α_i − ρ_i (y_i·r + Σ_{j<i} c_j s_j·y_i)                 the oldest first
    direction = −r − Σ_i c_i s_i

The loops need the vectors for their products only. So the products of all pieces are taken first, and the direction is
then one sum of all vectors. Products of blocks of a fixed length are added in order, so the bytes do not depend on how
the vectors are cut into pieces.

Source: Nocedal and Wright 2006, "Numerical Optimization", algorithm 7.4; by products after Chen, Wang and Zhou 2014,
"Large-scale L-BFGS using MapReduce".
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexigrad.engines.interface import Engine

    Doubles = NDArray[np.float64]

__all__ = ["BLOCK", "History", "Pieces", "Remembered", "combined", "products"]

BLOCK: Final = 16_384
"""The numbers of a block, whose products are added up by themselves: two dozen such blocks stay in the cache."""

Floats = Any
"""An array of the library that computes, in its kind of floats."""

Wanted = tuple[tuple[str, int, int], ...]
"""Products that are asked for: of s_i and y_j ("sy"), y_i and H y_j ("yy"), s_i and g ("sg"), y_i and H g ("yg")."""


@dataclass(frozen=True)
class Task:
    """How a call goes through vectors.

    Attributes:
        block: the numbers that it takes at a time.
        remembered: the number of steps, whose vectors come as all s_i, then all y_i.
    """

    block: int
    remembered: int

    def blocks(self, size: int) -> Iterator[tuple[int, slice]]:
        """The number and the place of each block."""
        for number, first in enumerate(range(0, size, self.block)):
            yield number, slice(first, min(first + self.block, size))


def products(task: Task, wanted: Wanted, inverse: Floats, gradient: Floats, *vectors: Floats) -> Doubles:
    """The products that are asked for, a row for each block."""
    size, changes, differences = len(gradient), vectors[: task.remembered], vectors[task.remembered :]
    found = np.empty((-(-size // task.block), len(wanted)))
    for number, block in task.blocks(size):
        scaled: dict[int, Floats] = {}
        for place, (kind, i, j) in enumerate(wanted):
            left = (changes if kind[0] == "s" else differences)[i][block]
            right = gradient[block] if kind[1] == "g" else differences[j][block]
            if kind[0] == "y":
                if j not in scaled:
                    scaled[j] = inverse[block] * right
                right = scaled[j]
            found[number, place] = _dot(left, right)
    return found


def combined(task: Task, scale: float, shares: Sequence[float], steps: Sequence[float], *vectors: Floats) -> Floats:
    """−γ H (g − Σ α_i y_i) − Σ c_i s_i, from H, g, all s_i and all y_i."""
    inverse, gradient, *others = vectors
    changes, differences = others[: task.remembered], others[task.remembered :]
    direction = 0 * gradient
    for _, block in task.blocks(len(gradient)):
        r = gradient[block] + 0.0
        for share, difference in zip(shares, differences, strict=True):
            r -= share * difference[block]
        r *= -scale * inverse[block]
        for step, change in zip(steps, changes, strict=True):
            r -= step * change[block]
        direction[block] = r
    return direction


class Pieces:
    """How vectors of one length are cut into pieces, and where the pieces lie.

    Args:
        length: the length of a vector.
        engine: the engine whose workers have the pieces; None to keep vectors whole, as a device's library has them.
    """

    def __init__(self, length: int, engine: Engine | None = None) -> None:
        self.engine, self.block = engine, BLOCK if engine is not None else length
        blocks = -(-length // self.block)
        count = 1 if engine is None else min(engine.workers, blocks)
        cuts = [min(length, self.block * (number * blocks // count)) for number in range(count + 1)]
        self.spans = [slice(*cuts[number : number + 2]) for number in range(count)]

    def put(self, vector: Floats) -> tuple[Any, ...]:
        """Hand a vector over, piece by piece."""
        return tuple(vector[span] if self.engine is None else self.engine.put(vector[span]) for span in self.spans)

    def whole(self, pieces: Sequence[Any]) -> Floats:
        """The vector that some pieces make up."""
        return pieces[0] if self.engine is None else np.concatenate(self.engine.get(pieces))

    def each(self, function: Callable[..., Any], *arguments: Any, of: Sequence[Sequence[Any]]) -> list[Any]:
        """The results of a function for each piece of some vectors, in the order of the pieces."""
        engine = self.engine
        if engine is None:
            return [function(*arguments, *(vector[0] for vector in of))]
        calls = [
            engine.call(function, *arguments, *(vector[number] for vector in of), on=number)
            for number in range(len(self.spans))
        ]
        found = engine.get(calls)
        engine.free(calls)
        return found

    def free(self, pieces: Sequence[Any]) -> None:
        """Let the workers drop some pieces."""
        if self.engine is not None:
            self.engine.free(pieces)


@dataclass(frozen=True, eq=False)
class Remembered:
    """A step that is remembered: its pieces, those of the gradient's difference, and one over the vectors' product."""

    change: tuple[Any, ...]
    difference: tuple[Any, ...]
    scale: float


class History:
    """The last steps, and the products of their vectors.

    Args:
        pieces: how vectors are cut, and where they lie.
        most: the number of steps that are remembered.
    """

    def __init__(self, pieces: Pieces, most: int) -> None:
        self.pieces, self.most = pieces, most
        self.steps: tuple[Remembered, ...] = ()
        """The steps that are remembered, the oldest first."""
        self._forgotten: list[Remembered] = []
        self._known: dict[tuple[str, Remembered, Remembered], float] = {}
        self._inverse: tuple[Any, ...] = ()

    def append(self, change: Floats, difference: Floats, scale: float) -> None:
        """Remember a step; the oldest step goes if there are too many.

        The vectors of that step go when the next one is remembered: until then a checkpoint may need them.
        """
        for step in self._forgotten:
            self.pieces.free([*step.change, *step.difference])
        self._forgotten = []
        kept = (*self.steps, Remembered(self.pieces.put(change), self.pieces.put(difference), scale))
        self._forget(kept[: -self.most], kept[-self.most :])

    def clear(self) -> None:
        """Forget all steps."""
        self._forget(self.steps, ())

    def weigh(self, inverse: Floats) -> None:
        """Take another curvature from now on, of which ``inverse`` is the inverse."""
        self.pieces.free(self._inverse)
        self._inverse = self.pieces.put(inverse)
        self._known = {key: value for key, value in self._known.items() if key[0] != "yy"}

    def direction(self, gradient: Floats) -> Floats:
        """The direction of the next step from a point with this gradient; there must be steps."""
        at, count = self.pieces.put(gradient), len(self.steps)
        vectors = [self._inverse, at, *(step.change for step in self.steps), *(step.difference for step in self.steps)]
        scale, shares, steps = self._coefficients(vectors)
        task = Task(self.pieces.block, count)
        parts = self.pieces.each(combined, task, scale, shares, steps, of=vectors)
        self.pieces.free(at)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _coefficients(self, vectors: Sequence[Sequence[Any]]) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
        """γ, all α and all c."""
        count = len(self.steps)
        sy, yy, sg, yg = self._products(vectors)
        scales = [step.scale for step in self.steps]
        shares = [0.0] * count
        for i in reversed(range(count)):
            shares[i] = scales[i] * (sg[i] - fsum(shares[j] * sy[i, j] for j in range(i + 1, count)))
        scale = 1 / (scales[-1] * yy[count - 1, count - 1])
        steps = [0.0] * count
        for i in range(count):
            r = scale * (yg[i] - fsum(shares[j] * yy[min(i, j), max(i, j)] for j in range(count)))
            steps[i] = shares[i] - scales[i] * (r + fsum(steps[j] * sy[j, i] for j in range(i)))
        return scale, tuple(shares), tuple(steps)

    def _products(self, vectors: Sequence[Sequence[Any]]) -> tuple[dict[Any, float], ...]:
        """All products; the products of remembered vectors are taken once."""
        count = len(self.steps)
        pairs = [(i, j) for j in range(count) for i in range(j + 1)]
        lasting = [(kind, i, j) for kind in ("sy", "yy") for i, j in pairs]
        new = [(kind, i, j) for kind, i, j in lasting if (kind, self.steps[i], self.steps[j]) not in self._known]
        passing = [(kind, i, -1) for kind in ("sg", "yg") for i in range(count)]
        wanted = (*new, *passing)
        found = np.concatenate(self.pieces.each(products, Task(self.pieces.block, count), wanted, of=vectors))
        sums = dict(zip(wanted, found.cumsum(0)[-1].tolist(), strict=True))  # one block after the other
        self._known |= {(kind, self.steps[i], self.steps[j]): sums[kind, i, j] for kind, i, j in new}
        sy, yy = ({(i, j): self._known[kind, self.steps[i], self.steps[j]] for i, j in pairs} for kind in ("sy", "yy"))
        sg, yg = ({i: sums[kind, i, -1] for i in range(count)} for kind in ("sg", "yg"))
        return sy, yy, sg, yg

    def _forget(self, forgotten: tuple[Remembered, ...], kept: tuple[Remembered, ...]) -> None:
        self.steps, self._forgotten = kept, [*self._forgotten, *forgotten]
        known = set(kept)
        self._known = {key: value for key, value in self._known.items() if known.issuperset(key[1:])}


def _dot(a: Floats, b: Floats) -> float:
    """The dot product, by additions in our order where the arrays are NumPy's, else as their library adds."""
    if not isinstance(a, np.ndarray):
        return float(a @ b)
    from lexigrad.engines.values import frozen
    from lexigrad.kernels.exact.dot import dot

    return float(dot(frozen(a), frozen(b)))
