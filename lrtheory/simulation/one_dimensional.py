"""How SGD on the one-dimensional family is cut into tasks, and which kernel serves which.

Configurations fill tiles of vectors, `lrtheory.simulation.configuration_kernels`; a few that are left over, and sweeps that
are too small to fill one, run with replicas side by side, `lrtheory.simulation.replica_kernels`. The paths are the same to
the bit, and so are the sums over a block of replicas, so nobody can tell which form served a configuration.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrtheory.simulation import configuration_kernels, replica_kernels, simd_kernels, streams
from lrtheory.simulation.moments import Moments
from lrtheory.simulation.problems import AbsoluteValue

Part = tuple[slice, Moments, Moments]
"""Which configurations, and the losses of their last and averaged iterates over some replicas."""

Task = Callable[[], list[Part]]

_STEPS_PER_TASK = 2**25  # a millisecond or two: a thread is then busy with little else
_FEWEST = 128  # configurations for which the portable form with configurations side by side is the faster


@dataclass(frozen=True)
class Configurations:
    """What a sweep runs, one entry per configuration.

    Args:
        problems: Of the one-dimensional family, all with the same noise.
        shapes: The schedules' numbers at every step, shape ``(schedules, horizon)``.
        kinds: Which row of `shapes` a configuration takes.
        lrs: The base rates.
    """

    problems: Sequence[AbsoluteValue]
    shapes: NDArray[np.float64]
    kinds: NDArray[np.int64]
    lrs: NDArray[np.float64]


def rademacher_tasks(
    sweep: Configurations,
    replicas: int,
    seed: int,
    dtype: np.dtype,
    *,
    antithetic: bool,
    averaged: bool,
    vectors: bool = True,
) -> Iterator[Task]:
    """Tasks that cover all configurations and replicas; ``vectors=False`` keeps to the portable kernels."""
    eps = np.array([problem.eps for problem in sweep.problems])
    noise = np.array([problem.noise_scale for problem in sweep.problems])
    # Adding zero turns -0, also from rounding, into +0, whose sign is +1.
    starts = np.array([problem.start for problem in sweep.problems]).astype(dtype) + dtype.type(0)
    bounds = np.array([problem.bound for problem in sweep.problems]).astype(dtype)
    word = np.dtype(f"uint{8 * dtype.itemsize}").type
    masks = word(1) << np.arange(8 * dtype.itemsize, dtype=word)
    width = simd_kernels.width(dtype) if vectors else 0
    together = simd_kernels.together(averaged) if width else 0
    alone = simd_kernels.alone(dtype, averaged) if vectors else (0, 0, 0)

    def run_tile(tile: slice, lanes: NDArray[np.int64], begin: int, end: int) -> list[Part]:
        strong, weak = (eps + noise)[lanes], (eps - noise)[lanes]
        parts = []
        for first in range(begin, end, configuration_kernels.BLOCK):
            count = min(configuration_kernels.BLOCK, end - first)
            last, average = configuration_kernels.rademacher_tile(
                sweep.shapes, sweep.kinds[lanes], sweep.lrs[lanes], strong, weak, starts[lanes], bounds[lanes],
                np.uint64(seed), first, count, antithetic, averaged, together,
            )  # fmt: skip
            parts.append((tile, *(moments_of(each, tile, count) for each in (last, average))))
        return parts

    def run_alone(index: int, begin: int, end: int) -> list[Part]:
        tile = slice(index, index + 1)
        steps = sweep.lrs[index] * sweep.shapes[sweep.kinds[index]]
        strong, weak = eps[index] + noise[index], eps[index] - noise[index]
        parts = []
        for first in range(begin, end, configuration_kernels.BLOCK):
            count = min(configuration_kernels.BLOCK, end - first)
            last, average = replica_kernels.rademacher_block(
                steps, strong, weak, starts[index], bounds[index], masks, np.uint64(seed), first, count, antithetic,
                averaged, alone,
            )  # fmt: skip
            summed = [configuration_kernels.moments(values, 1, values.size, antithetic) for values in (last, average)]
            parts.append((tile, *(moments_of(each, tile, count) for each in summed)))
        return parts

    def moments_of(summed: tuple[NDArray, NDArray], tile: slice, count: int) -> Moments:
        size = tile.stop - tile.start
        means, squares = (values[:size] for values in summed)
        return Moments(np.full(size, count // (1 + antithetic)), means, squares).scaled(eps[tile])

    for tile in _tiles(len(eps), width):
        size = tile.stop - tile.start
        if size == 1:
            run: Callable[[int, int], list[Part]] = partial(run_alone, tile.start)
        else:
            # A tile that is not full repeats its last configuration.
            lanes = tile.start + np.arange(width or -(-size // 16) * 16)
            run = partial(run_tile, tile, np.minimum(lanes, tile.stop - 1))
        steps = configuration_kernels.BLOCK * sweep.shapes.shape[1] * size
        stride = configuration_kernels.BLOCK * max(1, _STEPS_PER_TASK // steps)
        for begin in range(0, replicas, stride):
            yield partial(run, begin, min(begin + stride, replicas))


def _tiles(configurations: int, width: int) -> Iterator[slice]:
    """Tiles of the given width, or of about the same size for the portable form; what does not pay, one by one."""
    if width:
        full = configurations - configurations % width
        tiles = [slice(first, first + width) for first in range(0, full, width)]
        if configurations - full > width // 5:  # by measurement: as dear as a full tile
            tiles.append(slice(full, configurations))
            full = configurations
    elif configurations >= _FEWEST:
        count = -(-configurations // configuration_kernels.WIDEST)
        edges = [configurations * part // count for part in range(count + 1)]
        tiles, full = [slice(*edge) for edge in pairwise(edges)], configurations
    else:
        tiles, full = [], 0
    yield from tiles
    yield from (slice(index, index + 1) for index in range(full, configurations))


def gaussian_tasks(sweep: Configurations, replicas: int, seed: int, dtype: np.dtype) -> Iterator[Task]:
    """Tasks of a block of replicas each, which draw its noise once for all configurations."""
    horizon = sweep.shapes.shape[1]

    def run(block: int) -> list[Part]:
        count = min(streams.GAUSSIAN_BLOCK, replicas - block * streams.GAUSSIAN_BLOCK)
        x = [np.full(count, dtype.type(problem.start) + dtype.type(0)) for problem in sweep.problems]
        total = [np.zeros(count) for _ in sweep.problems]
        for chunk, begin in enumerate(range(0, horizon, streams.CHUNK)):
            xi = streams.gaussians(seed, block, chunk, dtype)
            shapes = sweep.shapes[:, begin : begin + streams.CHUNK]
            for index, problem in enumerate(sweep.problems):
                steps = sweep.lrs[index] * shapes[sweep.kinds[index]]
                bound = dtype.type(problem.bound)
                replica_kernels.gaussian_chunk(
                    x[index], total[index], steps, problem.eps, problem.noise_scale, xi, bound
                )  # fmt: skip
        losses: Any = zip(sweep.problems, x, total)
        last, averaged = zip(*((each.loss_at(last), each.loss_at(sums / horizon)) for each, last, sums in losses))
        return [(slice(None), Moments.of(np.array(last)), Moments.of(np.array(averaged)))]

    for block in range(-(-replicas // streams.GAUSSIAN_BLOCK)):
        yield partial(run, block)
