# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. Simulation
#
# A worst case is a promise about every problem. Is it kept, and is any problem as bad? This lesson runs stochastic
# gradient descent on a family of problems that is made to be bad, in numbers large enough to see exponents, and then
# removes the sampling noise altogether.
#
# You need: lesson 2. You will use: `simulate`, `expected_loss`, `worst_eps`.

# %%
# %matplotlib inline
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from exercise import check

from lrtheory import Constant, Cosine, Polynomial, expected_loss, simulate, tuned_lr, worst_case
from lrtheory.figures import grid, scale, simulator_speed
from lrtheory.figures.style import STYLE
from lrtheory.simulation import AbsoluteValue, expected_curve, logistic_regression, worst_eps
from lrtheory.statistics import fit_slope

TABLES = Path("../figures/data")
plt.style.use(STYLE)

# %% [markdown]
# ## The family
#
# On the interval $[-D/2,D/2]$ let $f(x)=\epsilon|x|$, with noisy slopes $\mathrm{sign}(x)(\epsilon+\sigma\xi)$ and
# $\sigma^2=G^2-\epsilon^2$. A small $\epsilon$ hides the way to the minimum in noise and punishes slow rates; a large one
# punishes fast rates. Here are ten thousand runs of each of three schedules:

# %%
HORIZON = 1_000
lr = tuned_lr(Polynomial(1), HORIZON, diameter=1.0)
schedules = [Constant(), Polynomial(1), Cosine()]
simulate(AbsoluteValue(0.1), schedules, horizon=HORIZON, lr=lr, replicas=10_000, seed=0)

# %% [markdown]
# `last` is the loss of the last iterate and its standard error beside it; `averaged` that of the averaged iterate. The same
# numbers come out with any number of threads: the random bits are functions of the seed and of the replica's number.

# %% [markdown]
# ## Without noise
#
# For this family the *distribution* of the iterate can be propagated in place of samples of it. The expectation is then
# exact up to the discretisation, and a simulation must agree with it up to its standard error:

# %%
exact = [expected_loss(AbsoluteValue(0.1), schedule, horizon=HORIZON, lr=lr) for schedule in schedules]
runs = simulate(AbsoluteValue(0.1), schedules, horizon=HORIZON, lr=lr, replicas=10_000, seed=1)
pd.DataFrame(
    {"simulated": runs["last"], "expected": exact, "errors": (runs["last"] - exact) / runs["last_standard_error"]}
)

# %% [markdown]
# ## The worst member
#
# `worst_eps` searches the slope on which a schedule does worst. It stays below the worst case over *all* problems, as it
# must; at the tuned rate it reaches a sixth of it. What the family shares with the worst case are its exponents.

# %%
eps, loss = worst_eps(Polynomial(1), horizon=HORIZON, lr=lr)
eps, loss, worst_case(Polynomial(1).steps(HORIZON, lr=lr), diameter=1.0)

# %% [markdown]
# ## Exponents
#
# Multiply the tuned rate by $\rho$ and fit the power of $\rho$. Lesson 2 says 1, 1/3 and 1/5. The horizon is short here
# to keep the lesson short; `figures/rho.png` has $T=100\,000$.

# %%
rhos = 2.0 ** np.arange(3, 8)
for schedule in (Constant(), Polynomial(1), Polynomial(2)):
    base = tuned_lr(schedule, HORIZON, diameter=1.0)
    losses = [worst_eps(schedule, horizon=HORIZON, lr=factor * base)[1] for factor in rhos]
    print(schedule.name, f"{fit_slope(rhos, losses):.3f}")

# %% [markdown]
# ## From theory to practice: grids
#
# If the rate is tuned over a geometric grid, the best point may be off by half a ratio either way. What is lost, at the
# worst offset, in theory and in simulation:

# %%
grid.draw(grid.data(TABLES))

# %% [markdown]
# ## Ordinary problems
#
# The family is extreme. On a logistic regression with 200 samples the schedules come in the same order above their best
# rates:

# %%
problem = logistic_regression(200, 10, diameter=20.0, noise=1.0)
rates = 2.0 ** np.arange(-6.0, 7.0)
runs = simulate(problem, schedules, horizon=HORIZON, lr=rates, replicas=32, seed=7)
losses = runs.pivot_table(index="lr", columns="schedule", values="last")
_ = losses.plot(
    logx=True, logy=True, style=["o-", "<:", "D--"], ylabel="loss above the minimum", xlabel="learning rate"
)
# %% [markdown]
# ## How fast, how many, how large
#
# A sweep of 1,300 configurations of $10^4$ steps and $10^4$ replicas is $1.3\cdot10^{11}$ steps. The simulator gives every
# configuration a lane of the processor's vectors, lets all of them share their random signs, and draws these from a counter.
# Beside it, the same work in other tools, and its own time as the work grows (`python -m tests.peers simulators`):

# %%
simulator_speed.draw(simulator_speed.data(TABLES))

# %% [markdown]
# The propagation without noise also gives the whole course of a run in one pass:

# %%
curves = {
    str(schedule): expected_curve(AbsoluteValue(0.1), schedule, horizon=HORIZON, lr=4 * lr) for schedule in schedules
}
_ = pd.DataFrame(curves).plot(logy=True, xlabel="step", ylabel="expected loss", style=["-", "--", "-."])

# %% [markdown]
# What outgrows one machine goes to a cluster with `--dask ADDRESS`: the same cells, the same files, the same bits. Finished
# cells are never lost, whatever dies, and `lrtheory runs verify` finds a single flipped bit. What that costs:

# %%
scale.draw(scale.data(TABLES))

# %% [markdown]
# ## Exercises
#
# **1.** By how much must the number of replicas grow to make a standard error ten times smaller?

# %%
answer = None
check(answer, lambda: 100)

# %% [markdown]
# **2.** Without noise, $\epsilon=G=1$: what is the loss after 1000 steps with the constant rate 0.3 from $x_1=\tfrac12$?
# (Follow the first steps by hand.)

# %%
answer = None
check(answer, lambda: expected_loss(AbsoluteValue(1.0), Constant(), horizon=1_000, lr=0.3))

# %% [markdown]
# **3.** For which slope does a constant rate of 0.1 do worst after 100 steps?

# %%
answer = None
check(answer, lambda: worst_eps(Constant(), horizon=100, lr=0.1)[0], tolerance=0.02)
