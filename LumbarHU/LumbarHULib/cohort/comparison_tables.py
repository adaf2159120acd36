"""Tabulate the differences between regions and between levels, which are measured in the same patients."""

from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.repeated import RepeatedComparison, compare_repeated
from LumbarHULib.cohort.tables import Cell, Omissions, Table
from LumbarHULib.core.levels import MEAN_LEVELS

_COLUMNS = (
    *("n", "left_out", "test", "paired", "first", "second", "statistic_name", "statistic", "degrees_of_freedom"),
    *("p", "p_corrected", "correction"),
)


def between_rois_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return the tests between the regions, of the mean and of each level."""
    rows: list[list[Cell]] = []
    for level in (cohort.mean_name, *(one for one in cohort.levels_and_mean if one != cohort.mean_name)):
        columns = {roi: cohort.hu(level, roi) for roi in cohort.rois(level)}
        name, needed = "Difference between regions", "hu_… of two regions or more"
        compared = omissions.attempt(name, level, compare_repeated, columns, would_need=needed)
        rows += [[level, *row] for row in _rows(compared)]
    return Table("between_rois", "Difference between regions", ("level", *_COLUMNS), rows)


def between_levels_table(cohort: Cohort, omissions: Omissions) -> Table:
    """Return the tests between the levels L1–L4, of each region."""
    rows: list[list[Cell]] = []
    for roi in cohort.measured_rois:
        columns = {level: cohort.hu(level, roi) for level in MEAN_LEVELS if roi in cohort.rois(level)}
        name, needed = "Difference between levels", "hu_… of two levels or more"
        compared = omissions.attempt(name, roi, compare_repeated, columns, would_need=needed)
        rows += [[roi, *row] for row in _rows(compared)]
    return Table("between_levels", "Difference between levels", ("roi", *_COLUMNS), rows)


def _rows(compared: RepeatedComparison | None) -> list[list[Cell]]:
    if compared is None:
        return []
    rows: list[list[Cell]] = []
    for test, paired in ((compared.friedman, True), (compared.kruskal_wallis_unpaired, False)):
        freedom = ";".join(f"{value:g}" for value in test.degrees_of_freedom)
        cells: list[Cell] = [
            test.test,
            paired,
            "",
            "",
            test.statistic_name,
            test.statistic,
            freedom,
            test.p_value,
            None,
            "",
        ]
        rows.append([compared.friedman.n, test.left_out, *cells])
    for pair in compared.pairwise:
        numbers: list[Cell] = [pair.statistic, "", pair.p_value, pair.corrected_p_value]
        cells = ["pair", True, pair.first, pair.second, "z", *numbers]
        rows.append([compared.friedman.n, compared.friedman.left_out, *cells, compared.pairwise_method])
    return rows
