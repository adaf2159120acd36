"""lumbarhu batch a second time: finished cases stay, cases with changed inputs are measured again."""

import csv
import io
import json
import os
import re
import shutil

import pytest
from headless.batch_files import batch_here
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, points_of, rows_of, write_line

from LumbarHULib.audit.tables import results_columns, summary_columns_of
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS
from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL
from LumbarHULib.headless.batch_folder import BatchFolder


def test_finished_cases_are_not_measured_again(three, tmp_path):
    first = batch_here(three, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*/*")}
    shutil.rmtree(tmp_path / "out" / "b")
    second = batch_here(three, tmp_path / "out")
    assert dict(first.counts) == {"measured": 3}
    assert dict(second.counts) == {"measured": 1, "finished": 2}
    kept = [path for path in before if path.parts[-2] in ("a", "c") or "labelmaps" in path.parts]
    assert kept
    after = {path: path.stat().st_mtime_ns for path in kept if "b" not in path.parts}
    assert after == {path: before[path] for path in after}


CHANGES = {
    "the CT": lambda folder, options: edit_bytes(folder / "a" / "ct.nrrd"),
    "the markups": lambda folder, options: move(folder / "a" / "markups" / "L3-midline.mrk.json"),
    "the exclude": lambda folder, options: edit_table(folder / "cases.csv", "exclude", "L3=metal"),
    "the levels": lambda folder, options: edit_table(folder / "cases.csv", "levels", "L3"),
    "the reader": lambda folder, options: edit_table(folder / "cases.csv", "reader", "AB"),
    "the reading": lambda folder, options: edit_table(folder / "cases.csv", "reading", "2"),
    "the protocol": lambda folder, options: options.update(protocol=own(folder, "Protocols")),
    "the cutoffs": lambda folder, options: options.update(cutoffs=own(folder, "Cutoffs")),
    "the accept off protocol": lambda folder, options: options.update(accept_off_protocol=True),
    "the program": lambda folder, options: pretend_other_program(folder.parent / "out" / "a" / "record.json"),
}


def edit_bytes(path):
    import SimpleITK

    SimpleITK.WriteImage(SimpleITK.ReadImage(path) + 1, path, useCompression=True)


def move(path):
    write_line(path, points_of(path) + 0.01)


def edit_table(path, column, text):
    header, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},{column}", f"{first},{text}", *rest, ""]))


def own(folder, kind):
    source = {"Protocols": DEFAULT_PROTOCOL, "Cutoffs": DEFAULT_CUTOFFS}[kind]
    (folder / "own.json").write_text(source.read_text(encoding="utf-8").replace('"note": "', '"note": "My own: ', 1))
    return folder / "own.json"


def pretend_other_program(record):
    record.write_text(re.sub(r'("program_sha256": ")\w{4}', r"\1dead", record.read_text(encoding="utf-8")))


@pytest.mark.parametrize("what", CHANGES)
def test_a_case_is_measured_again_when_its_inputs_change(what, three, tmp_path):
    options = {}
    batch_here(three, tmp_path / "out")
    CHANGES[what](three.parent, options)
    before = files_of(tmp_path / "out" / "a")
    outcome = batch_here(three, tmp_path / "out", **options)
    # Protocol, cutoffs and acceptance are those of all cases.
    count = 3 if options else 1
    assert (outcome.counts["measured"], outcome.counts["finished"]) == (count, 3 - count)
    assert outcome.repeated == {what: count}
    assert files_of(tmp_path / "out" / "a")["record.json"] != before["record.json"]
    assert batch_here(three, tmp_path / "out", **options).counts == {"finished": 3}


def test_a_new_copy_of_a_ct_is_the_same_ct(three, tmp_path):
    batch_here(three, tmp_path / "out")
    ct = three.parent / "a" / "ct.nrrd"
    shutil.copyfile(ct, tmp_path / "copy")
    os.replace(tmp_path / "copy", ct)
    os.utime(ct, ns=(1, 1))
    tasks = []
    assert dict(batch_here(three, tmp_path / "out", tasks).counts) == {"finished": 3}
    # And it is read for that once, not each time.
    known_before = tasks[0].known
    batch_here(three, tmp_path / "out", tasks)
    assert tasks[3].known.sign != known_before.sign
    assert tasks[3].known.sha256 == known_before.sha256


def test_a_ct_replaced_by_one_of_the_same_size_and_time_is_detected(three, tmp_path):
    batch_here(three, tmp_path / "out")
    ct = three.parent / "a" / "ct.nrrd"
    status = ct.stat()
    data = bytearray(ct.read_bytes())
    data[-1] ^= 1
    (tmp_path / "other").write_bytes(data)
    os.replace(tmp_path / "other", ct)
    os.utime(ct, ns=(status.st_atime_ns, status.st_mtime_ns))
    outcome = batch_here(three, tmp_path / "out")
    assert dict(outcome.counts) == {"finished": 2, "failed": 1}
    assert "damaged" in outcome.failures[0].sentence
    assert "from an earlier run" in outcome.failures[0].sentence
    assert [row["case"] for row in rows_of(tmp_path / "out" / "summary.csv")] == ["b"] * 5 + ["c"] * 5


def test_the_file_of_known_inputs_may_be_lost_or_damaged(three, tmp_path):
    batch_here(three, tmp_path / "out")
    known = tmp_path / "out" / ".batch" / "known.jsonl"
    before = known.read_bytes()
    for damaged in (b"", before[:-30], b"\xff\x00{]" + before, b'{"folder": "a", "sign": 1}\n[]\n7\n'):
        known.write_bytes(damaged)
        assert dict(batch_here(three, tmp_path / "out").counts) == {"finished": 3}
        assert known.read_bytes() == before


@pytest.mark.parametrize("name", ["results.csv", "summary.csv", "record.json"])
def test_a_case_changed_by_hand_is_reported_and_kept(name, three, tmp_path):
    batch_here(three, tmp_path / "out")
    path = tmp_path / "out" / "b" / name
    path.write_text(path.read_text().replace('"extra": {', '"extra": 1, "more": {') + "\nby hand")
    before = files_of(path.parent)
    outcome = batch_here(three, tmp_path / "out")
    assert dict(outcome.counts) == {"finished": 2, "failed": 1}
    assert re.search("was changed or removed|is damaged", outcome.failures[0].sentence)
    assert files_of(path.parent) == before


def test_a_damaged_record_is_not_taken_for_an_error_in_the_program(three, tmp_path):
    batch_here(three, tmp_path / "out")
    for record in ('{"extra": {}, "files": [], "not_measured": []}', "[" * 100_000):
        (tmp_path / "out" / "b" / "record.json").write_text(record, encoding="utf-8")
        (failure,) = batch_here(three, tmp_path / "out").failures
        assert "is damaged: remove the folder" in failure.sentence


@pytest.mark.parametrize("name", ["labelmaps/front.nrrd", "report.html", "markups/L3-midline.mrk.json"])
def test_a_file_truncated_by_a_power_cut_is_reported(name, three, tmp_path):
    batch_here(three, tmp_path / "out")
    path = tmp_path / "out" / "b" / name
    os.truncate(path, path.stat().st_size - 1)
    outcome = batch_here(three, tmp_path / "out")
    assert dict(outcome.counts) == {"finished": 2, "failed": 1}
    assert f"“{path}” was changed or removed after the measurement" in outcome.failures[0].sentence


def test_a_foreign_folder_is_never_overwritten(three, one_level, tmp_path):
    out = tmp_path / "out"
    batch_here(three, out)
    for name in "bc":
        shutil.rmtree(out / name)
    lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", out / "b")
    (out / "c").mkdir()
    (out / "c" / "thesis.txt").write_text("mine")
    before = files_of(out / "b") | files_of(out / "c")
    outcome = batch_here(three, out)
    sentences = [problem.sentence for problem in outcome.failures]
    assert "was not made by a batch" in sentences[0]
    assert "was not made by LumbarHU" in sentences[1]
    assert files_of(out / "b") | files_of(out / "c") == before


def test_the_outcome_of_a_batch_is_reported_in_words(three, tmp_path):
    arguments = ["batch", three, "--out", tmp_path / "out", "--workers", "1"]
    lumbarhu(*arguments)
    pretend_other_program(tmp_path / "out" / "a" / "record.json")
    three.write_text(three.read_text() + "d,nowhere,a/markups\n")
    run = lumbarhu(*arguments)
    assert (run.exit_code, run.err) == (
        1,
        "lumbarhu: Row 5, column ct: there is no file or folder “nowhere”: give a path relative to the table.\n",
    )
    assert run.out.splitlines()[:4] == [
        "Measured 1, finished before 2, failed 1.",
        "Measured again because of a change in the program: 1.",
        "Failures:",
        "- Row 5, column ct: there is no file or folder “nowhere”: give a path relative to the table.",
    ]


def test_a_custom_protocol_and_custom_cutoffs_apply_to_every_case(three, tmp_path):
    options = ["--protocol", own(three.parent, "Protocols"), "--accept-off-protocol"]
    lumbarhu("batch", three, "--out", tmp_path / "out", "--workers", "1", *options)
    for case in "abc":
        record = json.loads((tmp_path / "out" / case / "record.json").read_text(encoding="utf-8"))
        assert "My own: " in json.dumps(record["protocol"])
        assert record["accept_off_protocol"] is True


def test_a_case_measured_before_a_column_was_added_has_an_empty_cell_in_it(tmp_path):
    columns = [name for name in results_columns(False) if name != "outline_edited"]
    cells = {name: "1.5" for name in columns} | {"case": '"a, ""b"""', "mean_hu": "-5.25", "excluded": ""}
    (tmp_path / "one").mkdir()
    for name, header in (("results.csv", columns), ("summary.csv", summary_columns_of(False))):
        row = ",".join(cells.get(column, "") for column in header)
        (tmp_path / "one" / name).write_text(f"{','.join(header)}\n{row}\n", encoding="utf-8")
    BatchFolder(tmp_path, {}, io.StringIO()).write_tables(["one"], [])
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["case"], row["mean_hu"], row["outline_edited"], row["edited"]) == ('a, "b"', "-5.25", "", "1.5")
