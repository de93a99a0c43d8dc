"""Simulated SGD on convex problems.

`simulate` runs projected SGD many times and averages; `expected_loss` computes the same expectation without sampling
noise for the one-dimensional family, `expected_curve` after every step, and `worst_eps` finds the member of that family on
which a schedule does worst.

* `problems`: what is minimised.
* `reference`: the simulators in plain numpy. The compiled ones equal it to the bit: `configuration_kernels` with
  configurations side by side, its inner loop in the processor's own vectors in `simd_kernels`, and `replica_kernels` for few
  configurations; `one_dimensional` chooses among them.
* `streams`: random bits as functions of (seed, replica, chunk), so results do not depend on threads or batch sizes.
* `regression`: finite sums, with its reference; `regression_kernels`, the compiled form, equal to rounding.
* `distribution`: the expectation by propagating the distribution; `propagation`, its loops.

Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
