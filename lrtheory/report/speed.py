"""How fast the kernels are, from the tables of ``python -m tests.peers``."""

from lrtheory.report.tables import table
from lrtheory.report.values import Bullets, Captioned, Facts, Figure, Lines, Table, Tex, Text

SPEEDS = {
    "simulator_speed": ("The one-dimensional simulator", "a step of one replica"),
    "regression_speed": (
        "Stochastic gradient descent on finite sums",
        "a floating-point operation that the step needs",
    ),
    "worst_case_speed": ("The worst case of many configurations", "a configuration"),
}
"""Tables, what they time, and what a unit of work is."""

SETTINGS = tuple(f"squared, d = 1000, batch {batch}, last" for batch in (1, 32))
"""The settings of finite sums that are shown: the table also has other losses, other dimensions and the averaged iterate."""

TIMES = ("median", "min", "max")


def speed_part() -> Facts:
    """The tables of the paper, and the table and the sentences of the README."""
    tables, labels = [], []
    for name, (what, unit) in SPEEDS.items():
        frame = table(name)
        if "kernel" in frame:  # some rows time the kernel alone, at other work
            frame = frame.groupby("kernel", sort=False).filter(lambda group: len(group["peer"].unique()) > 2)
        if "share of peak" in frame:
            frame = frame[frame["setting"].isin(SETTINGS)]
        known = {"work", *TIMES, "ratio", "machine", "versions", "gflops", "share of peak"}
        columns = [str(column) for column in frame if column not in known and len(frame[column].unique()) > 1]
        rows = [
            [*(str(row[column]) for column in columns), *(f"{row[time]:.3g}" for time in (*TIMES, "ratio"))]
            for row in frame.to_dict("records")
        ]
        caption = Text.of(
            f"{what}: nanoseconds for each unit of work ({unit}), contestants taking turns, and the ratio to the first. ",
            f"{frame['machine'].iloc[0]}; {frame['versions'].iloc[0]}. ", Tex(r"\measured"),
        )  # fmt: skip
        labels.append(f"tab:{name.replace('_', '-')}")
        shown = Table([*columns, *TIMES, "ratio"], rows, "l" * len(columns) + "rrrr")
        tables.append(Captioned(caption, labels[-1], shown))
    told = Tex(
        rf"Times beside those of what one would use instead: \cref{{{','.join(labels)}}} \measured. Sweeps and benchmarks "
        r"also run on a Dask cluster, with the same store (\cref{fig:scale}) \measured."
    )
    scale = Figure("scale", Tex(r"Scaling out over workers, measured and projected. \measured"))
    yield "paper/speed", Lines((told, *tables, scale))

    simulators = table("simulator_speed")
    yield "speed/machine", str(simulators["machine"].iloc[0]).removesuffix(", 2 cores")
    peers = simulators[simulators["kernel"] == "one-dimensional"].sort_values("median")
    rows = [
        [row["peer"], f"{row['median']:.3g} [{row['min']:.3g}, {row['max']:.3g}]", f"{row['ratio']:.3g}"]
        for row in peers.to_dict("records")
    ]
    yield "readme/speed", Table(["", "ns for each step", "ratio"], rows)
    yield "readme/speeds", Bullets(tuple(_sentences()))


def _sentences():
    """What the other comparisons say, one sentence for each."""
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
        told = ", ".join(f"{peer} {rows['ratio'][peer]:.3g} times as long" for peer in peers)
        yield (
            f"Least squares in 1,000 dimensions, batches of {batch}, beside what others take: {told}; "
            f"{100 * rows['share of peak']['lrtheory']:.0f} % of the processor's peak."
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
