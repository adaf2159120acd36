"""Cutoffs of a published cohort, or of a user's own, as values."""

from collections.abc import Collection
from dataclasses import dataclass, field

from LumbarHULib.core.errors import InputError


@dataclass(frozen=True)
class Proportion:
    """A sensitivity or specificity as a count: `count` of `total`."""

    count: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.total or self.total < 1:
            raise InputError(
                f"{self.count} of {self.total} is not a proportion: the count must be between 0 and the total."
            )


@dataclass(frozen=True)
class Cutoff:
    """One cutoff for the mean over L1–L4 of one region.

    Parameters
    ----------
    cutoff_hu : float
        The cutoff.
    low_hu, high_hu : float or None
        95 % interval of the cutoff, if known.
    interval_source : str
        How the interval was determined; empty where there is none.
    sensitivity, specificity : Proportion or None
        Of the test that the cutoffs file names, as counts of that test's own positives and negatives.
    note : str
        What a reader must know about this cutoff.
    source : str
        Where the number comes from, such as a table of a publication.
    area, area_low, area_high : float or None
        Area under the ROC curve from which the cutoff was chosen, with its 95 % interval, if known.
    """

    cutoff_hu: float
    low_hu: float | None = None
    high_hu: float | None = None
    interval_source: str = ""
    sensitivity: Proportion | None = None
    specificity: Proportion | None = None
    note: str = ""
    source: str = ""
    area: float | None = None
    area_low: float | None = None
    area_high: float | None = None

    def __post_init__(self) -> None:
        if (self.low_hu is None) != (self.high_hu is None):
            raise InputError(
                f"The cutoff {self.cutoff_hu:g} HU has only one end of its interval: give both ends, or neither."
            )
        if self.interval_hu is not None and not self.interval_hu[0] <= self.cutoff_hu <= self.interval_hu[1]:
            raise InputError(
                f"The cutoff {self.cutoff_hu:g} HU is outside its interval {self.low_hu:g} to {self.high_hu:g} HU: "
                "correct one of them."
            )

    @property
    def interval_hu(self) -> tuple[float, float] | None:
        """The two ends of the cutoff's own interval; None if unknown."""
        return None if self.low_hu is None or self.high_hu is None else (self.low_hu, self.high_hu)

    @property
    def is_useless(self) -> bool:
        """Whether the ROC curve fails to show discrimination: the area or its lower limit is at most 0.5."""
        return min(area for area in (self.area, self.area_low, 1.0) if area is not None) <= 0.5


@dataclass(frozen=True)
class RoiCutoffs:
    """The two cutoffs of one region: osteoporosis at or below the first, normal at or above the second.

    Parameters
    ----------
    osteoporosis, normal : Cutoff
        The two cutoffs.
    osteopenia_recovered_percent : float or None
        Percentage of the patients with osteopenia whose mean is between the two cutoffs, in the cohort that the
        cutoffs come from; None if unknown.
    whose : str
        Whose cutoffs they are, in the words that users read, such as ``the study's``.
    """

    osteoporosis: Cutoff
    normal: Cutoff
    osteopenia_recovered_percent: float | None = None
    whose: str = "the"

    def __post_init__(self) -> None:
        if not self.osteoporosis.cutoff_hu < self.normal.cutoff_hu:
            raise InputError(
                f"The osteoporosis cutoff {self.osteoporosis.cutoff_hu:g} HU is not below the normal cutoff "
                f"{self.normal.cutoff_hu:g} HU: exchange or correct them."
            )


@dataclass(frozen=True)
class CutoffTable:
    """The cutoffs of a protocol's regions with their source and the notes on them.

    Parameters
    ----------
    name, source : str
        Name of the table, and the publication or cohort that it comes from.
    rois : dict of str to RoiCutoffs
        By region; empty for a protocol without cutoffs.
    notes : tuple of str
        Errors and gaps of the source, shown with the classes.
    level_medians_hu : dict of str to dict of str to float
        For each region, the source's median at each level. They give the shift of a mean over fewer levels.
    level_medians_source : str
        Group and publication that these medians come from.
    tube_voltage_kv : float or None
        The tube voltage that the cutoffs hold for; None where the source does not state it.
    contrast_medium : bool or None
        Whether they hold for CTs with contrast medium; None where the source does not state it.
    """

    name: str
    source: str
    rois: dict[str, RoiCutoffs]
    notes: tuple[str, ...] = ()
    level_medians_hu: dict[str, dict[str, float]] = field(default_factory=dict)
    level_medians_source: str = ""
    tube_voltage_kv: float | None = None
    contrast_medium: bool | None = None

    def require_regions(self, regions: Collection[str]) -> None:
        """Raise InputError unless the cutoffs are for exactly these regions; without cutoffs, any regions are fine."""
        if self.rois and set(self.rois) != set(regions):
            raise InputError(
                f"The cutoffs “{self.name}” are for the regions {', '.join(sorted(self.rois))}: give all of "
                f"{', '.join(regions)}."
            )
