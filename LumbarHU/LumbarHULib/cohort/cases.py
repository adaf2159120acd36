"""The cases of a cohort as columns of numbers, with their readings and findings."""

import hashlib
import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.references import (
    Reference,
    check_outcome_name,
    dxa_reference,
    outcome_reference,
    qct_reference,
)
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import Target
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS, sorted_levels


@dataclass(frozen=True)
class CohortFinding(Finding):
    """One finding on a cohort.

    Parameters
    ----------
    row : int or None
        Row number of the table in a spreadsheet (the header is row 1); None if it does not concern a single row.
    column : str
        Column of the table; empty for none.
    case : str
        Case that the finding is about; empty for none.
    """

    row: int | None = None
    column: str = ""
    case: str = ""

    def plain(self) -> dict[str, str]:
        """Return the finding as plain JSON values, without its place in a table."""
        return {name: getattr(self, name) for name in ("severity", "code", "sentence", "remedy")}


@dataclass(frozen=True, eq=False)
class Reading:
    """One measurement of one case by one reader.

    Parameters
    ----------
    case, reader : str
    reading : int
        Number of this reader's reading, from 1.
    hu : mapping of (str, str) to float
        Mean HU by level and region, of the levels that are not excluded.
    origins : mapping of str to str
        Origin of the midline by level: a `core.landmarks` origin without its amounts; empty if unknown.
    excluded : tuple of str
        Levels that this reading excludes.
    blinded : bool or None
        Whether the reader saw neither another reading nor a proposal; None if unknown.
    """

    case: str
    reader: str
    reading: int
    hu: Mapping[tuple[str, str], float]
    origins: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    blinded: bool | None = None


@dataclass(frozen=True, eq=False)
class ReadingFacts:
    """What the record of an audit folder states about how its reading was made.

    Parameters
    ----------
    case : str
        The case's name in the cohort, or else in the record.
    protocol_name, protocol_version : str
    protocol_values : mapping of str to object
        The values used, by name.
    protocol_regions : mapping of str to object or None
        The regions as the protocol defines them; None for the study's.
    headers : mapping of str to object
        Acquisition as the CT's headers state it; None for an unknown value.
    ct_identity : str
        Hash of the voxels, the same for readings of the same CT.
    not_classified : mapping of str to str
        Regions whose mean has no class, each with the reason.
    excluded : mapping of str to str
        Levels that the reader excluded, each with the reason.
    not_measured : tuple of str
        Levels that were refused.
    off_protocol : tuple of str
        The findings on an acquisition that is off protocol.
    severe : tuple of str
        The other severe findings, on the reading, its levels, regions and means.
    blinded : bool or None
        Whether the reader was blinded; None if the record does not state it.
    calibration : mapping of str to object, or None
        Content of the calibration file that the reading was calibrated by.
    finding_codes : tuple of str
        Codes of the findings on the whole reading.
    """

    case: str
    protocol_name: str
    protocol_version: str
    protocol_values: Mapping[str, Any]
    protocol_regions: Mapping[str, Any] | None
    headers: Mapping[str, Any]
    ct_identity: str
    not_classified: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    not_measured: tuple[str, ...] = ()
    off_protocol: tuple[str, ...] = ()
    severe: tuple[str, ...] = ()
    blinded: bool | None = None
    calibration: Mapping[str, Any] | None = None
    finding_codes: tuple[str, ...] = ()

    @property
    def protocol(self) -> str:
        """Return name and version of the protocol in words."""
        return f"{self.protocol_name}, version {self.protocol_version}"

    @property
    def protocol_key(self) -> str:
        """Return the protocol's values as JSON with sorted names."""
        return json.dumps(self.protocol_values, sort_keys=True)

    @property
    def protocol_sha256(self) -> str:
        """Return the SHA-256 of `protocol_key`."""
        return hashlib.sha256(self.protocol_key.encode("utf-8")).hexdigest()

    @property
    def acquisition(self) -> str:
        """Return tube voltage and contrast medium in words; empty if unknown."""
        kv, contrast = self.headers.get("tube_voltage_kv"), self.headers.get("contrast")
        words = {True: "with contrast medium", False: "without contrast medium"}
        return ", ".join(
            filter(None, (f"{kv:g} kV" if kv is not None else "", "" if contrast is None else words.get(contrast, "")))
        )


@dataclass(frozen=True, eq=False)
class Cohort:
    """A row per case.

    Parameters
    ----------
    name : str
        Name of the cohort.
    cases : sequence of str, shape (n,)
        Names of the cases, without repetition.
    level_hu : mapping of (str, str) to numpy.ndarray, shape (n,)
        Mean HU by level and region, NaN where unknown.
    groups : sequence of str, shape (n,)
        One of `GROUPS` by DXA, or "".
    numbers : mapping of str to numpy.ndarray, shape (n,)
        Other columns of numbers, such as ``age`` and ``bmd_L1``; NaN where unknown.
    labels : mapping of str to sequence of str, shape (n,)
        Columns of words, such as ``sex``; "" where unknown.
    readings : sequence of Reading
        Single readings, if known.
    findings : sequence of CohortFinding
        Findings from reading its table.
    minimum_levels : int
        Smallest number of levels in a mean over L1–L4.
    note : str
        Note to print on every output, for example that the cohort is synthetic.
    groups_by_t_score : int
        Number of groups derived from T-scores; the other groups are as given.
    mean_levels : tuple of str
        Levels in the mean; by default L1–L4.
    qct_groups : sequence of str, shape (n,)
        Class of each case by quantitative CT, or ""; empty without such a column.
    outcome_name : str
        Name of the outcome in the columns ``outcome`` and ``outcome_days``.
    table_rows : int or None
        Number of rows of its table that are not blank, including unusable ones; None if there is no table.
    rows_left_out : mapping of str to int
        Number of these rows that did not become a case, by reason.
    audits : sequence of ReadingFacts
        Facts on the audit folders that HU come from.
    lsc_factor : float or None
        Ratio of least significant change and precision error; without it, no least significant change is computed.

    Raises
    ------
    InputError
        If there is no case, a case occurs twice, columns differ in length, `groups_by_t_score` exceeds the number of
        groups, or the mean's levels or the outcome's name are invalid.
    """

    name: str
    cases: Sequence[str]
    level_hu: Mapping[tuple[str, str], np.ndarray]
    groups: Sequence[str]
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    readings: Sequence[Reading] = ()
    findings: Sequence[CohortFinding] = ()
    minimum_levels: int = 2
    note: str = ""
    groups_by_t_score: int = 0
    mean_levels: tuple[str, ...] = MEAN_LEVELS
    qct_groups: Sequence[str] = ()
    outcome_name: str = "outcome"
    table_rows: int | None = None
    rows_left_out: Mapping[str, int] = field(default_factory=dict)
    audits: Sequence[ReadingFacts] = ()
    lsc_factor: float | None = None

    def __post_init__(self) -> None:
        n = len(self.cases)
        if not n:
            raise InputError("The cohort has no case: add at least one.")
        if len(set(self.cases)) < n:
            raise InputError("A case of the cohort occurs twice: give each case one row.")
        columns: list[Sized] = [self.groups, *self.level_hu.values(), *self.numbers.values(), *self.labels.values()]
        columns += [self.qct_groups] if self.qct_groups else []
        if any(len(column) != n for column in columns):
            raise InputError(f"The columns of the cohort differ in length: give {n} values in each.")
        grouped = sum(map(bool, self.groups))
        if not 0 <= self.groups_by_t_score <= grouped:
            raise InputError(
                f"{self.groups_by_t_score} groups cannot be derived from T-scores if only {grouped} cases have a "
                f"group: give at most {grouped}."
            )

        check_mean_levels(self.mean_levels)
        check_outcome_name(self.outcome_name)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def mean_name(self) -> str:
        """Return the name of the mean: ``MEAN``, or its levels if others are chosen."""
        return name_of_mean(self.mean_levels)

    @property
    def has_study_mean(self) -> bool:
        """Return whether the mean is that over L1–L4, to which the study's cutoffs apply."""
        return self.mean_name == MEAN

    @cached_property
    def mean_hu(self) -> Mapping[str, np.ndarray]:
        """Return the mean over the known levels by region, each shape (n,); NaN with fewer than `minimum_levels`.

        A mean that is defined over fewer levels than `minimum_levels` needs all of them.
        """
        return self._means(self.mean_levels)

    @cached_property
    def _study_mean_hu(self) -> Mapping[str, np.ndarray]:
        return self.mean_hu if self.has_study_mean else self._means(MEAN_LEVELS)

    def _means(self, levels: Sequence[str]) -> Mapping[str, np.ndarray]:
        found = {}
        for roi in ROIS:
            if not any((level, roi) in self.level_hu for level in levels):
                continue
            hu = np.stack([self._level_hu(level, roi) for level in levels])
            known = ~np.isnan(hu)
            count = known.sum(axis=0)
            total = np.where(known, hu, 0).sum(axis=0)
            is_enough = count >= min(self.minimum_levels, len(levels))
            found[roi] = np.where(is_enough, total / np.maximum(count, 1), np.nan)
        return found

    def _level_hu(self, level: str, roi: str) -> np.ndarray:
        found = self.level_hu.get((level, roi))
        return np.full(len(self), np.nan) if found is None else found

    def hu(self, level: str, roi: str) -> np.ndarray:
        """Return the HU of a level, ``MEAN`` or the chosen mean, in one region, shape (n,); NaN where unknown."""
        if level in LEVELS:
            return self._level_hu(level, roi)
        means = self.mean_hu if level == self.mean_name else self._study_mean_hu
        return means[roi] if roi in means else np.full(len(self), np.nan)

    def bmd(self, level: str) -> np.ndarray | None:
        """Return the bone mineral density of a level, or of L1–L4, in g/cm², shape (n,); None if there is none."""
        return self.numbers.get(f"bmd_{level}" if level in LEVELS else "bmd")

    def density_columns(self, level: str) -> tuple[str, ...]:
        """Return the density columns to correlate with the HU of a level or mean.

        These are DXA of the level itself, otherwise of L1–L4, or the T-score if there is no density; and quantitative
        CT.
        """
        own = [f"bmd_{level}", "bmd", *(() if any(name.startswith("bmd") for name in self.numbers) else ("t_score",))]
        dxa = [name for name in own if name in self.numbers][:1]
        return (*dxa, *(("qct_mg_cc",) if "qct_mg_cc" in self.numbers else ()))

    @cached_property
    def measured_rois(self) -> tuple[str, ...]:
        """Return the regions with any value at any level."""
        return tuple(roi for roi in ROIS if any(roi in self.rois(level) for level in LEVELS))

    @cached_property
    def measured_levels(self) -> tuple[str, ...]:
        """Return the levels with any value in any region, from cranial to caudal."""
        return tuple(level for level in LEVELS if self.rois(level))

    @cached_property
    def levels_and_mean(self) -> tuple[str, ...]:
        """Return L1–L4, the other measured levels, and the mean if it has another name."""
        levels = sorted_levels({*MEAN_LEVELS, *self.measured_levels})
        return levels if self.mean_name in levels else (*levels, self.mean_name)

    @cached_property
    def level_places(self) -> tuple[str, ...]:
        """Return the rows of tables by level: the measured levels, and ``MEAN`` if another mean is chosen."""
        return (*self.measured_levels, *(() if self.has_study_mean or not self.rois(MEAN) else (MEAN,)))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Return the references with any case: DXA, quantitative CT, the outcome."""
        found = [dxa_reference(self.groups)]
        if self.qct_groups:
            found.append(qct_reference(self.qct_groups))
        if "outcome" in self.numbers:
            found.append(outcome_reference(self.numbers["outcome"], self.outcome_name))
        return tuple(reference for reference in found if any(reference.labels))

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """Return the targets of all references, by name."""
        return {target.name: target for reference in self.references for target in reference.targets}

    def rois(self, level: str) -> tuple[str, ...]:
        """Return the regions with any value at a level or mean."""
        return tuple(roi for roi in ROIS if not np.isnan(self.hu(level, roi)).all())

    @cached_property
    def group_sizes(self) -> Mapping[str, int]:
        """Return the number of cases in each group."""
        return {group: sum(label == group for label in self.groups) for group in GROUPS}

    @property
    def is_synthetic(self) -> bool:
        """Return whether the cohort is synthetic, by its note."""
        return self.note.upper().startswith("SYNTHETIC")


def name_of_mean(levels: Sequence[str]) -> str:
    """Return the name of a mean over these levels: ``L1–L4`` for neighboring levels, otherwise ``L1+L3``."""
    places = [LEVELS.index(level) for level in levels]
    if len(levels) == 1:
        return levels[0]
    if places[-1] - places[0] == len(levels) - 1:
        return f"{levels[0]}–{levels[-1]}"
    return "+".join(levels)


def check_mean_levels(levels: Sequence[str]) -> None:
    """Raise InputError for invalid levels of a mean.

    Raises
    ------
    InputError
        If there is no level, or one is unknown, repeated or out of order.
    """
    if not levels or tuple(levels) != sorted_levels({level for level in levels if level in LEVELS}):
        given = ", ".join(levels) or "none"
        raise InputError(
            f"A mean over the levels {given} is not possible: give each of {', '.join(LEVELS)} at most once, in order."
        )
