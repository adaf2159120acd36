"""On the numbers of a published cohort, against scipy: density and failure load of 141 vertebrae."""

import csv

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from LumbarHULib.cohort.correlation import spearman
from LumbarHULib.cohort.groups import compare_groups
from LumbarHULib.cohort.roc import area_under_curve
from LumbarHULib.cohort.targets import TARGETS

DENSITY, LOAD = "Phantomless Calibration vBMD [mg/cc]", "F.Load (nonlinear) [kN]"


@pytest.fixture(scope="module")
def cohort(real_data):
    with (real_data("l2-density-not-hu") / "verse19fem_AppendixA.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in (DENSITY, LOAD)}
    return columns | {"sex": np.array([row["Sex"] for row in rows])}


def test_density_and_load_correlate_as_in_scipy(cohort):
    found = spearman(cohort[DENSITY], cohort[LOAD])
    expected = stats.spearmanr(cohort[DENSITY], cohort[LOAD], nan_policy="omit")
    assert found.n > 100
    assert (found.estimate, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
    assert found.n + found.left_out == len(cohort["sex"])


def test_women_and_men_differ_in_load_as_in_scipy(cohort):
    found = compare_groups(cohort[LOAD], cohort["sex"], ("F", "M"))
    known = ~np.isnan(cohort[LOAD])
    samples = [cohort[LOAD][known & (cohort["sex"] == sex)] for sex in ("F", "M")]
    expected = stats.f_oneway(*samples) if found.test.test == "ANOVA" else stats.kruskal(*samples)
    assert (found.test.statistic, found.test.p_value) == pytest.approx(tuple(expected), rel=1e-9)


def test_low_density_finds_low_load_as_scikit_learn_says(cohort):
    known = ~np.isnan(cohort[DENSITY]) & ~np.isnan(cohort[LOAD])
    weak = cohort[LOAD] < np.nanmedian(cohort[LOAD])
    groups = [("osteoporosis" if one else "normal") if there else "" for one, there in zip(weak, known, strict=True)]
    found = area_under_curve(cohort[DENSITY], groups, TARGETS["osteoporosis"])
    assert found.estimate == pytest.approx(roc_auc_score(weak[known], -cohort[DENSITY][known]), abs=1e-12)
