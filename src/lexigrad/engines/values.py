"""What may go from one machine to another: its arrays, how large it is, and a hash by which two values are equal."""

from __future__ import annotations

import copy
import hashlib
import struct
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["check_sendable", "fingerprint", "frozen", "size_bytes", "with_arrays"]

PLAIN: Final = (bool, int, float, complex, str, bytes, type(None))


def frozen(value: Any) -> Any:
    """The same value, whose arrays cannot be written to."""
    return with_arrays(value, _read_only)


def with_arrays(value: Any, change: Callable[[np.ndarray[Any, Any]], Any]) -> Any:
    """The same value, with each array that is in it replaced by what ``change`` makes of it.

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
        EngineError: there is something else in it.

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
    parts = _parts(value)
    if parts is None:
        kind = type(value)
        raise EngineError(
            f"a {kind.__module__}.{kind.__qualname__} cannot go from one worker to another; send numbers, text, bytes, "
            "NumPy arrays, or tuples, lists, dicts and dataclasses of these"
        )
    for part in parts:
        check_sendable(part)


def fingerprint(value: Any) -> bytes:
    """A hash of a value: of its types, shapes and bytes, in the order in which they stand.

    Two values that are equal but not the same, such as 0.0 and −0.0, or 1 and True, have different ones; a NaN has that
    of its bits.

    Raises:
        EngineError: there is something in it that does not go over the wire.

    Example:
        >>> fingerprint((1, [2.0])) == fingerprint((1, [2.0])), fingerprint(0.0) == fingerprint(-0.0)
        (True, False)
    """
    digest = hashlib.sha256()
    _walk(value, digest.update)
    return digest.digest()


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
    parts = _parts(value)
    return 8 if parts is None else sum(map(size_bytes, parts))


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _walk(value: Any, update: Callable[[bytes], None]) -> None:
    """Hand over the bytes of a value, each part's after its type and size, so that no two values have the same."""
    kind = type(value)
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        update(f"{kind.__name__} {value.dtype.str} {value.shape};".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif kind in PLAIN:
        if isinstance(value, float | complex):
            number = complex(value)
            text = struct.pack("<dd", number.real, number.imag)
        else:
            text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        update(f"{kind.__name__} {len(text)};".encode())
        update(text)
    else:
        check_sendable(value)
        items = list(_parts(value) or ())
        update(f"{kind.__module__}.{kind.__qualname__} {len(items)};".encode())
        for part in items:
            _walk(part, update)


def _parts(value: Any) -> Iterator[Any] | None:
    """What a value is made of, if it is made of others."""
    if isinstance(value, tuple | list):
        return iter(value)
    if isinstance(value, dict):
        return (part for item in value.items() for part in item)
    if is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, field.name) for field in fields(value))
    return None
