"""Schedules for optax and for Keras: the rates of a run, looked up, so that jumps fall on the right step in single precision."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from lrtheory.schedules.schedule import Schedule


def optax_schedule(schedule: Schedule, horizon: int, lr: float) -> Callable[[Any], Any]:
    r"""A function from the count of finished steps to the learning rate, as optax's optimizers take it.

    Count :math:`t-1` has the rate :math:`\mathrm{lr}\cdot h((t-1)/T)`, rounded to single precision, and every count from
    :math:`T` on the rate :math:`\mathrm{lr}\cdot h(1)`. It can be traced, compiled and vectorised.

    Args:
        schedule: The shape.
        horizon: Number of steps :math:`T`.
        lr: Base learning rate, positive.

    Raises:
        ImportError: JAX is not installed.
        ValueError: as :meth:`lrtheory.Schedule.steps`.

    Example::

        optimizer = optax.adamw(Cosine().optax(horizon=10_000, lr=3e-4))
    """
    jnp = _library("jax.numpy", "jax")
    rates = jnp.asarray(_rates(schedule, horizon, lr))
    return lambda count: rates[jnp.minimum(count, horizon)]


def keras_schedule(schedule: Schedule, horizon: int, lr: float) -> Any:
    r"""A ``keras.optimizers.schedules.LearningRateSchedule`` (Keras 3, any backend) with the rates of :func:`optax_schedule`.

    Args:
        schedule: The shape.
        horizon: Number of steps :math:`T`.
        lr: Base learning rate, positive.

    Raises:
        ImportError: Keras is not installed.
        ValueError: as :meth:`lrtheory.Schedule.steps`.

    Example::

        optimizer = keras.optimizers.SGD(Cosine().keras(horizon=10_000, lr=0.1))
    """
    keras = _library("keras", "keras")
    rates = _rates(schedule, horizon, lr)

    class Rates(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return keras.ops.take(rates, keras.ops.minimum(keras.ops.cast(step, "int32"), horizon))

        def get_config(self) -> dict[str, Any]:
            return {"schedule": repr(schedule), "horizon": horizon, "lr": lr}

    return Rates()


def _rates(schedule: Schedule, horizon: int, lr: float) -> np.ndarray:
    rates = schedule.steps(horizon, lr)
    return np.append(rates, lr * schedule(1.0, horizon)).astype(np.float32)


def _library(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(f"this needs {package}: pip install {package}.") from None
