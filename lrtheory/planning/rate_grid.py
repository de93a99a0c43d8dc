from dataclasses import dataclass

import numpy as np

LOST = 0.1
"""The part of the gain whose loss makes a run lost."""


@dataclass(frozen=True)
class RateGrid:
    """Runs that differ in the rate alone.

    Args:
        name: Source, optimizer, model, schedule.
        rho: Rates over the best one, rising.
        fraction: Excess as a part of the gain, 1 where a run diverged.
        excess: The excess, in units of loss; NaN where a run diverged.
        lrs: The rates.
    """

    name: tuple[str, str, str, str]
    rho: np.ndarray
    fraction: np.ndarray
    excess: np.ndarray
    lrs: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Which runs are lost."""
        return self.fraction > LOST

    @property
    def best(self) -> int:
        """The place of the best rate."""
        return int(np.argmin(self.fraction))

    @property
    def edge(self) -> tuple[float, float]:
        """Between which two ``rho`` the edge lies; the upper one infinite where the grid ends before it."""
        above = np.flatnonzero(self.lost[self.best :])
        if not len(above):
            return float(self.rho[-1]), np.inf
        place = self.best + int(above[0])
        return float(self.rho[place - 1]), float(self.rho[place])

    def at(self, rho: float) -> float | None:
        """The fraction at ``rho`` times the best rate, between neighbours at most a factor of 2.1 apart on a straight line.

        None where the grid has no such neighbours.
        """
        place = int(np.searchsorted(self.rho, rho * (1 - 1e-6)))
        if place == len(self.rho) or (place == 0 and self.rho[0] > rho * 1.01):
            return None
        if abs(self.rho[place] / rho - 1) < 0.01:
            return float(self.fraction[place])
        if self.rho[place] / self.rho[place - 1] > 2.1:
            return None
        around = slice(place - 1, place + 1)
        return float(np.interp(np.log(rho), np.log(self.rho[around]), self.fraction[around]))

    def slope(self, *, above: bool) -> float:
        r"""The power of :math:`\rho` (below: of :math:`1/\rho`) of the excess between factors 1.4 and 16 of runs not lost."""
        far = np.log(self.rho) * (1 if above else -1)
        used = (far > np.log(1.4)) & (far < np.log(16.5)) & ~self.lost & (self.fraction > 0)
        if used.sum() < 2:
            return np.nan
        return float(np.polyfit(far[used], np.log(self.fraction[used]), 1)[0])
