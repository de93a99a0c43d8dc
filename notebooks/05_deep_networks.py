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
# # 5. Deep networks
#
# The law is a theorem about convex problems. What is left of it where nothing is convex? This lesson puts a schedule into
# a training loop, trains many rates at once, and reads three experiments: small networks, grids, and language models.
#
# You need: lessons 2 and 3. You will use: `lr_scheduler`, `python -m lrtheory.sweep networks`.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from exercise import check
from torch import nn

from lrtheory import WSD, Constant, Cosine, Polynomial, degradation, rho_exponent
from lrtheory.figures import cifar10, language_models, networks, networks_grid, robustness
from lrtheory.figures.style import STYLE
from lrtheory.optim.lr_range_test import range_test
from lrtheory.runs import Store
from lrtheory.sweeps import Networks, rate_curves
from lrtheory.sweeps.language_models import rms

TABLES = Path("../figures/data")
plt.style.use(STYLE)
torch.set_num_threads(1)

# %% [markdown]
# ## A schedule in a training loop
#
# A schedule is a shape; the optimizer holds the base rate. The scheduler computes each rate in closed form from the step,
# so that a resumed run goes on exactly.

# %%
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = WSD(0.4).lr_scheduler(optimizer, horizon=10)
rates = []
for _ in range(10):
    rates.append(round(optimizer.param_groups[0]["lr"], 4))
    optimizer.step()
    scheduler.step()
print(rates)

# %% [markdown]
# ## Many rates at once
#
# A curve of loss against rate needs dozens of runs. Small networks are trained side by side, as one batch of networks. Two
# schedules, nine rates, two seeds of logistic regression in a ball, where the theorem holds:

# %%
small = Networks(
    tasks=("logistic-ball",),
    optimizers=("sgd",),
    schedules=(Constant(), Polynomial(2)),
    per_decade=2,
    seeds=2,
    horizon=400,
)
with TemporaryDirectory() as folder:
    frame = small.table(Store(Path(folder)), workers=1)
losses = frame.assign(excess=frame.filter(like="train_loss").mean(axis=1) - frame["best_known"])
_ = losses.pivot_table(index="lr", columns="schedule", values="excess").plot(
    logx=True, logy=True, style=["o-", "^--"], xlabel="learning rate", ylabel="excess loss"
)
# %% [markdown]
# Every cell is stored when it is finished; the same command goes on where it was interrupted.

# %% [markdown]
# ## Small networks
#
# The full sweep: 27 216 runs of four tasks, three optimizers, nine schedules, 21 rates, 12 seeds. On the axis of the law:

# %%
table = networks.data(TABLES)
networks.draw(table)

# %% [markdown]
# On logistic regression the right branches are ordered as the law says. Slopes with their 95 % intervals, beside the
# exponents of the theorem:

# %%
curves = rate_curves.curves(table)
rows = {}
for schedule in (Constant(), Polynomial(1), Polynomial(2), Cosine(), Polynomial(3)):
    found = rate_curves.slope(curves["logistic-ball", "sgd", schedule.name])
    rows[schedule.name] = {"measured": f"{found:.2f}", "theorem": str(rho_exponent(schedule))}
pd.DataFrame.from_dict(rows, orient="index")

# %% [markdown]
# The measured slopes are about twice as steep as the worst case. On the digits there is no branch at all but a cliff: the
# loss jumps to what it was before training. There the question is how far the cliff is, the *margin*:

# %%
pd.DataFrame(
    {
        task: {
            name: round(rate_curves.margin(curves[task, "sgd", name]), 1)
            for name in ("Constant()", "Polynomial(1)", "Polynomial(3)")
        }
        for task in ("logistic-ball", "digits-noisy", "digits")
    }
)

# %% [markdown]
# On the digits annealing *shrinks* this margin, because it moves the best rate towards the cliff. A law about excess loss
# says nothing about cliffs.

# %% [markdown]
# ## Coarse grids
#
# The practical question remains what a coarse grid costs:

# %%
networks_grid.draw(networks_grid.data(TABLES))

# %% [markdown]
# ## Where to begin
#
# A range test grows the rate until the loss turns up, and reads from that edge a suggestion for a schedule. It is a
# heuristic, and leaves no trace in the model.

# %%
torch.manual_seed(0)
inputs, model = torch.randn(512, 8), nn.Linear(8, 1)
targets = inputs.sum(1, keepdim=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def closure() -> torch.Tensor:
    """The loss of the next batch, its gradients computed."""
    rows = torch.randint(512, (16,))
    optimizer.zero_grad()
    loss = (model(inputs[rows]) - targets[rows]).abs().mean()
    loss.backward()
    return loss


print(range_test(model, optimizer, closure, schedule=Cosine(), horizon=2_000))

# %% [markdown]
# ## Language models
#
# Final losses of public training runs of 124M-parameter language models. Each panel is one schedule, predicted by fits to
# *all other* schedules:

# %%
logs = language_models.data(TABLES)
language_models.draw(logs)

# %%
{model: f"{rms(logs, model, 'schedule'):.3f}" for model in ("diameter", "distance", "published", "quadratic")}

# %% [markdown]
# Three numbers, fitted elsewhere, predict an unseen annealed schedule. They fail on the constant one, whose real loss is
# far above the prediction.

# %% [markdown]
# ## Larger networks
#
# Residual networks on CIFAR-10, on a fraction of the images (`python -m lrtheory.sweep cifar10`; on a GPU the same command
# takes all of them). Look for the cliff, and for the rates at which a constant rate is no longer as good as linear decay:

# %%
cifar10.draw(cifar10.data(TABLES))

# %% [markdown]
# And the strategies of lesson 4: how many points of accuracy does each lose when its rate is 2, 4 or 10 times off, either way
# (`python -m lrtheory.sweep robustness`)?

# %%
robustness.draw(robustness.data(TABLES))

# %% [markdown]
# On this task too high costs annealed SGD little and SGD at a fixed rate much, as the law has it. Too low costs the adaptive
# methods most, which no theorem here speaks of.

# %% [markdown]
# ## Exercises
#
# **1.** Which rate does `WSD(0.4)` with base rate 0.1 and horizon 10 have in its eighth step?

# %%
answer = None
check(answer, lambda: WSD(0.4).steps(10, lr=0.1)[7])

# %% [markdown]
# **2.** A grid of ratio 10 holds a rate that is at most $\sqrt{10}$ too large or too small. What does the law say that
# linear decay loses if it is $\sqrt{10}$ too large, and if it is $\sqrt{10}$ too small? (Two factors; lesson 2.)

# %%
answer = None
check(answer, lambda: degradation(Polynomial(1), [np.sqrt(10), 1 / np.sqrt(10)]))

# %% [markdown]
# **3.** How many runs of SGD on the digits with a constant rate diverged? (Empty losses in `table`.)

# %%
answer = None
check(
    answer,
    lambda: table.query("task == 'digits' and optimizer == 'sgd' and schedule == 'Constant()'")
    .filter(like="train_loss").isna().sum().sum(),
)  # fmt: skip
