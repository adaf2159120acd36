"""Read a cohort from its table, with the audit folders that the table lists."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LumbarHULib.cohort.cases import Cohort, CohortFinding, Reading, ReadingFacts
from LumbarHULib.cohort.combined_readings import combine
from LumbarHULib.cohort.references import groups_of_qct
from LumbarHULib.cohort.synthetic import SYNTHETIC
from LumbarHULib.cohort_files.columns import (
    HU_COLUMNS,
    NUMBER_COLUMNS,
    WORD_COLUMNS,
    columns_of,
    number_column,
    place_of_hu,
    shortened,
    word_column,
)
from LumbarHULib.cohort_files.dxa import dxa_findings, dxa_groups, menopause_of_women
from LumbarHULib.cohort_files.precision_file import published_precision
from LumbarHULib.cohort_files.readings import reading_of_audit, readings_of_file
from LumbarHULib.cohort_files.study_files import load_qct_criteria
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.files.csv_table import CsvTable, read_csv_table
from LumbarHULib.files.protocol_file import load_protocol

Progress = Callable[[float, str], None]


# Row number and cells of each case, and HU by level and region.
Rows = Sequence[tuple[int, tuple[str, ...]]]
LevelHu = Mapping[tuple[str, str], np.ndarray]


def read_cohort(
    path: Path,
    readings: Path | None = None,
    progress: Progress = lambda share, text: None,
    mean_levels: tuple[str, ...] = MEAN_LEVELS,
    outcome_name: str = "outcome",
    any_region: bool = False,
) -> Cohort:
    """Read a cohort's table.

    A case's HU are the means of its audit folders' readings, first per reader and then over readers, as in the study; a
    level that one reading excludes is omitted. A case without audit folders uses its ``hu_…`` columns; without these,
    it uses the mean of its readings in the file of readings.

    Parameters
    ----------
    path : pathlib.Path
        The table, with one row per case and the columns in `columns.COLUMNS`. Paths in it are relative to it.
    readings : pathlib.Path, optional
        Single readings in a table with the columns of ``results.csv``.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.
    mean_levels : tuple of str
        Levels in the mean.
    outcome_name : str
        Name of the outcome in the columns ``outcome`` and ``outcome_days``.
    any_region : bool
        Also read HU of regions other than the five, and accept a table without HU, whose cases have HU elsewhere.

    Raises
    ------
    InputError
        If the file cannot be read, has no cases, or has neither HU nor audit folders; or if the mean's levels or the
        outcome's name are invalid.
    """
    path = Path(path)
    table = read_csv_table(path)
    source = _Source(path, table)
    columns = columns_of(table.header, source.findings.append, any_region)
    hu_columns = {name: place for name in columns if (place := place_of_hu(name))}
    if "case" not in columns:
        raise InputError(f"“{table.file_name}” lacks the column “case”: add it, with a name for each case.")
    if "audit" not in columns and not hu_columns and readings is None and not any_region:
        raise InputError(
            f"“{table.file_name}” has neither a column “audit” nor columns such as “hu_L1_round”: add one of them."
        )
    rows = source.usable_rows(columns["case"][0])
    labels, numbers = _labels_and_numbers(source, rows, columns, hu_columns)
    cases, audits = labels.pop("case"), labels.pop("audit", ("",) * len(rows))
    found = [*source.audit_readings(rows, cases, audits, progress, any_region)]
    in_order = {**{name: place for name, place in HU_COLUMNS.items() if name in hu_columns}, **hu_columns}
    level_hu = {place: numbers.pop(name) for name, place in in_order.items() if name in numbers}
    named = {reading.case for reading in found}
    if readings is not None:
        found += source.file_readings(readings, set(cases))
        named |= {case for row, case in enumerate(cases) if all(np.isnan(values[row]) for values in level_hu.values())}
    source.report_cells_used(rows, cases, audits, {reading.case for reading in found}, level_hu)
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
        minimum_levels=load_protocol().protocol.patient.minimum_levels,
        lsc_factor=published_precision().lsc_factor,
        note="SYNTHETIC: no patient data." if is_synthetic else "",
        groups_by_t_score=groups_by_t_score,
        mean_levels=mean_levels,
        qct_groups=qct_groups,
        outcome_name=outcome_name,
        table_rows=len(table.rows),
        rows_left_out=source.rows_left_out,
        audits=tuple(source.audits),
    )


def _labels_and_numbers(
    source: "_Source", rows: Rows, columns: Mapping[str, tuple[int, float]], hu_columns: Iterable[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    """Return the cells of the columns with words and with numbers, by column; a column without a number is omitted."""
    labels = {
        name: word_column(name, _cells(rows, columns[name][0]), source.findings.append)
        for name in WORD_COLUMNS
        if name in columns
    }
    numbers = {}
    for name in dict.fromkeys((*NUMBER_COLUMNS, *hu_columns)):
        if name in columns:
            at, factor = columns[name]
            cells = _cells(rows, at)
            values = number_column(name, cells, factor, source.table.separator, source.findings.append)
            if values is not None:
                numbers[name] = values
    return labels, numbers


def _cells(rows: Rows, place: int) -> list[tuple[int, str]]:
    return [(row, cells[place] if place < len(cells) else "") for row, cells in rows]


@dataclass
class _Source:
    """The table being read, with its findings so far."""

    path: Path
    table: CsvTable
    findings: list[CohortFinding] = field(default_factory=list)
    rows_left_out: dict[str, int] = field(default_factory=dict)
    audits: list[ReadingFacts] = field(default_factory=list)

    def usable_rows(self, case_place: int) -> list[tuple[int, tuple[str, ...]]]:
        """Return the rows that become cases: named, not repeated, and not longer than the header.

        Raises
        ------
        InputError
            When no row does.
        """
        usable = []
        first_rows: dict[str, int] = {}
        for row, cells in self.table.rows:
            case = cells[case_place] if case_place < len(cells) else ""
            code = "unusable_row"
            if any(cells[len(self.table.header) :]):
                reason = "with more cells than the header has"
                wrong = f"has {len(cells)} cells under {len(self.table.header)} columns"
            elif not case:
                reason = "without a case name"
                wrong = "has no case name"
            elif not case.isprintable():
                reason = "with a case name that cannot be printed"
                wrong = f"has a case name {case!r} that cannot be printed"
            elif case in first_rows:
                code, reason = "duplicate_case", "of a repeated case"
                wrong = f"repeats case “{shortened(case)}” from row {first_rows[case]}"
            else:
                first_rows[case] = row
                usable.append((row, cells))
                continue
            self.rows_left_out[reason] = self.rows_left_out.get(reason, 0) + 1
            sentence = f"Row {row} {wrong}; it is omitted."
            self.findings.append(CohortFinding(code, sentence, "Correct the row.", "severe", row=row, column="case"))
        if not usable:
            raise InputError(f"“{self.table.file_name}” has no case: add a row for each case.")
        return usable

    def audit_readings(
        self, rows: Rows, cases: Sequence[str], audits: Sequence[str], progress: Progress, any_region: bool = False
    ) -> list[Reading]:
        """Return the readings in the audit folders that the table lists."""
        found: list[Reading] = []
        protocols: dict[str, str] = {}
        cts: dict[str, tuple[int, str]] = {}
        for index, ((row, _), case, named) in enumerate(zip(rows, cases, audits, strict=True)):
            progress(index / len(rows), "Reading audit folders") if named else None
            identities: dict[str, str] = {}
            seen: set[tuple[str, int]] = set()
            for part in (text.strip() for text in named.split(";") if text.strip()):
                read = reading_of_audit(self.path.parent / part, case, self.findings.append, row, any_region)
                if read is None:
                    continue
                reading, facts = read
                identity = facts.ct_identity
                protocols.setdefault(facts.protocol_key, f"“{Path(part).name}” (row {row})")
                where = f"Row {row}, column audit: “{Path(part).name}”"
                if (reading.reader, reading.reading) in seen:
                    sentence = f"{where} repeats reading {reading.reading} of {reading.reader}; it is omitted."
                    remedy = "Give each reading its own reader or number (--reader, --reading)."
                    self._add("read_twice", sentence, remedy, row, "audit", case)
                    continue
                first_row, first_case = cts.setdefault(identity, (row, case))
                if first_row != row and identity not in identities:
                    as_case = f"case “{shortened(first_case)}” in row {first_row}"
                    sentence = f"{where} shows the same CT as {as_case}; it is used."
                    self._add("ct_twice", sentence, "Give each patient one row.", row, "audit", case)
                identities.setdefault(identity, part)
                if len(identities) > 1:
                    first_name = Path(next(iter(identities.values()))).name
                    sentence = f"{where} is of a different CT than “{first_name}”; it is used."
                    self._add("other_ct", sentence, "Check that both CTs are of this case.", row, "audit", case)
                seen.add((reading.reader, reading.reading))
                found.append(reading)
                self.audits.append(facts)
        if len(protocols) > 1:
            sentence = f"Column audit: the readings use different protocols, such as {', '.join(protocols.values())}."
            self._add("protocols_differ", sentence, "Measure all cases with one protocol.", column="audit")
        return found

    def report_cells_used(
        self, rows: Rows, cases: Sequence[str], audits: Sequence[str], read: set[str], level_hu: LevelHu
    ) -> None:
        """Report cases whose audit folders cannot be used and whose own HU cells are used instead."""
        for index, ((row, _), case, named) in enumerate(zip(rows, cases, audits, strict=True)):
            if named and case not in read and any(np.isfinite(values[index]) for values in level_hu.values()):
                sentence = (
                    f"Row {row}, column audit: no audit folder of {case} can be used; the HU in the row's own cells "
                    "are used."
                )
                self._add("cells_used", sentence, "Correct the folder's name, or empty the cell.", row, "audit", case)

    def file_readings(self, path: Path, cases: set[str]) -> list[Reading]:
        """Return the readings in a file that belong to cases of the table."""
        readings = readings_of_file(path, self.findings.append)
        stray = sorted({reading.case for reading in readings} - cases)
        if stray:
            names = ", ".join(stray[:5]) + (f" and {len(stray) - 5} more" if len(stray) > 5 else "")
            sentence = f"The readings contain cases that are not in the table: {names}."
            self._add("unknown_case", sentence, "Correct their names.")
        return [reading for reading in readings if reading.case in cases]

    def with_means(
        self, level_hu: LevelHu, cases: Sequence[str], readings: Sequence[Reading], named: set[str]
    ) -> dict[tuple[str, str], np.ndarray]:
        """Return HU by level and region, with the means of their readings for the cases in `named`."""
        by_case: dict[str, list[Reading]] = {}
        for reading in readings:
            by_case.setdefault(reading.case, []).append(reading)
        filled = {place: values.copy() for place, values in level_hu.items()}
        for index, case in enumerate(cases):
            if case not in named or case not in by_case:
                continue
            combined = combine(by_case[case])
            for level in combined.excluded_by_one:
                sentence = f"{level} of {case} is excluded by one reading and measured by another; it is omitted."
                self._add("excluded_by_one", sentence, "Agree on the exclusion.", case=case)
            for place in dict.fromkeys((*HU_COLUMNS.values(), *combined.hu)):
                values = filled.setdefault(place, np.full(len(cases), np.nan))
                values[index] = combined.hu.get(place, np.nan)
        return filled

    def _add(
        self, code: str, sentence: str, remedy: str, row: int | None = None, column: str = "", case: str = ""
    ) -> None:
        self.findings.append(CohortFinding(code, sentence, remedy, row=row, column=column, case=case))


def cohort_inputs(path: Path, readings: Path | None = None) -> tuple[Path, ...]:
    """Return every input file and folder of a cohort.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    table = read_csv_table(Path(path))
    place = columns_of(table.header, lambda finding: None).get("audit", (None, 1))[0]
    named = [] if place is None else [text for _, text in _cells(table.rows, place)]
    folders = [Path(path).parent / part.strip() for text in named for part in text.split(";") if part.strip()]
    return (Path(path), *([Path(readings)] if readings else []), *folders)
