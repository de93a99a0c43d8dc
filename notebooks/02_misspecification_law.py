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
# # 2. The law of misspecification
#
# How much does it cost to train with a rate that is $\rho$ times too large? Under a constant rate, a factor that grows
# like $\rho$. Under a rate that decays to zero like $(1-u)^p$, only $\rho^{1/(2p+1)}$. This lesson derives both and
# checks them against worst cases.
#
# You need: convexity, subgradients. You will use: `worst_case`, `tuned_lr`, `degradation`, `rho_exponent`.

# %%
# %matplotlib inline
from pathlib import Path

import numpy as np
import pandas as pd
from exercise import check

from lrtheory import WSD, Constant, Cosine, Polynomial, degradation, rho_exponent, tuned_lr, worst_case
from lrtheory.figures import degree, horizon, rho, tightness
from lrtheory.sweeps import Rho
from lrtheory.theory import last_iterate as theorem
from lrtheory.theory.fixed_steps import fixed_step_lower_bound
from lrtheory.theory.law_derivation import polynomial_law
from lrtheory.theory.misspecification import law

TABLES = Path("../figures/data")

# %% [markdown]
# ## The setting
#
# $f$ is convex on a set of diameter $D$, the stochastic subgradients have $\mathbb E\|g_t\|^2\le G^2$, and
# $x_{t+1}=\Pi(x_t-\eta_tg_t)$. What is the largest $\mathbb E f(x_{T+1})-f^\star$ over all such problems? For *any* steps
# it takes one pass backwards over them:
#
# $$s_{T+1}=0,\qquad s_t=\bar s_t+2\eta_t+\eta_t^2/\bar s_t,\quad\bar s_t=\max(s_{t+1},\eta_t),$$
#
# $$W=\min_k\Big[\frac{D^2}{2s}+\frac{G^2}2\Big(s-2\sum_{t\ge k}\eta_t\Big)\Big],\qquad s=\max(s_k,D/G).$$
#
# The proof needs no more than one page (`help(theorem)`), and each of its identities is an expression that vanishes:

# %%
theorem.proof()

# %%
steps = Polynomial(1).steps(1_000, lr=0.03)
worst_case(steps, diameter=1.0)

# %% [markdown]
# ## Is it tight?
#
# Semidefinite programs search over all functions at once; they need seconds for twelve steps where the formula needs
# microseconds for a million. With a known distance the two agree to the solver's accuracy. With a known diameter the
# formula is up to a few per cent above, near a change of the best restart $k$. The bound in the literature is twice as
# large for every schedule that anneals.

# %%
tightness.draw(tightness.data(TABLES))

# %% [markdown]
# ## The law
#
# Write $\eta_t=\eta\,h((t-1)/T)$ and let $T\to\infty$. With $H(\tau)=\int_\tau^1h$ and $Q(\tau)=\int_\tau^1h^2/H$ the worst
# case becomes
#
# $$W(\eta)\sim\min_\tau\frac12\Big[\frac{D^2}{2\eta T\,H(\tau)}+\frac{\eta G^2}2Q(\tau)\Big].$$
#
# A rate that is too large cannot be undone, but a run may be *restarted* in thought at a time $\tau$ when its rate has
# fallen to what it should have been. This is where forgiveness comes from. For $h=(1-u)^p$ everything is explicit:

# %%
polynomial_law()

# %% [markdown]
# The exponent depends on how the schedule ends, and on nothing else:

# %%
schedules = [Constant(), WSD(0.2), Polynomial(1), Cosine(), Polynomial(2), Polynomial(3)]
pd.DataFrame(
    {
        "degree": [schedule.degree for schedule in schedules],
        "exponent": [rho_exponent(schedule) for schedule in schedules],
        **{
            f"rho = {factor}": [float(degradation(schedule, factor)) for schedule in schedules]
            for factor in (2, 16, 256)
        },
    },
    index=[schedule.name for schedule in schedules],
).round(3)

# %% [markdown]
# Too small a rate, by contrast, costs $(\rho+1/\rho)/2$ here, where the tuned restart is the first step: on convex problems,
# *err high*. Networks do not forgive beyond an edge, which lesson 5 shows.

# %% [markdown]
# ## Three layers
#
# The law, the worst case at $T=100\,000$, and a simulation of the worst member of a one-dimensional family (lesson
# 3): three computations that share nothing but the schedule.

# %%
table = rho.data(TABLES)
rho.draw(table)

# %%
Rho.summary(table).set_index("schedule").iloc[:, :4]

# %% [markdown]
# A constant rate bends away from the law: the last iterate pays a logarithm of $T$, and its fitted exponent reaches 1
# only slowly.

# %%
horizon.draw(horizon.data(TABLES))

# %% [markdown]
# Is a slope of 1 needed without annealing? Yes: on $G|x|$ a constant step ends in a cycle, whatever its length.

# %%
lr = tuned_lr(Constant(), 10_000, diameter=1.0)
for factor in (1, 8, 64):
    steps = Constant().steps(10_000, lr=factor * lr)
    print(
        factor,
        round(fixed_step_lower_bound(steps, diameter=1.0) / lr, 2),
        round(worst_case(steps, diameter=1.0) / lr, 2),
    )

# %% [markdown]
# And the exponents follow $1/(2p+1)$ for degrees that are no whole numbers, too:

# %%
degree.draw(degree.data(TABLES))

# %% [markdown]
# ## Exercises
#
# **1.** A schedule ends like $(1-u)^{5}$. By what factor does its loss grow from $\rho=10^2$ to $\rho=10^4$ in the limit?

# %%
answer = None
check(answer, lambda: 100.0 ** (1 / 11))

# %% [markdown]
# **2.** Compute the worst case of the two steps $(\tfrac12,\tfrac14)$ for $D=G=1$ by hand, from the recursion above.

# %%
answer = None
check(answer, lambda: worst_case([0.5, 0.25], diameter=1.0))

# %% [markdown]
# **3.** Up to which $\rho$ does linear decay lose $(\rho+1/\rho)/2$, as a constant rate does?

# %%
answer = None
check(answer, lambda: law(Polynomial(1)).threshold)

# %% [markdown]
# **4.** With $D=G=1$ and $T=10^4$, how much larger is the tuned rate of a cosine than that of a constant rate? (Annealed
# schedules want larger rates.)

# %%
answer = None
check(answer, lambda: np.divide(*(tuned_lr(schedule, 10_000, diameter=1.0) for schedule in (Cosine(), Constant()))))
