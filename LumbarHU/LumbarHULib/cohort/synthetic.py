"""Draw a synthetic example cohort from the study's printed tables. It contains no patient data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from LumbarHULib.cohort.groups import GROUPS, TScoreCriteria
from LumbarHULib.cohort.ranks import average_ranks
from LumbarHULib.cohort.study.tables import MEAN, StudyTables
from LumbarHULib.cohort.survival import DAYS_PER_YEAR
from LumbarHULib.cohort.two_piece import TwoPieceNormal
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class SyntheticSpec:
    """Assumptions of the synthetic cohort that the printed tables do not determine.

    Parameters
    ----------
    hu_with_bmd : float
        Correlation within a group between the common part of a patient's HU and bone mineral density.
    level_share, roi_share, cell_share : float
        Variance specific to a level, to a region, and to a region in a level, relative to a common variance of 1.
    pull_to_mean : float
        How far each patient's levels are shifted toward the printed quartiles of the mean over L1–L4: 0 = not at all, 1
        = completely. The printed quartiles of levels and mean cannot both be matched.
    reader_sd_hu : float
        SD of one reader's HU around the mean of both readers.
    t_score_span : float
        Range of T-scores beyond the two criteria.
    longest_days : int
        Longest time between CT and DXA.
    youngest : float
        Lowest age in years.
    qct_slope, qct_offset_mg_cc, qct_sd_mg_cc : float
        Density by quantitative CT: a line on the HU of round at L1 and L2 (Schröder, J Orthop 2024), and the SD around
        it.
    yearly_hazard, hazard_ratio : float
        Hazard of a fracture at mean HU, and hazard ratio per SD of lower HU.
    longest_years : float
        Follow-up ends at a random time within this number of years.
    """

    hu_with_bmd: float = 0.8
    level_share: float = 0.08
    roi_share: float = 0.01
    cell_share: float = 0.03
    pull_to_mean: float = 0.6
    reader_sd_hu: float = 2.5
    t_score_span: float = 2.5
    longest_days: int = 90
    youngest: float = 20
    qct_slope: float = 0.6
    qct_offset_mg_cc: float = 13.7
    qct_sd_mg_cc: float = 8.0
    yearly_hazard: float = 0.06
    hazard_ratio: float = 1.8
    longest_years: float = 6.0

    def __post_init__(self) -> None:
        if not (-1 < self.hu_with_bmd < 1 and 0 <= self.pull_to_mean <= 1):
            raise InputError(
                f"A correlation of {self.hu_with_bmd:g} with a pull of {self.pull_to_mean:g} cannot be used: give a "
                "correlation between −1 and 1 and a pull from 0 to 1."
            )
        if min(self.level_share, self.roi_share, self.cell_share, self.reader_sd_hu, self.t_score_span) < 0:
            raise InputError("A variance, SD or span of the synthetic cohort is negative: give 0 or more.")


@dataclass(frozen=True, eq=False)
class SyntheticCohort:
    """The example cohort.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray, shape (n,)
        Columns of a cohort table; ``hu_L1_round`` and so on are the means of both readers.
    readings : tuple of mapping of str to numpy.ndarray
        The HU columns of each of two readers, whole numbers.
    seed : int
    note : str
        States that the cohort is synthetic; to be printed on every output.
    """

    columns: Mapping[str, np.ndarray]
    readings: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]
    seed: int
    note: str


def synthetic_cohort(
    tables: StudyTables, criteria: TScoreCriteria, seed: int = 2022, spec: SyntheticSpec | None = None
) -> SyntheticCohort:
    """Return an example cohort with the study's groups, sexes, medians and quartiles.

    In each group, each column has the quantiles 1/(n + 1) … n/(n + 1) of a distribution through the printed median and
    quartiles; a Gaussian copula assigns them to patients.

    Parameters
    ----------
    tables : StudyTables
    criteria : TScoreCriteria
    seed : int
    spec : SyntheticSpec, optional
    """
    spec = spec or SyntheticSpec()
    rng = np.random.default_rng(seed)
    parts = [_draw_group(tables, criteria, group, spec, rng) for group in GROUPS]
    order = rng.permutation(sum(tables.group_sizes.values()))
    merged = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    hu_names = [name for name in merged if name.startswith("hu_")]
    readings = _read_twice({name: merged[name] for name in hu_names}, spec, rng)
    columns = {"case": np.array([f"{SYNTHETIC}-{number:03d}" for number in range(1, len(order) + 1)])}
    columns |= {name: (readings[0][name] + readings[1][name]) / 2 for name in hu_names}
    columns |= {name: column for name, column in merged.items() if name not in hu_names}
    # A separate random stream, so that the columns from the printed tables do not depend on it.
    columns |= _other_references(columns, spec, np.random.default_rng([seed, 1]))
    note = (
        f"Synthetic example cohort of {len(order)} made-up patients, drawn with seed {seed} to the printed tables of: "
    )
    return SyntheticCohort(columns, readings, seed, note + tables.citation)


def _draw_group(
    tables: StudyTables, criteria: TScoreCriteria, group: str, spec: SyntheticSpec, rng: Generator
) -> dict[str, Any]:
    n = tables.group_sizes[group]
    density = rng.standard_normal(n)
    columns = _hu(tables, group, density, spec, rng)
    male = np.zeros(n, dtype=bool)
    male[rng.choice(n, tables.sexes["male"][group], replace=False)] = True
    traits = tables.characteristics
    age = np.round(np.maximum(spec.youngest, _place(traits["age"][group], rng.standard_normal(n) - 0.5 * density)))
    columns["sex"] = np.where(male, "male", "female")
    columns["age"] = age
    columns["bmi"] = np.round(_place(traits["bmi"][group], rng.standard_normal(n)), 2)
    bmd = _place(tables.levels[MEAN]["bmd"][group], density)
    columns["bmd"] = np.round(bmd, 2)
    for level in MEAN_LEVELS:
        peculiar = np.sqrt(spec.level_share) * rng.standard_normal(n)
        columns[f"bmd_{level}"] = np.round(_place(tables.levels[level]["bmd"][group], density + peculiar), 2)
    columns["bmd_neck"] = np.round(_place(traits["bmd_neck"][group], density + 0.8 * rng.standard_normal(n)), 2)
    columns["t_score"] = _t_scores(bmd, criteria, group, spec)
    columns["group"] = np.full(n, group)
    columns["t_score_site"] = np.full(n, MEAN)
    columns["dxa_device"] = np.full(n, SYNTHETIC)
    columns["days_ct_dxa"] = rng.integers(0, spec.longest_days, n, endpoint=True)
    # Between 48 and 54 years the menopausal status is random.
    past = age + rng.uniform(-3, 3, n) >= 51
    columns["menopause"] = np.where(male, "", np.where(past, "post", "pre"))
    return columns


def _hu(
    tables: StudyTables, group: str, density: np.ndarray, spec: SyntheticSpec, rng: Generator
) -> dict[str, np.ndarray]:
    n = density.size
    noise = rng.standard_normal(n)
    shared = spec.hu_with_bmd * density + np.sqrt(1 - spec.hu_with_bmd**2) * noise
    level_effects = np.sqrt(spec.level_share) * rng.standard_normal((len(MEAN_LEVELS), n))
    roi_effects = np.sqrt(spec.roi_share) * rng.standard_normal((len(ROIS), n))
    hu: dict[str, np.ndarray] = {}
    for roi, peculiar_to_roi in zip(ROIS, roi_effects, strict=True):
        cells = np.sqrt(spec.cell_share) * rng.standard_normal((len(MEAN_LEVELS), n))
        values = np.stack(
            [
                _place(tables.levels[level][roi][group], shared + peculiar_to_roi + level_effects[index] + cells[index])
                for index, level in enumerate(MEAN_LEVELS)
            ]
        )
        mean = values.mean(axis=0)
        values += spec.pull_to_mean * (_place(tables.levels[MEAN][roi][group], mean) - mean)
        hu |= {f"hu_{level}_{roi}": row for level, row in zip(MEAN_LEVELS, values, strict=True)}
    return {f"hu_{level}_{roi}": hu[f"hu_{level}_{roi}"] for level in MEAN_LEVELS for roi in ROIS}


def _other_references(columns: Mapping[str, np.ndarray], spec: SyntheticSpec, rng: Generator) -> dict[str, np.ndarray]:
    """Return density by quantitative CT, and fractures with the days to fracture or to the end of follow-up."""
    hu = (columns["hu_L1_round"] + columns["hu_L2_round"]) / 2
    density = spec.qct_offset_mg_cc + spec.qct_slope * hu + rng.normal(0, spec.qct_sd_mg_cc, hu.size)
    hazard = spec.yearly_hazard * spec.hazard_ratio ** (-(hu - hu.mean()) / hu.std())
    years_to_fracture = rng.exponential(1 / hazard)
    years_followed = rng.uniform(0.5, spec.longest_years, hu.size)
    days = np.maximum(1, np.round(DAYS_PER_YEAR * np.minimum(years_to_fracture, years_followed)))
    return {
        "qct_mg_cc": np.round(density, 1),
        "outcome": (years_to_fracture <= years_followed).astype(int),
        "outcome_days": days.astype(int),
    }


def _place(quantity: TwoPieceNormal, latent: np.ndarray) -> np.ndarray:
    """Return the quantiles of a distribution at the plotting positions, in the order of `latent`, shape (n,)."""
    ranks, _ = average_ranks(latent)
    return quantity.quantile(ranks / (latent.size + 1))


def _t_scores(bmd: np.ndarray, criteria: TScoreCriteria, group: str, spec: SyntheticSpec) -> np.ndarray:
    """Return T-scores in the group's range, in the order of density."""
    share = average_ranks(bmd)[0] / (bmd.size + 1)
    low, high = criteria.osteoporosis_at_most, criteria.normal_at_least
    step = 0.1  # T-scores are printed with one decimal
    ends = {
        "normal": (high, high + spec.t_score_span),
        "osteopenia": (low + step, high - step),
        "osteoporosis": (low - spec.t_score_span, low),
    }[group]
    return np.round(ends[0] + share * (ends[1] - ends[0]), 1)


def _read_twice(
    hu: Mapping[str, np.ndarray], spec: SyntheticSpec, rng: Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return two readers' HU around each value, as whole numbers."""
    first, second = {}, {}
    for name, values in hu.items():
        half = rng.normal(0, spec.reader_sd_hu, values.size)
        first[name], second[name] = np.round(values + half), np.round(values - half)
    return first, second
