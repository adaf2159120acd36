"""Cutoffs of a published cohort, or of one's own, as values."""

from dataclasses import dataclass, field

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS


@dataclass(frozen=True)
class Proportion:
    """A sensitivity or specificity as the count it is: `count` of `total`."""

    count: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.total or self.total < 1:
            raise InputError(
                f"{self.count} of {self.total} is no proportion: the count must lie between 0 and the total."
            )


@dataclass(frozen=True)
class Cutoff:
    """One cutoff for the mean over L1–L4 of one region.

    Parameters
    ----------
    cutoff_hu : float
        The cutoff.
    low_hu, high_hu : float or None
        95 % interval of the cutoff, where one is known.
    interval_source : str
        How the interval was found; empty where there is none.
    sensitivity, specificity : Proportion or None
        Of the test that the cutoff file names, as counts of its own positives and negatives.
    note : str
        What a reader must know about this one number.
    source : str
        Where the number comes from, such as a table of a publication.
    area, area_low, area_high : float or None
        Area under the ROC curve that the cutoff was chosen on, with its 95 % interval, where they are known.
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
            raise InputError(f"The cutoff {self.cutoff_hu:g} HU has one end of its interval: give both, or none.")
        if self.interval_hu is not None and not self.interval_hu[0] <= self.cutoff_hu <= self.interval_hu[1]:
            raise InputError(
                f"The cutoff {self.cutoff_hu:g} HU lies outside its interval {self.low_hu:g} to {self.high_hu:g} HU."
            )

    @property
    def interval_hu(self) -> tuple[float, float] | None:
        """The two ends of the cutoff's own interval; None where it is not known."""
        return None if self.low_hu is None or self.high_hu is None else (self.low_hu, self.high_hu)

    @property
    def is_useless(self) -> bool:
        """Whether its ROC curve is known not to show that low HU find anything: area or interval reach 0.5."""
        return min(one for one in (self.area, self.area_low, 1.0) if one is not None) <= 0.5


@dataclass(frozen=True)
class RoiCutoffs:
    """The two cutoffs of one region: osteoporosis at or below the first, normal at or above the second.

    Parameters
    ----------
    osteoporosis, normal : Cutoff
        The two cutoffs.
    osteopenia_recovered_percent : float or None
        How many in a hundred patients with osteopenia have a mean between them, in the cohort that they come from;
        None where it is not known.
    whose : str
        Whose cutoffs people read of, such as ``the study's``.
    """

    osteoporosis: Cutoff
    normal: Cutoff
    osteopenia_recovered_percent: float | None = None
    whose: str = "the"

    def __post_init__(self) -> None:
        if not self.osteoporosis.cutoff_hu < self.normal.cutoff_hu:
            raise InputError(
                f"The osteoporosis cutoff {self.osteoporosis.cutoff_hu:g} HU is not below the normal cutoff "
                f"{self.normal.cutoff_hu:g} HU."
            )


@dataclass(frozen=True)
class CutoffTable:
    """The cutoffs of all five regions with their source and what must be known about them.

    Parameters
    ----------
    name, source : str
        What the table is called and the publication or cohort that it comes from.
    rois : dict of str to RoiCutoffs
        One entry for each of `ROIS`.
    notes : tuple of str
        What the source gets wrong or leaves open, to be shown with the classes.
    level_medians_hu : dict of str to dict of str to float
        For each region the source's median at each level, from which the shift of a mean without some level is told.
    level_medians_source : str
        Which group of which publication these medians are of.
    tube_voltage_kv : float or None
        The tube voltage that the cutoffs hold for; None where the source does not tell.
    contrast_medium : bool or None
        Whether they hold for CTs with contrast medium; None where the source does not tell.
    """

    name: str
    source: str
    rois: dict[str, RoiCutoffs]
    notes: tuple[str, ...] = ()
    level_medians_hu: dict[str, dict[str, float]] = field(default_factory=dict)
    level_medians_source: str = ""
    tube_voltage_kv: float | None = None
    contrast_medium: bool | None = None

    def __post_init__(self) -> None:
        if set(self.rois) != set(ROIS):
            raise InputError(f"The cutoffs “{self.name}” name {', '.join(sorted(self.rois))}: give {', '.join(ROIS)}.")
