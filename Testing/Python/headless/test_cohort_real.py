"""The command on a published cohort's numbers, against scipy: density and failure load of 141 vertebrae.

The density represents HU, equal at every level, and the failure load bone mineral density, moved into the range of
densities: the ranks are the same, and the groups are its thirds.
"""

import csv

import numpy as np
import pytest
from headless.cohort_files import rows_where, table, write_table
from headless.command_runner import lumbarhu
from scipy import stats
from sklearn.metrics import roc_auc_score

DENSITY, LOAD = "Phantomless Calibration vBMD [mg/cc]", "F.Load (nonlinear) [kN]"
GROUPS = ("osteoporosis", "osteopenia", "normal")


@pytest.fixture(scope="module")
def rows(real_data) -> list[dict]:
    with (real_data("l2-density-not-hu") / "verse19fem_AppendixA.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    loads = np.array([float(row[LOAD] or "nan") for row in read])
    edges = np.nanquantile(loads, (1 / 3, 2 / 3))
    rows = []
    for number, (row, load) in enumerate(zip(read, loads, strict=True)):
        known = not np.isnan(load)
        rows.append(
            {
                "case": f"{row['verse_ID']}-{number}",
                "sex": row["Sex"],
                "bmd": repr(0.2 + float(load) / 5) if known else "",
                "group": GROUPS[int(np.searchsorted(edges, load))] if known else "",
                **{f"hu_{level}_round": row[DENSITY] for level in ("L1", "L2", "L3", "L4")},
            }
        )
    return rows


@pytest.fixture(scope="module")
def result(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    run = lumbarhu("cohort", write_table(folder / "c.csv", rows), "--out", folder / "out", "--bootstraps", "200")
    assert (run.exit_code, run.err) == (0, "")
    return folder / "out"


def known(rows) -> list[dict]:
    return [row for row in rows if row["bmd"] and row["hu_L1_round"]]


def test_the_rank_correlation_matches_scipy(rows, result):
    pairs = np.array([(float(row["hu_L1_round"]), float(row["bmd"])) for row in known(rows)])
    expected = stats.spearmanr(*pairs.T)
    (row,) = table(result / "correlation.csv")
    assert int(row["n"]) == len(pairs) > 100
    assert (float(row["rho"]), float(row["p"])) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_groups_and_areas_are_those_of_scipy_and_scikit_learn(rows, result):
    samples = {
        group: np.array([float(row["hu_L1_round"]) for row in known(rows) if row["group"] == group]) for group in GROUPS
    }
    (row,) = rows_where(result / "groups.csv", level="L1–L4", quantity="round", group="normal")
    expected = stats.kruskal(*samples.values())
    assert (float(row["statistic"]), float(row["p"])) == pytest.approx(tuple(expected), rel=1e-9)
    assert float(row["median"]) == pytest.approx(np.median(samples["normal"]), rel=1e-12)
    is_positive = np.repeat([True, False, False], [sample.size for sample in samples.values()])
    area = roc_auc_score(is_positive, -np.concatenate(list(samples.values())))
    (row,) = rows_where(result / "roc.csv", target="osteoporosis")
    assert float(row["auc"]) == pytest.approx(area, rel=1e-12)


def test_missing_parts_of_the_table_are_named_and_omitted(result):
    assert table(result / "findings.csv") == []
    gaps = {(row["analysis"], row["left_out"]): row for row in table(result / "gaps.csv")}
    regions = gaps["Everything about some regions", "oval; right; front; left"]
    assert regions["would_need"] == "hu_…_oval; hu_…_right; hu_…_front; hu_…_left"
    assert "cannot rank them" in gaps["Difference between levels", "round"]["reason"]  # the levels are alike
