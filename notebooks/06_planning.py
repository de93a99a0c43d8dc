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
# # 6. Planning
#
# You have a budget of trials and a vague idea of the rate. Which rates should you try, under which schedule, and what is
# the promise? This lesson turns the law into plans.
#
# You need: lesson 2. You will use: `plan_grid`, `Robust`, `fit`, `optimal_schedule`.

# %%
# %matplotlib inline
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from exercise import check

from lrtheory import fit, optimal_schedule, plan_grid, robust_lr, tuned_lr
from lrtheory.figures import plan, robust
from lrtheory.figures.style import STYLE
from lrtheory.forecast import Curve
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Robust
from lrtheory.theory.grid_planning import compare_plans
from lrtheory.theory.minimax_rate import minimax_lr
from lrtheory.theory.robust_schedule import lower_bound, robust_loss

TABLES = Path("../figures/data")
plt.style.use(STYLE)

# %% [markdown]
# ## How coarse may a grid be?
#
# The tuned rate lies somewhere in $[\mathrm{low},\mathrm{high}]$. A trial at $x$ serves all tuned rates $\eta^\star$ with
# $W(x)/W(\eta^\star)\le$ the tolerance. These intervals must cover the range; a grid whose neighbours just meet is the
# coarsest.

# %%
grid = plan_grid(1e-4, 1e-1, risk="convex", schedule=Cosine(), tolerance=1.5)
pd.Series(
    {"trials": grid.trials, "points": np.round(grid.points, 5), "at most": grid.factor, "typically": grid.typical}
)

# %%
pd.DataFrame(
    {
        schedule.name: {
            tolerance: plan_grid(1e-4, 1e-1, risk="convex", schedule=schedule, tolerance=tolerance).trials
            for tolerance in (1.1, 1.2, 1.5, 2.0)
        }
        for schedule in (Constant(), WSD(0.2), Polynomial(1), Cosine(), Polynomial(3))
    }
).rename_axis("tolerance")

# %% [markdown]
# ## Err high, on convex problems
#
# These schedules forgive upward only, so each trial should lie above the middle of what it serves. By how much:

# %%
[
    round(plan_grid(1e-4, 1e-1, risk="convex", schedule=schedule, tolerance=1.5).upward_shift, 2)
    for schedule in (Constant(), Polynomial(1), Cosine())
]

# %% [markdown]
# Networks do not forgive beyond an edge (lesson 5). For them `plan_grid` spaces rates equally, which is what it does when nothing
# else is asked for, and says what was measured on public grids of networks. That is no promise:

# %%
plan_grid(1e-4, 1e-1, trials=3)

# %% [markdown]
# ## A budget instead of a tolerance
#
# Three trials over three decades, in units of $DG/\sqrt T$, so that schedules can be compared and not only each with
# itself:

# %%
plans = compare_plans(plan_grid(1e-4, 1e-1, risk="convex", schedule=Robust(16), trials=3, horizon=10_000))
plan.draw(plan.curves(plans))

# %% [markdown]
# ## The schedule that forgives most
#
# If the rate may be too large by any factor in $[1,R]$, which *shape* has the smallest largest worst case? `Robust(R)`:
# exponential decay through the uncertainty, then a linear cooldown. It promises
#
# $$\tfrac12\sqrt{\ln R+3.777}\;\frac{DG}{\sqrt T}\qquad(R\ge3.51),$$
#
# and no shape can promise less: the proof's lower bound agrees to the digit.

# %%
uncertainties = [1, 4, 16, 64]
pd.DataFrame(
    {
        "Robust(R)": [robust_loss(uncertainty) for uncertainty in uncertainties],
        "no shape below": [lower_bound(uncertainty) for uncertainty in uncertainties],
        "linear decay": [minimax_lr(Polynomial(1), uncertainty, 2_000).loss for uncertainty in uncertainties],
        "constant": [minimax_lr(Constant(), uncertainty, 2_000).loss for uncertainty in uncertainties],
    },
    index=pd.Index(uncertainties, name="R"),
).round(3)

# %%
robust.draw(robust.data())

# %% [markdown]
# One run in place of a grid: a tuned rate of linear decay that lies between 0.001 and 0.016 asks for

# %%
Robust(16).name, robust_lr(1e-3, 1.6e-2)

# %% [markdown]
# ## From old runs to a new one
#
# Losses of finished runs determine the numbers of a law, and with them the best rate of another schedule at another length
# (lesson 7). From public logs of runs of at most 25 000 steps with a linear cooldown, the rate of a cosine over 50 000:

# %%
logs = pd.read_csv(TABLES / "llm_learning_rates.csv")
short = logs[(logs.schedule == "constant then linear cooldown") & (logs.steps <= 25_000)]
columns = short[["cooldown_fraction", "steps", "peak_learning_rate", "final_validation_loss"]]
runs = [Curve.of(WSD(part), int(steps), lr, losses=loss) for part, steps, lr, loss in columns.to_numpy()]
print(f"{fit(runs).best_lr(Cosine(), 50_000):.5f}")

# %% [markdown]
# What the logs say themselves:

# %%
longest = logs[(logs.schedule == "cosine to zero") & (logs.steps == 50_000)]
longest.sort_values("final_validation_loss").head(3)[["peak_learning_rate", "final_validation_loss"]]

# %% [markdown]
# The interval counts what the law got wrong about schedules that its resampled fits left out. It does not know that a longer
# horizon may be another matter.

# %% [markdown]
# ## A schedule from logged gradients
#
# With a bound $G_t$ on the gradient of each step, the steps with the smallest worst case have a closed form. Constant norms
# ask for linear decay; norms that are large at first ask for a warm-up:

# %%
norms = 1 + 9 * np.exp(-np.arange(1_000) / 50)
warmed = optimal_schedule(norms)
_ = warmed.plot()
# %% [markdown]
# ## Exercises
#
# **1.** How many trials does a constant rate need for a tolerance of 1.25 over a range with the ratio 1000? (By hand: a
# trial serves the ratio $(t+\sqrt{t^2-1})^2$.)

# %%
answer = None
check(answer, lambda: plan_grid(1e-4, 1e-1, risk="convex", schedule=Constant(), tolerance=1.25).trials)

# %% [markdown]
# **2.** You may be wrong by a factor of 100. What does `Robust(100)` promise, in units of $DG/\sqrt T$?

# %%
answer = None
check(answer, lambda: robust_loss(100))

# %% [markdown]
# **3.** Your linear decay was tuned at 10 000 steps, to the rate 0.01. Which rate does the theory give a cosine of 40 000
# steps? (Ratios of tuned rates do not depend on $D/G$.)

# %%
answer = None
check(
    answer,
    lambda: 0.01 * tuned_lr(Cosine(), 40_000, diameter=1.0) / tuned_lr(Polynomial(1), 10_000, diameter=1.0),
    tolerance=0.01,
)
