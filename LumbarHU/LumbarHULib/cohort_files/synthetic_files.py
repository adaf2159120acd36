"""Write the synthetic example cohort as files: its table, and its two readers' readings."""

from pathlib import Path

from LumbarHULib.cohort.synthetic import SYNTHETIC, SyntheticCohort, synthetic_cohort
from LumbarHULib.cohort_files.columns import HU_COLUMNS
from LumbarHULib.cohort_files.study_files import load_study_tables, load_t_score_criteria
from LumbarHULib.files.csv_text import csv_text

COHORT, READINGS = "synthetic-cohort.csv", "synthetic-readings.csv"
# The outcome in its column outcome.
OUTCOME = "fracture"
READING_COLUMNS = ("case", "reader", "reading", "level", "roi", "mean_hu", "origin", "excluded")


def write_synthetic_cohort(folder: Path) -> SyntheticCohort:
    """Write `COHORT` and `READINGS` of the example cohort of 100 synthetic patients, and return the cohort.

    The bytes are reproducible; the name of every case, reader and device contains the word synthetic.
    """
    cohort = synthetic_cohort(load_study_tables(), load_t_score_criteria())
    names = list(cohort.columns)
    rows = zip(*(cohort.columns[name].tolist() for name in names), strict=True)
    _write(folder / COHORT, csv_text(names, rows))
    readings = [
        [case, f"{SYNTHETIC}-{letter}", 1, level, roi, float(columns[name][index]), "manual", ""]
        for index, case in enumerate(cohort.columns["case"].tolist())
        for letter, columns in zip("AB", cohort.readings, strict=True)
        for name, (level, roi) in HU_COLUMNS.items()
        if name in columns
    ]
    _write(folder / READINGS, csv_text(READING_COLUMNS, readings))
    return cohort


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
