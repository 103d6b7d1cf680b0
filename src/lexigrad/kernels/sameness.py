"""Loops that show by their bits how a processor and its libraries round; nothing is trained with them."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

import numpy as np
from llvmlite import binding
from numba import config

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.compiler.rowshape import LANES
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel

if TYPE_CHECKING:
    from llvmlite.ir import Value

    from lexigrad.kernels.arraytypes import Doubles, Floats

__all__ = ["probe_lanes", "probe_scalars", "processor"]

FEATURES: Final = ("fma", "avx2", "avx512f")


def processor() -> str:
    """The processor that code is compiled for, and which of its abilities NumPy is not to use."""
    if config.CPU_NAME:
        return f"{config.CPU_NAME} {config.CPU_FEATURES or ''}".strip()
    has = binding.get_host_cpu_features()
    words = [binding.get_host_cpu_name(), *(name for name in FEATURES if has.get(name))]
    disabled = os.environ.get("NPY_DISABLE_CPU_FEATURES")
    return " ".join([*words, *(["without", disabled, "in NumPy"] if disabled else [])])


@kernel
def probe_scalars(doubles: Doubles, singles: Floats, of_doubles: Doubles, of_singles: Floats) -> None:
    """Exponentials and logarithms as compiled loops have them, and products that a compiler might fuse with sums.

    Args:
        doubles: float64 (count,), positive.
        singles: float32 (count,), positive.
        of_doubles: float64 (4, count), the results.
        of_singles: float32 (3, count), the results.
    """
    total, single_total = 0.0, np.float32(0)
    for i in range(len(doubles)):
        x, y = doubles[i], singles[i]
        total += x * x
        single_total += y * y
        of_doubles[0, i] = math.exp(-x)
        of_doubles[1, i] = math.log(x)
        of_doubles[2, i] = math.log1p(x)
        of_doubles[3, i] = total
        of_singles[0, i] = np.exp(-y)
        of_singles[1, i] = np.log(y)
        of_singles[2, i] = single_total


@kernel
def probe_lanes(x: Floats, sigmoids: Floats, losses: Floats, exponentials: Floats, totals: Floats) -> None:
    """The functions of the vector kernels: σ, −log σ, exponentials, and products added with one rounding or two.

    Args:
        x: float32 (count,), starting on a cache line, count a multiple of 16; likewise the results.
        sigmoids: σ(x).
        losses: log(1 + exp(x)).
        exponentials: exp(x).
        totals: the running sums of x², lane by lane.
    """
    _probe_lanes((0,), x, len(x), sigmoids, losses, exponentials, totals)


@vector_kernel
def _probe_lanes(
    lanes: Lanes,
    _: int,
    x: Value,
    count: Value,
    sigmoids: Value,
    losses: Value,
    exponentials: Value,
    totals: Value,
) -> None:
    """The loop of `probe_lanes`."""

    def sixteen(i: Value, carried: list[Value]) -> list[Value]:
        value = lanes.load(x, i)
        sigmoid, loss = lanes.sigmoid_and_softplus(value)
        total = lanes.fma(value, value, carried[0])
        for result, place in ((sigmoid, sigmoids), (loss, losses), (lanes.exp(value), exponentials), (total, totals)):
            lanes.store(result, place, i)
        return [total]

    lanes.loop(0, count, LANES, [lanes.constant(0.0)], sixteen)
