"""How cores are shared out among workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["shared_out"]


def shared_out(
    machines: Sequence[float], free: float, workers: int | None, threads: int | None, most_workers: int | None = None
) -> tuple[int, int]:
    """How many workers there are to be, and how many cores each of them has.

    Args:
        machines: the cores of each.
        free: cores that nobody uses, of all machines together.
        workers: how many are asked for; None for as many as there are free cores for.
        threads: cores of each worker; None for as many as can be, each on one machine.
        most_workers: there are no more than that where ``workers`` is None.

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
