"""Vector instructions from Python: loops written here become LLVM code on 16 floats at a time.

Numba compiles scalar loops well and small matrix products badly: it never keeps a tile of sums in registers. A
function under `vector_kernel` is run once, while Numba compiles its caller, and *emits* the instructions by calling the
methods of `Lanes`. Its Python loops unroll; `Lanes.loop` makes a loop of the machine. LLVM splits the 16 lanes where
registers are narrower.

No instruction here may be reordered (no fastmath): sums have explicit lanes, so they give the same bits wherever
compiled.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lexigrad.kernels.compiler.rowshape import CHUNK, LANES, part_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Lanes", "array_pointer", "declared", "multiply_mix", "row_floats", "row_offset", "vector_kernel"]

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
INT128 = ir.IntType(128)
VECTOR = ir.VectorType(FLOAT, LANES)
INT_VECTOR = ir.VectorType(INT32, LANES)

LOG1P = (
    5.12610212e-3,
    -2.90740646e-2,
    7.75160866e-2,
    -0.136022476,
    0.190768807,
    -0.24835399,
    0.333181217,
    -0.49999445,
    0.999999966,
)
"""log(1 + x) / x on [0, 1], highest power first; relative error below 3e-7 with the rounding of its sum."""

EXP2 = (1.32647269e-3, 9.67151266e-3, 5.55073374e-2, 0.240222421, 0.693146978, 1.0)
"""2 ** x on [-0.5, 0.5], highest power first, exact at 0; the largest relative error is the least possible, 1.7e-7."""


class Lanes:
    """Emits instructions on vectors of 16 floats; a pointer is always to floats, an offset always counts floats."""

    def __init__(self, context: Any, builder: ir.IRBuilder) -> None:
        self.builder = builder
        _, _, features = context.codegen().magic_tuple()
        # Without the instruction LLVM would call a library function for each lane, 50 times slower. Other processors
        # than x86 name their features differently, and all that run Python and NumPy today have it.
        self.has_fma = "+fma" in features or not str(builder.module.triple).startswith("x86")

    # --- scalars and constants

    @staticmethod
    def integer(value: int) -> ir.Constant:
        """A 64-bit whole number known now."""
        return ir.Constant(INT64, value)

    @staticmethod
    def constant(value: float) -> ir.Constant:
        """A number that is known now, in every lane."""
        return ir.Constant(VECTOR, [value] * LANES)

    def splat(self, scalar: ir.Value) -> ir.Value:
        """A number of the machine, in every lane."""
        first = self.builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(INT32, 0))
        return self._shuffle(first, first, [0] * LANES)

    # --- memory

    def at(self, pointer: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """The pointer moved by the sum of the offsets."""
        for offset in offsets:
            pointer = self.builder.gep(pointer, [offset if isinstance(offset, ir.Value) else self.integer(offset)])
        return pointer

    def row(self, number: ir.Value, vectors: int) -> ir.Value:
        """The offset of a row in a panel of rows of that many vectors."""
        return self.builder.mul(number, self.integer(LANES * vectors))

    def item(self, pointer: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """One number of an array."""
        return self.builder.load(self.at(pointer, *offsets))

    def load(self, pointer: ir.Value, *offsets: ir.Value | int, align: int = 4 * LANES) -> ir.Value:
        """Sixteen floats of a row; rows start on cache lines: the address is a multiple of 64, or of ``align``."""
        value = self.builder.load(self.builder.bitcast(self.at(pointer, *offsets), VECTOR.as_pointer()))
        value.align = align
        return value

    def store(self, value: ir.Value, pointer: ir.Value, *offsets: ir.Value | int) -> None:
        """Write sixteen floats, anywhere: an unaligned store is as fast where the address happens to be aligned."""
        target = self.builder.bitcast(self.at(pointer, *offsets), VECTOR.as_pointer())
        self.builder.store(value, target).align = 4

    def store_first(self, value: ir.Value, pointer: ir.Value) -> None:
        """Write the first lane as one float."""
        self.builder.store(self.builder.extract_element(value, ir.Constant(INT32, 0)), pointer)

    def prefetch(self, pointer: ir.Value) -> None:
        """Ask for the cache line at the pointer; it will be read and perhaps written soon."""
        bytes_pointer = ir.IntType(8).as_pointer()
        kinds = [bytes_pointer, INT32, INT32, INT32]
        prefetch = self._function("llvm.prefetch.p0", ir.VoidType(), kinds)
        read, every_cache_level, data = (ir.Constant(INT32, number) for number in (0, 3, 1))
        self.builder.call(prefetch, [self.builder.bitcast(pointer, bytes_pointer), read, every_cache_level, data])

    # --- arithmetic

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A + b."""
        return self.builder.fadd(a, b)

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A − b."""
        return self.builder.fsub(a, b)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """A · b."""
        return self.builder.fmul(a, b)

    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """A · b + c, rounded once where the processor can.

        So bytes follow from the kind of processor; the choice is made here and never by LLVM, which may not fuse.
        """
        if not self.has_fma:
            return self.add(self.mul(a, b), c)
        return self.builder.call(self._function("llvm.fma.v16f32", VECTOR, [VECTOR] * 3), [a, b, c])

    def sigmoid(self, x: ir.Value) -> ir.Value:
        """1 / (1 + exp(−x)), relative error below 1e-6 and exact in its limits: no table, no branch."""
        mantissa, scale = self._exp_parts(self.mul(x, self.constant(-1.4426950408889634)))
        one = self.constant(1.0)
        return self.builder.fdiv(one, self.fma(mantissa, scale, one))

    def exp(self, x: ir.Value) -> ir.Value:
        """The exponential, relative error below 1e-6; infinite above 87.3, and 2 ** −126 below −87.3."""
        power = self.mul(x, self.constant(1.4426950408889634))
        is_large = self.builder.fcmp_ordered(">", power, self.constant(126.0))
        return self.builder.select(is_large, self.constant(float("inf")), self.mul(*self._exp_parts(power)))

    def sigmoid_and_softplus(self, x: ir.Value) -> tuple[ir.Value, ir.Value]:
        """σ(x) and −log σ(−x) = log(1 + exp(x)), relative error below 1e-6, from one exp(−|x|)."""
        zero, one = self.constant(0.0), self.constant(1.0)
        magnitude = self.builder.call(self._function("llvm.fabs.v16f32", VECTOR, [VECTOR]), [x])
        small = self.mul(*self._exp_parts(self.mul(magnitude, self.constant(-1.4426950408889634))))
        larger = self.builder.fdiv(one, self.add(one, small))  # σ(|x|)
        smaller = self.mul(small, larger)  # σ(−|x|), of full relative precision
        is_positive = self.builder.fcmp_ordered(">=", x, zero)
        sigmoid = self.builder.select(is_positive, larger, smaller)
        log1p = self.mul(small, self._polynomial(LOG1P, small))
        return sigmoid, self.add(self.builder.select(is_positive, x, zero), log1p)

    def larger(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """The larger of each pair of lanes."""
        return self.builder.call(self._function("llvm.maxnum.v16f32", VECTOR, [VECTOR] * 2), [a, b])

    def folded(self, combine: Callable[[ir.Value, ir.Value], ir.Value], vector: ir.Value) -> ir.Value:
        """All lanes of a vector combined, the same number in every lane."""
        for half in (8, 4, 2, 1):
            vector = combine(vector, self._shuffle(vector, vector, [lane ^ half for lane in range(LANES)]))
        return vector

    def sums(self, vectors: Sequence[ir.Value]) -> ir.Value:
        """One vector whose lane i is the sum of all lanes of ``vectors[i]``, for 16 vectors: 15 additions, not 64."""
        rows = list(vectors)
        for half in (8, 4, 2, 1):
            low = [lane if lane & half == 0 else LANES + (lane ^ half) for lane in range(LANES)]
            high = [lane | half if lane & half == 0 else LANES + lane for lane in range(LANES)]
            rows = [
                self.add(self._shuffle(a, b, low), self._shuffle(a, b, high))
                for a, b in zip(rows[: len(rows) // 2], rows[len(rows) // 2 :], strict=True)
            ]
        return rows[0]

    def transposed(self, vectors: Sequence[ir.Value]) -> list[ir.Value]:
        """Sixteen vectors whose lane i of vector j is lane j of ``vectors[i]``."""
        rows = list(vectors)
        for half in (8, 4, 2, 1):
            low = [lane if lane & half == 0 else LANES + (lane ^ half) for lane in range(LANES)]
            high = [lane | half if lane & half == 0 else LANES + lane for lane in range(LANES)]
            for i in range(LANES):
                if i & half == 0:
                    a, b = rows[i], rows[i | half]
                    rows[i], rows[i | half] = self._shuffle(a, b, low), self._shuffle(a, b, high)
        return rows

    # --- loops

    def loop(
        self,
        start: ir.Value | int,
        stop: ir.Value | int,
        step: int,
        carried: Sequence[ir.Value],
        body: Callable[[ir.Value, list[ir.Value]], Sequence[ir.Value] | None],
    ) -> list[ir.Value]:
        """``for i in range(start, stop, step): carried = body(i, carried)`` as a loop of the machine."""
        builder = self.builder
        start, stop = (self.integer(end) if isinstance(end, int) else end for end in (start, stop))
        before = builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(INT64)
        i.add_incoming(start, before)
        values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(values, carried, strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", i, stop), inside, after)
        builder.position_at_end(inside)
        updated = body(i, list(values)) or []
        i.add_incoming(builder.add(i, self.integer(step)), builder.block)
        for phi, value in zip(values, updated, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return list(values)

    # --- inside

    def _exp_parts(self, power: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Two factors of 2 ** power: one from the power's fraction, the other from its whole part."""
        power = self._clamp(power, 126.0)
        whole = self.builder.call(self._function("llvm.rint.v16f32", VECTOR, [VECTOR]), [power])
        mantissa = self._polynomial(EXP2, self.sub(power, whole))
        exponent = self.builder.add(self.builder.fptosi(whole, INT_VECTOR), ir.Constant(INT_VECTOR, [127] * LANES))
        return mantissa, self.builder.bitcast(self.builder.shl(exponent, ir.Constant(INT_VECTOR, [23] * LANES)), VECTOR)

    def _polynomial(self, coefficients: Sequence[float], x: ir.Value) -> ir.Value:
        """The polynomial by Horner's rule, highest power first."""
        value = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            value = self.fma(value, x, self.constant(coefficient))
        return value

    def _function(self, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        return declared(self.builder, name, result, arguments)

    def _shuffle(self, a: ir.Value, b: ir.Value, lanes: Sequence[int]) -> ir.Value:
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes)))

    def _clamp(self, x: ir.Value, limit: float) -> ir.Value:
        smaller = self._function("llvm.minnum.v16f32", VECTOR, [VECTOR] * 2)
        larger = self._function("llvm.maxnum.v16f32", VECTOR, [VECTOR] * 2)
        return self.builder.call(smaller, [self.builder.call(larger, [x, self.constant(-limit)]), self.constant(limit)])


def declared(builder: ir.IRBuilder, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
    """A function that LLVM knows by its name, declared once in a module."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, list(arguments)), name)


def array_pointer(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> ir.Value:
    """The pointer to the first number of an array."""
    return context.make_array(kind)(context, builder, value).data


def vector_kernel(emit: Callable[..., None]) -> Any:
    """Make a function that emits instructions callable from Numba code.

    ``emit(lanes, vectors, ...)`` gets the number of vectors in a row for the caller's `row_shape` or `row_parts` (a
    list of the numbers in its parts if it calls them ``parts``), a pointer for each array, a 64-bit integer for each
    whole number, a 32-bit float for each other number, and for a NamedTuple one of these.
    """
    names = list(inspect.signature(emit).parameters)[1:]
    by_parts = names[0] == "parts"

    def typer(_typing_context: Any, *arguments: types.Type) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
            shape, *rest = map(_passed(context, builder), signature.args, values)
            emit(Lanes(context, builder), shape if by_parts else sum(shape), *rest)
            return context.get_dummy_value()

        return types.void(*map(_accepted, arguments)), generate

    parameter = inspect.Parameter
    kinds = [parameter(name, parameter.POSITIONAL_OR_KEYWORD) for name in ["typing_context", *names]]
    typer.__signature__ = inspect.Signature(kinds)  # type: ignore[attr-defined]
    typer.__name__ = emit.__name__
    typer.__qualname__ = emit.__qualname__
    typer.__module__ = emit.__module__
    typer.__doc__ = emit.__doc__
    return intrinsic(typer)


def _accepted(argument: types.Type) -> types.Type:
    """The type as which a kernel takes an argument."""
    argument = types.unliteral(argument)
    if isinstance(argument, types.Integer):
        return types.int64
    return types.float32 if isinstance(argument, types.Float) else argument


def _passed(context: Any, builder: ir.IRBuilder) -> Callable[[types.Type, ir.Value], Any]:
    """The function that makes of an argument the one that ``emit`` gets."""

    def passed(kind: types.Type, value: ir.Value) -> Any:
        if isinstance(kind, types.BaseNamedTuple):
            # Numbers in a bundle keep the kinds that the caller gave them, so each is cast as it would be alone.
            fields = map(field, kind.types, cgutils.unpack_tuple(builder, value))
            return kind.instance_class(*fields)
        if isinstance(kind, types.BaseTuple):
            return _vectors(kind)
        if isinstance(kind, types.Array):
            return array_pointer(context, builder, kind, value)
        return value

    def field(kind: types.Type, value: ir.Value) -> Any:
        accepted = _accepted(kind)
        return passed(accepted, value if kind == accepted else context.cast(builder, value, kind, accepted))

    return passed


def _vectors(shape: types.BaseTuple) -> list[int]:
    """The vectors in each part of a row."""
    parts = [part for part in shape.types if isinstance(part, types.BaseTuple)]
    return [len(part) for part in parts] or [len(shape)]


@intrinsic
def row_floats(_typing_context: Any, shape: types.Type) -> tuple[Any, Callable[..., Any]]:
    """Floats in a row of that shape where its parts stand side by side, as in panels."""

    def generate(_context: Any, _builder: ir.IRBuilder, signature: Any, _values: Sequence[ir.Value]) -> ir.Value:
        return Lanes.integer(LANES * sum(_vectors(signature.args[0])))

    return types.int64(shape), generate


@intrinsic
def row_offset(_typing_context: Any, shape: types.Type, number: types.Type) -> tuple[Any, Callable[..., Any]]:
    """The offset of a row in a table of rows of that shape; its number where the shape is ()."""

    def generate(_context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
        _, number = values
        if not len(signature.args[0]):
            return number
        parts = _vectors(signature.args[0])
        stride = part_floats(parts)
        if len(parts) == 1:
            return builder.mul(number, Lanes.integer(stride))
        chunk = builder.ashr(number, Lanes.integer(CHUNK.bit_length() - 1))
        start = builder.mul(chunk, Lanes.integer(CHUNK * stride * len(parts)))
        row = builder.and_(number, Lanes.integer(CHUNK - 1))
        return builder.add(start, builder.mul(row, Lanes.integer(stride)))

    return types.int64(shape, types.int64), generate


@intrinsic
def multiply_mix(_typing_context: Any, a: types.Type, b: types.Type) -> tuple[Any, Callable[..., Any]]:
    """High half xor low half of the 128-bit product of two unsigned 64-bit numbers."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[ir.Value]) -> ir.Value:
        product = builder.mul(*(builder.zext(value, INT128) for value in values))
        high = builder.trunc(builder.lshr(product, ir.Constant(INT128, 64)), INT64)
        return builder.xor(high, builder.trunc(product, INT64))

    return types.uint64(types.uint64, types.uint64), generate
