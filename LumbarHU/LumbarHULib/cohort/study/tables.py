"""The study's printed tables as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.cohort.two_piece import TwoPieceNormal
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

# Name of the mean over the levels in Table 2.
MEAN = "L1–L4"

# A quantity in each group: median and quartiles.
ByGroup = Mapping[str, TwoPieceNormal]

# A file in Resources/Study, as plain JSON values.
Document = Mapping[str, Any]


@dataclass(frozen=True)
class PrintedCutoff:
    """One half of a row of Table 3; percentages and index under the study's own headings."""

    roi: str
    target: str
    cutoff_hu: float
    sensitivity_percent: float
    specificity_percent: float
    youden: float


@dataclass(frozen=True)
class PrintedArea:
    """The text's statement about the ROC curve of one region."""

    roi: str
    target: str
    cutoff_hu: float
    sensitivity_percent: float
    specificity_percent: float
    area: float
    area_low: float
    area_high: float


@dataclass(frozen=True)
class PrintedRange:
    """A range of cutoffs over the regions, as stated in the text."""

    source: str
    target: str
    low_hu: float
    high_hu: float


@dataclass(frozen=True)
class StudyTables:
    """All of the study's printed numbers.

    Parameters
    ----------
    citation : str
    group_sizes : mapping of str to int
        Group sizes as stated in the text.
    sexes : mapping of str to mapping of str to int
        Table 1: by sex, then group.
    sex_totals : mapping of str to int
        Totals as stated in the text.
    characteristics : mapping of str to ByGroup
        Table 1: by quantity.
    levels : mapping of str to mapping of str to ByGroup
        Table 2: by level, `MEAN` among them, then ``"bmd"`` or region.
    cutoffs : tuple of PrintedCutoff
        Table 3.
    areas : tuple of PrintedArea
    ranges : tuple of PrintedRange
    kruskal_wallis : tuple of float
        Number of regions, H and p.
    index_name : str
        Name of the Youden index in Table 3.
    correlation_above : float
        Stated lower limit of every Spearman coefficient.
    """

    citation: str
    group_sizes: Mapping[str, int]
    sexes: Mapping[str, Mapping[str, int]]
    sex_totals: Mapping[str, int]
    characteristics: Mapping[str, ByGroup]
    levels: Mapping[str, Mapping[str, ByGroup]]
    cutoffs: tuple[PrintedCutoff, ...]
    areas: tuple[PrintedArea, ...]
    ranges: tuple[PrintedRange, ...]
    kruskal_wallis: tuple[int, float, float]
    index_name: str
    correlation_above: float

    def cutoff(self, roi: str, target: str) -> PrintedCutoff:
        """Return one half of a row of Table 3."""
        return next(cutoff for cutoff in self.cutoffs if (cutoff.roi, cutoff.target) == (roi, target))


def study_tables(table_1: Document, table_2: Document, table_3: Document, text: Document) -> StudyTables:
    """Return the study's tables from the contents of the files in ``Resources/Study``.

    Raises
    ------
    InputError
        If a value is missing.
    """
    try:
        levels = {
            level: {row["quantity"]: _by_group(row) for row in table_2["rows"] if row["level"] == level}
            for level in (*MEAN_LEVELS, MEAN)
        }
        between = text["between_rois"]
        tables = StudyTables(
            citation=table_2["citation"],
            group_sizes={group: int(text["group_sizes"][group]) for group in GROUPS},
            sexes={row["sex"]: {group: int(row[group]) for group in GROUPS} for row in table_1["counts"]},
            sex_totals={row["sex"]: int(text["group_sizes"][row["sex"]]) for row in table_1["counts"]},
            characteristics={row["quantity"]: _by_group(row) for row in table_1["rows"]},
            levels=MappingProxyType(levels),
            cutoffs=tuple(PrintedCutoff(**row) for row in table_3["rows"]),
            areas=tuple(
                PrintedArea(**{key: value for key, value in row.items() if key != "source"}) for row in text["roc"]
            ),
            ranges=tuple(
                PrintedRange(row["source"], row["target"], row["low"], row["high"]) for row in text["cutoff_ranges"]
            ),
            kruskal_wallis=(int(between["regions"]), float(between["h"]), float(between["p"])),
            index_name=text["index_name"]["value"],
            correlation_above=float(text["correlation"]["above"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The study's tables lack {error} or have an invalid value: use the files that come with LumbarHU."
        ) from None
    _check_complete(tables)
    return tables


def _by_group(row: Document) -> ByGroup:
    return MappingProxyType({group: TwoPieceNormal(*map(float, row[group])) for group in GROUPS})


def _check_complete(tables: StudyTables) -> None:
    for level, quantities in tables.levels.items():
        missing = {"bmd", *ROIS} - set(quantities)
        if missing:
            names = ", ".join(sorted(missing))
            raise InputError(f"The study's Table 2 lacks {names} at {level}: use the file that comes with LumbarHU.")
    halves = [(cutoff.roi, cutoff.target) for cutoff in tables.cutoffs]
    if sorted(halves) != sorted((roi, target) for roi in ROIS for target in TARGETS):
        raise InputError(
            "The study's Table 3 does not contain each region and target once: use the file that comes with LumbarHU."
        )
