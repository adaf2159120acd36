"""lumbarhu compare: one command, one page; complete or not written; every refusal is one sentence."""

import json
import math
import re

import pytest
from headless.cohort_files import column, mean_hu, number, random_cohort, rows_where, table, write_table
from headless.command_runner import lumbarhu, lumbarhu_process
from headless.phantom_files import files_of
from headless.test_cohort_summary import Page

from LumbarHULib.cohort_files.methods.folder import OWN_COMPARISON_FOLDER
from LumbarHULib.core.levels import MEAN_LEVELS

FAST = ("--no-figures",)


@pytest.fixture
def rows():
    return random_cohort(30)


def compare(tmp_path, rows, *more, name="clinic.csv"):
    out = tmp_path / "result"
    return lumbarhu("compare", write_table(tmp_path / name, rows), *more, "--out", out), out


def results_of(tmp_path, rows, name="thin", region="round", shift=0.0):
    """Write a table of results by another protocol, as batch does, and return its folder."""
    (tmp_path / name).mkdir()
    lines = [
        {"case": row["case"], "reader": "x", "reading": 1, "level": level, "roi": region}
        | {"mean_hu": row[f"hu_{level}_round"] + shift, "excluded": ""}
        for row in rows
        for level in MEAN_LEVELS
    ]
    return write_table(tmp_path / name / "results.csv", lines).parent


def test_the_folder_contains_exactly_the_expected_files_and_one_page(tmp_path, rows):
    run, out = compare(tmp_path, rows, "--methods", "round", "oval", "round@L1")
    assert (run.exit_code, run.err) == (0, "")
    assert {path.name for path in out.iterdir()} == set(OWN_COMPARISON_FOLDER.names)
    pictures = {path.name for path in (out / "figures").iterdir()}
    names = ("bland_altman", "regression", "roc", "areas")
    assert pictures == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}
    page = Page((out / "comparison.html").read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "object", "form", "a"} & set(page.tags)
    assert page.tags.count("img") == 4
    text = " ".join(page.words)
    for part in ("Summary", "Method", "Bland and Altman", "Deming", "Passing and Bablok", "DeLong", "Holm", "Findings"):
        assert part in text
    assert f"Summary:  {out / 'comparison.html'}" in run.out


def test_round_against_oval_against_another_protocol_is_one_command(tmp_path, rows):
    thin = results_of(tmp_path, rows, region="circle_200mm2", shift=-7.0)
    methods = ("--methods", "round", "oval", "thin:circle_200mm2@L1-L4")
    run, out = compare(tmp_path, rows, *methods, "--results", f"thin={thin}", *FAST)
    assert run.exit_code == 0
    found = {(row["first"], row["second"]): row for row in table(out / "bland_altman.csv")}
    assert list(found) == [
        ("round@L1-L4", "oval@L1-L4"),
        ("round@L1-L4", "thin:circle_200mm2@L1-L4"),
        ("oval@L1-L4", "thin:circle_200mm2@L1-L4"),
    ]
    expected = float((mean_hu(rows, "round") - mean_hu(rows, "oval")).mean())
    assert number(found["round@L1-L4", "oval@L1-L4"], "bias_hu") == pytest.approx(expected)
    assert number(found["round@L1-L4", "thin:circle_200mm2@L1-L4"], "bias_hu") == pytest.approx(7)


def test_one_level_against_the_mean_of_four(tmp_path, rows):
    run, out = compare(tmp_path, rows, "--methods", "round@L1", "round", *FAST)
    assert run.exit_code == 0
    (row,) = table(out / "bland_altman.csv")
    expected = (column(rows, "hu_L1_round") - mean_hu(rows, "round")).mean()
    assert number(row, "bias_hu") == pytest.approx(expected)
    assert table(out / "class_agreement.csv") == []
    (gap,) = rows_where(out / "gaps.csv", analysis="Agreement of classes")
    assert "has no cutoffs" in gap["reason"]


def test_differences_of_areas_are_those_of_the_command_cohort(tmp_path, rows):
    run, out = compare(tmp_path, rows, "--methods", "round", "oval", "right", "front", "left", *FAST)
    assert run.exit_code == 0
    cohort = tmp_path / "cohort"
    lumbarhu("cohort", tmp_path / "clinic.csv", "--out", cohort, "--no-figures", "--bootstraps", "100")
    for theirs in table(cohort / "roc_differences.csv"):
        names = {name: f"{theirs[name]}@L1-L4" for name in ("first", "second")}
        (ours,) = rows_where(out / "roc_differences.csv", target=theirs["target"], **names)
        for name in ("difference", "ci_low", "ci_high", "z", "p"):
            assert number(ours, name) == pytest.approx(number(theirs, name), rel=1e-9, abs=1e-12)
    for theirs in table(cohort / "roc.csv"):
        (ours,) = rows_where(out / "roc.csv", target=theirs["target"], method=f"{theirs['roi']}@L1-L4")
        assert (ours["auc"], ours["ci_low"], ours["ci_high"]) == (theirs["auc"], theirs["ci_low"], theirs["ci_high"])


def test_the_same_tables_give_the_same_bytes_in_another_process(tmp_path, rows):
    arguments = ("--methods", "round", "oval")
    run, out = compare(tmp_path, rows, *arguments)
    before = files_of(out)
    again = lumbarhu_process("compare", tmp_path / "clinic.csv", *arguments, "--out", out, "--overwrite")
    assert (run.exit_code, again.exit_code, again.err) == (0, 0, "")
    assert files_of(out) == before


def test_results_alone_are_compared_without_a_reference(tmp_path, rows):
    folders = [results_of(tmp_path, rows, name, shift=shift) for name, shift in (("thin", 0.0), ("thick", 4.0))]
    out = tmp_path / "result"
    results = [part for folder in folders for part in ("--results", f"{folder.name}={folder / 'results.csv'}")]
    run = lumbarhu("compare", "--methods", "thin:round", "thick:round", *results, "--out", out, *FAST)
    assert run.exit_code == 0
    (row,) = table(out / "bland_altman.csv")
    assert number(row, "bias_hu") == pytest.approx(-4)
    assert table(out / "roc.csv") == []
    assert rows_where(out / "gaps.csv", analysis="ROC curves")[0]["reason"] == "No case has a reference."


def test_missing_cells_and_ties_leave_no_empty_number(tmp_path, rows):
    for index, row in enumerate(rows):
        row |= {name: str(round(float(row[name]), -1)) for name in row if name.startswith("hu_")}
        if index % 4 == 0:
            row["hu_L3_oval"] = ""
        if index % 7 == 0:
            row |= {f"hu_{level}_left": "" for level in MEAN_LEVELS}
    run, out = compare(tmp_path, rows, "--methods", "round", "oval", "left", *FAST)
    assert run.exit_code == 0
    for path in out.glob("*.csv"):
        assert not {"nan", "inf", "-inf"} & {cell.casefold() for row in table(path) for cell in row.values()}
    for row in table(out / "pairs.csv"):
        assert all(math.isfinite(number(row, name)) for name in ("first_hu", "second_hu", "difference_hu"))
    assert {row["n"] for row in table(out / "bland_altman.csv")} == {"30", "25"}


def test_the_documents_list_exactly_the_tables_and_columns_written(tmp_path, rows, repository):
    _, out = compare(tmp_path, rows, "--methods", "round", "oval", *FAST)
    page = (repository / "Docs" / "comparison-tables.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\.csv\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    documented = {
        name: re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)))
        for name, text in sections.items()
    }
    written = {path.stem: path.read_text(encoding="utf-8").partition("\n")[0].split(",") for path in out.glob("*.csv")}
    assert {name: set(columns) for name, columns in documented.items()} == {
        name: set(columns) for name, columns in written.items()
    }


def test_the_folder_of_several_protocols_gives_each_its_id(tmp_path, rows):
    (tmp_path / "cases").mkdir()
    for name, region, shift in (("one", "round", 3.0), ("two", "three_ellipses", 5.0)):
        results_of(tmp_path, rows, f"cases/{name}", region, shift)
    options = ("--results", tmp_path / "cases", *FAST)
    run, out = compare(tmp_path, rows, "--methods", "round", "one:round", "three_ellipses", *options)
    assert (run.exit_code, run.err) == (0, "")
    assert [row["source"] for row in table(out / "methods.csv")] == [
        "clinic.csv",
        "one: results.csv",
        "two: results.csv",
    ]
    assert [float(row["bias_hu"]) for row in table(out / "bland_altman.csv")] == pytest.approx([-3, -5, -2])
    again, _ = compare(tmp_path, rows, "--methods", "round", "one:round", *options, "--results", "one=x", "--overwrite")
    assert "--results names one twice" in again.err
    for folder, says in (
        (tmp_path / "cases" / "one", "has the results of one protocol: name it"),
        (out, "no folders with"),
    ):
        refused, _ = compare(tmp_path, rows, "--methods", "round", "oval", "--results", folder, "--overwrite")
        assert says in refused.err


def test_cutoffs_of_another_protocol_classify_the_results_named_by_its_id(tmp_path, rows):
    name = "circle-200mm2-2025"
    results_of(tmp_path, rows, name, region="circle_200mm2")
    document = {
        **{"schema": "lumbarhu-cutoffs-1", "name": "ours", "version": "1.0.0", "citation": "made up"},
        **{"protocol": {"id": name, "version": "1.0.0"}, "population": {"source": "made up"}},
        "rois": {
            "circle_200mm2": {
                test: {"value": value, "unit": "HU", "source": "made up"}
                for test, value in (("osteoporosis", 90.0), ("normal", 140.0))
            }
        },
    }
    (tmp_path / "ours.json").write_text(json.dumps(document), encoding="utf-8")
    options = ("--methods", "round", f"{name}:circle_200mm2", "--results", f"{name}={tmp_path / name}", *FAST)
    run, out = compare(tmp_path, rows, *options, "--cutoffs", tmp_path / "ours.json")
    assert (run.exit_code, run.err) == (0, "")
    theirs, ours = table(out / "methods.csv")
    assert (theirs["cutoffs"], ours["cutoffs"], ours["osteoporosis_cutoff_hu"]) == ("Shanghai 2022", "ours", "90.0")
    (row,) = table(out / "class_agreement.csv")
    classes = [
        ["osteoporosis" if hu <= low else "normal" if hu >= high else "osteopenia" for hu in mean_hu(rows, "round")]
        for low, high in ((number(theirs, "osteoporosis_cutoff_hu"), number(theirs, "normal_cutoff_hu")), (90, 140))
    ]
    assert int(row["agreeing"]) == sum(one == other for one, other in zip(*classes, strict=True))
    twice, _ = compare(tmp_path, rows, *options, *("--cutoffs", tmp_path / "ours.json") * 2, "--overwrite")
    assert f"Two files have cutoffs for the protocol {name}" in twice.err


REFUSED = [
    (("--methods", "round"), "needs 2 to 10 methods"),
    (("--methods", "round", "round@L1-L4"), "The method round@L1-L4 is named twice"),
    (("--methods", "round", "rond"), "has no HU of the region rond: write round"),
    (("--methods", "round", "oval@L7"), "Unknown level “L7”"),
    (("--methods", "round", "oval@T12"), "No case has HU of oval@T12 in “clinic.csv”"),
    (("--methods", "round", "a:oval"), "needs results named a"),
    (("--methods", "round", "oval", "--results", "thin"), "There is no folder “thin”"),
    (("--methods", "round", "oval", "--results", "=x"), "--results =x cannot be used: write NAME=FILE"),
    (("--methods", "round", "oval", "--results", "a=no.csv"), "There is no file “no.csv”"),
    (("--methods", "round", "oval", "--error-ratio", "0"), "--error-ratio 0 cannot be used"),
    (("--methods", "round", "oval", "--error-ratio", "much"), "--error-ratio much cannot be used"),
    (("--methods", "round", "oval", "left", "--error-ratio", "2"), "An error ratio of 2 is that of one pair"),
    (("--methods", "round", "oval", "--cutoffs", "no.json"), "no.json"),
]


@pytest.mark.parametrize(("arguments", "says"), REFUSED, ids=[" ".join(arguments[1:]) for arguments, _ in REFUSED])
def test_what_cannot_be_compared_is_one_sentence_and_nothing_is_written(tmp_path, rows, arguments, says):
    run, out = compare(tmp_path, rows, *arguments)
    assert (run.exit_code, run.out, out.exists()) == (2, "", False)
    assert run.err.count("\n") == 1
    assert says in run.err


def test_no_common_case_is_one_sentence(tmp_path, rows):
    thin = results_of(tmp_path, [{**row, "case": f"other-{row['case']}"} for row in rows])
    run, out = compare(tmp_path, rows, "--methods", "round", "thin:round", "--results", f"thin={thin}")
    assert (run.exit_code, out.exists()) == (2, False)
    assert "“thin: results.csv” has no case of the table “clinic”, only others such as other-c1" in run.err


def test_a_folder_of_others_or_with_an_input_is_not_replaced(tmp_path, rows):
    run, out = compare(tmp_path, rows, "--methods", "round", "oval", *FAST)
    assert run.exit_code == 0
    again, _ = compare(tmp_path, rows, "--methods", "round", "oval", *FAST)
    assert "already exists" in again.err
    inside = write_table(out / "pairs.csv", rows)
    run = lumbarhu("compare", inside, "--methods", "round", "oval", "--out", out, "--overwrite")
    assert "contains the input “pairs.csv” and is not overwritten" in run.err
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    again, _ = compare(tmp_path, rows, "--methods", "round", "oval", *FAST, "--overwrite")
    assert "was not made by LumbarHU (it contains “notes.txt”)" in again.err


def test_a_table_of_a_cohort_is_read_as_before_when_it_has_other_regions(tmp_path, rows):
    others = [{**row, "hu_L1_circle_200mm2": 100 + index} for index, row in enumerate(rows)]
    out = tmp_path / "cohort"
    options = ("--no-figures", "--bootstraps", "100")
    run = lumbarhu("cohort", write_table(tmp_path / "clinic.csv", others), "--out", out, *options)
    assert run.exit_code == 0
    (finding,) = rows_where(out / "findings.csv", code="unknown_column")
    assert "hu_L1_circle_200mm2" in finding["sentence"]
    plain = lumbarhu("cohort", write_table(tmp_path / "clinic.csv", rows), "--out", tmp_path / "plain", *options)
    assert plain.exit_code == 0
    assert (out / "roc.csv").read_bytes() == (tmp_path / "plain" / "roc.csv").read_bytes()
