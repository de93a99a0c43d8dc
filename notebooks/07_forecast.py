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
# # 7. Forecasts
#
# Three runs have finished. What would six other schedules have done? This lesson fits a law of loss curves to real logs of
# language models and asks it for runs that it has not seen.
#
# You need: lesson 2. You will use: `lrtheory.forecast` (`fit`, `Forecast`, `equivalent_lr`, `extend`).

# %%
# %matplotlib inline
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from exercise import check

from lrtheory.figures import forecast as errors
from lrtheory.figures.style import STYLE
from lrtheory.forecast import LAWS, equivalent_lr, extend, fit
from lrtheory.forecast.linear_decay import best_rate, transfer_exponent
from lrtheory.forecast.misspecified import degradation_of_forecast
from lrtheory.forecast.running_noise import running_noise
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial
from lrtheory.sweeps.forecast import best_rates, candidates
from lrtheory.sweeps.forecast_logs import FITTED, curves_of_size, runs_of_rates

TABLES = Path("../figures/data")
plt.style.use(STYLE)

# %% [markdown]
# ## A bias and the noise of the last iterate
#
# The worst case of the last iterate splits into a bias that falls with the summed rate $S$ and a noise $e_1$ that a
# recursion makes of the rates. Take the noise as it is and free the bias: $L_0+A\,S^{-a}+B\,e_1$, four numbers. The noise is
# needed after every logged step; one tree serves them all:

# %%
steps = WSD(0.2).steps(10_000)
at = np.arange(100, 10_001, 100)
plt.plot(at, running_noise(steps, at))
_ = plt.gca().set(xlabel="step", ylabel="$e_1$ / base rate")

# %% [markdown]
# A cooldown takes most of it away. Gradients shrink as training goes on, and noise with them: weights
# $G_k^2\propto S_k^{-c}$ in the theorem's own place are the default law.
#
# ## Three curves fitted, six forecast
#
# Nine runs of a model of 100 million parameters, under nine schedules with one peak rate. The authors of the multi-power law
# fitted three of them:

# %%
runs = {curve.name: curve for curve in curves_of_size("100M", TABLES / "forecast_multi_power.csv")}
taken = [runs.pop(name) for name in FITTED]
forecast = fit(taken, resamples=0)
print(forecast)

# %%
pd.DataFrame({name: {law: fit(taken, LAWS[law], resamples=0).rms([curve])
                     for law in ("ShrinkingGradients", "ExactNoise", "MultiPower", "AnnealingArea", "CurrentRate")}
              for name, curve in runs.items()}).round(4)  # fmt: skip

# %%
axes = forecast.plot(list(runs.values()))
axes.set(ylim=(2.8, 3.3))
_ = axes.legend(fontsize=6)

# %% [markdown]
# ## Many rates: what one rate cannot tell
#
# The final losses of 146 runs of models of 124 million parameters over a factor of 30 in the peak rate (one more diverged).
# With several rates a law must have a best one:

# %%
table, finals = runs_of_rates(False)
of_rates = fit(finals, resamples=30)
print(of_rates)
pd.Series(
    {str(each): f"{of_rates.best_lr(each, 50_000):.2g}" for each in (Constant(), WSD(0.2), Cosine(), Polynomial(1))}
)

# %%
ranked = of_rates.rank([Constant(), WSD(0.2), Cosine(), Polynomial(1), Polynomial(2)], 50_000)
pd.DataFrame(
    {"schedule": map(str, ranked.schedules), "loss": [f"{each:.3f}" for each in ranked.losses], "rate": ranked.rates}
)

# %% [markdown]
# A rate that was tuned for one schedule, for another; and a run that goes on:

# %%
print(f"{equivalent_lr(1.5e-3, Cosine(), WSD(0.2), 50_000, forecast=of_rates):.2g}")
print(extend(Cosine(), 10_000, 20_000).go_on)

# %% [markdown]
# ## The leaderboard
#
# Every law, every task, every curve left out in turn. What else was tried, and how much worse it was than the default, in nats:

# %%
board = errors.data(TABLES)
candidates(board).set_index("candidate").T.round(4)

# %%
best_rates(board).round(2)

# %% [markdown]
# Ten of eleven best rates of unseen schedules are within a factor of 1.25, and the intervals of the default law hold ten of
# them: every resampled fit is tried on a schedule that it has not seen, and what it gets wrong there is counted.
#
# ## Exercises
#
# **1.** Under $L_0+A\,S^{-a}+B\,e_1$ no schedule beats linear decay. For $T=1000$, $A=2$, $a=1/2$, $B=0.1$: the best base rate?

# %%
answer = None
check(answer, lambda: best_rate(1_000, bias=2.0, exponent=0.5, noise=0.1))

# %% [markdown]
# **2.** By which power of the horizon does a best rate move if the bias has $a=1/2$ and gradients do not shrink?

# %%
answer = None
check(answer, lambda: transfer_exponent(0.5))

# %% [markdown]
# **3.** With $a=1/2$ and noise in proportion to the rate: by which factor does the loss above $L_0$ grow if the rate is four
# times too large?

# %%
answer = None
check(answer, lambda: degradation_of_forecast(4.0, 0.5))
