"""An engine that counts the bytes that a job would send over the network, had it several machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from lexigrad.engines.threads import ThreadEngine
from lexigrad.engines.values import size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MeteredEngine"]


class _Held:
    """A value, its size, and the machines that have it."""

    def __init__(self, ref: Any, size: int, machine: int) -> None:
        self.ref, self.size, self.machines = ref, size, {machine}


class MeteredEngine:
    """Makes calls one after the other in this process, as if each worker were a machine of its own.

    The driver is on the first worker's machine. A machine that has a value once keeps it, as Ray's do.

    Attributes:
        workers: the number of workers.
        sent_bytes: the bytes sent from one machine to another so far.
        calls: the number of calls so far.
    """

    def __init__(self, workers: int) -> None:
        self.workers, self.threads = workers, 1
        self.sent_bytes = self.calls = 0
        self._engine = ThreadEngine(1)

    def put(self, value: Any) -> _Held:
        """Keep a value, as the interface of engines says."""
        return _Held(self._engine.put(value), size_bytes(value), 0)

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:
        """Make a call, as the interface of engines says, but at once."""
        machine = on % self.workers
        for part in arguments:
            self._send(part, machine)
        held = [part.ref if isinstance(part, _Held) else part for part in arguments]
        made = self._engine.call(function, *held, returns=returns, on=on)
        refs = (made,) if returns == 1 else made
        found = [_Held(ref, size_bytes(*self._engine.get([ref])), machine) for ref in refs]
        self.calls += 1
        return found[0] if returns == 1 else tuple(found)

    def get(self, refs: Iterable[_Held]) -> list[Any]:
        """Bring values to the driver, as the interface of engines says."""
        wanted = list(refs)
        for held in wanted:
            self._send(held, 0)
        return self._engine.get([held.ref for held in wanted])

    def free(self, refs: Iterable[_Held]) -> None:
        """Let values go, as the interface of engines says."""
        self._engine.free([held.ref for held in refs])

    def close(self) -> None:
        """End the engine, as the interface of engines says."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, part: Any, machine: int) -> None:
        """Send a value to a machine that lacks it; a plain argument of a call comes from the driver."""
        if not isinstance(part, _Held):
            self.sent_bytes += size_bytes(part) if machine else 0
        elif machine not in part.machines:
            self.sent_bytes += part.size
            part.machines.add(machine)
