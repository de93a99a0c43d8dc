"""To which precision the columns of the tables hold on another processor.

On the same kind of processor, with the same versions, a table is the same byte for byte, whatever the number of threads.
On another one sums are contracted and vectorised differently, and elementary functions differ in their last bits.
*Measured* with the plain kernels of numba, numpy and OpenBLAS in the place of those for AVX-512: the largest relative
difference of a computed column was 3e-13, and the simulated columns of ``rho`` were the same to the bit.
"""

EXACT = 0.0
"""The same bits."""
ROUNDING = 1e-11
"""A relative difference: rounding, as the sums over a run amplify it."""
SIMULATED = 2e-2
"""A relative difference: a path may round to another float32, so two of the largest standard errors."""

PRECISION: dict[str, dict[str, float]] = {
    "rho": {
        "schedule": EXACT, "degree": EXACT, "rho": EXACT, "horizon": EXACT, "lr": ROUNDING, "law": ROUNDING,
        "worst_case": ROUNDING, "eps": EXACT, "expected": ROUNDING, "simulated": SIMULATED, "standard_error": 0.1,
        "worst_case_factor": ROUNDING, "expected_factor": ROUNDING, "simulated_factor": 2 * SIMULATED,
    },
    "degree": {
        "schedule": EXACT, "degree": EXACT, "horizon": EXACT, "predicted": EXACT, "layer": EXACT, "exponent": ROUNDING,
        "low": ROUNDING, "high": ROUNDING,
    },
    "grid": {
        "schedule": EXACT, "ratio": EXACT, "horizon": EXACT, "law": ROUNDING, "worst_case": ROUNDING,
        "expected": ROUNDING, "simulated": SIMULATED, "worst_case_factor": ROUNDING, "expected_factor": ROUNDING,
        "simulated_factor": 2 * SIMULATED,
    },
    "horizon": {
        "schedule": EXACT, "horizon": EXACT, "lr": ROUNDING, "worst_case": ROUNDING, "expected": ROUNDING,
        "simulated": 2.5 * SIMULATED, "standard_error": 0.1, "rho_exponent": ROUNDING, "low": ROUNDING, "high": ROUNDING,
        "averaged_rho_exponent": ROUNDING,
    },
}  # fmt: skip
"""The relative difference that each column of each table may show; exponents of the layer ``simulated`` may differ by 0.02."""
EXPONENT = 0.02
"""The absolute difference of an exponent that is fitted to simulated losses, a standard error and a half."""
