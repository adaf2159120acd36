"""Tables of a cohort: input of the command line, and its output read back."""

import csv
import functools
import io
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

CLOSE = pytest.approx
HU_NAMES = [f"hu_{level}_{roi}" for level in MEAN_LEVELS for roi in ROIS]


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return [dict(row) for row in _rows_of(_text_of(path))]


def _text_of(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


@functools.lru_cache(maxsize=64)
def _rows_of(text: str) -> list[dict[str, str]]:
    # The tables of the example cohort are read hundreds of times.
    return list(csv.DictReader(io.StringIO(text, newline="")))


def rows_where(path: Path, **wanted: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file with the given cells."""
    rows = _rows_of(_text_of(path))
    return [dict(row) for row in rows if all(row[name] == cell for name, cell in wanted.items())]


def write_table(path: Path, rows: list[dict]) -> Path:
    """Write rows under the columns of the first one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def random_cohort(cases: int = 24, seed: int = 3) -> list[dict]:
    """Return the rows of a cohort without ties, its groups as large as each other."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(cases):
        group = ("normal", "osteopenia", "osteoporosis")[number % 3]
        middle = {"normal": 160, "osteopenia": 110, "osteoporosis": 70}[group] + rng.normal(0, 25)
        row = {"case": f"c{number + 1}", "group": group, "bmd": round(middle / 140 + rng.normal(0, 0.1), 4)}
        row |= {"age": round(75 - middle / 8 + rng.normal(0, 6), 2), "sex": "male" if number % 4 == 1 else "female"}
        rows.append(row | {name: round(middle + rng.normal(0, 9), 3) for name in HU_NAMES})
    return rows


def column(rows: list[dict], name: str) -> np.ndarray:
    """Return a column as numbers, NaN where it is empty."""
    return np.array([float(row[name]) if row[name] not in ("", None) else np.nan for row in rows])


def mean_hu(rows: list[dict], roi: str) -> np.ndarray:
    """Return the mean over L1–L4 of a table's own HU columns."""
    return np.mean([column(rows, f"hu_{level}_{roi}") for level in MEAN_LEVELS], axis=0)


def number(row: dict, name: str) -> float:
    """Return a cell as a number."""
    return float(row[name])


def holm(p_values) -> np.ndarray:
    """Return p-values corrected by Holm's method, by statsmodels."""
    return multipletests(p_values, method="holm")[1]


def brute_covariance(columns: list[np.ndarray], positive: np.ndarray) -> np.ndarray:
    """Return DeLong's covariance from every pair of a positive and a negative case."""
    kernels = [
        (hu[positive][:, None] < hu[~positive][None, :]) + 0.5 * (hu[positive][:, None] == hu[~positive][None, :])
        for hu in columns
    ]
    by_positive = np.cov([kernel.mean(axis=1) for kernel in kernels])
    by_negative = np.cov([kernel.mean(axis=0) for kernel in kernels])
    return by_positive / positive.sum() + by_negative / (~positive).sum()
