"""lumbarhu cohort: the folder is complete or not written; it has every documented file, and gaps are named."""

import csv
import json
import re
import sys

import pytest
from headless.cohort_files import column, mean_hu, random_cohort, rows_where, table, write_table
from headless.command_runner import lumbarhu, lumbarhu_process
from headless.phantom_files import files_of

from LumbarHULib.cohort_files.folder import OWN_COHORT_FOLDER
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol

# As the issue gives them.
COLUMNS = {
    "correlation": "roi,n,rho,ci_low,ci_high,p",
    "roc": "roi,target,positive,n_positive,n_negative,auc,ci_low,ci_high,cutoff_hu,cutoff_low,cutoff_high,sensitivity,"
    "specificity,true_positive,true_negative,youden",
}
FAST = ("--bootstraps", "100", "--no-figures")


def cohort(tmp_path, rows, *more, name="clinic.csv"):
    """Run the command on a table and return the run and its folder."""
    out = tmp_path / "result"
    return lumbarhu("cohort", write_table(tmp_path / name, rows), "--out", out, *FAST, *more), out


def gaps(out, analysis):
    """Return the rows of an analysis's missing results."""
    return rows_where(out / "gaps.csv", analysis=analysis)


def assert_refused(run, says):
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert says in run.err


def test_the_folder_contains_exactly_the_expected_files(example_cohort):
    result = example_cohort / "result"
    assert {path.name for path in result.iterdir()} == set(OWN_COHORT_FOLDER.names)
    pictures = {path.name for path in (result / "figures").iterdir()}
    names = ["flow", "correlation", "groups", "correlation_levels", "survival", "bland_altman_1"]
    names += [f"{name}{of}" for name in ("roc", "roc_levels", "forest") for of in ("", "_qct", "_outcome")]
    assert pictures == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}


def test_the_demo_says_where_it_deviates_from_the_study(example_cohort_run):
    run, _ = example_cohort_run
    assert "- 75 of 75 medians of HU are between the study's printed quartiles." in run.out
    assert run.out.count("- The study contradicts itself: ") == 2


@pytest.mark.parametrize("name", COLUMNS)
def test_the_columns_are_the_documented_ones(example_cohort, name):
    text = (example_cohort / "result" / f"{name}.csv").read_text(encoding="utf-8")
    assert text.partition("\n")[0] == COLUMNS[name]


def test_figures_can_be_left_out_and_are_named_as_missing(tmp_path):
    run, out = cohort(tmp_path, random_cohort(30))
    assert (run.exit_code, list((out / "figures").iterdir())) == (0, [])
    assert gaps(out, "Figures")[0]["would_need"] == "a run without the option --no-figures"
    assert "<figure" not in (out / "summary.html").read_text(encoding="utf-8")


def test_the_same_table_gives_the_same_bytes_and_seed_and_prevalence_change_only_what_they_decide(tmp_path):
    run, out = cohort(tmp_path, random_cohort())
    before = files_of(out)
    again = lumbarhu_process("cohort", tmp_path / "clinic.csv", "--out", out, *FAST, "--overwrite")
    assert (run.exit_code, again.exit_code, again.err) == (0, 0, "")
    assert files_of(out) == before
    options = ("--seed", "2", "--prevalence", "0.1", "--low-bmd-prevalence", "0.5", "--overwrite")
    run = lumbarhu("cohort", tmp_path / "clinic.csv", "--out", out, *FAST, *options)
    changed = {name for name, content in files_of(out).items() if before[name] != content}
    assert run.exit_code == 0
    # The prevalence was not stated before, which is a gap.
    with_prevalence = {"predictive.csv", "predictive_levels.csv", "gaps.csv"}
    with_seed = {f"{name}{of}.csv" for name in ("roc", "cutoff_accuracy") for of in ("", "_levels")}
    # The checklist states both.
    assert changed == {"cutoffs.json", "summary.html", "checklist.csv"} | with_prevalence | with_seed
    reported = {(row["target"], row["prevalence"]) for row in table(out / "predictive.csv")}
    assert reported == {("osteoporosis", "0.1"), ("low_bmd", "0.5")}
    assert "10 % for osteoporosis and 50 % for osteopenia" in (out / "summary.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("stated", "target", "positive", "other"),
    [
        (("--prevalence", "0.2"), "osteoporosis", "osteoporosis", "osteopenia or osteoporosis"),
        (("--low-bmd-prevalence", "0.2"), "low_bmd", "osteopenia or osteoporosis", "osteoporosis"),
    ],
)
def test_without_a_stated_prevalence_there_are_no_predictive_values(tmp_path, stated, target, positive, other):
    run, out = cohort(tmp_path, random_cohort(), *stated)
    assert run.exit_code == 0
    assert {(row["target"], row["prevalence"]) for row in table(out / "predictive.csv")} == {(target, "0.2")}
    (gap,) = gaps(out, "Predictive values")
    option = {"osteoporosis": "--prevalence"}.get(other, "--low-bmd-prevalence")
    assert gap == {
        "analysis": "Predictive values",
        "left_out": other,
        "reason": "Its prevalence was not stated.",
        "would_need": f"the option {option}",
    }
    summary = (out / "summary.html").read_text(encoding="utf-8")
    assert f"hold for a prevalence of 20 % for {positive}. " in summary


def test_the_cutoff_file_can_be_used_at_once(example_cohort, one_level, tmp_path):
    cutoffs = example_cohort / "result" / "cutoffs.json"
    protocol = example_cohort / "result" / "protocol.json"
    run = lumbarhu(
        *("measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "audit"),
        *("--cutoffs", cutoffs, "--protocol", protocol),
    )
    assert (run.exit_code, run.err) == (0, "")
    own = {(row["roi"], row["target"]): row for row in table(example_cohort / "result" / "roc.csv")}
    document = load_cutoffs(cutoffs)
    for roi in ROIS:
        pair = document.cutoffs.rois[roi]
        for target, cutoff in (("osteoporosis", pair.osteoporosis), ("low_bmd", pair.normal)):
            row = own[roi, target]
            reported = [cutoff.cutoff_hu, cutoff.low_hu, cutoff.high_hu]
            assert reported == [float(row[name]) for name in ("cutoff_hu", "cutoff_low", "cutoff_high")]
            assert cutoff.sensitivity.count == int(row["true_positive"])
    assert document.name == "SYNTHETIC cohort synthetic-cohort"
    assert {roi_cutoffs.whose for roi_cutoffs in document.cutoffs.rois.values()} == {"the cohort's"}
    assert document.document["population"]["osteoporosis"] == 27
    assert "n = 100" in document.document["citation"]


def test_the_sites_own_measurement_error_becomes_a_protocol(example_cohort):
    protocol = load_protocol(example_cohort / "result" / "protocol.json")
    rows = [row for row in table(example_cohort / "result" / "agreement.csv") if row["level"] == "L1–L4"]
    greatest = max(float(row["lsc_hu"]) for row in rows)
    assert 0 <= protocol.protocol.patient.lsc_hu - greatest <= 0.1
    study = load_protocol()
    assert {**study.protocol.values, "lsc_hu": 0} == {**protocol.protocol.values, "lsc_hu": 0}
    assert "between" in protocol.document["values"]["lsc_hu"]["note"].lower()


def test_everything_synthetic_is_marked_as_synthetic(example_cohort):
    for path in example_cohort.glob("*.csv"):
        assert all(row["case"].startswith("synthetic-") for row in table(path))
    result = example_cohort / "result"
    assert (result / "summary.html").read_text(encoding="utf-8").count("SYNTHETIC") >= 3
    assert "SYNTHETIC" in json.loads((result / "cutoffs.json").read_text(encoding="utf-8"))["notes"][0]
    assert "SYNTHETIC" in (result / "protocol.json").read_text(encoding="utf-8")


def test_missing_parts_are_named_and_omitted_and_the_rest_continues(tmp_path):
    rows = [{"case": row["case"], "group": row["group"], **hu_of(row, "round")} for row in random_cohort()]
    run, out = cohort(tmp_path, rows)
    assert run.exit_code == 0
    reported = [tuple(row.values()) for row in table(out / "gaps.csv")]
    missing = "sex; menopause; age; bmi; bmd; bmd_neck; bmd_hip; t_score; days_ct_dxa"
    no_column = "The table has no such column, or no usable value in it."
    for part in (
        ("Characteristics", missing, no_column, missing),
        ("Correlation with density", "", "The table has no density.", "bmd, t_score or qct_mg_cc"),
        ("Agreement of readings", "", "No case has a reading.", "audit, or the option --readings"),
        (
            "Everything about some regions",
            "oval; right; front; left",
            "No case has HU there.",
            "hu_…_oval; hu_…_right; hu_…_front; hu_…_left",
        ),
    ):
        assert part in reported
    reasons = {row[0]: row[2] for row in reported}
    assert (
        reasons["cutoffs.json"]
        == "It is not written. oval: The ROC analysis gave no cutoff for osteoporosis and low_bmd: add cases."
    )
    assert "The cases have no differing readings of two readers." in reasons["protocol.json"]
    assert f"{len(reported)} results are missing: gaps.csv states why" in run.out
    assert {row["code"] for row in table(out / "findings.csv")} == {"small_group"}
    assert [row["roi"] for row in table(out / "roc.csv")] == ["round", "round"]
    assert table(out / "correlation.csv") == []
    assert not (out / "cutoffs.json").exists()


def test_a_joint_finding_names_every_affected_column(tmp_path):
    rows = [{"case": row["case"], "group": row["group"], **hu_of(row, "round")} for row in random_cohort(6)]
    run, out = cohort(tmp_path, [row | {"age": "old", "bmd": "low"} for row in rows])
    reported = "12 findings of the same kind in age, bmd (rows.csv), such as: Row 2"
    assert run.out.count("findings of the same kind") == 1
    for text in (run.out, (out / "summary.html").read_text(encoding="utf-8")):
        assert reported in text
    (finding,) = rows_where(out / "findings.csv", code="no_number")
    assert finding["sentence"].startswith(reported)
    rows = rows_where(out / "rows.csv", code="no_number")
    assert sorted((row["column"], int(row["row"])) for row in rows) == [
        (column, row) for column in ("age", "bmd") for row in range(2, 8)
    ]


def hu_of(row: dict, roi: str) -> dict:
    return {name: value for name, value in row.items() if name.startswith("hu_") and name.endswith(roi)}


def test_missing_cells_are_counted_where_they_count(tmp_path):
    rows = random_cohort()
    rows[0]["bmd"] = ""
    rows[1]["hu_L3_oval"] = ""
    for name in hu_of(rows[2], "left"):
        rows[2][name] = ""
    rows[3]["group"] = ""
    run, out = cohort(tmp_path, rows)
    assert run.exit_code == 0
    assert {row["roi"]: row["n"] for row in table(out / "correlation.csv")} == dict.fromkeys(ROIS, "23") | {
        "left": "22"
    }
    assert [row["n_negative"] for row in table(out / "roc.csv")][:5] == ["15"] * 5
    reported = [row["sentence"] for row in table(out / "findings.csv")]
    assert "1 case has no group by DXA and cannot be used to compare groups." in reported
    assert "Without a mean over L1–L4: 1 case in left." in reported
    assert "With a mean over fewer levels than L1–L4: 1 case in oval." in reported
    summary = (out / "summary.html").read_text(encoding="utf-8")
    assert re.search(r"BMD of L1–L4 .*?\), n = 23<", summary, re.DOTALL)
    assert {"round, 8 : 15", "left, 7 : 15"} <= set(re.findall(r">(\w+, \d+ : \d+)<", summary))
    cases = table(out / "cases.csv")
    assert (cases[1]["levels_oval"], cases[2]["mean_hu_left"], cases[2]["class_left"]) == ("3", "", "")
    whole = [row for number, row in enumerate(rows) if number not in (1, 2)]
    means = [float(row["mean_hu_oval"]) for number, row in enumerate(cases) if number not in (1, 2)]
    assert means == pytest.approx(mean_hu(whole, "oval"), rel=1e-12)


@pytest.mark.parametrize("groups", [["normal"], ["normal", "osteoporosis"], [""]])
def test_analyses_that_need_an_empty_group_are_omitted(tmp_path, groups):
    rows = random_cohort()
    for number, row in enumerate(rows):
        row["group"] = groups[number % len(groups)]
    run, out = cohort(tmp_path, rows)
    assert run.exit_code == 0
    assert len(table(out / "correlation.csv")) == 5
    targets = {row["target"] for row in table(out / "roc.csv")}
    assert targets == ({"osteoporosis", "low_bmd"} if len(groups) == 2 else set())
    if groups == [""]:
        assert (
            "24 cases; no case has a reference (T-score, group, QCT or outcome), so there are no ROC curves" in run.out
        )
        return
    sizes = [float(x) for x in re.search(r"24 cases: (\d+) normal, (\d+) osteopenia, (\d+)", run.out).groups()]
    assert sizes == [sum(row["group"] == name for row in rows) for name in ("normal", "osteopenia", "osteoporosis")]


def test_one_case_alone_is_described(tmp_path):
    run, out = cohort(tmp_path, random_cohort(1))
    assert (run.exit_code, run.err) == (0, "")
    assert column(table(out / "groups.csv"), "n").max() == 1


def test_constant_hu_get_a_finding_and_nothing_else_is_lost(tmp_path):
    rows = [row | hu_of(dict.fromkeys(row, 5), "round") for row in random_cohort()]
    run, out = cohort(tmp_path, rows)
    assert run.exit_code == 0
    assert {row["roi"] for row in table(out / "roc.csv")} == set(ROIS) - {"round"}
    assert "is 5 in every case" in (out / "gaps.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--prevalence", "0"), "--prevalence 0 is not a share"),
        (("--prevalence", "20 %"), "--prevalence 20 % is not a share"),
        (("--low-bmd-prevalence", "1"), "--low-bmd-prevalence 1 is not a share"),
        (
            ("--prevalence", "0.5", "--low-bmd-prevalence", "0.2"),
            "The prevalence of osteopenia or osteoporosis, 20 %, is below that of osteoporosis alone, 50 %",
        ),
        (("--bootstraps", "99"), "--bootstraps 99 cannot be used: give a whole number from 100 to 1000000"),
        (("--seed", "x"), "--seed x cannot be used"),
        (("--readings", "none.csv"), "There is no file “none.csv”"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_and_nothing_is_written(tmp_path, option, says):
    run = lumbarhu("cohort", write_table(tmp_path / "c.csv", random_cohort()), "--out", tmp_path / "result", *option)
    assert_refused(run, says)
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_an_unusable_table_is_refused_and_nothing_is_written(tmp_path):
    run, out = cohort(tmp_path, [{"case": "a", "age": 5}])
    assert_refused(run, "has neither a column “audit” nor columns such as “hu_L1_round”")
    assert not out.exists()


def test_an_existing_folder_is_kept_unless_overwriting_is_allowed_and_a_foreign_one_always(tmp_path):
    rows, out = random_cohort(6), tmp_path / "result"
    out.mkdir()
    (out / "summary.html").write_text("an older one")
    assert_refused(cohort(tmp_path, rows)[0], "already exists")
    (out / "mine.txt").write_text("mine")
    assert_refused(cohort(tmp_path, rows, "--overwrite")[0], "not overwritten")
    assert files_of(out) == {"summary.html": b"an older one", "mine.txt": b"mine"}
    (out / "mine.txt").unlink()
    assert cohort(tmp_path, rows, "--overwrite")[0].exit_code == 0
    assert b"an older one" not in files_of(out)["summary.html"]


def test_the_table_cannot_be_overwritten_by_its_own_result(tmp_path):
    out = tmp_path / "result"
    out.mkdir()
    (out / "summary.html").write_text("an older one")
    inside = write_table(out / "cases.csv", random_cohort(6))
    before = files_of(out)
    assert_refused(lumbarhu("cohort", inside, "--out", out, *FAST, "--overwrite"), "contains the input")
    assert files_of(out) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on the size of files")
def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    write_table(tmp_path / "c.csv", random_cohort())
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    run = lumbarhu_process("cohort", tmp_path / "c.csv", "--out", tmp_path / "out", *FAST, before=limit)
    assert_refused(run, "cannot be written")
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_the_demo_says_where_its_files_are_and_what_to_try_next(example_cohort_run, tmp_path):
    run, folder = example_cohort_run
    assert run.out.startswith("Synthetic example cohort of 100 made-up patients")
    command = re.search(r"lumbarhu (cohort .*)$", run.out, re.MULTILINE).group(1).split()
    command[-1] = tmp_path / "again"
    assert lumbarhu(*command, "--no-figures").exit_code == 0
    again, before = files_of(tmp_path / "again"), files_of(folder / "result")
    without_figures = {"gaps.csv", "summary.html"}
    assert {name for name in before if again.get(name) != before[name]} == {
        *without_figures,
        *(name for name in before if name.startswith("figures/")),
    }


@pytest.mark.proof
def test_what_the_demo_says_to_try_next_gives_its_folder_again_with_figures(example_cohort_run, tmp_path):
    run, folder = example_cohort_run
    command = re.search(r"lumbarhu (cohort .*)$", run.out, re.MULTILINE).group(1).split()
    command[-1] = tmp_path / "again"
    assert lumbarhu(*command).exit_code == 0
    assert files_of(tmp_path / "again") == files_of(folder / "result")


def test_the_documents_list_exactly_the_tables_and_columns_written(example_cohort, repository):
    page = (repository / "Docs" / "cohort-tables.md").read_text(encoding="utf-8")
    described = {}
    for section in page.split("\n## ")[1:]:
        cells = re.findall(r"^\| (`.*?`) \| (.*?) \| (.+) \|$", section, re.MULTILINE)
        assert all(meaning.strip() for _, _, meaning in cells)
        described[section.partition("\n")[0]] = {
            name for names, _, _ in cells for name in re.findall(r"`(\w+)`", names)
        }
    written = {}
    for path in (example_cohort / "result").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            written[path.name] = set(next(csv.reader(stream)))
    assert described == written


def test_parts_omitted_for_one_reason_are_listed_in_one_finding(example_cohort, tmp_path):
    lines = (example_cohort / "synthetic-cohort.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "two.csv").write_text("".join(lines[:3]), encoding="utf-8")
    run = lumbarhu("cohort", tmp_path / "two.csv", "--out", tmp_path / "out", *FAST)
    assert run.exit_code == 0
    reported = [line for line in run.out.splitlines() if line.startswith("- ")]
    assert len(reported) < 6
    assert max(map(len, reported)) < 400
    (row,) = gaps(tmp_path / "out", "Tests of HU by group")
    assert row["reason"] == "A comparison of each needs at least 2 groups with values, but there is 1."
    for level in ("L1", "L2", "L3", "L4", "L1–L4"):
        for roi in ("bmd", *ROIS):
            assert f"{roi} of {level}" in row["left_out"]
