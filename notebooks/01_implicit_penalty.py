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
# # 1. The implicit penalty
#
# Gradient descent with the step $\eta$ is the simplest way to solve $\dot\theta=-\nabla L(\theta)$ on a computer. But it
# does not follow that flow. This lesson finds the flow that it does follow, to any order, and asks whether the
# difference matters.
#
# You need: Taylor's theorem and the chain rule. You will use: `modified_equation`, `penalties`.

# %%
# %matplotlib inline
from pathlib import Path

import numpy as np
import pandas as pd
import sympy
from exercise import check
from IPython.display import Math, display

from lrtheory import modified_equation, penalties
from lrtheory.figures import orders, paths, penalty, schedule_penalty
from lrtheory.schedules import Polynomial
from lrtheory.sweeps.penalty import explained
from lrtheory.sweeps.penalty import orders as measured_orders
from lrtheory.theory import equation_seven
from lrtheory.theory.annealed_penalty import schedule_penalty as penalty_of
from lrtheory.theory.gradient_corrections import first_correction_defect, second_correction_curl

TABLES = Path("../figures/data")

# %% [markdown]
# ## By hand
#
# Look for a velocity $v=-g+\eta v_2+\dots$ whose flow passes through the points of gradient descent. After the time
# $\eta$ it has moved by
#
# $$\theta(\eta)-\theta=\eta v+\tfrac{\eta^2}2\,(Dv)v+\dots=-\eta g+\eta^2\big(v_2+\tfrac12Hg\big)+O(\eta^3),$$
#
# with the gradient $g$ and the Hessian $H$. Gradient descent moves by $-\eta g$. So $v_2=-\tfrac12Hg$, and because
# $Hg=\tfrac12\nabla\|g\|^2$,
#
# $$\dot\theta=-\nabla\Big(L+\frac\eta4\|\nabla L\|^2\Big)+O(\eta^2).$$
#
# Large steps penalise large gradients, although nobody asked them to.

# %% [markdown]
# ## To any order
#
# `modified_equation` carries the same calculation through rooted trees. `T(g, g)` is the third derivative of $L$, applied
# to the gradient twice.

# %%
Math(modified_equation(4).latex())

# %% [markdown]
# Is every term the gradient of something? The first correction is, for every loss:

# %%
x, y = sympy.symbols("x y", real=True)
loss = sympy.Function("L")(x, y)
first_correction_defect(loss, [x, y])

# %% [markdown]
# The second is not: its curl is one sixth of the commutator of the Hessian with its own rate of change. From the order
# $\eta^2$ on, gradient descent minimises no loss at all.

# %%
second_correction_curl(x**4 / 4 + x**2 * y + y**2, [x, y])

# %% [markdown]
# ## Where the paths go
#
# A loss with a whole curve of minima, $L=\tfrac12(ab-0.6)^2$: the flow, the flow of the penalised loss and gradient
# descent start together and end at different minima. The penalised one ends nearer to gradient descent.

# %%
paths.draw(paths.data())

# %% [markdown]
# After a fixed time, the distance to gradient descent falls like $\eta^k$ when the series is kept up to the $k$-th term:

# %%
orders.draw(orders.data())

# %% [markdown]
# ## A misprint
#
# A note that this package grew from prints the penalty without the gradient in front of it. A number is added to a
# vector:

# %%
erratum = equation_seven()
display(Math(erratum.printed), Math(erratum.corrected))

# %% [markdown]
# ## Other optimizers
#
# The same expansion for heavy ball, for reshuffled mini-batches and for Adam. `strength` is what multiplies
# $\eta\|\nabla L\|^2$ in the penalised loss. Heavy ball with momentum $\beta$ takes steps $1/(1-\beta)$ times as long;
# its penalty grows by $(1+\beta)/(1-\beta)^2$.

# %%
pd.DataFrame(
    {momentum: [penalties.heavy_ball(momentum=momentum).strength] for momentum in (0.0, 0.5, 0.9)},
    index=["strength"],
)

# %%
Math(penalties.adam(beta1=0.9, beta2=0.999).latex())

# %% [markdown]
# Adam's term can be negative: it then *rewards* what the others penalise.

# %% [markdown]
# ## What annealing leaves of it
#
# Step $t$ penalises with $\eta_t/4$, so a schedule anneals the penalty with the rate. Over the run the mean is
# $\frac\eta4\int h^2/\int h$, for $h=(1-u)^p$ the part $\frac{p+1}{2p+1}$ of a constant rate's.

# %%
schedule_penalty.draw(schedule_penalty.data())

# %% [markdown]
# ## Does it matter?
#
# Sixteen small networks, trained by gradient descent, by its flow and by the flow of the penalised loss
# (`python -m lrtheory.sweep penalty`, stored in `figures/data/penalty.csv`).

# %%
runs = pd.read_csv(TABLES / "penalty.csv")
penalty.draw(runs)

# %%
{name: f"{order:.3f}" for name, order in measured_orders(runs).items()}

# %% [markdown]
# The theory is right: orders 1 and 2, while $\eta\lambda<1$. And the effect is small: no change of test accuracy was
# found on this network. What is left of the distance to the flow once the penalty is accounted for, step by step:

# %%
pd.Series({lr: f"{explained(group):.3f}" for lr, group in runs.groupby("lr")}, name="distance left").to_frame()

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of `None`. Then compare with the solution in the second line.
#
# **1.** How strong is heavy ball's penalty for $\beta=0.8$?

# %%
answer = None
check(answer, lambda: float(penalties.heavy_ball(momentum=0.8).strength))

# %% [markdown]
# **2.** On $L=\tfrac\lambda2\theta^2$ with $\eta\lambda=\tfrac12$, by what factor does one step of gradient descent, the
# flow, and the flow of the penalised loss shrink $\theta$? (Three numbers.)

# %%
answer = None
check(answer, lambda: [0.5, np.exp(-0.5), np.exp(-0.5 - 0.5**2 / 2)])

# %% [markdown]
# **3.** Which part of the penalty does a decay of degree 4 keep? And for which degree is it 0.6?

# %%
answer = None
check(answer, lambda: [float(penalty_of(Polynomial(4)).kept), 2])
