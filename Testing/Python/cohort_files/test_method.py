"""The method paragraph of a cohort names every method that was used, and no other."""

import numpy as np
import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions, analyze
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort_files.method import method_text
from LumbarHULib.cohort_files.table import read_cohort
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs

GROUPS = ("osteoporosis",) * 5 + ("osteopenia",) * 5 + ("normal",) * 6
HU = np.array([40, 55, 60, 72, 80, 75, 90, 100, 110, 130, 95, 140, 150, 160, 175, 400.0])
T_SCORES = np.array([-3.0] * 5 + [-1.8] * 5 + [0.2] * 6)
OF_ROC = ("DeLong", "Youden", "bootstrap", "Wilson", "predictive", "κ")


def method(rois=ROIS[:3], levels=MEAN_LEVELS, groups=GROUPS, prevalences=None, **columns) -> str:
    """Return the method paragraph of a cohort of 16."""
    rng = np.random.default_rng(1)
    hu = {(level, roi): HU + rng.normal(0, 5, 16) for level in levels for roi in rois}
    numbers = {name: column for name, column in columns.items() if name != "sex"}
    labels = {"sex": columns["sex"]} if "sex" in columns else {}
    cohort = Cohort("c", tuple(f"c{number}" for number in range(16)), hu, groups, numbers, labels)
    options = AnalysisOptions(prevalences=prevalences or {}, resamples=100)
    return method_text(analyze(cohort, options, load_cutoffs().cutoffs))


@pytest.mark.parametrize(
    ("given", "t_scores", "reported"),
    [
        (GROUPS, None, "(6 normal, 5 osteopenia, 5 osteoporosis; as given)."),
        (("",) * 16, T_SCORES, "5 osteoporosis; by T-score: normal ≥ −1.0, osteoporosis ≤ −2.5, osteopenia between)."),
        (("", "", *GROUPS[2:]), T_SCORES, "; 14 as given and 2 by T-score: normal ≥ −1.0,"),
        (GROUPS, T_SCORES, "5 osteoporosis; as given)."),
        (GROUPS, -T_SCORES, "5 osteoporosis; as given)."),
    ],
)
def test_it_states_how_many_groups_were_given_and_how_many_follow_from_t_scores(tmp_path, given, t_scores, reported):
    t_scores = [""] * 16 if t_scores is None else t_scores
    columns = zip(HU, given, t_scores, strict=True)
    rows = [f"c{number},{hu},{group},{t_score}" for number, (hu, group, t_score) in enumerate(columns)]
    table = tmp_path / "COHORT.csv"
    table.write_text("\n".join(["case,hu_L1_round,group,t_score", *rows]), encoding="utf-8")
    options = AnalysisOptions(prevalences={}, resamples=100)
    assert reported in method_text(analyze(read_cohort(table), options, load_cutoffs().cutoffs))


def test_groups_from_t_scores_cannot_outnumber_the_groups():
    with pytest.raises(InputError, match="2 groups cannot be derived from T-scores if only 1 cases have a group"):
        Cohort("c", ("a", "b"), {}, ("normal", ""), groups_by_t_score=2)


def test_for_hu_and_groups_alone_it_names_the_possible_analyses():
    reported = method()
    assert reported.startswith(
        "Mean Hounsfield units (HU) over the vertebrae L1–L4 and of the single vertebrae L1, L2, L3 and L4 in the "
        "regions round, oval, right "
    )
    for word in ("Dunn", "Friedman", *OF_ROC[:4], "κ"):
        assert word in reported
    for word in ("Characteristics", "Shapiro", "χ²", "Spearman", "redictive values", "Bland"):
        assert word not in reported


def test_for_one_region_and_level_without_groups_it_names_little():
    reported = method(ROIS[:1], MEAN_LEVELS[:1], ("",) * 16)
    assert reported.startswith(
        "Mean Hounsfield units (HU) of the single vertebra L1 in the region round of 16 patients were analyzed. "
        "HU are reported as median and quartiles (weighted average at the ranks (n + 1)p). All confidence intervals"
    )
    assert "seed" not in reported


def test_it_names_the_tests_and_the_columns_used():
    reported = method(age=60 + np.arange(16.0) ** 1.3, bmd=HU / 140, prevalences={"osteoporosis": 0.3})
    assert "depending on the Shapiro–Wilk test, and compared between groups by " in reported
    assert "χ²" not in reported
    assert (
        "interval of Bonett and Wright, plain and adjusted for age; p-values by level were corrected by Holm"
        in reported
    )
    assert "hold for a prevalence of 30 % for osteoporosis." in reported
    sexes = method(sex=("male", "female") * 8)
    assert "Characteristics are reported as counts, and compared between groups by Pearson's χ² test." in sexes
