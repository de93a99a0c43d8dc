"""The README's tables are those of the committed results, and its Python runs."""

import re
from pathlib import Path

import pandas as pd
import sympy

from lrtheory import implicit_penalty, modified_equation
from lrtheory.benchmarks import audit, report
from lrtheory.benchmarks.published import ACCURACY
from lrtheory.figures import benchmark as heat_map
from lrtheory.sweeps import EXPERIMENTS, language_models, penalty, rate_curves, robustness
from paper.generate import PARTS, benchmark, experiments
from paper.generate.tables import DATA, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def fresh(text):
    """The README with everything between markers made anew from the committed tables."""
    for name, block in blocks().items():
        marked = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert marked.search(text), name
        text = marked.sub(lambda markers, block=block: f"{markers[1]}\n{block}\n\n{markers[2]}", text)
    return text


def blocks():
    """The tables and paragraphs that are made from the committed tables, by name."""
    made = {}
    for sweep in ("rho", "grid"):
        made[sweep] = markdown(EXPERIMENTS[sweep].load().summary(table(sweep)))
    runs = table("benchmark")
    final = heat_map.data(DATA).query("role == 'final' and part != 'described'")
    made["benchmark"] = markdown(accuracies(final))
    made["headlines"] = markdown(audit.verdicts(runs)[["headline", "protocol", "stands", "numbers"]])
    made["switches"] = "* " + "\n* ".join(switched(runs))
    made["robustness"] = "\n".join(f"* {sentence}" for sentence in robust(table("robustness")))
    made["cifar10"] = residual(table("cifar10"))
    made["speed"] = markdown(times(table("simulator_speed")))
    made["speeds"] = "\n".join(f"* {sentence}" for sentence in speeds())
    return made


def markdown(frame):
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.to_numpy()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def accuracies(final):
    """A row a strategy, a column a protocol, task and scale: mean accuracy and half its 95 % interval.

    A star marks a tuned rate that ends its grid.
    """
    shown = pd.DataFrame({"strategy": list(ACCURACY), "published": [row[0] for row in ACCURACY.values()]})
    for (protocol, task), group in final.groupby(["protocol", "task"], sort=False):
        means = report.summary(group).set_index("strategy")
        title = f"{task.removesuffix('-as-coded')}, {protocol}"
        if report.scale(group):
            title += f", {report.scale(group)}"
        title += f", n = {int(means['seeds'].max())}"
        shown[title] = [
            report.spread(means.loc[name, "mean"], means.loc[name, "half_width"]) + "*" * bool(means.loc[name, "edge"])
            for name in ACCURACY
        ]
    return shown.rename(columns={"published": "synthetic, published"})


def switched(runs):
    """What each artefact of the published program is worth on the synthetic task, and the failures at other rates."""
    for row in audit.shown_switches(runs).to_dict("records"):
        if row["p"] != "-" and float(row["p"]) < 0.05:
            yield (
                f"{row['strategy']} on {row['task']}, {row['artefact']}: {row['difference']} points without it, paired over "
                f"the seeds (p = {row['p']})."
            )
    for row in audit.shown_sweep(runs).to_dict("records"):
        if row["form"] == "as coded":
            at = {
                float(name[2:]): value
                for name, value in row.items()
                if name.startswith("x ") and isinstance(value, str)
            }
            found = ", ".join(f"{value} at {factor:g} times its rate" for factor, value in at.items())
            size = row["scale"] or "full scale, one seed"
            yield f"{row['strategy']} on {row['task']} ({size}; published {row['published']}): {found}."


def robust(frame):
    """A sentence a task: what wrong rates cost the strategies."""
    for task, group in robustness.measures(frame).groupby("task", sort=False):
        yield plain(benchmark._robustness_of(str(task), group))


def residual(frame):
    """What residual networks on CIFAR-10 say so far."""
    (text,) = [text for name, text in experiments.residual_part() if name == "residual.tex"]
    told = text.partition("\n\n")[2].partition("\n\\begin{figure}")[0]
    return plain(
        told.replace("The same axis and the same measures for residual networks on CIFAR-10", "Residual networks")
    )


def times(frame):
    """The peers of the one-dimensional simulator."""
    rows = frame[frame["kernel"] == "one-dimensional"].sort_values("median")
    shown = [f"{row['median']:.3g} [{row['min']:.3g}, {row['max']:.3g}]" for row in rows.to_dict("records")]
    return pd.DataFrame({"": rows["peer"], "ns a step": shown, "ratio": rows["ratio"].map("{:.3g}".format)})


def speeds():
    """What the other comparisons say, a sentence each."""
    simulators = table("simulator_speed")
    work = simulators[simulators["kernel"] == "work"].iloc[-1]
    (two,) = simulators.loc[(simulators["kernel"] == "threads") & (simulators["peer"] == "2 threads"), "ratio"]
    yield (
        f"The default grid of the simulator, {work['work']:.2g} steps: {work['median'] * work['work'] / 1e9:.2f} s on two "
        f"threads, which are {1 / two:.2f} times as fast as one."
    )
    sums = table("regression_speed")
    for batch, peers in ((1, ["JAX, all configurations", "numpy, all configurations", "scikit-learn, one by one"]),
                         (32, ["JAX, vmap of one", "JAX, all configurations", "numpy, all configurations"])):  # fmt: skip
        rows = sums[sums["setting"] == f"squared, d = 1000, batch {batch}, last"].set_index("peer")
        told = ", ".join(f"{peer} {rows.loc[peer, 'ratio']:.3g} times as long" for peer in peers)
        yield (
            f"Least squares in 1,000 dimensions, batches of {batch}, beside what others take: {told}; "
            f"{100 * rows.loc['lrtheory', 'share of peak']:.0f} % of the processor's peak."
        )
    bounds = table("worst_case_speed").set_index(["horizon", "peer"])["median"]
    many, exact, program = (
        bounds[10_000, "worst_case of many, 2 threads"],
        bounds[20, "worst_case"],
        bounds[20, "PEPit"],
    )
    yield (
        f"The worst case of 10,000 configurations at 10,000 steps: {1e-5 * many:.2g} s on two threads; one of 20 steps: "
        f"{1e-3 * exact:.2g} us, where a semidefinite program takes {1e-9 * program:.2g} s."
    )
    together = table("ensemble_speed")
    alone = together[together["peer"].str.endswith("alone")]["ratio"]
    yield f"512 small networks at once: {alone.min():.0f} to {alone.max():.0f} times as fast as one at a time, on one core."
    steps = table("optimizer_speed").set_index("peer")["ratio"]
    yield (
        f"A step of DALS on 22.7 million parameters takes {steps['DALS base foreach']:.2f} of AdamW's with foreach and "
        f"{steps['DALS base foreach'] / steps['AdamW fused']:.1f} times the fused one's, on a CPU."
    )


def plain(tex):
    """The words of generated TeX."""
    for pattern, text in (
        (r"\\citet\{wortsman2024\}", "Wortsman et al. (arXiv 2309.14322)"), (r" ?\(\\cref\{[^}]*\}\)", ""), (r" ?\\measured", ""),
        (r"\\,\\%", " %"), (r"\\,", ","), (r"\\([&%_])", r"\1"), (r"\$([^$]*)\$", r"\1"),
    ):  # fmt: skip
        tex = re.sub(pattern, text, tex)
    return tex


def test_what_is_made_from_tables_is_fresh():
    assert fresh(README) == README, "python -m tests.test_readme writes the tables anew"


def run_example(word, monkeypatch):
    """What the one example that has this word leaves behind."""
    monkeypatch.chdir(ROOT)
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if word in block]
    names = {}
    exec(code, names)
    return names


def test_the_first_example_says_what_it_does(monkeypatch):
    names = run_example("degradation(", monkeypatch)
    assert names["degradation"](names["cosine"], [0.5, 2, 10]).round(2).tolist() == [1.25, 1.19, 1.76]
    assert str(names["rho_exponent"](names["cosine"])) == "1/5"


def test_the_recipes_say_what_they_do(monkeypatch, capsys):
    plan = run_example("plan_grid(", monkeypatch)["plan"]
    assert [float(f"{point:.2g}") for point in plan.points] == [0.00041, 0.0041, 0.041]
    assert [round(value, 2) for value in (plan.factor, plan.typical, plan.lift)] == [1.43, 1.17, 1.29]
    robust = run_example("robust_lr(", monkeypatch)
    assert round(robust["placed"](robust["Polynomial"](1), 16, 10_000)[1], 2) == 1.66
    assert round(robust["robust_loss"](16), 2) == round(robust["lower_bound"](16), 2) == 1.28
    run_example("fit_curve(", monkeypatch)
    assert capsys.readouterr().out.strip() in README


def claims():
    """What the prose says with a number that was computed, as it must be said."""
    value = {name: plain(text) for part in PARTS for name, text in part()}
    penalties = penalty.orders(table("penalty"))
    flow, penalised = penalties["distance_flow"], penalties["distance_penalised"]
    horizons = table("horizon").query("schedule == 'Constant()'")["rho_exponent"]
    margin = {name: value[f"networks/margin/{name}"] for name in ("linear", "constant")}
    slope = {name: value[f"networks/slope/{name}"] for name in ("constant", "linear", "three")}
    ball, of = value["networks/ball-orders"].split(" of ")
    small = re.findall(r"\d+", value["networks/digits-orders"])
    yield f"{', '.join(f'{exponent:.2f}' for exponent in horizons)} at `T` = 10^3 to 10^6"
    yield f"`1/2 sqrt(ln R + {float(value['robust/constant']):.3f})`"
    robust, linear = value["robust/16"], value["robust/linear/16"]
    yield f"At `R` = 16 that is {robust}, where linear decay, its one rate placed at its best, has {linear}."
    yield f"`eta^{flow:.3f}` and to the penalised path like `eta^{penalised:.3f}`"
    yield f"{value['networks/runs']} runs (four tasks, three optimizers, nine schedules"
    yield f"{value['networks/rates']} rates over four decades, {value['networks/seeds']} seeds"
    assert ball == of
    yield f"all {of} orders of right-branch slopes"
    yield f"with SGD {slope['constant']} for constant, {slope['linear']} for linear, {slope['three']} for p = 3"
    assert small[4] == "0"
    yield f"By slope, of {small[0]} orders {small[1]} hold, {small[2]} are undecided, {small[3]} cannot be stated and none"
    margins = re.findall(r"margin & digits\S* & (\d+) & (\d+) & (\d+) & (\d+)", value["networks.tex"])
    hold, undecided, unstated, turned = (sum(map(int, counts)) for counts in zip(*margins))
    assert len(margins) == 2
    assert unstated == 0
    yield f"by margin {hold} holds, {undecided} are undecided and **{turned} are reversed**"
    cliffs = {
        key: rate_curves.margin(curve)
        for key, curve in rate_curves.curves(table("networks")).items()
        if "digits" in key[0]
    }
    yield f"falls off a cliff {min(cliffs.values()):.1f} to {max(cliffs.values()):.1f} times above the best rate"
    assert all(max(cliffs[key] for key in cliffs if key[:2] == (task, optimizer)) > cliffs[task, optimizer, "Robust(16)"]
               for task, optimizer, _ in cliffs)  # fmt: skip
    yield "On the small networks it did not forgive most."
    yield f"linear decay may be {margin['linear']} times too large, a constant rate {margin['constant']} times"
    below, tried = value["networks/linear-below"].split(" of ")
    assert below == tried
    yield "At every rate above the best constant one linear decay still ends lower"
    yield f"to {value['llm/diameter'].replace(' [', ' nats root mean squared [')} by the worst case with restarts"
    logged = table("language_models").query("schedule != 'constant'")
    yield f"an unseen horizon only to {language_models.rms(logged, 'diameter', 'horizon').value:.3f}"
    published, quadratic = (value[f"llm/{model}"].split()[0] for model in ("published", "quadratic"))
    yield f"against {published} by the published bound and {quadratic} by a quadratic in the log rate"
    yield f"places them {value['llm/low']} times too low"
    yield f"fails on the constant schedule, whose real loss is {value['llm/constant']} higher"
    yield f"{value['tightness/programs']} semidefinite programs agree to 3e-8"
    yield f"the programs are up to {value['tightness/diameter']} % lower in {value['tightness/programs']} of them"
    yield f"its loss is {value['simulated/share']} of it"
    yield f"one core of an {table('simulator_speed')['machine'].iloc[0].removesuffix(', 2 cores')}"


DEFINED = (
    "95 %", "`T = 100,000`", "[16, 256]", "`rho` in", "arXiv 2604.27295", "124M", "10^5", "3.51", "16 runs", "64M",
    "`1/3`", "Python 3.11+", "T/(T+4)", "8x8", "32 points", "`PiecewiseLinear({1000: 1, 20_000: 0.1})`", "`T` = 2,000", "0.1 %",
    "agrees to 3e-3 for `rho` up to 256",
    "tie 5 to 7 % lower", "up to 15 steps", "from `R` = 68 on", "arXiv 2402.10898", "AVX-512",
    "about 1 % of the way", "Robust(16)",
    "built to be flat up to 16",
    "--tolerance 1.5", "1e-4 1e-1", "10 %", "TREC-6", "CIFAR-10", "2, 4 and 10 times",
)  # fmt: skip
"""Numbers that define what is spoken of, or that a test of the theorem itself holds to."""


def test_every_number_is_made_defined_or_claimed():
    told = " ".join(
        re.sub(r"<!-- made: .*?<!-- end -->|```.*?```|!?\[[^]]*\]\([^)]*\)", " ", README, flags=re.DOTALL).split()
    )
    for claim in claims():
        assert claim in told, claim
        told = told.replace(claim, " ")
    for defined in DEFINED:
        told = told.replace(defined, " ")
    assert re.findall(r"\S*\d\.\d\S*|\S*\d ?%|\S*\b\d{2,}\S*", told) == []


def test_the_penalty_example_says_what_it_does():
    assert implicit_penalty("heavy_ball", momentum=0.9).strength == sympy.Rational(95, 2)
    assert r"\frac{1}{3} H^{2} g + \frac{1}{12} T(g, g)" in modified_equation(3).latex()
    assert implicit_penalty("adam", beta1=0.9, beta2=0.999).latex().startswith(r"\dot\theta_j")


def test_the_figures_shown_are_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000


if __name__ == "__main__":
    (ROOT / "README.md").write_text(fresh(README))
