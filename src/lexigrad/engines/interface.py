"""The interface between a job and the engine that carries it out: `put`, `call`, `get`, `free`, `close`, `workers`.

A job is cut into calls of pure functions, and how it is cut follows from the config and the text, never from the
workers. So any engine gives the same bytes, with any number of workers, in any order; the call of a worker that dies
is made again. An engine schedules, ships and recovers; it knows nothing of words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias

from lexigrad.engines.values import frozen
from lexigrad.errors import EngineError, LexigradError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["AS_THEY_ARE", "CLOSED", "Engine", "LostValueError", "Ref", "error_of", "frozen", "name_of"]

AS_THEY_ARE: Final = (LexigradError, MemoryError, OSError)
"""The errors that a function may raise: the command line has a sentence for each."""

CLOSED: Final = "the engine was closed; open another one"
"""The message to a caller that uses an engine after its end."""

Ref: TypeAlias = Any
"""Stands for a value that an engine has, or will have; only the engine that gave it out knows what it is."""


class LostValueError(EngineError):
    """A value was lost with the machine that had it, and so was what it was made of.

    An engine makes lost values again where it can. It cannot where each is made of the last one, for longer than it
    keeps account: a job of that kind goes back to what it has saved.
    """


class Engine(Protocol):
    """Carries out calls of pure functions.

    Attributes:
        workers: the number of calls that it can carry out at once. Speed may follow from it, results must not.
        threads: the number of cores that each call may use. Speed may follow from it, results must not.
    """

    workers: int
    threads: int

    def put(self, value: Any) -> Ref:
        """Hand a value over, once, for use in many calls; nobody may change it afterwards.

        Args:
            value: numbers, text, bytes, NumPy arrays, or tuples, lists and dicts of these.
        """

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:
        """Have a function called, soon or later, somewhere, and perhaps more than once.

        Args:
            function: a function at the top level of a module of lexigrad. What it returns depends on the arguments
                alone (and on files that they name, which do not change), and it changes none of them.
            arguments: values as for `put`, or refs, in whose place the function gets their values. A ref within another
                value stays a ref.
            returns: how many values the function returns, as a tuple if more than one.
            on: a number that says which calls use the same data: those with the same number go to the same worker if
                that can be. Only speed depends on it.

        Returns:
            A ref, or a tuple of ``returns`` refs.
        """

    def get(self, refs: Iterable[Ref]) -> list[Any]:
        """The values, as soon as all are there. Arrays in them are read-only.

        Raises:
            EngineError: a function failed as it should not, or for too long nothing was heard of any worker.
            LostValueError: a machine is gone, and a value with it that cannot be made again.
            LexigradError, OSError, MemoryError: a function raised it.
        """

    def free(self, refs: Iterable[Ref]) -> None:
        """Give values up; calls that were made already still get them."""

    def close(self) -> None:
        """End the engine; calls that are under way are broken off."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def name_of(function: Callable[..., Any]) -> str:
    """How messages name a function."""
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', function)}"


def error_of(name: str, error: BaseException) -> BaseException:
    """The error that comes out of `Engine.get` where a function raised this one.

    Example:
        >>> error_of("lexigrad.corpus.sources.files.find", ValueError("no such place"))
        EngineError('lexigrad.corpus.sources.files.find failed in a worker: ValueError: no such place')
    """
    if isinstance(error, AS_THEY_ARE) or not isinstance(error, Exception):
        return error
    other = EngineError(f"{name} failed in a worker: {type(error).__name__}: {error}")
    other.__cause__ = error
    return other
