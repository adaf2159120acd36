"""The quantities of a region's voxels by numpy alone: the tests' own definitions, by column of results.csv."""

from collections.abc import Callable, Mapping

import numpy as np

FORMULAS: Mapping[str, Callable[[np.ndarray], float]] = {
    "mean_hu": np.mean,
    "sd_hu": lambda values: np.std(values, ddof=1),
    "median_hu": np.median,
    "q1_hu": lambda values: np.quantile(values, 0.25),
    "q3_hu": lambda values: np.quantile(values, 0.75),
    "min_hu": np.min,
    "max_hu": np.max,
    "voxels": np.size,
}
# These need the grid of the CT as well.
OF_THE_GRID = ("slices", "area_mm2")


def cells_of(values_hu: np.ndarray) -> dict[str, str]:
    """Return the cells of results.csv that follow from the voxels alone."""
    numbers = {column: formula(values_hu.astype(float)) for column, formula in FORMULAS.items()}
    return {
        column: str(int(number)) if column == "voxels" else repr(float(number)) for column, number in numbers.items()
    }
