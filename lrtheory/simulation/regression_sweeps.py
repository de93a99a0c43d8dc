"""The inner loops of `lrtheory.simulation.regression_kernels`, written in vectors.

A compiler keeps neither four rows' coefficients nor four rows' sums in registers across a loop that it vectorises by
itself, so these loops say it. They are LLVM's own vectors, not one processor's instructions: where registers are shorter
or fewer, LLVM splits them, more slowly; where there is no fused multiply-add, it multiplies and adds.
"""

from itertools import chain
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64  # bytes, of a vector and of the cache
REGISTERS = 2  # a coordinate: with four steps a sweep all coefficients stay in 32 registers


def columns(dtype: np.dtype) -> int:
    """Configurations that run side by side: 32 in single precision, 16 in double.

    Example:
        >>> columns(np.dtype("float32"))
        32
    """
    return REGISTERS * LINE // dtype.itemsize


_ARGUMENTS = (
    "x", "sums", "features", "old", "new", "ahead", "first", "moves", "shares", "scale", "weight", "margins", "norms"
)  # fmt: skip


class _Vectors:
    """LLVM's instructions on vectors of a line, for one type of numbers; addresses are integers."""

    def __init__(self, context, builder, kind):
        self.builder, self.itemsize, self.lanes = builder, kind.bitwidth // 8, LINE * 8 // kind.bitwidth
        self.integer, self.scalar = context.get_value_type(types.intp), context.get_value_type(kind)
        self.vector = ir.VectorType(self.scalar, self.lanes)
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f{kind.bitwidth}"
        self._multiply_add = cgutils.get_or_insert_function(builder.module, signature, name)

    def at(self, base, *, items=None, lines=None, offset=0):
        """An address some items, or lines for every register, and bytes after another."""
        if items is not None:
            base = self.builder.add(base, self.builder.mul(items, ir.Constant(self.integer, self.itemsize)))
        if lines is not None:
            base = self.builder.add(base, self.builder.mul(lines, ir.Constant(self.integer, REGISTERS * LINE)))
        return self.builder.add(base, ir.Constant(self.integer, offset))

    def load(self, at):
        loaded = self.builder.load(self.builder.inttoptr(at, self.vector.as_pointer()))
        loaded.align = LINE
        return loaded

    def store(self, value, at):
        self.builder.store(value, self.builder.inttoptr(at, self.vector.as_pointer())).align = LINE

    def spread(self, at):
        """One number in all lanes."""
        number = self.builder.load(self.builder.inttoptr(at, self.scalar.as_pointer()))
        index = ir.IntType(32)
        single = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, ir.Constant(index, 0))
        return self.builder.shuffle_vector(
            single, single, ir.Constant(ir.VectorType(index, self.lanes), [0] * self.lanes)
        )

    def multiply_add(self, a, b, c):
        return self.builder.call(self._multiply_add, [a, b, c])

    def fetch(self, at):
        """Ask for a line that is needed one sweep later."""
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        signature = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = cgutils.get_or_insert_function(self.builder.module, signature, "llvm.prefetch.p0")
        reading, keep, data = ir.Constant(flag, 0), ir.Constant(flag, 3), ir.Constant(flag, 1)
        self.builder.call(function, [self.builder.inttoptr(at, byte), reading, keep, data])

    def cells(self, rows):
        """Vectors that a loop changes, zero at first, registers by rows."""
        cells = [[cgutils.alloca_once(self.builder, self.vector) for _ in range(REGISTERS)] for _ in range(rows)]
        for cell in chain(*cells):
            self.builder.store(ir.Constant(self.vector, [0.0] * self.lanes), cell)
        return cells

    def add_to(self, cell, a, b):
        self.builder.store(self.multiply_add(a, b, self.builder.load(cell)), cell)


def sweep(
    *, updates: int = 0, dots: int = 0, average: bool = False, settle: bool = False, squares: bool = False
) -> Any:
    """A compiled pass over the coordinates `j` of the iterates `x[j, :]` and of their sums `sums[j, :]`.

    In this order, where asked for: `sums += weight * x` and `x *= scale` (settle); for every old row `x += move * row[j]`
    (updates) and `sums += share * row[j]` (average); `norms += x * x` (squares); for every new row `margins += x * row[j]`
    (dots), while the rows ahead are fetched.  Rows, moves, shares and margins are taken from number `first` on.  Arrays
    of vectors are flat and begin on a line.
    """

    @intrinsic
    def swept(typing, x, sums, features, old, new, ahead, first, moves, shares, scale, weight, margins, norms):
        signature = types.void(
            x, sums, features, old, new, ahead, types.intp, moves, shares, scale, weight, margins, norms
        )
        return signature, generate

    def generate(context, builder, signature, arguments):
        kind = signature.args[0].dtype
        vectors, registers, first = (
            _Vectors(context, builder, kind),
            range(REGISTERS),
            arguments[_ARGUMENTS.index("first")],
        )
        numba_arrays = {
            name: context.make_array(of)(context, builder, given)
            for name, of, given in zip(_ARGUMENTS, signature.args, arguments)
            if name != "first"
        }
        begin = {name: builder.ptrtoint(array.data, vectors.integer) for name, array in numba_arrays.items()}
        dimension = builder.extract_value(numba_arrays["features"].shape, 1)

        def rows(name, count):
            numbers = [builder.add(first, ir.Constant(vectors.integer, p)) for p in range(count)]
            indices = [builder.load(builder.gep(numba_arrays[name].data, [number])) for number in numbers]
            return [vectors.at(begin["features"], items=builder.mul(index, dimension)) for index in indices]

        def lines(name, count, number=None):
            return [
                [vectors.at(begin[name], lines=number, offset=(p * REGISTERS + k) * LINE) for k in registers]
                for p in range(count)
            ]

        def loaded(addresses):
            return [[vectors.load(at) for at in row] for row in addresses]

        old_rows, new_rows, rows_ahead = rows("old", updates), rows("new", dots), rows("ahead", dots)
        move, share = loaded(lines("moves", updates, first)), loaded(lines("shares", updates * average, first))
        scales, weights = loaded(lines("scale", settle)), loaded(lines("weight", settle))
        margin, norm = vectors.cells(dots), vectors.cells(squares)
        with cgutils.for_range(builder, dimension) as loop:
            j = loop.index
            x_lines, sums_lines = lines("x", 1, j)[0], lines("sums", 1, j)[0]
            w = [vectors.load(at) for at in x_lines]
            total = [vectors.load(at) for at in sums_lines] if settle or average else []
            if settle:
                total = [vectors.multiply_add(weights[0][k], w[k], total[k]) for k in registers]
                w = [builder.fmul(scales[0][k], w[k]) for k in registers]
            for p, row in enumerate(old_rows):
                a = vectors.spread(vectors.at(row, items=j))
                w = [vectors.multiply_add(a, move[p][k], w[k]) for k in registers]
                if average:
                    total = [vectors.multiply_add(a, share[p][k], total[k]) for k in registers]
            for value, at in chain(zip(w, x_lines if updates or settle else []), zip(total, sums_lines)):
                vectors.store(value, at)
            for row in rows_ahead:
                vectors.fetch(vectors.at(row, items=j))
            for cells in norm:
                for k in registers:
                    vectors.add_to(cells[k], w[k], w[k])
            for p, row in enumerate(new_rows):
                a = vectors.spread(vectors.at(row, items=j))
                for k in registers:
                    vectors.add_to(margin[p][k], a, w[k])
        for cells, addresses in ((margin, lines("margins", dots, first)), (norm, lines("norms", squares))):
            for cell, at in zip(chain(*cells), chain(*addresses)):
                vectors.store(builder.load(cell), at)
        return context.get_dummy_value()

    return swept


def _columns(typing, x):
    count = columns(np.dtype(str(x.dtype)))
    return types.intp(x), lambda context, builder, signature, arguments: ir.Constant(ir.IntType(64), count)


columns_of: Any = intrinsic(_columns)
"""`columns` of an array's type, a constant when the code is compiled: loops over it become straight lines."""


def _power_of_two(typing, exponent):
    bits, mantissa, bias = (32, 23, 127) if exponent == types.float32 else (64, 52, 1023)

    def generate(context, builder, signature, arguments):
        word = ir.IntType(bits)
        biased = builder.add(builder.fptosi(arguments[0], word), ir.Constant(word, bias))
        return builder.bitcast(builder.shl(biased, ir.Constant(word, mantissa)), arguments[0].type)

    return exponent(exponent), generate


power_of_two: Any = intrinsic(_power_of_two)
"""Two to the power of a whole number of modest size, in that number's type: its bits, written down."""
