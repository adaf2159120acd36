"""The results of a measurement: the values from which the scene, the audit folder and the report are made."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.calibration import Density
from LumbarHULib.core.cutoffs import RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.landmarks import MidlineOrigin
from LumbarHULib.core.scan_facts import ScanFacts

# First and last slice k of groups of slices.
Groups = tuple[tuple[int, int], ...]


class Shapes(Protocol):
    """The shapes of a level's regions."""

    @property
    def figures(self) -> Mapping[str, Mapping[str, float]]:
        """Sizes and centers by region and name, in mm in the frame."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is doubtful about them."""


@dataclass(frozen=True, eq=False)
class RoiMask:
    """The voxels of one region as a crop of the axial stack.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (k, j, i)
        True where the voxel belongs to the region.
    offset_kji : tuple of int
        Index of the crop's first voxel in the axial stack.
    not_scanned : int
        Number of voxels in the region's shape that were not scanned; they are not `inside`.
    """

    inside: np.ndarray
    offset_kji: tuple[int, int, int]
    not_scanned: int = 0

    @property
    def not_scanned_share(self) -> float:
        """Share of the region's voxels that were not scanned, 0 to 1."""
        if not self.not_scanned:
            return 0.0
        return self.not_scanned / (self.not_scanned + int(np.count_nonzero(self.inside)))


@dataclass(frozen=True, eq=False)
class RoiResult:
    """One region at one level.

    Parameters
    ----------
    level, roi : str
        Vertebral level, and name of the region.
    label_value : int
        The level's value in the label map.
    values : dict of str to number
        Every quantity of `QUANTITIES` by name.
    mask : RoiMask
        The voxels that were measured.
    edited : bool
        Whether a person edited the label map by hand.
    findings : tuple of Finding
    groups : tuple of tuple of int
        First and last slice k of each group of slices, where the mean is that of the groups' means; otherwise empty.
    density : Density or None
        Its density by a calibration; None without one.
    """

    level: str
    roi: str
    label_value: int
    values: dict[str, float | int]
    mask: RoiMask
    edited: bool = False
    findings: tuple[Finding, ...] = ()
    groups: Groups = ()
    density: Density | None = None

    @property
    def mean_mg_cc(self) -> float | None:
        """Density of its mean in mg/cm³; None without a calibration."""
        return None if self.density is None else self.density.mean_mg_cc

    @property
    def mean_hu(self) -> float:
        """Mean of its voxels."""
        return self.values["mean_hu"]

    @property
    def sd_hu(self) -> float:
        """Standard deviation (n − 1) of its voxels."""
        return self.values["sd_hu"]


@dataclass(frozen=True, eq=False)
class PlacementTrials:
    """The means of a level in repeated trials that move its midline by a plausible reader error.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    means_hu : dict of str to numpy.ndarray, shape (n,)
        Each region's mean in each trial; NaN where a trial gave no number.
    sd_hu : dict of str to float or None
        Standard deviation (n − 1) of these means; None with fewer than two.
    """

    level: str
    means_hu: dict[str, np.ndarray]
    sd_hu: dict[str, float | None]


@dataclass(frozen=True)
class RoiPlacement:
    """How the position of the midlines affects a region's mean over the levels.

    Parameters
    ----------
    trials : int
        Trials in which every level gave a number.
    sd_hu : float
        Standard deviation (n − 1) of the mean over the levels.
    class_shares : dict of str to float or None
        Share of the trials in each class except ``not_classified``; None where no class is given.
    """

    trials: int
    sd_hu: float
    class_shares: Mapping[str, float] | None


@dataclass(frozen=True, eq=False)
class LevelResult:
    """One measured level.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    midline_ras_mm : numpy.ndarray, shape (2, 3)
        The midline as given, neither projected into its slice nor swapped, so that measuring it again gives the same
        digits and the same findings.
    frame : Frame
        The level's frame in its mid-slice.
    boundary : Boundary
        The boundary as it was measured.
    outline_ras_mm : numpy.ndarray, shape (n, 3)
        Control points of the outline as it was measured, in the mid-slice.
    outline_edited : bool
        Whether a reader drew or edited the outline.
    outline_doubt_mm : numpy.ndarray, shape (n,), or None
        Standard deviation of an outline found in the CT at each control point: by how much it may be off.
    slices : tuple of int
        First and last slice k of the slab in the axial stack.
    covered_mm : float
        Thickness of these slices along the slice normal, in mm.
    rois : dict of str to RoiResult
        One entry for each region of the protocol, in that order.
    shapes : Shapes
        The shapes of the regions made from the markups; a region edited by hand differs from its shape.
    origin : MidlineOrigin
        How the midline was placed.
    excluded : str
        Why the level does not enter the means; empty when it does.
    findings : tuple of Finding
        Of the level as a whole; a region carries its own.
    trials : PlacementTrials or None
        How the numbers move with the midline; None until that is computed.
    vertebra : RoiMask or None
        The segmented vertebra, where the protocol measures by it and one was given.
    """

    level: str
    midline_ras_mm: np.ndarray
    frame: Frame
    boundary: Boundary
    outline_ras_mm: np.ndarray
    outline_edited: bool
    outline_doubt_mm: np.ndarray | None
    slices: tuple[int, int]
    covered_mm: float
    rois: dict[str, RoiResult]
    shapes: Shapes
    origin: MidlineOrigin
    excluded: str = ""
    findings: tuple[Finding, ...] = ()
    trials: PlacementTrials | None = None
    vertebra: RoiMask | None = None

    @property
    def lacks_voxels(self) -> bool:
        """Whether some voxels of a region were not scanned."""
        return any(measured.mask.not_scanned for measured in self.rois.values())


@dataclass(frozen=True)
class LevelRefusal:
    """A level that gives no number.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    sentence : str
        Why, and what to do. The sentence names the level.
    excluded : str
        Why the level does not enter the means; empty when it should.
    """

    level: str
    sentence: str
    excluded: str = ""

    @classmethod
    def of(cls, level: str, problem: InputError, excluded: str = "") -> "LevelRefusal":
        """Return the refusal of a level for `problem`, with a sentence that names the level."""
        sentence = str(problem)
        return cls(level, sentence if level in sentence else f"{level}: {sentence}", excluded)


# The classes as written to files, and as shown to users: the study's own words, under a heading that names the source
# of the cutoffs.
_CLASS_WORDS: dict[str, str] = {
    "osteoporosis": "osteoporosis",
    "osteopenia": "osteopenia",
    "normal": "normal",
    "not_classified": "not classified",
}
CLASSES: tuple[str, ...] = tuple(_CLASS_WORDS)

# The classes that a mean can have.
GIVEN_CLASSES: tuple[str, ...] = tuple(name for name in CLASSES if name != "not_classified")


def class_words(class_name: str) -> str:
    """Return the words shown to users for one of `CLASSES`."""
    return _CLASS_WORDS[class_name]


def class_heading(whose: str) -> str:
    """Return the heading of a column of classes.

    Parameters
    ----------
    whose : str
        Whose cutoffs they are, such as ``the study's``; ``the`` if unknown.
    """
    return f"Class by {whose} cutoffs"


def class_counts(class_names: Sequence[str]) -> tuple[int, ...]:
    """Return how often each class occurs, most frequent first; empty where any name is ``not_classified``."""
    if "not_classified" in class_names:
        return ()
    return tuple(count for _, count in Counter(class_names).most_common())


@dataclass(frozen=True)
class RoiSummary:
    """One region's mean over the levels, and its class.

    Parameters
    ----------
    roi : str
        Name of the region.
    levels : tuple of str
        The levels that the mean is over.
    mean_hu : float or None
        The mean, with equal weight for each level; None without levels.
    class_name : str
        One of `CLASSES`.
    cutoffs : RoiCutoffs or None
        The two cutoffs; None where there are none for the protocol.
    nearest_cutoff_hu, distance_hu, distance_lsc : float or None
        The cutoff nearest to the mean, the mean's signed distance from it, and that distance in units of the least
        significant change; None without a mean.
    cutoff_low_hu, cutoff_high_hu : float or None
        The nearest cutoff's own interval; None if unknown.
    inside_interval : bool or None
        Whether the mean is inside that interval; None if the interval is unknown.
    within_error : bool or None
        Whether the mean is within measurement error of the cutoff.
    findings : tuple of Finding
    placement : RoiPlacement or None
        How a reader's placement error affects mean and class; None until that is computed.
    density : Density or None
        The mean's density by a calibration; None without one.
    """

    roi: str
    levels: tuple[str, ...]
    mean_hu: float | None
    class_name: str
    cutoffs: RoiCutoffs | None
    nearest_cutoff_hu: float | None = None
    distance_hu: float | None = None
    distance_lsc: float | None = None
    cutoff_low_hu: float | None = None
    cutoff_high_hu: float | None = None
    inside_interval: bool | None = None
    within_error: bool | None = None
    findings: tuple[Finding, ...] = ()
    placement: RoiPlacement | None = None
    density: Density | None = None

    @property
    def mean_mg_cc(self) -> float | None:
        """Density of the mean in mg/cm³; None without a calibration or without a mean."""
        return None if self.density is None else self.density.mean_mg_cc

    @property
    def class_words(self) -> str:
        """The words shown to users for the class."""
        return class_words(self.class_name)

    def with_finding(self, finding: Finding) -> "RoiSummary":
        """Return a copy with `finding` added."""
        return replace(self, findings=(*self.findings, finding))


@dataclass(frozen=True, eq=False)
class ReadingResult:
    """The result of one reading of one CT.

    Parameters
    ----------
    levels : tuple of LevelResult
        Measured levels, including excluded ones, from cranial to caudal.
    refusals : tuple of LevelRefusal
        Levels that give no number.
    summaries : tuple of RoiSummary
        One for each region of the protocol, in that order.
    scan_facts : ScanFacts
        What the CT's headers state, shown with the classes.
    findings : tuple of Finding
        Of the scan and the reading as a whole.
    """

    levels: tuple[LevelResult, ...]
    refusals: tuple[LevelRefusal, ...]
    summaries: tuple[RoiSummary, ...]
    scan_facts: ScanFacts
    findings: tuple[Finding, ...] = ()

    @property
    def rois(self) -> tuple[str, ...]:
        """The names of the regions, in the protocol's order."""
        return tuple(summary.roi for summary in self.summaries)

    @property
    def whose_cutoffs(self) -> str | None:
        """Whose cutoffs the means are compared with, such as ``the study's``; None without cutoffs."""
        return next((summary.cutoffs.whose for summary in self.summaries if summary.cutoffs is not None), None)

    @property
    def refused(self) -> tuple[LevelRefusal, ...]:
        """The refusals of levels that are not excluded: they should have given numbers."""
        return tuple(refusal for refusal in self.refusals if not refusal.excluded)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """How many regions are in each class, most frequent first; empty where a region is not classified."""
        return class_counts([summary.class_name for summary in self.summaries])

    def with_level_findings(self, findings: Sequence[Finding]) -> "ReadingResult":
        """Return a copy with each level's part of `findings` before the level's own, without duplicates."""
        levels = []
        for level in self.levels:
            added = tuple(finding for finding in findings if finding.level == level.level)
            levels.append(replace(level, findings=tuple(dict.fromkeys(added + level.findings))))
        return replace(self, levels=tuple(levels))

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Every finding once: those of the reading, then of each level, then of the summaries."""
        gathered = list(self.findings)
        for level in self.levels:
            gathered += level.findings
            for roi in level.rois.values():
                gathered += roi.findings
        for summary in self.summaries:
            gathered += summary.findings
        return tuple(dict.fromkeys(gathered))
