"""Matrix products on one thread each, so that our own threads share the work and the sums keep their order."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_blas_thread"]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within this context, NumPy's library for linear algebra computes each product on the thread that asks for it.

    How such a library cuts a product over its threads changes the order of its sums, and so the bytes of the result;
    and its threads would compete with ours. The limit holds for the whole process; the old one is set again afterwards.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
