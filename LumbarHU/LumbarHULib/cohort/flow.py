"""Count the cases at each step from the table to the analysis, as in a STARD diagram."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.references import DXA, QCT, Reference
from LumbarHULib.cohort.tables import Cell, Table
from LumbarHULib.core.levels import LEVELS

FLOW_COLUMNS = ("reference", "level", "step", "n", "left_out", "reasons")
IN_TABLE, CASES, WITH_HU, WITH_REFERENCE, ANALYZED = (
    *("rows in the table", "cases", "with HU", "with reference", "analyzed"),
)


@dataclass(frozen=True)
class Step:
    """A step of the flow.

    Parameters
    ----------
    name : str
    n : int
        Number of cases at this step.
    reasons : mapping of str to int
        Number of cases omitted before this step, by reason.
    """

    name: str
    n: int
    reasons: Mapping[str, int]

    @property
    def left_out(self) -> int:
        """Return the number of cases omitted before this step."""
        return sum(self.reasons.values())

    @property
    def reason_text(self) -> str:
        """Return the reasons, each with its number."""
        return "; ".join(f"{count} {reason}" for reason, count in self.reasons.items() if count)


@dataclass(frozen=True)
class Flow:
    """The steps for one reference and one level or mean.

    Parameters
    ----------
    reference : str
        Name of the reference; empty if the cohort has none.
    level : str
    steps : tuple of Step
        The last step contains the analyzed cases.
    classes : mapping of str to int
        Number of analyzed cases by class of the reference.
    """

    reference: str
    level: str
    steps: tuple[Step, ...]
    classes: Mapping[str, int]

    @property
    def n(self) -> int:
        """Return the number of analyzed cases."""
        return self.steps[-1].n


def flows(cohort: Cohort) -> tuple[Flow, ...]:
    """Return the flow for each reference, for the mean and for each level."""
    places = [cohort.mean_name, *(place for place in cohort.level_places if place != cohort.mean_name)]
    return tuple(
        _flow(cohort, reference, place) for reference in (*cohort.references, *_none(cohort)) for place in places
    )


def main_place(cohort: Cohort) -> str:
    """Return the mean if any case has one, otherwise the level with the most cases."""
    if cohort.rois(cohort.mean_name) or not cohort.measured_levels:
        return cohort.mean_name
    return max(cohort.measured_levels, key=lambda level: int(_has_hu(cohort, level).sum()))


def main_flows(cohort: Cohort) -> tuple[Flow, ...]:
    """Return the flow for each reference, for the mean or for the level with the most cases."""
    return tuple(flow for flow in flows(cohort) if flow.level == main_place(cohort))


def flow_table(cohort: Cohort) -> Table:
    """Return the steps as a table; the analyzed cases are followed by their classes."""
    rows: list[list[Cell]] = []
    for flow in flows(cohort):
        for step in flow.steps:
            rows.append([flow.reference, flow.level, step.name, step.n, step.left_out, step.reason_text])
        rows += [[flow.reference, flow.level, f"analyzed: {name}", n, None, ""] for name, n in flow.classes.items()]
    return Table("flow", "From the table to the analysis", FLOW_COLUMNS, rows)


def _none(cohort: Cohort) -> Iterator[None]:
    if not cohort.references:
        yield None


def _flow(cohort: Cohort, reference: Reference | None, level: str) -> Flow:
    n = len(cohort)
    rows = n + sum(cohort.rows_left_out.values()) if cohort.table_rows is None else cohort.table_rows
    has_hu = _has_hu(cohort, level)
    steps = [
        Step(IN_TABLE, rows, {}),
        Step(CASES, n, cohort.rows_left_out),
        Step(WITH_HU, int(has_hu.sum()), _without_hu(cohort, level, has_hu)),
    ]
    if reference is None:
        return Flow("", level, tuple(steps), {})
    labels = np.array(reference.labels)
    known = has_hu & (labels != "")
    steps.append(Step(WITH_REFERENCE, int(known.sum()), {_without(reference): int((has_hu & ~known).sum())}))
    steps.append(Step(ANALYZED, int(known.sum()), {}))
    classes = {group: int((known & (labels == group)).sum()) for group in reference.targets[0].groups}
    return Flow(reference.name, level, tuple(steps), classes)


def _has_hu(cohort: Cohort, level: str) -> np.ndarray:
    """Return whether each case has HU at a level in any region, shape (n,)."""
    columns = [~np.isnan(cohort.hu(level, roi)) for roi in cohort.rois(level)]
    return np.any(columns, axis=0) if columns else np.zeros(len(cohort), dtype=bool)


def _without_hu(cohort: Cohort, level: str, has_hu: np.ndarray) -> Mapping[str, int]:
    if level in LEVELS:
        return {f"without HU at {level}": int((~has_hu).sum())}
    levels = cohort.mean_levels if level == cohort.mean_name else ("L1", "L2", "L3", "L4")
    any_level = np.any([_has_hu(cohort, one) for one in levels], axis=0)
    least = min(cohort.minimum_levels, len(levels))
    return {
        f"without HU at any level of {level}": int((~any_level).sum()),
        f"with HU at fewer than {least} levels of {level}": int((any_level & ~has_hu).sum()),
    }


def _without(reference: Reference) -> str:
    missing = {DXA: "without group and T-score", QCT: "without QCT"}
    return missing.get(reference.name, f"without {reference.name} known")
