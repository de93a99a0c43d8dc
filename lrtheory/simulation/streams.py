"""Random bits and noise as functions of (seed, replica, chunk): no hidden state, so no dependence on how work is cut.

Each replica owns a SplitMix64 generator (Steele, Lea and Flood, 2014) whose starting state is hashed from
`(seed, replica)`; its word number `chunk` is computed directly, without the words before it.  A word serves a
*chunk* of 64 steps as 64 signs, or one step as one row index.  Gaussian noise comes from Philox (Salmon et al.,
2011) keyed by `(seed, block of replicas)` with the chunk in its counter.

`finalise`, `replica_state`, `word` and `antithetic_state` serve numpy arrays and compiled scalars from the same lines.
"""

import numpy as np
from numba.extending import register_jitable
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "CHUNK", "GAUSSIAN_BLOCK", "antithetic_state", "finalise", "gaussians", "replica_state", "rows", "signs", "word",
    "words",
]  # fmt: skip

CHUNK = 64
"""Steps served by one 64-bit word."""

GAUSSIAN_BLOCK = 1024
"""Replicas that share one Philox key."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@register_jitable
def finalise(z):
    """The output function of SplitMix64, a bijection of the 64-bit integers that flips half of the bits on average."""
    z = (z ^ (z >> _SHIFT_1)) * _MULTIPLIER_1
    z = (z ^ (z >> _SHIFT_2)) * _MULTIPLIER_2
    return z ^ (z >> _SHIFT_3)


@register_jitable
def replica_state(seed, replica):
    """Starting state of a replica's generator."""
    # Hashed twice: replicas that differ by one must not start one step apart on the same orbit.
    return finalise(finalise(seed + GOLDEN) ^ (replica * _MULTIPLIER_2))


@register_jitable
def word(state, chunk):
    """Word number `chunk` of the generator that started at `state`."""
    return finalise(state + (chunk + _ONE) * GOLDEN)


@register_jitable
def antithetic_state(seed, replica):
    """Starting state and bits to flip in every word, for pairs of replicas: the odd one sees the opposite of the even one."""
    return replica_state(seed, replica >> _ONE), _ZERO - (replica & _ONE)


def words(seed: int, replicas: ArrayLike, chunks: ArrayLike) -> NDArray[np.uint64]:
    """Random words, shape `(len(chunks), len(replicas))`.

    >>> table = words(seed=7, replicas=[0, 1, 2], chunks=[0, 1])
    >>> bool((table[1, 2:] == words(seed=7, replicas=[2], chunks=[1])[0]).all())
    True
    """
    # One-element arrays: numpy wraps array arithmetic silently and warns about scalars.
    state = replica_state(np.array([seed], np.uint64), np.atleast_1d(np.asarray(replicas, np.uint64)))
    return word(state, np.atleast_1d(np.asarray(chunks, np.uint64))[:, None])


def signs(seed: int, replicas: ArrayLike, horizon: int, antithetic: bool = False) -> NDArray[np.int8]:
    """Rademacher noise `xi`, +1 where the bit is set and -1 where not, shape `(horizon, len(replicas))`.

    In antithetic pairs, replica `2 k` sees the signs of stream `k`, and replica `2 k + 1` the opposite ones.

    >>> signs(seed=0, replicas=[0, 1, 2, 3], horizon=2)
    array([[-1, -1,  1, -1],
           [-1, -1,  1, -1]], dtype=int8)
    """
    steps = np.arange(horizon, dtype=np.uint64)
    replicas = np.atleast_1d(np.asarray(replicas, np.uint64))
    state = np.array([seed], np.uint64)
    chunks = steps[:, None] // np.uint64(CHUNK)
    states, flips = antithetic_state(state, replicas) if antithetic else (replica_state(state, replicas), _ZERO)
    bits = (word(states, chunks) ^ flips) >> (steps % np.uint64(CHUNK))[:, None]
    return np.where(bits & _ONE, 1, -1).astype(np.int8)


def gaussians(seed: int, block: int, chunk: int, dtype: DTypeLike = np.float64) -> NDArray:
    """Standard normal noise of one block of replicas over one chunk of steps, shape `(CHUNK, GAUSSIAN_BLOCK)`.

    Drawn in double precision and rounded to `dtype`: single and double precision runs see the same noise.

    >>> gaussians(seed=0, block=3, chunk=5).shape
    (64, 1024)
    """
    # Arrays of the right type: numpy takes lists of large integers through floating point.
    key, counter = np.array([seed, block], np.uint64), np.array([0, 0, chunk, 0], np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
    return generator.standard_normal((CHUNK, GAUSSIAN_BLOCK)).astype(dtype, copy=False)


def rows(seed: int, replica: int, horizon: int, samples: int) -> NDArray[np.int64]:
    """Row indices drawn uniformly with replacement from `range(samples)`, shape `(horizon,)`.

    The 53 leading bits of a word scaled to `[0, samples)`: no index is favoured by more than `2**-53`.

    >>> rows(seed=0, replica=1, horizon=5, samples=10)
    array([1, 4, 6, 9, 8])
    """
    uniform = words(seed, [replica], np.arange(horizon))[:, 0] >> np.uint64(11)
    return (uniform * (samples / 2.0**53)).astype(np.int64)
