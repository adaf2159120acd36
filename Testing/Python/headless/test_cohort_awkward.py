"""Awkward levels, references and outcomes: a sentence each, and the rest is done."""

import json

import numpy as np
import pytest
from headless.cohort_files import random_cohort, rows_where, table, write_table
from headless.command_runner import lumbarhu
from sklearn.metrics import roc_auc_score

from LumbarHULib.core.levels import MEAN_LEVELS, ROIS

FAST = ("--bootstraps", "100")


def cohort(tmp_path, rows, *more, with_figures=False):
    """Run the command on a table and return the run and its folder."""
    out = tmp_path / "result"
    figures = () if with_figures else ("--no-figures",)
    run = lumbarhu("cohort", write_table(tmp_path / "clinic.csv", rows), "--out", out, *FAST, *figures, *more)
    assert (run.exit_code, run.err) == (0, "")
    return run, out


def round_only(rows, levels=MEAN_LEVELS):
    """Return the rows with the HU of round alone, at these levels."""
    hu = [f"hu_{level}_{roi}" for level in MEAN_LEVELS for roi in ROIS if roi != "round" or level not in levels]
    return [{name: cell for name, cell in row.items() if name not in hu} for row in rows]


def with_outcome(rows, seed=0):
    """Return the rows with an outcome that low HU have sooner, and its days."""
    rng = np.random.default_rng(seed)
    for row in rows:
        days = rng.exponential(20 * float(row["hu_L1_round"]))
        row |= {"outcome": int(days < 1000), "outcome_days": int(min(days, 1000)) + 1}
    return rows


def gaps(out, analysis):
    return {row["left_out"]: row["reason"] for row in rows_where(out / "gaps.csv", analysis=analysis)}


def test_a_table_of_l1_alone_has_roc_cutoff_and_figures_of_l1(tmp_path):
    rows = [
        {
            "case": row["case"],
            "hu_L1_round": row["hu_L1_round"],
            "age": row["age"],
            "sex": row["sex"],
            "group": row["group"],
        }
        for row in random_cohort(60)
    ]
    run, out = cohort(tmp_path, rows, with_figures=True)
    found = table(out / "roc_levels.csv")
    assert [(row["roi"], row["level"], row["target"]) for row in found] == [
        ("round", "L1", "osteoporosis"),
        ("round", "L1", "low_bmd"),
    ]
    hu = np.array([row["hu_L1_round"] for row in rows])
    expected = roc_auc_score([row["group"] == "osteoporosis" for row in rows], -hu)
    assert float(found[0]["auc"]) == pytest.approx(expected, rel=1e-12)
    assert float(found[0]["cutoff_low"]) <= float(found[0]["cutoff_hu"]) <= float(found[0]["cutoff_high"])
    assert {"roc_levels.png", "groups.png", "flow.png"} <= {path.name for path in (out / "figures").iterdir()}
    assert len(table(out / "findings.csv")) <= 5
    assert run.out.count("\n- ") <= 5
    assert "L1:\nROI" in run.out
    # The mean of one level is that level's, where it is chosen.
    _, out = cohort(tmp_path, rows, "--mean", "L1", "--overwrite", with_figures=True)
    mean_rows = table(out / "roc.csv")
    assert [row["auc"] for row in mean_rows] == [row["auc"] for row in found]
    assert {"roc.png", "roc_levels.png"} <= {path.name for path in (out / "figures").iterdir()}


def test_a_mean_over_chosen_levels_is_added_to_the_mean_over_l1_to_l4(tmp_path):
    rows = random_cohort()
    _, out = cohort(tmp_path, rows)
    usual = table(out / "roc.csv")
    _, out = cohort(tmp_path, rows, "--mean", "L1,L3", "--overwrite")
    is_positive = [row["group"] == "osteoporosis" for row in rows]
    for row in rows_where(out / "roc.csv", target="osteoporosis"):
        hu = np.mean([[one[f"hu_{level}_{row['roi']}"] for one in rows] for level in ("L1", "L3")], axis=0)
        assert float(row["auc"]) == pytest.approx(roc_auc_score(is_positive, -hu), rel=1e-12)
    level_rows = table(out / "roc_levels.csv")
    assert {row["level"] for row in level_rows} == {*MEAN_LEVELS, "L1–L4"}
    assert [row["auc"] for row in level_rows if row["level"] == "L1–L4"] == [row["auc"] for row in usual]
    assert not (out / "cutoffs.json").exists()
    assert "compares cutoffs with the mean over L1–L4, but these are for L1+L3" in gaps(out, "cutoffs.json")[""]
    assert table(out / "study_cutoffs.csv") == []
    assert {row["level"] for row in table(out / "groups.csv")} == {*MEAN_LEVELS, "L1+L3"}
    assert {row["class_round"] for row in table(out / "cases.csv")} == {""}
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert "over the vertebrae L1+L3 and of the single vertebrae" in page


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("L6", "Unknown level “L6”"),
        ("L2-L1", "is not a range of levels"),
        ("L1,L1", "names a level twice"),
        ("", "Unknown"),
    ],
)
def test_a_mean_that_cannot_be_computed_is_refused(tmp_path, given, says):
    path = write_table(tmp_path / "clinic.csv", random_cohort(6))
    run = lumbarhu("cohort", path, "--out", tmp_path / "result", "--mean", given, "--no-figures")
    assert (run.exit_code, run.out, run.err.count("\n")) == (2, "", 1)
    assert f"--mean {given} cannot be used. " in run.err
    assert says in run.err


def test_t12_and_l5_are_analyzed_and_enter_no_mean(tmp_path):
    rows = round_only(random_cohort())
    _, out = cohort(tmp_path, rows)
    before = table(out / "roc.csv")
    for row in rows:
        row |= {"hu_T12_round": row["hu_L1_round"] + 3, "hu_L5_round": row["hu_L4_round"] - 2}
    _, out = cohort(tmp_path, rows, "--overwrite")
    assert table(out / "roc.csv") == before
    found = {(row["level"], row["target"]): row["auc"] for row in table(out / "roc_levels.csv")}
    assert list(dict.fromkeys(level for level, _ in found)) == ["T12", *MEAN_LEVELS, "L5"]
    assert found["T12", "osteoporosis"] == found["L1", "osteoporosis"]
    densities = {(row["level"], row["density"]) for row in table(out / "correlation_levels.csv")}
    assert densities == {(level, "bmd") for level in ("T12", *MEAN_LEVELS, "L5")}


def test_a_level_with_three_cases_is_omitted_where_that_is_too_few(tmp_path):
    rows = round_only(random_cohort())
    for row in rows[3:]:
        row["hu_L4_round"] = ""
    _, out = cohort(tmp_path, rows)
    assert {row["level"] for row in table(out / "correlation_levels.csv")} == {"L1", "L2", "L3"}
    reasons = gaps(out, "Correlation with density")
    assert reasons == {"round of L4 with bmd": "A rank correlation needs at least 4 complete cases, but there are 3."}
    assert {row["level"] for row in table(out / "roc_levels.csv")} == {"L1", "L2", "L3"}
    assert any("at least 2 are needed" in reason for reason in gaps(out, "ROC").values())
    # Pairs of levels are compared on the cases that have both: L4 does not take cases from the others.
    pairs = table(out / "roc_differences_levels.csv")
    assert {(row["first"], row["second"], row["n"]) for row in pairs if "L4" not in (row["first"], row["second"])} >= {
        ("L1", "L2", "24"),
        ("L2", "L3", "24"),
    }


def test_a_class_empty_at_one_level_is_reported_for_that_level(tmp_path):
    rows = round_only(random_cohort())
    for row in rows:
        if row["group"] == "osteoporosis":
            row["hu_L2_round"] = ""
    _, out = cohort(tmp_path, rows)
    found = {(row["level"], row["target"]) for row in table(out / "roc_levels.csv")}
    assert found == {(level, target) for level in MEAN_LEVELS for target in ("osteoporosis", "low_bmd")} - {
        ("L2", "osteoporosis")
    }
    (reason,) = [reason for name, reason in gaps(out, "ROC").items() if name == "round of L2 for osteoporosis"]
    assert reason.startswith("0 cases with osteoporosis have all values")
    assert len(rows_where(out / "roc.csv", roi="round")) == 2


def test_constant_hu_at_one_level_are_reported_for_that_level(tmp_path):
    rows = [row | {"hu_L3_round": 100} for row in round_only(random_cohort())]
    _, out = cohort(tmp_path, rows)
    assert {row["level"] for row in table(out / "roc_levels.csv")} == {"L1", "L2", "L4"}
    for analysis in ("ROC", "Correlation with density"):
        assert any("is 100 in every case" in reason for reason in gaps(out, analysis).values())


def test_ties_are_computed_as_scikit_learn_does(tmp_path):
    rows = with_outcome(round_only(random_cohort(60)))
    for row in rows:
        row |= {f"hu_{level}_round": round(row[f"hu_{level}_round"] / 40) * 40 for level in MEAN_LEVELS}
        row["outcome_days"] = row["outcome_days"] // 200 * 200 + 200
    _, out = cohort(tmp_path, rows)
    for row in table(out / "roc_levels.csv"):
        hu = np.array([one[f"hu_{row['level']}_round"] for one in rows])
        is_positive = {
            "osteoporosis": [one["group"] == "osteoporosis" for one in rows],
            "low_bmd": [one["group"] != "normal" for one in rows],
            "outcome": [one["outcome"] == 1 for one in rows],
        }[row["target"]]
        assert float(row["auc"]) == pytest.approx(roc_auc_score(is_positive, -hu), rel=1e-12)
    assert {int(row["pairs"]) > 0 for row in table(out / "survival_concordance.csv")} == {True}


def test_an_outcome_without_times_has_roc_but_no_survival_curve(tmp_path):
    rows = with_outcome(round_only(random_cohort(60)))
    for row in rows:
        del row["outcome_days"]
    run, out = cohort(tmp_path, rows, "--outcome-name", "fracture", "--outcome-prevalence", "0.1")
    assert len(rows_where(out / "roc_levels.csv", target="fracture")) == 4
    (row,) = rows_where(out / "roc.csv", target="fracture")
    expected = roc_auc_score([one["outcome"] for one in rows], -np.mean([hu_of(one) for one in rows], axis=1))
    assert float(row["auc"]) == pytest.approx(expected, rel=1e-12)
    assert rows_where(out / "predictive.csv", target="fracture")[0]["prevalence"] == "0.1"
    assert table(out / "survival_concordance.csv") == []
    what = gaps(out, "Outcome over time")
    assert what == {"": "The table has an outcome but no usable outcome_days."}
    assert "fracture: " in run.out


def hu_of(row):
    return [row[f"hu_{level}_round"] for level in MEAN_LEVELS]


def test_times_without_an_outcome_are_reported_and_ignored(tmp_path):
    rows = with_outcome(round_only(random_cohort()))
    for row in rows:
        del row["outcome"]
    _, out = cohort(tmp_path, rows)
    what = gaps(out, "Outcome over time")
    assert what == {"": "The table has outcome_days but no usable outcome."}
    (row,) = rows_where(out / "gaps.csv", analysis="Outcome over time")
    assert row["would_need"] == "outcome"
    assert len(table(out / "roc.csv")) == 2


def test_negative_times_are_omitted_by_row_and_the_rest_is_analyzed(tmp_path):
    rows = with_outcome(round_only(random_cohort()))
    rows[0]["outcome_days"], rows[1]["outcome_days"] = -5, -7
    _, out = cohort(tmp_path, rows)
    reported = [row["sentence"] for row in rows_where(out / "rows.csv", column="outcome_days")]
    assert reported == [
        "Row 2, column outcome_days: -5 is outside 0 to 36525 d and is omitted.",
        "Row 3, column outcome_days: -7 is outside 0 to 36525 d and is omitted.",
    ]
    assert len(rows_where(out / "findings.csv", code="out_of_range")) == 1
    assert {(row["n"], row["left_out"]) for row in table(out / "survival_concordance.csv")} == {("22", "2")}


def test_an_outcome_without_cases_gets_a_finding(tmp_path):
    rows = [row | {"outcome": 0, "outcome_days": 100} for row in round_only(random_cohort())]
    _, out = cohort(tmp_path, rows)
    assert rows_where(out / "roc.csv", target="outcome") == []
    assert any("0 cases with outcome have all values" in reason for reason in gaps(out, "ROC").values())
    assert any("at least 1 case with the outcome" in reason for reason in gaps(out, "Harrell's C").values())


def test_outcomes_other_than_0_and_1_are_reported_by_row(tmp_path):
    rows = with_outcome(round_only(random_cohort()))
    rows[0]["outcome"], rows[1]["outcome"] = "2", "yes"
    _, out = cohort(tmp_path, rows)
    (row,) = rows_where(out / "rows.csv", column="outcome")
    assert row["sentence"] == "Row 2, column outcome: “2” is not one of 0, 1 and is omitted."


def test_a_cutoff_stated_beforehand_splits_the_curves(tmp_path):
    rows = with_outcome(round_only(random_cohort(60)))
    _, out = cohort(tmp_path, rows, "--outcome-cutoff", "110")
    found = table(out / "survival_log_rank.csv")
    assert {(row["cutoff_hu"], row["cutoff_source"]) for row in found} == {("110.0", "stated beforehand")}
    assert len(found) == 5


def test_quantitative_ct_alone_can_be_the_reference(tmp_path):
    rows = round_only(random_cohort(60))
    for row in rows:
        row["qct_mg_cc [mg/cm3]"] = round(13.7 + 0.6 * row["hu_L1_round"], 1)
        del row["group"], row["bmd"]
    run, out = cohort(tmp_path, rows)
    assert {row["target"] for row in table(out / "roc.csv")} == {"qct_osteoporosis", "qct_low_bmd"}
    assert {row["density"] for row in table(out / "correlation_levels.csv")} == {"qct_mg_cc"}
    (row,) = rows_where(out / "correlation_levels.csv", level="L1")
    assert float(row["rho"]) > 0.999
    assert gaps(out, "ROC against DXA") == {"": "No case has a group or a T-score."}
    assert "QCT: " in run.out


def test_t_scores_are_correlated_where_there_is_no_density(tmp_path):
    rows = [row | {"t_score": round(4 * row["bmd"] - 5, 3)} for row in round_only(random_cohort())]
    for row in rows:
        del row["bmd"]
    _, out = cohort(tmp_path, rows, with_figures=True)
    assert {row["density"] for row in table(out / "correlation_levels.csv")} == {"t_score"}
    assert {row["level"] for row in table(out / "correlation_levels.csv")} == {"L1–L4", *MEAN_LEVELS}
    assert (out / "figures" / "correlation.png").is_file()


def test_invalid_rows_are_counted_in_the_flow_and_listed_only_in_their_table(tmp_path):
    rows = round_only(random_cohort())
    rows += [rows[0], rows[1], {**rows[2], "case": ""}]
    run, out = cohort(tmp_path, rows)
    steps = {row["step"]: row for row in rows_where(out / "flow.csv", reference="DXA", level="L1–L4")}
    assert (steps["rows in the table"]["n"], steps["cases"]["n"], steps["cases"]["left_out"]) == ("27", "24", "3")
    assert steps["cases"]["reasons"] == "2 of a repeated case; 1 without a case name"
    assert run.out.count("repeats case") == 1  # the first represents both
    assert len(rows_where(out / "rows.csv", code="duplicate_case")) == 2


@pytest.mark.parametrize("seed", [1, 4])
def test_a_curve_without_discrimination_gives_no_cutoff_file_unless_forced(tmp_path, spine, seed):
    rng = np.random.default_rng(seed)
    rows = random_cohort(60)
    for row in rows:
        row["group"] = ("normal", "osteopenia", "osteoporosis")[int(rng.integers(3))]
    _, out = cohort(tmp_path, rows)
    assert not (out / "cutoffs.json").exists()
    assert "The area under the ROC curve for osteoporosis is 0." in gaps(out, "cutoffs.json")[""]
    for finding in rows_where(out / "findings.csv", code="useless_roc_curve"):
        assert finding["severity"] == "severe"
    run, out = cohort(tmp_path, rows, "--force-cutoffs", "--overwrite")
    if not (out / "cutoffs.json").exists():  # two cutoffs in the wrong order cannot be forced
        assert "not below" in gaps(out, "cutoffs.json")[""]
        return
    assert "Written because of --force-cutoffs" in " ".join(
        json.loads((out / "cutoffs.json").read_text(encoding="utf-8"))["notes"]
    )
    audit = tmp_path / "audit"
    run = lumbarhu(
        *("measure", spine.ct, "--markups", spine.markups, "--out", audit),
        *("--cutoffs", out / "cutoffs.json"),
    )
    assert run.exit_code == 0
    useless = {
        row["roi"]
        for row in rows_where(out / "roc.csv")
        if row["target"] in ("osteoporosis", "low_bmd") and float(row["ci_low"]) <= 0.5
    }
    reported = {row["roi"] for row in table(audit / "summary.csv") if "cutoff_of_useless_curve" in row["findings"]}
    assert reported == useless
    assert useless


def test_a_curve_in_the_wrong_direction_is_not_accepted(tmp_path):
    rows = round_only(random_cohort())
    for row in rows:
        row |= {f"hu_{level}_round": 300 - row[f"hu_{level}_round"] for level in MEAN_LEVELS}
    _, out = cohort(tmp_path, rows)
    assert {float(row["auc"]) < 0.5 for row in table(out / "roc.csv")} == {True}
    reported = [row["sentence"] for row in rows_where(out / "findings.csv", code="useless_roc_curve")]
    assert all("low HU do not find it" in sentence for sentence in reported)
    assert table(out / "class_agreement.csv")  # by the study's cutoffs, not by the cohort's own
    assert {row["cutoffs"] for row in table(out / "class_agreement.csv")} == {"Shanghai 2022"}
