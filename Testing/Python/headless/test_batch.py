"""lumbarhu batch: every case is measured once and as if alone, and no error or kill loses a case."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from headless.batch_files import KINDS, assert_same_files, batch_here, broken_rows, case_row, shown_files, write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.batch_folder import batch_folder


def test_every_case_is_as_if_measured_alone_and_the_tables_contain_all_cases(spine, one_level, tmp_path):
    rows = [
        case_row("second", spine, "L1,L2,L4", "L4=metal", "AB", "2"),
        case_row("first", one_level),
        case_row("=third", spine, exclude="L1=fracture, old;L2=cement"),
    ]
    table = write_cases(tmp_path / "cases.csv", rows)
    run = lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", "2")
    assert (run.exit_code, run.err) == (0, "")
    assert "Measured 3, finished before 0, failed 0." in run.out
    options = [
        ["--levels", "L1,L2,L4", "--exclude", "L4=metal", "--reader", "AB", "--reading", "2"],
        [],
        ["--exclude", "L1=fracture, old", "--exclude", "L2=cement"],
    ]
    texts = {"results.csv": [], "summary.csv": []}
    for (case, ct, markups, *_), more in zip(rows, options, strict=True):
        alone = tmp_path / "alone"
        shutil.rmtree(alone, ignore_errors=True)
        lumbarhu("measure", ct, "--markups", markups, "--out", alone, f"--case={case}", *more)
        expected, found = files_of(alone), files_of(tmp_path / "out" / case)
        records = [json.loads(files.pop("record.json")) for files in (expected, found)]
        assert found == expected
        assert set(records[1].pop("extra")) == {"batch"}
        assert records[0].pop("extra") == {}
        assert records[1] == records[0]
        for name, lines in texts.items():
            header, *body = expected[name].decode().splitlines()
            lines += body if lines else [header, *body]
        assert lumbarhu("verify", tmp_path / "out" / case, "--ct", ct).exit_code == 0
    for name, lines in texts.items():
        assert (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines() == lines
    assert (tmp_path / "out" / "failures.csv").read_text() == "row,case,column,sentence\n"
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert [f'<a href="{quote(case)}/report.html">' in index for case, *_ in rows] == [True] * 3


def test_each_of_more_than_twenty_kinds_of_broken_input_is_named_and_no_case_is_lost(one_level, tmp_path):
    assert len(KINDS) >= 20
    expected, rows = [], [case_row("good 0", one_level)]
    for kind, row, says in broken_rows(tmp_path / "broken", one_level, "good 0"):
        expected.append((str(len(rows) + 2), kind, says))
        rows += [row, case_row(f"good {len(expected)}", one_level)]
    table = write_cases(tmp_path / "cases.csv", rows)
    run = lumbarhu("batch", table, "--out", tmp_path / "out", "--workers", "2")
    assert run.exit_code == 1
    failures = {row["row"]: row["sentence"] for row in rows_of(tmp_path / "out" / "failures.csv")}
    assert sorted(failures, key=int) == [row for row, _, _ in expected]
    for row, kind, says in expected:
        assert re.search(says, failures[row]), kind
    good = [f"good {number}" for number in range(len(expected) + 1)]
    assert list(dict.fromkeys(row["case"] for row in rows_of(tmp_path / "out" / "results.csv"))) == good
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert folders == {*good, ".batch"}
    # Errors in the table are reported before the first measurement.
    in_table = [row["row"] for row in rows_of(tmp_path / "out" / "failures.csv") if row["column"]]
    in_table += [row for row, kind, _ in expected if kind == "row of too many cells"]
    assert re.findall(r"Row (\d+)", run.err) == sorted(in_table, key=int)


def test_the_bytes_do_not_depend_on_the_number_of_workers(spine, one_level, tmp_path):
    rows = [case_row(f"case {number}", one_level if number % 3 else spine) for number in range(6)]
    rows.insert(3, case_row("broken", one_level, levels="T12"))
    table = write_cases(tmp_path / "cases.csv", rows)
    assert lumbarhu("batch", table, "--out", tmp_path / "a", "--workers", "3").exit_code == 1
    assert batch_here(table, tmp_path / "b").counts["failed"] == 1
    assert_same_files(tmp_path / "a", tmp_path / "b")


def test_the_output_folder_must_belong_to_a_batch_or_be_empty(three, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("mine")
    run = lumbarhu("batch", three, "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (2, "")
    assert "already exists and is not the folder of a batch (it contains “letters.txt”)" in run.err
    assert "--overwrite" not in run.err  # which a batch has not
    assert files_of(tmp_path / "out") == {"letters.txt": b"mine"}


def test_a_broken_link_among_the_slices_of_a_case_is_named(one_level, tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "slice-7.dcm").symlink_to(tmp_path / "gone.dcm")
    table = write_cases(tmp_path / "cases.csv", [case_row("a", one_level), ["b", "series", str(one_level.markups)]])
    (failure,) = batch_here(table, tmp_path / "out").failures
    assert (failure.case, failure.column) == ("b", "")
    assert "“slice-7.dcm” does not exist: restore it, or remove the link" in failure.sentence


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Only Linux has a device that is always full")
def test_a_full_disk_is_reported_with_advice(tmp_path):
    (tmp_path / "out" / ".batch").mkdir(parents=True)
    (tmp_path / "out" / ".batch" / "known.jsonl").symlink_to("/dev/full")
    reported = "cannot be written: the disk is full: make room or choose another disk"
    with pytest.raises(InputError, match=reported), batch_folder(tmp_path / "out"):
        pass


def test_two_batches_do_not_work_in_one_folder(three, tmp_path):
    with batch_folder(tmp_path / "out"):
        run = lumbarhu("batch", three, "--out", tmp_path / "out")
        assert (run.exit_code, run.out) == (2, "")
        assert "Another batch is running" in run.err
    assert dict(batch_here(three, tmp_path / "out").counts) == {"measured": 3}


def test_folders_without_a_row_are_reported_and_kept(three, tmp_path):
    batch_here(three, tmp_path / "out")
    three.write_text("".join(line for line in three.read_text().splitlines(keepends=True) if line[0] != "b"))
    run = lumbarhu("batch", three, "--out", tmp_path / "out", "--workers", "1")
    assert "Folders without a row, not changed: 1 (b)." in run.out
    assert (tmp_path / "out" / "b" / "record.json").is_file()
    assert {row["case"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"a", "c"}


def test_an_invalid_protocol_is_refused_before_the_first_case(three, tmp_path):
    (tmp_path / "own.json").write_text("{")
    run = lumbarhu("batch", three, "--out", tmp_path / "out", "--protocol", tmp_path / "own.json")
    assert run.exit_code == 2
    assert "own.json, line 1" in run.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--workers", "0"], "--workers 0 cannot be used"),
        (["--workers", "two"], "--workers two cannot be used"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "--workers and --scheduler are both given"),
    ],
)
def test_invalid_options_are_reported(options, says, three, tmp_path):
    run = lumbarhu("batch", three, "--out", tmp_path / "out", *options)
    assert (run.exit_code, run.out) == (2, "")
    assert says in run.err
    assert not (tmp_path / "out").exists()


def test_a_folder_where_a_file_belongs_is_a_failure_of_one_case(three, tmp_path):
    with batch_folder(tmp_path / "out"):
        pass
    (tmp_path / "out" / "a" / "record.json").mkdir(parents=True)
    outcome = batch_here(three, tmp_path / "out")
    assert dict(outcome.counts) == {"measured": 2, "failed": 1}


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        batch_here(tmp_path / "cases.csv", tmp_path / "out")
    assert lumbarhu("batch", tmp_path / "cases.csv", "--out", tmp_path / "other").exit_code == 2
    assert not (tmp_path / "other").exists()


def test_hidden_notes_name_no_file(three, tmp_path):
    batch_here(three, tmp_path / "out")
    assert "ct.nrrd" not in (tmp_path / "out" / ".batch" / "known.jsonl").read_text()
    assert sorted(shown_files(tmp_path / "out"))[-1] == "summary.csv"
