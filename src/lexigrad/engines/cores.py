"""Cores: how many there are, threads that share work and keep its order, and how workers share cores."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["available_cores", "in_order", "in_order_with", "one_blas_thread", "shared_out"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Space = TypeVar("Space")


def available_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``map(work, items)`` by several threads; the items are drawn in the calling one, a few ahead.

    Args:
        work: is called with each item, in any of the threads.
        items: may be a generator.
        threads: how many calls there are at once.

    Yields:
        The results, in the order of the items.

    Example:
        >>> list(in_order(len, ["one", "three"], threads=2))
        [3, 5]
    """
    if threads == 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="lexigrad") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > 2 * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def in_order_with(
    spaces: Sequence[Space], work: Callable[[Space, Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """`in_order`, by as many threads as there are scratch spaces; each call has one of the spaces to itself.

    Args:
        spaces: what a call needs besides its item, such as a table or a file; which call gets which is left open.
        work: is called with a space and an item.
        items: may be a generator.

    Yields:
        The results, in the order of the items.

    Example:
        >>> seen = [set(), set()]
        >>> list(in_order_with(seen, lambda space, item: space.add(item) or 2 * item, range(4)))
        [0, 2, 4, 6]
        >>> sorted(seen[0] | seen[1])
        [0, 1, 2, 3]
    """
    free: SimpleQueue[Space] = SimpleQueue()
    for space in spaces:
        free.put(space)

    def work_in_space(item: Item) -> Result:
        space = free.get()
        try:
            return work(space, item)
        finally:
            free.put(space)

    yield from in_order(work_in_space, items, len(spaces))


class _Limit:
    """A limit that several threads may want at once: the first one sets it, the last one takes it away."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wanted = 0
        self._limits: Any = None

    def enter(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            if not self._wanted:
                self._limits = threadpool_limits(limits=1, user_api="blas")
            self._wanted += 1

    def leave(self) -> None:
        with self._lock:
            self._wanted -= 1
            if not self._wanted:
                self._limits.restore_original_limits()


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within this context, NumPy's library for linear algebra computes each product on the thread that asks for it.

    How such a library cuts a product over its threads changes the order of its sums, and so the bytes of the result;
    and its threads would compete with ours. The limit holds for the whole process; the old one is set again when the
    last thread has left the context, so that models can be trained side by side in several threads.
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


def shared_out(
    machines: Sequence[float], free: float, workers: int | None, threads: int | None, most_workers: int | None = None
) -> tuple[int, int]:
    """Share cores out among workers.

    Args:
        machines: the cores of each machine.
        free: the cores that nobody uses, of all machines together.
        workers: how many workers are asked for; None for as many as there are free cores for.
        threads: the cores of each worker; None for as many as can be, each worker on one machine.
        most_workers: a bound on the number of workers where ``workers`` is None.

    Returns:
        The number of workers, and the cores of each.

    Example:
        >>> shared_out([16, 16, 16, 16], 64, None, 1)  # everything by single cores
        (64, 1)
        >>> shared_out([16, 16, 16, 16], 64, None, None, most_workers=4)  # four that are large
        (4, 16)
        >>> shared_out([16, 8], 24, 3, None), shared_out([2], 2, 4, None)
        ((3, 8), (4, 1))
    """
    if workers is None:
        workers = max(1, min(int(free // (threads or 1)), most_workers or int(free)))
    if threads is None:
        threads = max(1, int(free // workers))
        while threads > 1 and sum(cores // threads for cores in machines) < workers:
            threads -= 1
    return workers, threads
