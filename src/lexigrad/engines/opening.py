"""The engine that a user asks for: this process, a Ray of its own on this machine, or a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from lexigrad.engines.cores import available_cores, shared_out
from lexigrad.engines.ray.connection import LINEAGE_BYTES
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.engines.interface import Engine
    from lexigrad.engines.ray.health import EngineProgress

__all__ = ["DEADLINE", "open_engine"]

DEADLINE: Final = "LEXIGRAD_DEADLINE_SECONDS"
"""The environment variable with the seconds without progress after which a cluster is given up."""

DEADLINE_SECONDS: Final = 600.0


def open_engine(
    address: str | None = None,
    workers: int | None = None,
    *,
    threads: int | None = 1,
    most_workers: int | None = None,
    lineage_bytes: int = LINEAGE_BYTES,
    report: Callable[[EngineProgress], object] | None = None,
) -> Engine:
    """Open an engine; use it as a context manager.

    Args:
        address: None for threads of this process; ``local`` for a Ray of its own on this machine; ``auto`` or HOST:PORT
            for a Ray cluster.
        workers: the number of calls at once; None for as many as there are cores for.
        threads: the cores that each call takes; None for as many as there are for so many workers.
        most_workers: the number of workers that there is work for: a bound where ``workers`` is not given.
        lineage_bytes: as for `RayEngine`.
        report: is called with an `EngineProgress` about every second while a cluster works.

    Raises:
        MissingExtraError: Ray is asked for and not installed.
        EngineError: the cluster cannot be reached or used.
        ConfigError: the deadline that the environment gives is no number of seconds.
        InputError: the address is no text, or there are to be less than one worker or thread.

    Example:
        >>> from math import sqrt
        >>> with open_engine(workers=2) as engine:
        ...     engine.get([engine.call(sqrt, 9.0)])
        [3.0]
    """
    if not isinstance(address, str | None):
        raise InputError(f"address must be None, 'local', 'auto' or HOST:PORT, not {address!r}")
    for name, number in {"workers": workers, "threads": threads, "most_workers": most_workers}.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise InputError(f"{name} must be a whole number of at least 1, not {number!r}")
    if address is None:
        return ThreadEngine(*shared_out([available_cores()], available_cores(), workers, threads, most_workers))
    from lexigrad.engines.ray.engine import RayEngine

    deadline = _deadline()
    how: dict[str, Any] = {"threads": threads, "most_workers": most_workers, "lineage_bytes": lineage_bytes}
    return RayEngine(address, workers, **how, deadline_seconds=deadline, report=report)


def _deadline() -> float:
    text = os.environ.get(DEADLINE, "")
    try:
        seconds = float(text) if text else DEADLINE_SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{DEADLINE} must be a number of seconds above 0, not '{text}'")
    return seconds
