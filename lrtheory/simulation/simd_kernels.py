"""The inner loop of `lrtheory.simulation.configuration_kernels` in the processor's own vectors, where it has them.

A tile is a few vectors wide, and several replicas of it stay in registers for the steps of a whole chunk: a step of a
vector is then two instructions and one load. One adds the push, as a fused multiply-add by one, because processors add
and multiply-add in different pipes; the other takes the absolute value and the minimum at once (AVX-512's ``VRANGE``) or
is two (AVX2). All of them round, or do not, as the plain operations do: results are the same to the bit.
"""

from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from numba.core import cgutils, codegen, config, types
from numba.core.errors import TypingError
from numba.core.typing.templates import signature
from numba.extending import intrinsic

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
_MAGNITUDE_LEAST, _SIGNED_LEAST = 0b1010, 0b0010  # VRANGE: the lesser magnitude, without a sign or with the first's


@dataclass(frozen=True)
class _Layout:
    """What fits into the registers.

    Args:
        bits: Width of a vector.
        vectors: Vectors side by side in a tile.
        folded: Replicas at a time where only the last iterate is asked for.
        signed: Replicas at a time where the iterates are summed, too.
    """

    bits: int
    vectors: int
    folded: int
    signed: int


_AVX512 = _Layout(bits=512, vectors=2, folded=10, signed=6)
_AVX2 = _Layout(bits=256, vectors=2, folded=5, signed=2)
REPLICAS = 60
"""A multiple of the replicas that any layout keeps in registers."""


def _layout() -> _Layout | None:
    """The layout for the processor that numba compiles for; None where it has no vectors that are known here."""
    chosen = getattr(config, "CPU_FEATURES", None)  # NUMBA_CPU_FEATURES
    on = set((codegen.get_host_cpu_features() if chosen is None else chosen).split(","))
    if {"+avx512f", "+avx512dq"} <= on:
        return _AVX512
    return _AVX2 if {"+avx2", "+fma"} <= on else None


LAYOUT = _layout()


def width(dtype: np.dtype) -> int:
    """Configurations in a tile; 0 where only the portable form can run."""
    return LAYOUT.vectors * LAYOUT.bits // (8 * dtype.itemsize) if LAYOUT else 0


def together(averaged: bool) -> int:
    """Replicas that are taken at once; 0 where only the portable form can run."""
    return (LAYOUT.signed if averaged else LAYOUT.folded) if LAYOUT else 0


@intrinsic
def advance(typing_context, x, partial, table, words, bounds, rows, steps, one):
    """As `configuration_kernels.advance`, for a tile of `width` lanes and a multiple of `together` rows."""
    return _advance(x, partial, table, words, bounds, rows, steps, one, signed=False)


@intrinsic
def advance_signed(typing_context, x, partial, table, words, bounds, rows, steps, one):
    """As `configuration_kernels.advance_signed`, likewise."""
    return _advance(x, partial, table, words, bounds, rows, steps, one, signed=True)


def _advance(x, partial, table, words, bounds, rows, steps, one, signed):
    number = one
    if number not in (types.float32, types.float64):
        raise TypingError("one must be a float32 or a float64.")

    def generate(context, builder, typed, arguments):
        if LAYOUT is not None:
            x, partial, table, words, bounds = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(typed.args[:5], arguments[:5])
            )
            rows, steps, one = arguments[5:]
            loop = _Loop(builder, LAYOUT, number.bitwidth, signed)
            loop.emit(x, partial, table, words, bounds, rows, steps, one)
        return context.get_dummy_value()

    return signature(types.void, x, partial, table, words, bounds, types.intp, types.intp, number), generate


class _Loop:
    """Writes the loop over replicas and steps, for one precision."""

    def __init__(self, builder, layout, bits, signed):
        self.builder, self.layout, self.signed, self.bits = builder, layout, signed, bits
        self.lanes = layout.bits // bits
        self.number = ir.FloatType() if bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(self.number, self.lanes)
        self.integers = ir.VectorType(ir.IntType(bits), self.lanes)
        self.width = layout.vectors * self.lanes

    def emit(self, x, partial, table, words, bounds, rows, steps, one):
        """For each few rows: load them, take all steps in registers, store them."""
        builder = self.builder
        one = self._everywhere(one)
        bounds = [self._load(bounds, vector * self.lanes) for vector in range(self.layout.vectors)]
        count = together(self.signed)
        places = [(row, vector) for row in range(count) for vector in range(self.layout.vectors)]
        with cgutils.for_range_slice(builder, _INT64(0), rows, _INT64(count), intp=_INT64) as (first, _):
            block = builder.gep(x, [builder.mul(first, _INT64(self.width))])
            sums = builder.gep(partial, [builder.mul(first, _INT64(self.width))])
            iterates = {place: cgutils.alloca_once(builder, self.vector) for place in places}
            totals = {place: cgutils.alloca_once(builder, self.vector) for place in places if self.signed}
            bits = [cgutils.alloca_once(builder, _INT64) for _ in range(count)]
            for row in range(count):
                builder.store(builder.load(builder.gep(words, [builder.add(first, _INT64(row))])), bits[row])
            for kept, source in ((iterates, block), (totals, sums)):
                for (row, vector), register in kept.items():
                    builder.store(self._load(source, row * self.width + vector * self.lanes), register)
            with cgutils.for_range(builder, steps, intp=_INT64) as loop:
                pushes = builder.gep(table, [builder.mul(loop.index, _INT64(2 * self.width))])
                for row in range(count):
                    word = builder.load(bits[row])
                    chosen = builder.gep(pushes, [builder.mul(builder.and_(word, _INT64(1)), _INT64(self.width))])
                    builder.store(builder.lshr(word, _INT64(1)), bits[row])
                    for vector in range(self.layout.vectors):
                        register = iterates[row, vector]
                        push = self._load(chosen, vector * self.lanes)
                        moved = self._step(builder.load(register), push, bounds[vector], one)
                        builder.store(moved, register)
                        if self.signed:
                            total = totals[row, vector]
                            builder.store(builder.fadd(builder.load(total), moved), total)
            for kept, target in ((iterates, block), (totals, sums)):
                for (row, vector), register in kept.items():
                    self._store(builder.load(register), target, row * self.width + vector * self.lanes)

    def _step(self, x, push, bound, one):
        """``min(|x + push|, bound)``; with signs, ``x + sign(x) push`` kept between minus and plus the bound."""
        builder = self.builder
        if self.signed:
            sign = ir.Constant(self.integers, [1 << (self.bits - 1)] * self.lanes)
            flip = builder.and_(builder.bitcast(x, self.integers), sign)
            push = builder.bitcast(builder.xor(builder.bitcast(push, self.integers), flip), self.vector)
        moved = self._call("llvm.fma", self.vector, x, one, push)
        if self.layout is _AVX512:
            return self._range(moved, bound)
        if not self.signed:
            magnitude = self._call("llvm.fabs", self.vector, moved)
            return builder.select(builder.fcmp_ordered("<", magnitude, bound), magnitude, bound)
        capped = builder.select(builder.fcmp_ordered("<", moved, bound), moved, bound)
        floor = builder.fneg(bound)
        return builder.select(builder.fcmp_ordered(">", capped, floor), capped, floor)

    def _range(self, moved, bound):
        mask = ir.IntType(self.lanes)
        name = f"llvm.x86.avx512.mask.range.{'ps' if self.bits == 32 else 'pd'}.512"
        kind = ir.FunctionType(self.vector, [self.vector, self.vector, _INT32, self.vector, mask, _INT32])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        code = _SIGNED_LEAST if self.signed else _MAGNITUDE_LEAST
        unused = ir.Constant(self.vector, ir.Undefined)
        every, current_rounding = ir.Constant(mask, -1), _INT32(4)
        return self.builder.call(function, [moved, bound, _INT32(code), unused, every, current_rounding])

    def _call(self, name, result, *arguments):
        kind = ir.FunctionType(result, [self.vector] * len(arguments))
        name = f"{name}.v{self.lanes}f{self.bits}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def _everywhere(self, value):
        empty = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(empty, value, _INT32(0))
        places = ir.Constant(ir.VectorType(_INT32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, empty, places)

    def _load(self, base, offset):
        place = self.builder.bitcast(self.builder.gep(base, [_INT64(offset)]), self.vector.as_pointer())
        value = self.builder.load(place)
        value.align = self.bits // 8
        return value

    def _store(self, value, base, offset):
        place = self.builder.bitcast(self.builder.gep(base, [_INT64(offset)]), self.vector.as_pointer())
        self.builder.store(value, place).align = self.bits // 8
