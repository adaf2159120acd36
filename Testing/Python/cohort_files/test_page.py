"""The summary page of a cohort."""

import numpy as np
import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort.cases import Cohort, CohortFinding
from LumbarHULib.cohort_files.page import summary_page
from LumbarHULib.files.cutoffs_file import load_cutoffs


@pytest.mark.parametrize(("count", "written"), [(3, 3), (500, 501), (501, 502), (90_000, 502)])
def test_of_very_many_findings_of_one_kind_the_page_sends_to_the_file(count, written):
    # Beyond three, the first is in the summary, too, behind which they are folded; the 502nd says that there are more.
    cohort = Cohort("c", ("a", "b"), {("L1", "round"): np.array([1.0, 2.0])}, ("", ""))
    analysis = analyze(cohort, AnalysisOptions(prevalences={}, resamples=100), load_cutoffs().cutoffs)
    findings = [CohortFinding("no_number", f"Cell {number} is no number.") for number in range(count)]
    page = summary_page(analysis, findings, {}, {})
    told = f"… and {count - 500} more like it (findings.csv)."
    assert page.count(" is no number.") + page.count(told) == written
    assert (told in page) == (count > 500)
