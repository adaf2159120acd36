"""The quantities measured in a region, each defined once with name, title, unit, DICOM code and function.

`measure_roi` returns them from a label map and the CT.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import fsum

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.results import Groups, RoiMask, RoiResult


@dataclass(frozen=True, eq=False)
class RoiSample:
    """The voxels of one region.

    Parameters
    ----------
    values_hu : numpy.ndarray, shape (n,)
        Values of the region's voxels, in the CT's own data type.
    slices : int
        Number of slices with voxels of the region.
    pixel_area_mm2 : float
        In-plane voxel area, in mm².
    groups_hu : tuple of numpy.ndarray
        The values of each group of slices, where the mean is that of the groups' means; otherwise empty.
    """

    values_hu: np.ndarray
    slices: int
    pixel_area_mm2: float
    groups_hu: tuple[np.ndarray, ...] = ()

    @cached_property
    def sorted_hu(self) -> np.ndarray:
        """The values in ascending order, shape (n,)."""
        return np.sort(self.values_hu)


@dataclass(frozen=True)
class Quantity:
    """One measured quantity.

    Parameters
    ----------
    name : str
        Column in ``results.csv``, with unit.
    title, unit, description : str
        As shown to users. `unit` is in UCUM.
    code : tuple of str
        DICOM coded concept: value, scheme, meaning. Its own in the scheme 99LUMBARHU where SNOMED CT (SCT) has none.
    measure : callable
        From a `RoiSample` to the number.
    """

    name: str
    title: str
    unit: str
    description: str
    code: tuple[str, str, str]
    measure: Callable[[RoiSample], float | int]

    @property
    def shown_unit(self) -> str:
        """The unit as people write it; empty for a count."""
        return _SHOWN_UNITS[self.unit]


_SHOWN_UNITS = {"[hnsf'U]": "HU", "mm2": "mm²", "1": ""}


def _mean(sample: RoiSample) -> float:
    if sample.groups_hu:
        return fsum(_mean_of(values_hu) for values_hu in sample.groups_hu) / len(sample.groups_hu)
    return _mean_of(sample.values_hu)


def _mean_of(values: np.ndarray) -> float:
    # Integers are summed exactly, so that any program that divides the same sum gets the same last digit.
    kind = np.int64 if values.dtype.kind in "iu" else np.float64
    return float(values.sum(dtype=kind) / values.size)


def _standard_deviation(sample: RoiSample) -> float:
    return float(sample.values_hu.std(ddof=1, dtype=np.float64))


def _quantile(share: float) -> Callable[[RoiSample], float]:
    """Return a function for a quantile, interpolated linearly between the two nearest voxels."""

    def measure(sample: RoiSample) -> float:
        position = share * (sample.values_hu.size - 1)
        below = int(position)
        low, high = (float(value) for value in sample.sorted_hu[[below, min(below + 1, sample.values_hu.size - 1)]])
        return low + (position - below) * (high - low)

    return measure


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("mean_hu", "Mean", "[hnsf'U]", "Mean of the voxels", ("373098007", "SCT", "Mean"), _mean),
    Quantity(
        "sd_hu",
        "SD",
        "[hnsf'U]",
        "Standard deviation of the voxels (n − 1)",
        ("386136009", "SCT", "Standard Deviation"),
        _standard_deviation,
    ),
    Quantity("median_hu", "Median", "[hnsf'U]", "Median of the voxels", ("373099004", "SCT", "Median"), _quantile(0.5)),
    Quantity(
        "q1_hu",
        "Q1",
        "[hnsf'U]",
        "First quartile of the voxels, interpolated linearly",
        ("lumbarhu-q1", "99LUMBARHU", "First quartile"),
        _quantile(0.25),
    ),
    Quantity(
        "q3_hu",
        "Q3",
        "[hnsf'U]",
        "Third quartile of the voxels, interpolated linearly",
        ("lumbarhu-q3", "99LUMBARHU", "Third quartile"),
        _quantile(0.75),
    ),
    Quantity(
        "min_hu",
        "Minimum",
        "[hnsf'U]",
        "Lowest voxel",
        ("255605001", "SCT", "Minimum"),
        lambda sample: float(sample.sorted_hu[0]),
    ),
    Quantity(
        "max_hu",
        "Maximum",
        "[hnsf'U]",
        "Highest voxel",
        ("56851009", "SCT", "Maximum"),
        lambda sample: float(sample.sorted_hu[-1]),
    ),
    Quantity(
        "voxels",
        "Voxels",
        "1",
        "Number of voxels",
        ("lumbarhu-voxels", "99LUMBARHU", "Number of voxels"),
        lambda sample: int(sample.values_hu.size),
    ),
    Quantity(
        "slices",
        "Slices",
        "1",
        "Number of slices with voxels",
        ("lumbarhu-slices", "99LUMBARHU", "Number of slices"),
        lambda sample: sample.slices,
    ),
    Quantity(
        "area_mm2",
        "Area",
        "mm2",
        "Voxels × in-plane voxel area / slices",
        ("42798000", "SCT", "Area"),
        # Rounded to hide rounding errors of the geometry, so that a reopened scene gives the same digits.
        lambda sample: round(sample.values_hu.size * sample.pixel_area_mm2 / sample.slices, 6),
    ),
)


def measure_sample(sample: RoiSample, region_name: str) -> dict[str, float | int]:
    """Return every quantity of `sample` by name.

    Raises
    ------
    InputError
        When the region has fewer than two voxels; `region_name` names it in the message.
    """
    if sample.values_hu.size < 2:
        count = sample.values_hu.size
        raise InputError(
            f"{region_name} has {count} voxel{'s' if count != 1 else ''}, too few for a mean and its SD: check the "
            "markups, or use a CT with smaller pixels."
        )
    return {quantity.name: quantity.measure(sample) for quantity in QUANTITIES}


def sample_voxels(stack: AxialStack, mask: RoiMask, groups: Groups = ()) -> RoiSample:
    """Return the CT's voxels under `mask`; with `groups`, also those of each group of slices."""
    crop = tuple(slice(start, start + size) for start, size in zip(mask.offset_kji, mask.inside.shape, strict=True))
    slices = int(np.count_nonzero(mask.inside.any(axis=(1, 2))))
    values_hu, first_k = stack.voxels_hu[crop], mask.offset_kji[0]
    groups_hu = []
    for first, last in groups:
        part = slice(max(first - first_k, 0), max(last - first_k + 1, 0))
        groups_hu.append(values_hu[part][mask.inside[part]])
    return RoiSample(values_hu[mask.inside], slices, stack.pixel_area_mm2, tuple(groups_hu))


def measure_roi(
    stack: AxialStack, level: str, roi: str, mask: RoiMask, edited: bool = False, groups: Groups = ()
) -> RoiResult:
    """Return the quantities of the voxels under `mask`.

    Parameters
    ----------
    stack : AxialStack
    level, roi : str
    mask : RoiMask
    edited : bool
        Whether a person edited the label map by hand.
    groups : tuple of tuple of int
        First and last slice k of each group of slices, where the mean is that of the groups' means.

    Raises
    ------
    InputError
        When the region has fewer than two voxels, or none in one of the groups.
    """
    name = f"The {roi} ROI of {level}"
    sample = sample_voxels(stack, mask, groups)
    for (first, last), group_hu in zip(groups, sample.groups_hu, strict=True):
        if not group_hu.size:
            raise InputError(
                f"{name} has no voxel in its slices {first} to {last}, counted from caudal: draw it there as well, or "
                "return it to automatic.",
                level,
            )
    return RoiResult(level, roi, LABEL_VALUES[level], measure_sample(sample, name), mask, edited, groups=groups)
