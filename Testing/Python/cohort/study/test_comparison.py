"""Comparison of a cohort with the study's printed tables."""

import numpy as np
import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.study.comparison import compare_with_study
from LumbarHULib.cohort.synthetic import synthetic_cohort
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs


@pytest.fixture(scope="module")
def sentences_of(tables, criteria):
    """Return a function that shifts the example's HU, omits unwanted parts, and compares the rest."""
    columns = synthetic_cohort(tables, criteria).columns

    def sentences(shift_hu=0.0, level="L1", rois=ROIS):
        hu = {(one, roi): np.array(columns[f"hu_{one}_{roi}"], float) for one in MEAN_LEVELS for roi in rois}
        for roi in rois:
            hu[level, roi] += shift_hu
        cohort = Cohort("c", tuple(columns["case"]), hu, tuple(columns["group"]))
        options = AnalysisOptions(prevalences={"osteoporosis": 0.2, "low_bmd": 0.6}, resamples=100)
        return compare_with_study(analyze(cohort, options, load_cutoffs().cutoffs), tables)

    return sentences


def test_the_examples_medians_are_inside_and_contradictions_are_reported(sentences_of):
    inside, areas, *contradictions = sentences_of()
    assert inside == "75 of 75 medians of HU are between the study's printed quartiles."
    assert "round 0.851 (printed 0.852)" in areas
    assert len(contradictions) == 2
    assert all(sentence.startswith("The study contradicts itself: ") for sentence in contradictions)
    assert "left, osteoporosis: printed 0.936" in contradictions[0]
    assert "front, osteoporosis, L1–L4" in contradictions[1]


def test_a_median_outside_is_named_with_both_numbers(sentences_of):
    # No quartiles of the study lie 200 HU apart: every median of L3 leaves them, and some of the means over L1–L4 do.
    inside, outside, *_ = sentences_of(200.0, "L3")
    assert outside.startswith("Outside them: L3, round, normal (")
    assert outside.count("L3, ") == 15
    assert int(inside.split()[0]) + outside.count(" HU, printed ") == 75


def test_regions_that_were_not_measured_are_not_compared(sentences_of):
    inside, areas, *_ = sentences_of(rois=("oval",))
    assert inside.startswith("15 of 15")
    assert areas == "Areas under the curve: oval 0.849 (printed 0.853)."
