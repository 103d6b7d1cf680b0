"""Sentences for the errors of Ray."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lexigrad.engines.interface import AS_THEY_ARE, LostValueError
from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["first_line", "sentences"]


@contextmanager
def sentences(ray: Any) -> Iterator[None]:
    """Within this context errors of Ray become errors of ours; those that a function raised come out as they were."""
    try:
        yield
    except AS_THEY_ARE as error:
        if isinstance(error, ray.exceptions.RayError):  # Ray makes classes that are both
            raise _ours(ray.exceptions, error) from None
        raise
    except Exception as error:
        raise _ours(ray.exceptions, error) from error


def _ours(exceptions: Any, error: BaseException) -> BaseException:
    """The error that a reader is to see."""
    while isinstance(error, exceptions.RayTaskError) and error.cause is not None:
        error = error.cause
    if isinstance(error, AS_THEY_ARE) and not isinstance(error, exceptions.RayError):
        return error
    if isinstance(error, (exceptions.ObjectLostError, exceptions.NodeDiedError)):
        return LostValueError(
            f"a value was lost with a machine, and what it was made of is gone too; run it again ({first_line(error)})"
        )
    for kinds, sentence in (
        (
            (exceptions.ObjectStoreFullError, exceptions.OutOfDiskError),
            "Ray's object store is full, and so is the disk that it spills to; start Ray with a larger "
            "--object-store-memory, or with a --temp-dir where there is room",
        ),
        (
            (exceptions.OutOfMemoryError,),
            "a machine ran out of memory, again and again; give fewer workers, or machines with more",
        ),
        (
            (exceptions.GetTimeoutError,),
            "a value did not come in time, though it was there; see whether the machines reach each other",
        ),
        (
            (exceptions.RayActorError, exceptions.WorkerCrashedError),
            "workers died again and again; see whether lexigrad can be imported on every machine, and whether there is "
            "enough memory",
        ),
        ((TypeError,), "a value cannot go to a worker"),
    ):
        if isinstance(error, kinds):
            return EngineError(f"{sentence} ({first_line(error)})")
    return EngineError(f"Ray failed: {type(error).__name__}: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """The first line of a message that may be pages long."""
    with suppress(StopIteration):
        return next(line.strip() for line in str(error).splitlines() if line.strip()).rstrip(".:")
    return type(error).__name__
