"""Everything in the paper that a program says, written to ``paper/generated`` by ``python -m paper.generate``.

Numbers come from the committed tables (``figures/data``) and from the library, formulas from its sympy expressions. A
number is a value with a name, ``\\val{name}`` in the text; a table is a file of its own. Sentences that hang on what a
table says are written here, so that they hold for whatever it says.
"""

from pathlib import Path

from paper.generate import benchmark, experiments, forecast, reproduction, theory

PARTS = (
    theory.tightness_part, theory.law_part, theory.robust_part, theory.grid_part,
    experiments.penalty_part, experiments.simulation_part, experiments.networks_part, experiments.residual_part,
    experiments.language_model_part, experiments.speed_part,
    forecast.forecast_part,
    benchmark.benchmark_part, benchmark.robustness_part,
    reproduction.reproduction_part,
)  # fmt: skip
"""What is generated: each yields pairs of a name and its TeX."""


def files() -> dict[str, str]:
    """Every generated file and its text; names that do not end in ``.tex`` are values and share one file."""
    made: dict[str, str] = {}
    for part in PARTS:
        for name, text in part():
            if name in made:
                raise ValueError(f"{name} is generated twice.")
            made[name] = text
    values = [rf"\setval{{{name}}}{{{text}}}" for name, text in made.items() if not name.endswith(".tex")]
    return {name: text + "\n" for name, text in made.items() if name.endswith(".tex")} | {
        "values.tex": "\n".join(values) + "\n"
    }


def write(folder: Path) -> None:
    """Write what is generated, and remove what no longer is."""
    folder.mkdir(exist_ok=True)
    made = files()
    for path in folder.glob("*.tex"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)
