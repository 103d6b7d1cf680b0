"""Where threads wait for each other inside compiled code: atomic numbers in shared memory.

Python's own barriers need the interpreter's lock and cost some 20 µs; a superstep of training takes 60 µs. Here a
thread that comes early looks again and again for a moment, then gives its core to another thread: with more threads
than cores, or beside other programs, the one that is waited for gets to run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from lexigrad.kernels.compiler.compile import compiled
from lexigrad.kernels.compiler.simd import array_pointer, declared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexigrad.kernels.arraytypes import Int64s

__all__ = ["Gate", "looks", "meet"]

if sys.platform == "win32":  # the same service under another name
    import ctypes

    binding.add_symbol("sched_yield", ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value)

yield_core = types.ExternalFunction("sched_yield", types.int32())

ARRIVED = 0
STOPPED = 16  # far enough for a cache line of its own, and for the neighbor that is fetched with it
YIELDED = 17


OFTEN = 0.06
"""A part of the meetings: 1 to 3 % where a machine is quiet, 10 to 100 % beside a program that wants a core."""


class Gate:
    """The memory of threads that meet: arrivals and yields so far, and whether to stop, in ``state`` for `meet`."""

    def __init__(self, threads: int, cores: int) -> None:
        self.threads = threads
        self.state = np.zeros(32, np.int64)
        self._seen = 0, 0
        self.looks = looks(threads, cores)

    @property
    def crowded(self) -> bool:
        """Whether, since this was asked last, threads often waited so long that they gave their core away."""
        meetings, yields = self.state[ARRIVED] // self.threads, self.state[YIELDED]
        before, self._seen = self._seen, (meetings, yields)
        return bool(yields - before[1] > OFTEN * (meetings - before[0]))

    def stop(self) -> None:
        """Let no thread wait any longer, now or later."""
        self.state[STOPPED] = 1

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return bool(self.state[STOPPED])


def looks(threads: int, cores: int) -> int:
    """How often a thread looks before it gives its core away: some 50 µs, or not at all where cores are short."""
    return 1_000 if threads <= cores else 1


@compiled
def meet(state: Int64s, threads: int, looks: int) -> bool:
    """Wait until all threads have come as often as this one; False if they were told to stop.

    All that a thread wrote before it came, every other thread sees when it goes on: arrivals are released by an atomic
    addition and acquired by the loads that wait for it.
    """
    if threads == 1:
        return not load(state, STOPPED)
    # Arrivals are never set back, so no thread can come twice to one meeting or miss the moment of a reset.
    complete = (add(state, ARRIVED, 1) // threads + 1) * threads
    looked = 0
    while load(state, ARRIVED) < complete:
        if load(state, STOPPED):
            return False
        looked += 1
        if looked < looks:
            pause()
        else:
            yield_core()
    if looked >= looks:
        add(state, YIELDED, 1)
    return True


def _place(context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
    """The pointer to number ``values[1]`` of the array ``values[0]``."""
    return builder.gep(array_pointer(context, builder, signature.args[0], values[0]), [values[1]])


@intrinsic
def add(
    _typing_context: Any, state: types.Type, place: types.Type, value: types.Type
) -> tuple[Any, Callable[..., Any]]:
    """Add to a number, atomically; returns the number before."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("add", _place(context, builder, signature, values), values[2], "acq_rel")

    return types.int64(state, types.int64, types.int64), generate


@intrinsic
def load(_typing_context: Any, state: types.Type, place: types.Type) -> tuple[Any, Callable[..., Any]]:
    """Read a number so that later reads see all that was written before it."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
        return builder.load_atomic(_place(context, builder, signature, values), "acquire", 8)

    return types.int64(state, types.int64), generate


@intrinsic
def pause(_typing_context: Any) -> tuple[Any, Callable[..., Any]]:
    """Tell the processor that this loop waits; does nothing where LLVM knows no such instruction."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, _values: Sequence[ir.Value]) -> ir.Value:
        if str(builder.module.triple).startswith("x86"):
            builder.call(declared(builder, "llvm.x86.sse2.pause", ir.VoidType(), []), [])
        return context.get_dummy_value()

    return types.void(), generate
