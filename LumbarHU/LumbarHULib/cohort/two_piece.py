"""Construct a distribution through a printed median and quartiles."""

from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class TwoPieceNormal:
    """Half of a normal distribution below the median and half of another above it, through both quartiles.

    A table prints only these three numbers of a distribution; the shape between and beyond them is an assumption.
    """

    median: float
    q1: float
    q3: float

    def __post_init__(self) -> None:
        if not self.q1 < self.median < self.q3:
            raise InputError(
                f"Median {self.median:g} with quartiles {self.q1:g} and {self.q3:g} is not a distribution: give a "
                "median between the quartiles."
            )

    def quantile(self, share: np.ndarray) -> np.ndarray:
        """Return the quantile of each share, same shape; 0 < share < 1."""
        from scipy.special import ndtri

        return self._from_normal(ndtri(share))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return random values."""
        return self._from_normal(rng.standard_normal(shape))

    def share_below(self, value: float) -> float:
        """Return the fraction of values below `value`."""
        from scipy.special import ndtr, ndtri

        side = self.q1 if value < self.median else self.q3
        return float(ndtr((value - self.median) / abs(side - self.median) * ndtri(0.75)))

    def _from_normal(self, z: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        return self.median + z * np.where(z < 0, self.median - self.q1, self.q3 - self.median) / ndtri(0.75)
