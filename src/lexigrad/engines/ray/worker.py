"""The worker on Ray: it calls functions by their names, and says how it gets on."""

from __future__ import annotations

import os
import socket
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from lexigrad.engines.interface import error_of
from lexigrad.engines.values import check_sendable, frozen, size_bytes
from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.engines.ray.samebytes import Probe

__all__ = ["Pulse", "Worker", "path_of"]


class Pulse(NamedTuple):
    """The state of a worker."""

    host: str
    process: int
    calls: int
    """The number of calls that it has made."""
    bytes: int
    """The bytes of the values that the calls returned."""
    cpu_seconds: float
    """The processor time that its process has used."""
    function: str
    """The function that it is calling; empty if it rests."""
    seconds: float
    """How long it has been calling that function."""


class Worker:
    """One worker; Ray makes it, and makes it anew where its process has died.

    It is made without doing anything, as Ray does not forgive an error here: the probe is made at the first call.

    Args:
        expected: the driver's probe, which the worker's must be equal to.
    """

    def __init__(self, expected: Probe) -> None:
        self._expected: Probe | None = expected
        self._calls = 0
        self._bytes = 0
        self._begun: tuple[str, float] | None = None

    def run(self, module: str, name: str, *arguments: Any) -> Any:
        """Call a function of a module with these arguments."""
        path = f"{module}.{name}"
        self._begun = path, time.monotonic()
        try:
            self._prove()
            result = getattr(import_module(module), name)(*map(frozen, arguments))
            check_sendable(result)
        except Exception as error:
            raise error_of(path, error) from error
        finally:
            self._begun = None
        self._calls += 1
        self._bytes += size_bytes(result)
        return result

    def pulse(self) -> Pulse:
        """The state of the worker; Ray calls this while a call runs."""
        begun = self._begun
        function, since = begun if begun is not None else ("", time.monotonic())
        return Pulse(
            socket.gethostname(),
            os.getpid(),
            self._calls,
            self._bytes,
            time.process_time(),
            function,
            time.monotonic() - since,
        )

    def _prove(self) -> None:
        """Compare the probe with the driver's, once in each process."""
        if self._expected is not None:
            from lexigrad.engines.ray.samebytes import Probe, difference

            reason = difference(self._expected, Probe.here())
            if reason is not None:
                raise EngineError(f"a worker on {socket.gethostname()} would not give the same bytes: {reason}")
            self._expected = None


def path_of(function: Callable[..., Any]) -> tuple[str, str]:
    """The module and the name by which a worker finds a function.

    Raises:
        EngineError: it cannot be found by a name.

    Example:
        >>> path_of(size_bytes)
        ('lexigrad.engines.values', 'size_bytes')
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    found = getattr(import_module(module), name, None) if module and module != "__main__" else None
    if found is not function:
        raise EngineError(f"a worker cannot find {function!r}; call functions at the top level of a module")
    return str(module), name
