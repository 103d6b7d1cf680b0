"""The engine of one process: a queue of calls for each thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any, Self

from lexigrad.engines.interface import CLOSED, error_of, frozen, name_of
from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ThreadEngine"]


class ThreadEngine:
    """Threads of this process; nothing is copied or sent.

    Args:
        workers: the number of threads, and so of calls at once.
        threads: the number of cores that each call may use.

    Example:
        >>> from operator import add
        >>> with ThreadEngine(2) as engine:
        ...     two = engine.put(2)
        ...     engine.get([engine.call(add, two, engine.call(add, two, 1))])
        [5]
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        self.workers, self.threads = workers, threads
        self._closed = Event()
        self._pools = [ThreadPoolExecutor(1, thread_name_prefix=f"lexigrad-{number}") for number in range(workers)]

    def put(self, value: Any) -> Future[Any]:  # noqa: D102 - as in the interface
        ref: Future[Any] = Future()
        ref.set_result(frozen(value))
        return ref

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:  # noqa: D102
        refs = [Future[Any]() for _ in range(returns)]
        try:
            self._pools[on % self.workers].submit(_carry_out, function, arguments, refs, self._closed)
        except RuntimeError as error:
            if not self._closed.is_set():
                raise
            raise EngineError(CLOSED) from error
        return refs[0] if returns == 1 else tuple(refs)

    def get(self, refs: Iterable[Future[Any]]) -> list[Any]:  # noqa: D102
        return [ref.result() for ref in refs]

    def free(self, refs: Iterable[Future[Any]]) -> None:
        """Do nothing: a value goes with its last ref."""

    def close(self) -> None:  # noqa: D102
        # Calls are not taken out of the queues: one that a call in another thread waits for must end, by an error.
        self._closed.set()
        for pool in self._pools:
            pool.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _carry_out(
    function: Callable[..., Any], arguments: tuple[Any, ...], refs: list[Future[Any]], closed: Event
) -> None:
    """Call the function when its arguments are there; waiting for them cannot lock up, as calls are made in order."""
    try:
        result = function(*_values(arguments, closed))
        results = (result,) if len(refs) == 1 else result
        for ref, value in zip(refs, results, strict=True):
            ref.set_result(frozen(value))
    except BaseException as error:  # handed to the thread that waits for the value
        for ref in refs:
            if not ref.done():
                ref.set_exception(error_of(name_of(function), error))


def _values(arguments: tuple[Any, ...], closed: Event) -> list[Any]:
    """The arguments of a function, as soon as they are there; an error if the engine is closed by then."""
    values = [part.result() if isinstance(part, Future) else frozen(part) for part in arguments]
    if closed.is_set():
        raise EngineError(CLOSED)
    return values
