"""The summary page of a cohort."""

import numpy as np
import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort.tables import gaps_table
from LumbarHULib.cohort_files.folder import tables_of
from LumbarHULib.cohort_files.page import MATPLOTLIB, figures_text, summary_page
from LumbarHULib.files.cutoffs_file import load_cutoffs


@pytest.mark.parametrize(("count", "written"), [(1, 2), (3, 4), (500, 501), (501, 502), (90_000, 502)])
def test_for_very_many_findings_of_one_kind_the_page_refers_to_the_file(count, written):
    # The first is in the summary, too, behind which all are folded; the 502nd says that there are more.
    findings = [CohortFinding("no_number", f"Cell {row} is no number.", row=row + 2) for row in range(count)]
    cohort = Cohort("c", ("a", "b"), {("L1", "round"): np.array([1.0, 2.0])}, ("", ""), findings=findings)
    analysis = analyze(cohort, AnalysisOptions(prevalences={}, resamples=100), load_cutoffs().cutoffs)
    page = summary_page(analysis, tables_of(analysis), {}, {})
    reported = f"… and {count - 500} more (rows.csv)."
    assert page.count(" is no number.") + page.count(reported) == written
    assert (reported in page) == (count > 500)
    assert (f"{count} findings of the same kind (rows.csv), such as: Cell 0 is no number." in page) == (count > 1)


def test_a_missing_matplotlib_is_stated_at_the_top_of_the_page_and_figures_not_requested_are_not():
    missing = ("Figures", "", "The Python package Matplotlib, which draws them, is missing.", MATPLOTLIB)
    assert figures_text(gaps_table([missing])) == f"No figures were drawn. {missing[2]}"
    assert figures_text(gaps_table([("Figures", "", "They were not requested.", "a run with them")])) == ""
    assert figures_text(gaps_table([])) == ""
