"""Many calls of which few are under way, and sums of many values of which few are there at once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lexigrad.engines.interface import Engine, Ref

__all__ = ["Flow", "SumTrees"]

CALLS_OF_WORKER: Final = 4
FAN: Final = 8
"""The number of values that are added up at once."""


class Flow:
    """Makes calls, and waits for the oldest when too many are under way.

    The first value that a function returns is its receipt: small, as the driver gets it to know that the call is done.

    Args:
        engine: the engine that carries the calls out.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._pending: deque[tuple[Ref, Callable[[Any], None] | None]] = deque()
        self._most = CALLS_OF_WORKER * engine.workers

    def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        values: int,
        on: int,
        receipt: Callable[[Any], None] | None = None,
    ) -> list[Ref]:
        """Make a call that returns a receipt and so many values; returns the refs of these.

        ``receipt`` is called with the receipt, later, in the order of the calls.
        """
        refs = self.engine.call(function, *arguments, returns=1 + values, on=on)
        first, *others = refs if values else (refs,)
        self._pending.append((first, receipt))
        while len(self._pending) > self._most:
            self._wait()
        return others

    def finish(self) -> None:
        """Wait for all calls."""
        while self._pending:
            self._wait()

    def _wait(self) -> None:
        ref, receipt = self._pending.popleft()
        (value,) = self.engine.get([ref])
        self.engine.free([ref])
        if receipt is not None:
            receipt(value)


class SumTrees:
    """Adds values up, part by part, as they come, some at a time along a tree; what is added is freed.

    Args:
        flow: the flow that makes the calls.
        add: a function from values to a receipt and their sum; any order and grouping must give the same in the end.
        parts: the number of sums.
        receipt: is called with each receipt of ``add``.
    """

    def __init__(
        self, flow: Flow, add: Callable[..., Any], parts: int, receipt: Callable[[Any], None] | None = None
    ) -> None:
        self.parts = parts
        self._flow, self._add, self._receipt = flow, add, receipt
        self._levels: list[list[list[Ref]]] = [[] for _ in range(parts)]

    def put(self, values: Iterable[Ref]) -> None:
        """Add one value to each part."""
        for part, value in enumerate(values):
            self._enter(part, 0, value)

    def total(self) -> list[Ref]:
        """The sum of each part, which has had one value at least."""
        return [self._root(part) for part in range(len(self._levels))]

    def _enter(self, part: int, level: int, value: Ref) -> None:
        levels = self._levels[part]
        if level == len(levels):
            levels.append([])
        levels[level].append(value)
        if len(levels[level]) == FAN:
            full, levels[level] = levels[level], []
            self._enter(part, level + 1, self._added(part, full))

    def _root(self, part: int) -> Ref:
        """Add up the values of a part that wait, the smallest sums first."""
        waiting = [value for level in self._levels[part] for value in level]
        self._levels[part] = []
        while len(waiting) > 1:
            waiting = [self._added(part, waiting[:FAN]), *waiting[FAN:]]
        return waiting[0]

    def _added(self, part: int, values: list[Ref]) -> Ref:
        (total,) = self._flow.call(self._add, *values, values=1, on=part, receipt=self._receipt)
        self._flow.engine.free(values)
        return total
