"""Values that may go from one machine to another: the arrays in them, and how large they are."""

from __future__ import annotations

import copy
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PLAIN", "check_sendable", "frozen", "parts_of", "size_bytes", "with_arrays"]

PLAIN: Final = (bool, int, float, complex, str, bytes, type(None))


def frozen(value: Any) -> Any:
    """A copy of a value whose arrays cannot be written to; the arrays' numbers are shared with the value."""
    return with_arrays(value, _read_only)


def with_arrays(value: Any, change: Callable[[np.ndarray[Any, Any]], Any]) -> Any:
    """A copy of a value in which ``change`` has replaced each array.

    Example:
        >>> with_arrays({"counts": (np.array([1, 2]), 3)}, np.ndarray.tolist)
        {'counts': ([1, 2], 3)}
    """
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, tuple | list):
        parts = [with_arrays(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: with_arrays(part, change) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        other = copy.copy(value)
        for field in fields(value):
            object.__setattr__(other, field.name, with_arrays(getattr(value, field.name), change))
        return other
    return value


def check_sendable(value: Any) -> None:
    """See that a value can go from one worker to another, and holds no code.

    Raises:
        EngineError: there is another kind of value in it.

    Example:
        >>> check_sendable([1, np.zeros(2)])
        >>> try:
        ...     check_sendable([len])
        ... except EngineError as error:
        ...     print(str(error).partition(";")[0])
        a builtins.builtin_function_or_method cannot go from one worker to another
    """
    if type(value) in PLAIN or (isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject):
        return
    parts = parts_of(value)
    if parts is None:
        kind = type(value)
        raise EngineError(
            f"a {kind.__module__}.{kind.__qualname__} cannot go from one worker to another; send numbers, text, bytes, "
            "NumPy arrays, or tuples, lists, dicts and dataclasses of these"
        )
    for part in parts:
        check_sendable(part)


def size_bytes(value: Any) -> int:
    """How many bytes a value takes on the wire, about: those of its arrays and texts, and eight for all else.

    Example:
        >>> size_bytes((np.zeros(10), "word", 3))
        92
    """
    if isinstance(value, np.ndarray | np.generic):
        return value.nbytes
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(size_bytes(key) + size_bytes(part) for key, part in value.items())
    parts = parts_of(value)
    return 8 if parts is None else sum(map(size_bytes, parts))


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def parts_of(value: Any) -> Iterator[Any] | None:
    """The values of which a tuple, list, dict (its keys too) or dataclass is made; None for another value."""
    if isinstance(value, tuple | list):
        return iter(value)
    if isinstance(value, dict):
        return (part for item in value.items() for part in item)
    if is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, field.name) for field in fields(value))
    return None
