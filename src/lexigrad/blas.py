"""Matrix products on one thread each, so that our own threads share the work and the sums keep their order."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_blas_thread"]


class _Limit:
    """The limit that several threads may want at once: the first sets it, the last takes it away."""

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
