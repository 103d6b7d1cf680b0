"""A cluster on one thread: calls in any order, late or lost results, workers that die, all drawn from a seed."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from lexigrad.engines.interface import LostValueError, error_of, name_of
from lexigrad.engines.values import PLAIN, check_sendable, parts_of, with_arrays
from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LATEST: Final = 4
"""A result comes after fewer further calls than that."""

LINE_BYTES: Final = 64
MISPLACED_BYTES: Final = 16  # every number is still where it may be


class _Ref:
    """A value that is there, or the error that came instead, or neither yet."""

    __slots__ = ("error", "freed", "is_there", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_there = False
        self.freed = False


@dataclass(slots=True, eq=False)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    refs: list[_Ref]


class SimulatedEngine:
    """Does what a cluster may do, on one thread, and does the same again for the same seed.

    Calls whose arguments are there are made in a drawn order, each on copies of its arguments, as on another machine.
    Results are late by a drawn number of calls. A worker dies in so many of the calls: what it had is thrown away, the
    call is made again, and the values must be the same, bit for bit. A function that changes its arguments, or returns
    a value that does not go over the wire, is refused too.

    Args:
        workers: the number that the job is told; nothing here depends on it.
        seed: the seed of all that is drawn.
        deaths: the probability that a worker dies in a call.
        losses: the probability that what a call returns is lost for good, and with it all that is made of it.

    Attributes:
        calls: how many calls were made, those made again not counted.
        died: how many workers have died so far.
        lost: of how many calls the values were lost.

    Example:
        >>> from operator import add
        >>> with SimulatedEngine(3, seed=1, deaths=1.0) as engine:
        ...     two = engine.put(2)
        ...     print(engine.get([engine.call(add, two, engine.call(add, two, 1))]), engine.died)
        [5] 2
    """

    def __init__(self, workers: int = 3, *, seed: int = 0, deaths: float = 0.1, losses: float = 0.0) -> None:
        self.workers, self.threads = workers, 1
        self.calls = 0
        self.died = 0
        self.lost = 0
        self._random = Random(seed)
        self._deaths, self._losses = deaths, losses
        self._waiting: list[_Call] = []
        self._late: list[tuple[int, list[_Ref]]] = []
        self._users: Counter[_Ref] = Counter()  # calls that wait with this argument

    def put(self, value: Any) -> _Ref:
        ref = _Ref()
        check_sendable(value)
        ref.value, ref.is_there = _sent(value), True
        return ref

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:
        refs = [_Ref() for _ in range(returns)]
        needed = [part for part in arguments if isinstance(part, _Ref)]
        for part in arguments:
            if not isinstance(part, _Ref):
                check_sendable(part)
            elif part.freed:
                raise EngineError(f"{name_of(function)} is to use a value that was freed")
        self._users.update(needed)
        held = tuple(part if isinstance(part, _Ref) else _sent(part) for part in arguments)
        self._waiting.append(_Call(function, held, refs))
        return refs[0] if returns == 1 else tuple(refs)

    def get(self, refs: Iterable[_Ref]) -> list[Any]:
        wanted = list(refs)
        for ref in wanted:
            if ref.freed:
                raise EngineError("a value is asked for that was freed")
            while not ref.is_there:
                self._step()
            self._raise_errors_of([ref])
        return [ref.value for ref in wanted]

    def free(self, refs: Iterable[_Ref]) -> None:
        for ref in refs:
            ref.freed = True
            self._drop(ref)

    def close(self) -> None:
        self._waiting.clear()
        self._late.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _step(self) -> None:
        """Make one of the calls that can be made, and let in the results whose time has come."""
        ready = [call for call in self._waiting if all(part.is_there for part in _refs_of(call))]
        if ready:
            call = self._random.choice(ready)
            self._waiting.remove(call)
            self._carry_out(call)
            self.calls += 1
            self._late.append((self.calls + self._random.randrange(LATEST), call.refs))
        due = [refs for time, refs in self._late if time <= self.calls or not ready]
        self._late = [(time, refs) for time, refs in self._late if time > self.calls and ready]
        for ref in (ref for refs in due for ref in refs):
            ref.is_there = True
            self._drop(ref)

    def _carry_out(self, call: _Call) -> None:
        """Set the values of a call's refs, or the error."""
        used = list(_refs_of(call))
        try:
            self._raise_errors_of(used)
            for ref, value in zip(call.refs, self._values_of(call), strict=True):
                ref.value = value
        except Exception as error:  # handed to whoever asks for the value
            for ref in call.refs:
                ref.error = error_of(name_of(call.function), error)
        if self._losses and self._random.random() < self._losses:
            self.lost += 1
            for ref in call.refs:
                ref.error = LostValueError("a value was lost with a machine")
        self._users.subtract(used)
        for ref in used:
            self._drop(ref)

    @staticmethod
    def _raise_errors_of(refs: Iterable[_Ref]) -> None:
        for ref in refs:
            if ref.error is not None:
                raise ref.error

    def _values_of(self, call: _Call) -> tuple[Any, ...]:
        """What the function returns; twice, if the first worker dies."""
        values = _made(call)
        if self._random.random() < self._deaths:
            self.died += 1
            before = fingerprint(values)
            if fingerprint(_made(call)) != before:
                raise EngineError(f"{name_of(call.function)} returned other bytes when it was called again")
        return values

    def _drop(self, ref: _Ref) -> None:
        """Forget a freed value that no call waits for."""
        if ref.freed and ref.is_there and self._users[ref] <= 0:
            ref.value = None
            del self._users[ref]


def _made(call: _Call) -> tuple[Any, ...]:
    """Call the function with copies, and see that it leaves them alone."""
    name = name_of(call.function)
    arguments = [_sent(part.value if isinstance(part, _Ref) else part) for part in call.arguments]
    before = fingerprint(arguments)
    try:
        result = call.function(*arguments)
    finally:
        if fingerprint(arguments) != before:
            raise EngineError(f"{name} changed its arguments")
    values = (result,) if len(call.refs) == 1 else tuple(result)
    if len(values) != len(call.refs):
        raise EngineError(f"{name} returned {len(values)} values where {len(call.refs)} were expected")
    check_sendable(values)
    return tuple(map(_sent, values))


def _refs_of(call: _Call) -> Iterable[_Ref]:
    return (part for part in call.arguments if isinstance(part, _Ref))


def _sent(value: Any) -> Any:
    """A copy, as it comes out of a message: read-only, and not where vectors of 64 bytes would like it to be."""
    return with_arrays(value, _moved)


def _moved(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        turned: np.ndarray[Any, Any] = _moved(array.T).T
        return turned
    space = np.empty(array.nbytes + LINE_BYTES, np.uint8)
    start = (MISPLACED_BYTES - space.ctypes.data) % LINE_BYTES
    copied: np.ndarray[Any, Any] = space[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copied[...] = array
    copied.flags.writeable = False
    return copied


def fingerprint(value: Any) -> bytes:
    """A hash of a value: of its types, shapes and bytes, in the order in which they stand.

    Two values that are equal but not the same, such as 0.0 and −0.0, or 1 and True, have different hashes. A NaN has
    the hash of its bits.

    Raises:
        EngineError: there is something in it that does not go over the wire.
    """
    digest = hashlib.sha256()
    _walk(value, digest.update)
    return digest.digest()


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
        items = list(parts_of(value) or ())
        update(f"{kind.__module__}.{kind.__qualname__} {len(items)};".encode())
        for part in items:
            _walk(part, update)
