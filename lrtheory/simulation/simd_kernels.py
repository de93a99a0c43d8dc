"""The inner loops of the one-dimensional simulators in the processor's own vectors, where it has them.

A tile is a few vectors wide, and several replicas of it stay in registers for the steps of a whole chunk: a step of a
vector is then two instructions and one load. One adds the push, as a fused multiply-add by one, because processors add
and multiply-add in different pipes; the other takes the absolute value and the minimum at once (AVX-512's ``VRANGE``) or
is two (AVX2). All of them round, or do not, as the plain operations do: results are the same to the bit.

Where the replicas of one configuration lie side by side, each lane has a random bit of its own, and the push is looked up by
it: a permutation takes the low four bits of every lane as an index into 16 pushes (three bits and eight pushes with AVX2).
A step's table of pushes is written so that the bit of that step decides; after as many steps as there are bits in an index,
the lanes are shifted. A step of a vector is then a permutation, a multiply-add and the range: three instructions where many
configurations need two.
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
        alone: Vectors of replicas at a time where they belong to one configuration.
        indexed: Steps whose bits an index of the permutation holds, a divisor of 32.
        permutation: The name of the permutation of single precision in LLVM.
    """

    bits: int
    vectors: int
    folded: int
    signed: int
    alone: int
    indexed: int
    permutation: str


_AVX512 = _Layout(512, 2, 10, 6, 10, 4, "llvm.x86.avx512.permvar.sf.512")
_AVX2 = _Layout(256, 2, 5, 2, 5, 2, "llvm.x86.avx2.permps")
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


def alone(dtype: np.dtype, averaged: bool) -> tuple[int, int, int]:
    """Replicas of one configuration that are taken at once, the pushes in a table, and the steps of an index of it.

    Zeros where only the portable form can run: without such vectors, in double precision, and where iterates are summed.
    """
    if LAYOUT is None or averaged or dtype.itemsize != 4:
        return 0, 0, 0
    return LAYOUT.alone * LAYOUT.bits // 32, LAYOUT.bits // 32, LAYOUT.indexed


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


@intrinsic
def advance_alone(typing_context, x, lanes, table, bound, groups, one):
    """As `replica_kernels.advance`, for as many vectors of replicas as the layout says, or a multiple of them.

    `lanes` holds the bits of 32 steps for every replica, `table` a row of pushes for each step, and `groups` counts the steps
    in units of those that an index serves. In double precision it is never called and does nothing: see `alone`.
    """

    def generate(context, builder, typed, arguments):
        if LAYOUT is not None and one == types.float32:
            x, lanes, table = (
                context.make_array(kind)(context, builder, value) for kind, value in zip(typed.args[:3], arguments[:3])
            )
            bound, groups, factor = arguments[3:]
            loop = _Loop(builder, LAYOUT, 32, signed=False)
            loop.emit_alone(x.data, lanes.data, table.data, x.nitems, bound, groups, factor)
        return context.get_dummy_value()

    return signature(types.void, x, lanes, table, bound, types.intp, one), generate


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

    def emit_alone(self, x, lanes, table, count, bound, groups, one):
        """For each few vectors of replicas: load them and their bits, take all steps in registers, store them."""
        builder, layout = self.builder, self.layout
        one, bound = self._everywhere(one), self._everywhere(bound)
        shift = ir.Constant(self.integers, [layout.indexed] * self.lanes)
        kind = ir.FunctionType(self.vector, [self.vector, self.integers])
        permuted = cgutils.get_or_insert_function(builder.module, kind, layout.permutation)
        stride = _INT64(layout.alone * self.lanes)
        with cgutils.for_range_slice(builder, _INT64(0), count, stride, intp=_INT64) as (first, _):
            iterates, bits = (
                [cgutils.alloca_once(builder, kind) for _ in range(layout.alone)]
                for kind in (self.vector, self.integers)
            )
            block, words = builder.gep(x, [first]), builder.gep(lanes, [first])
            for place in range(layout.alone):
                builder.store(self._load(block, place * self.lanes), iterates[place])
                builder.store(self._load(words, place * self.lanes, self.integers), bits[place])
            with cgutils.for_range(builder, groups, intp=_INT64) as loop:
                rows = builder.gep(table, [builder.mul(loop.index, _INT64(layout.indexed * self.lanes))])
                for step in range(layout.indexed):
                    pushes = self._load(rows, step * self.lanes)
                    for place in range(layout.alone):
                        push = builder.call(permuted, [pushes, builder.load(bits[place])])
                        builder.store(self._step(builder.load(iterates[place]), push, bound, one), iterates[place])
                for register in bits:
                    builder.store(builder.lshr(builder.load(register), shift), register)
            for place in range(layout.alone):
                self._store(builder.load(iterates[place]), block, place * self.lanes)

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

    def _load(self, base, offset, kind=None):
        kind = kind or self.vector
        place = self.builder.bitcast(self.builder.gep(base, [_INT64(offset)]), kind.as_pointer())
        value = self.builder.load(place)
        value.align = self.bits // 8
        return value

    def _store(self, value, base, offset):
        place = self.builder.bitcast(self.builder.gep(base, [_INT64(offset)]), self.vector.as_pointer())
        self.builder.store(value, place).align = self.bits // 8
