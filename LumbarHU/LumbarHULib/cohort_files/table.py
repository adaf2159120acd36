"""A cohort from its table: COHORT.csv, with the audit folders that it names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LumbarHULib.cohort.cases import Cohort, CohortFinding, Reading
from LumbarHULib.cohort.combined_readings import combine
from LumbarHULib.cohort.references import groups_of_qct
from LumbarHULib.cohort.synthetic import SYNTHETIC
from LumbarHULib.cohort_files.columns import (
    HU_COLUMNS,
    NUMBER_COLUMNS,
    WORD_COLUMNS,
    columns_of,
    number_column,
    shortened,
    word_column,
)
from LumbarHULib.cohort_files.dxa import dxa_findings, dxa_groups, menopause_of_women
from LumbarHULib.cohort_files.readings import reading_of_audit, readings_of_file
from LumbarHULib.cohort_files.study_files import load_qct_criteria
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS
from LumbarHULib.files.csv_table import CsvTable, read_csv_table
from LumbarHULib.files.protocol_file import load_protocol

Progress = Callable[[float, str], None]


def read_cohort(
    path: Path,
    readings: Path | None = None,
    progress: Progress = lambda share, text: None,
    mean_levels: tuple[str, ...] = MEAN_LEVELS,
    outcome_name: str = "outcome",
) -> Cohort:
    """Read a cohort's table.

    A case's HU are the means of its audit folders' readings, of each reader first and then over readers, as the study
    took them; a level that one of them excludes is left out. A case without audit folders has those in its ``hu_…``
    columns, and one without these the mean of its readings in the file of readings.

    Parameters
    ----------
    path : pathlib.Path
        A row per case; columns as `cohort_columns.COLUMNS` names them. Paths in it are relative to it.
    readings : pathlib.Path, optional
        Single readings in a table with the columns of ``results.csv``.
    progress : callable
        Called with the share done, from 0 to 1, and what is being done.
    mean_levels : tuple of str
        The levels that the mean is over.
    outcome_name : str
        What the columns ``outcome`` and ``outcome_days`` are about.

    Raises
    ------
    InputError
        When nothing can be done: the file cannot be read, has no cases, or neither HU nor audit folders; or the mean's
        levels or the outcome's name cannot be used.
    """
    path = Path(path)
    table = read_csv_table(path)
    source = _Source(path, table)
    columns = columns_of(table.header, source.findings.append)
    if "case" not in columns:
        raise InputError(f"“{table.file_name}” has no column “case”: give each case a name.")
    if "audit" not in columns and not set(HU_COLUMNS) & set(columns) and readings is None:
        raise InputError(
            f"“{table.file_name}” has neither a column “audit” nor columns such as “hu_L1_round”: give one of them."
        )
    rows = source.usable_rows(columns["case"][0])
    labels = {
        name: word_column(name, _cells(rows, columns[name][0]), source.findings.append)
        for name in WORD_COLUMNS
        if name in columns
    }
    numbers = {}
    for name in NUMBER_COLUMNS:
        if name in columns:
            place, factor = columns[name]
            values = number_column(name, _cells(rows, place), factor, table.separator, source.findings.append)
            if values is not None:
                numbers[name] = values
    cases, audits = labels.pop("case"), labels.pop("audit", ("",) * len(rows))
    found = [*source.audit_readings(rows, cases, audits, progress)]
    level_hu = {place: numbers.pop(name) for name, place in HU_COLUMNS.items() if name in numbers}
    named = {reading.case for reading in found}
    if readings is not None:
        found += source.file_readings(readings, set(cases))
        named |= {case for row, case in enumerate(cases) if all(np.isnan(values[row]) for values in level_hu.values())}
    source.tell_of_cells_used(rows, cases, audits, {reading.case for reading in found}, level_hu)
    level_hu = source.with_means(level_hu, cases, found, named)
    if "menopause" in labels:
        labels["menopause"] = menopause_of_women(rows, cases, labels, source.findings.append)
    groups, groups_by_t_score = dxa_groups(rows, labels, numbers, source.findings.append)
    source.findings += dxa_findings(rows, cases, labels, numbers)
    if "outcome" in labels:
        outcomes = labels.pop("outcome")
        if any(outcomes):
            numbers["outcome"] = np.array([float(word) if word else np.nan for word in outcomes])
    qct_groups = groups_of_qct(numbers["qct_mg_cc"], load_qct_criteria()) if "qct_mg_cc" in numbers else ()
    is_synthetic = any(case.casefold().startswith(SYNTHETIC) for case in cases)
    labels.pop("group", None)
    return Cohort(
        name=path.stem,
        cases=cases,
        level_hu=level_hu,
        groups=groups,
        numbers=numbers,
        labels=labels,
        readings=tuple(found),
        findings=tuple(source.findings),
        minimum_levels=load_protocol().protocol.minimum_levels,
        note="SYNTHETIC: made-up patients, no measurement of anybody." if is_synthetic else "",
        groups_by_t_score=groups_by_t_score,
        mean_levels=mean_levels,
        qct_groups=qct_groups,
        outcome_name=outcome_name,
        table_rows=len(table.rows),
        rows_left_out=source.rows_left_out,
    )


def _cells(rows: Sequence[tuple[int, tuple[str, ...]]], place: int) -> list[tuple[int, str]]:
    return [(row, cells[place] if place < len(cells) else "") for row, cells in rows]


@dataclass
class _Source:
    """A table being read, with what was found wrong in it so far."""

    path: Path
    table: CsvTable
    findings: list[CohortFinding] = field(default_factory=list)
    rows_left_out: dict[str, int] = field(default_factory=dict)

    def usable_rows(self, case_place: int) -> list[tuple[int, tuple[str, ...]]]:
        """Return the rows that are a case of their own, with as many cells as the header has, or fewer."""
        usable = []
        first_rows: dict[str, int] = {}
        for row, cells in self.table.rows:
            case = cells[case_place] if case_place < len(cells) else ""
            code = "unusable_row"
            if any(cells[len(self.table.header) :]):
                reason = "with more cells than the header has"
                wrong = f"has {len(cells)} cells under {len(self.table.header)} columns"
            elif not case:
                reason = "without a name of the case"
                wrong = "names no case"
            elif not case.isprintable():
                reason = "whose case cannot be printed"
                wrong = f"names a case {case!r} that cannot be printed"
            elif case in first_rows:
                code, reason = "duplicate_case", "of a case that is there already"
                wrong = f"names case “{shortened(case)}” again, first in row {first_rows[case]}"
            else:
                first_rows[case] = row
                usable.append((row, cells))
                continue
            self.rows_left_out[reason] = self.rows_left_out.get(reason, 0) + 1
            sentence = f"Row {row} {wrong}; it is left out."
            self.findings.append(CohortFinding(code, sentence, "Correct the row.", "severe", row=row, column="case"))
        if not usable:
            raise InputError(f"“{self.table.file_name}” has no case: give a row for each.")
        return usable

    def audit_readings(self, rows, cases: Sequence[str], audits: Sequence[str], progress: Progress) -> list[Reading]:
        """Return the readings in the audit folders that the table names."""
        found: list[Reading] = []
        protocols: dict[str, str] = {}
        cts: dict[str, tuple[int, str]] = {}
        for index, ((row, _), case, named) in enumerate(zip(rows, cases, audits, strict=True)):
            progress(index / len(rows), "Reading audit folders") if named else None
            identities: dict[str, str] = {}
            seen: set[tuple[str, int]] = set()
            for part in (text.strip() for text in named.split(";") if text.strip()):
                read = reading_of_audit(self.path.parent / part, case, self.findings.append, row)
                if read is None:
                    continue
                reading, identity = read.reading, read.ct_identity
                protocols.setdefault(read.protocol, f"“{Path(part).name}” (row {row})")
                where = f"Row {row}, column audit: “{Path(part).name}”"
                if (reading.reader, reading.reading) in seen:
                    told = f"{where} is reading {reading.reading} of {reading.reader} again; it is left out."
                    remedy = "Tell readers and readings apart (--reader, --reading)."
                    self._tell("read_twice", told, remedy, row, "audit", case)
                    continue
                first_row, first_case = cts.setdefault(identity, (row, case))
                if first_row != row and identity not in identities:
                    as_case = f"case “{shortened(first_case)}” in row {first_row}"
                    told = f"{where} shows the same CT as {as_case}; it is used."
                    self._tell("ct_twice", told, "Give each patient one row.", row, "audit", case)
                identities.setdefault(identity, part)
                if len(identities) > 1:
                    told = f"{where} is of another CT than “{Path(next(iter(identities.values()))).name}”; it is used."
                    self._tell("other_ct", told, "Check that both are of this case.", row, "audit", case)
                seen.add((reading.reader, reading.reading))
                found.append(reading)
        if len(protocols) > 1:
            told = f"Column audit: readings by different protocols, such as {', '.join(protocols.values())}."
            self._tell("protocols_differ", told, "Measure alike.", column="audit")
        return found

    def tell_of_cells_used(self, rows, cases: Sequence[str], audits: Sequence[str], read: set[str], level_hu) -> None:
        """Tell of cases that name audit folders, of which none was read, and that have HU in their own cells."""
        for index, ((row, _), case, named) in enumerate(zip(rows, cases, audits, strict=True)):
            if named and case not in read and any(np.isfinite(values[index]) for values in level_hu.values()):
                told = (
                    f"Row {row}, column audit: none of the audit folders it names can be used; the HU in the row's own "
                    "cells are."
                )
                self._tell("cells_used", told, "Correct the folder's name, or empty the cell.", row, "audit", case)

    def file_readings(self, path: Path, cases: set[str]) -> list[Reading]:
        """Return the readings in a file, of the cases that the table has."""
        readings = readings_of_file(path, self.findings.append)
        stray = sorted({reading.case for reading in readings} - cases)
        if stray:
            told = ", ".join(stray[:5]) + (f" and {len(stray) - 5} more" if len(stray) > 5 else "")
            self._tell("unknown_case", f"The readings name cases that the table has not: {told}.", "Correct one.")
        return [reading for reading in readings if reading.case in cases]

    def with_means(self, level_hu, cases: Sequence[str], readings: Sequence[Reading], named: set[str]):
        """Return HU by level and region in which the cases in `named` have the means of their readings."""
        by_case: dict[str, list[Reading]] = {}
        for reading in readings:
            by_case.setdefault(reading.case, []).append(reading)
        filled = {place: values.copy() for place, values in level_hu.items()}
        for index, case in enumerate(cases):
            if case not in named or case not in by_case:
                continue
            combined = combine(by_case[case])
            for level in combined.excluded_by_one:
                told = f"{level} of {case} is excluded by one reading and measured by another; it is left out."
                self._tell("excluded_by_one", told, "Let the readers agree.", case=case)
            for place in ((level, roi) for level in LEVELS for roi in ROIS):
                values = filled.setdefault(place, np.full(len(cases), np.nan))
                values[index] = combined.hu.get(place, np.nan)
        return filled

    def _tell(self, code: str, sentence: str, remedy: str, row: int | None = None, column: str = "", case: str = ""):
        self.findings.append(CohortFinding(code, sentence, remedy, row=row, column=column, case=case))


def cohort_inputs(path: Path, readings: Path | None = None) -> tuple[Path, ...]:
    """Return every file and folder that a cohort is read from.

    Raises
    ------
    InputError
        When the table cannot be read.
    """
    table = read_csv_table(Path(path))
    place = columns_of(table.header, lambda finding: None).get("audit", (None, 1))[0]
    named = [] if place is None else [text for _, text in _cells(table.rows, place)]
    folders = [Path(path).parent / part.strip() for text in named for part in text.split(";") if part.strip()]
    return (Path(path), *([Path(readings)] if readings else []), *folders)
