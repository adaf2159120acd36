"""Read the HU of the methods to compare, from a cohort's table and from tables of results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np

from LumbarHULib.cohort.cases import Cohort, CohortFinding, Reading
from LumbarHULib.cohort.combined_readings import combine
from LumbarHULib.cohort.methods.measured import MeasuredMethod, MeasuredMethods
from LumbarHULib.cohort.methods.method import Method, check_protocol_name
from LumbarHULib.cohort.synthetic import SYNTHETIC
from LumbarHULib.cohort_files.columns import shortened
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.cohort_files.readings import readings_of_file
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.cutoffs import CutoffTable, RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS
from LumbarHULib.files.protocol_file import STUDY_ID, load_protocol

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class _Source:
    """HU by case, level and region, of one table.

    Parameters
    ----------
    file_name : str
    hu : mapping of (str, str) to numpy.ndarray, shape (n,)
        HU by level and region.
    readings : mapping of str to list of Reading
        Single readings by case, in order.
    """

    file_name: str
    hu: Mapping[tuple[str, str], np.ndarray]
    readings: Mapping[str, list[Reading]] = field(default_factory=dict)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Return the regions, the five first."""
        had = dict.fromkeys(region for _, region in self.hu)
        return tuple(sorted(had, key=lambda region: (ROIS.index(region) if region in ROIS else len(ROIS), region)))


def results_file(path: Path) -> Path:
    """Return the table of results: the file itself, or ``results.csv`` in a folder."""
    return path / "results.csv" if path.is_dir() else path


def results_of_protocols(folder: Path) -> dict[str, Path]:
    """Return the tables of results in a folder that has one for each protocol, by the protocol's name.

    Parameters
    ----------
    folder : pathlib.Path
        As `measure` and `batch` write it for several protocols: a folder for each, named by its id.

    Raises
    ------
    InputError
        If it is no folder, has results itself, or has no such folders.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder “{folder}”: check the path, or name a file as NAME=FILE.")
    if (folder / "results.csv").is_file():
        raise InputError(f"“{folder}” has the results of one protocol: name it, as NAME={folder}.")
    found = {path.parent.name: path for path in sorted(folder.glob("*/results.csv"))}
    if not found:
        raise InputError(
            f"“{folder}” has no folders with results.csv: choose the output of a batch by several protocols."
        )
    return found


def read_methods(
    methods: Sequence[Method],
    table: Path | None,
    results: Mapping[str, Path],
    cutoffs: Mapping[str, CutoffTable],
    outcome_name: str = "outcome",
    progress: Progress = lambda share, text: None,
) -> MeasuredMethods:
    """Return the methods' HU in each case.

    Parameters
    ----------
    methods : sequence of Method
    table : pathlib.Path or None
        The cohort's table; without it, the cases are those of the results, and there is no reference.
    results : mapping of str to pathlib.Path
        Tables with the columns of ``results.csv``, or folders with such a file, by the protocol's name. Several
        readings of a case are averaged, as in a cohort.
    cutoffs : mapping of str to CutoffTable
        Cutoffs for the mean over L1–L4, by the id of the protocol that they belong to. They hold for results of this
        name, and those of the study's protocol for the cohort's table, too.
    outcome_name : str
        Name of the outcome in the columns ``outcome`` and ``outcome_days``.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.

    Raises
    ------
    InputError
        If a table cannot be read, or lacks a method's region.
    """
    findings: list[CohortFinding] = []
    read: dict[str, tuple[Reading, ...]] = {}
    for number, (name, path) in enumerate(results.items()):
        progress(number / len(results), "Reading the results")
        check_protocol_name(name)
        read[name] = readings_of_file(results_file(Path(path)), findings.append, any_region=True)
        if not read[name]:
            raise InputError(f"“{results_file(Path(path)).name}” of {name} has no usable row: check its columns.")
    if table is None and not read:
        raise InputError("There is nothing to compare: give a cohort's table, or results (--results NAME=FILE).")
    progress(0.0, "Reading the table")
    cohort = (
        _cohort_of_results(read)
        if table is None
        else read_cohort(Path(table), progress=progress, outcome_name=outcome_name, any_region=True)
    )
    sources = {} if table is None else {"": _source_of_table(cohort, Path(table).name)}
    for name, readings in read.items():
        file_name = results_file(Path(results[name])).name
        sources[name] = _source_of_results(f"{name}: {file_name}", readings, cohort, findings)
    measured = tuple(_measured(method, sources, cohort, cutoffs) for method in methods)
    cohort = replace(cohort, findings=(*cohort.findings, *findings))
    return MeasuredMethods(cohort, measured, {name: Path(path).name for name, path in results.items()})


def _cohort_of_results(read: Mapping[str, Sequence[Reading]]) -> Cohort:
    cases = tuple(dict.fromkeys(reading.case for readings in read.values() for reading in readings))
    is_synthetic = any(case.casefold().startswith(SYNTHETIC) for case in cases)
    return Cohort(
        name=" and ".join(read),
        cases=cases,
        level_hu={},
        groups=("",) * len(cases),
        minimum_levels=load_protocol().protocol.patient.minimum_levels,
        lsc_factor=published_precision().lsc_factor,
        note="SYNTHETIC: no patient data." if is_synthetic else "",
    )


def _source_of_table(cohort: Cohort, file_name: str) -> _Source:
    return _Source(file_name, cohort.level_hu, _by_case(cohort.readings))


def _source_of_results(
    file_name: str, readings: Sequence[Reading], cohort: Cohort, findings: list[CohortFinding]
) -> _Source:
    by_case = _by_case(readings)
    stray = sorted(set(by_case) - set(cohort.cases))
    if len(stray) == len(by_case):
        raise InputError(
            f"“{file_name}” has no case of the table “{cohort.name}”, only others such as {shortened(stray[0])}: give "
            "each case the same name in both."
        )
    if stray:
        names = ", ".join(stray[:5]) + (f" and {len(stray) - 5} more" if len(stray) > 5 else "")
        sentence = f"{file_name} has cases that are not in the table: {names}; they are omitted."
        findings.append(CohortFinding("unknown_case", sentence, "Correct their names."))
    hu: dict[tuple[str, str], np.ndarray] = {}
    for index, case in enumerate(cohort.cases):
        if case not in by_case:
            continue
        combined = combine(by_case[case])
        for level in combined.excluded_by_one:
            sentence = (
                f"{file_name}: {level} of {case} is excluded by one reading and measured by another; it is omitted."
            )
            findings.append(CohortFinding("excluded_by_one", sentence, "Agree on the exclusion.", case=case))
        for place, value in combined.hu.items():
            hu.setdefault(place, np.full(len(cohort), np.nan))[index] = value
    return _Source(file_name, hu, by_case)


def _by_case(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    by_case: dict[str, list[Reading]] = {}
    for reading in sorted(readings, key=lambda reading: (reading.reader, reading.reading)):
        by_case.setdefault(reading.case, []).append(reading)
    return by_case


def _measured(
    method: Method, sources: Mapping[str, _Source], cohort: Cohort, cutoffs: Mapping[str, CutoffTable]
) -> MeasuredMethod:
    name, source = _find_source(method, sources)
    unknown = np.full(len(cohort), np.nan)
    level_hu = {level: source.hu.get((level, method.region), unknown) for level in method.levels}
    own = cutoffs.get(name or STUDY_ID)
    found: RoiCutoffs | None = None
    if own is not None and method.levels == MEAN_LEVELS:
        found = own.rois.get(method.region)
    return MeasuredMethod(
        method=method,
        level_hu=level_hu,
        source=source.file_name,
        cutoffs=found,
        cutoffs_name=own.name if own is not None and found else "",
        repeated=_repeated(method, source, cohort),
    )


def _find_source(method: Method, sources: Mapping[str, _Source]) -> tuple[str, _Source]:
    """Return the table that a method's HU come from, with its name."""
    if method.protocol:
        if method.protocol not in sources:
            known = ", ".join(name for name in sources if name) or "none"
            raise InputError(
                f"The method {method.name} needs results named {method.protocol}, but the results are {known}: add "
                f"--results {method.protocol}=FILE."
            )
        found = [method.protocol]
    else:
        found = [name for name, source in sources.items() if method.region in source.regions]
        # The cohort's own table comes first; regions of the same name in several results are ambiguous.
        found = [""] if "" in found else found
        if len(found) > 1:
            choices = ", ".join(f"{name}:{method.region}" for name in found)
            raise InputError(f"The region {method.region} is in several results: name the protocol, {choices}.")
    if len(found) == 1 and method.region in sources[found[0]].regions:
        return found[0], sources[found[0]]
    among = [sources[name] for name in found or sources]
    regions = list(dict.fromkeys(region for source in among for region in source.regions))
    close = get_close_matches(method.region, regions, 1)
    advice = f"write {close[0]}" if close else f"its regions are {', '.join(regions) or 'none'}"
    files = ", ".join(f"“{source.file_name}”" for source in among)
    raise InputError(f"{files} {'has' if len(among) == 1 else 'have'} no HU of the region {method.region}: {advice}.")


def _repeated(method: Method, source: _Source, cohort: Cohort) -> tuple[np.ndarray, ...]:
    """Return the mean of each case's first two readings over the levels that both have; empty if no case has two."""
    first, second = (np.full(len(cohort), np.nan) for _ in range(2))
    least = min(cohort.minimum_levels, len(method.levels))
    for index, case in enumerate(cohort.cases):
        readings = source.readings.get(case, ())
        if len(readings) < 2:
            continue
        two = readings[:2]
        levels = [
            level
            for level in LEVELS
            if level in method.levels and all((level, method.region) in reading.hu for reading in two)
        ]
        if len(levels) >= least:
            first[index], second[index] = (
                float(np.mean([reading.hu[level, method.region] for level in levels])) for reading in two
            )
    return () if np.isnan(first).all() else (first, second)
