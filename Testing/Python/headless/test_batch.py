"""lumbarhu batch: every case as if measured alone, none lost, whatever is broken or killed; done once."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from headless.batch_files import KINDS, batch_here, broken_rows, case_row, shown_files, write_cases
from headless.command_runner import PACKAGE_ROOT, lumbarhu
from headless.phantom_files import files_of, points_of, rows_of, write_line

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.batch_folder import batch_folder


@pytest.fixture
def three(one_level, tmp_path):
    """Return a table of three cases of files of their own, in a folder of its own."""
    rows = []
    for case in "abc":
        folder = tmp_path / "inputs" / case
        shutil.copytree(one_level.markups, folder / "markups")
        shutil.copy(one_level.ct, folder)
        rows.append([case, f"{case}/ct.nrrd", f"{case}/markups"])
    return write_cases(tmp_path / "inputs" / "cases.csv", rows, columns=("case", "ct", "markups"))


def test_every_case_is_as_if_measured_alone_and_the_tables_hold_all_of_them(spine, one_level, tmp_path):
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
    # The mistakes in the table are told before anything is measured.
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


def test_what_is_finished_is_not_done_again(three, tmp_path):
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
    (source,) = (PACKAGE_ROOT / "Resources" / kind).glob("*.json")
    (folder / "own.json").write_text(source.read_text(encoding="utf-8").replace('"note": "', '"note": "My own: ', 1))
    return folder / "own.json"


def pretend_other_program(record):
    record.write_text(re.sub(r'("program_sha256": ")\w{4}', r"\1dead", record.read_text(encoding="utf-8")))


@pytest.mark.parametrize("what", CHANGES)
def test_a_case_is_measured_anew_when_what_it_was_made_from_changes(what, three, tmp_path):
    options = {}
    batch_here(three, tmp_path / "out")
    CHANGES[what](three.parent, options)
    before = files_of(tmp_path / "out" / "a")
    outcome = batch_here(three, tmp_path / "out", **options)
    # Protocol, cutoffs and acceptance are those of all cases.
    count = 3 if options else 1
    assert (outcome.counts["measured"], outcome.counts["finished"]) == (count, 3 - count)
    assert outcome.anew == {what: count}
    assert files_of(tmp_path / "out" / "a")["record.json"] != before["record.json"]
    assert batch_here(three, tmp_path / "out", **options).counts == {"finished": 3}


def test_what_became_of_a_batch_is_told_in_words(three, tmp_path):
    arguments = ["batch", three, "--out", tmp_path / "out", "--workers", "1"]
    lumbarhu(*arguments)
    pretend_other_program(tmp_path / "out" / "a" / "record.json")
    three.write_text(three.read_text() + "d,nowhere,a/markups\n")
    run = lumbarhu(*arguments)
    assert (run.exit_code, run.err) == (
        1,
        "lumbarhu: Row 5, column ct: there is no file or folder “nowhere”: paths are relative to the table.\n",
    )
    assert run.out.splitlines()[:4] == [
        "Measured 1, finished before 2, failed 1.",
        "Measured anew because of a change in the program: 1.",
        "Failures:",
        "- Row 5, column ct: there is no file or folder “nowhere”: paths are relative to the table.",
    ]


def test_own_protocol_and_cutoffs_are_those_of_every_case(three, tmp_path):
    options = ["--protocol", own(three.parent, "Protocols"), "--accept-off-protocol"]
    lumbarhu("batch", three, "--out", tmp_path / "out", "--workers", "1", *options)
    for case in "abc":
        record = json.loads((tmp_path / "out" / case / "record.json").read_text(encoding="utf-8"))
        assert "My own: " in json.dumps(record["protocol"])
        assert record["accept_off_protocol"] is True


def test_a_ct_that_is_only_copied_anew_is_the_same_ct(three, tmp_path):
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


def test_a_ct_of_the_same_size_and_time_put_in_the_place_of_another_is_noticed(three, tmp_path):
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
    assert "of an earlier run" in outcome.failures[0].sentence
    assert [row["case"] for row in rows_of(tmp_path / "out" / "summary.csv")] == ["b"] * 5 + ["c"] * 5


def test_what_was_known_of_the_inputs_may_be_lost_or_damaged(three, tmp_path):
    batch_here(three, tmp_path / "out")
    known = tmp_path / "out" / ".batch" / "known.jsonl"
    before = known.read_bytes()
    for damaged in (b"", before[:-30], b"\xff\x00{]" + before, b'{"folder": "a", "sign": 1}\n[]\n7\n'):
        known.write_bytes(damaged)
        assert dict(batch_here(three, tmp_path / "out").counts) == {"finished": 3}
        assert known.read_bytes() == before


@pytest.mark.parametrize("name", ["results.csv", "summary.csv", "record.json"])
def test_a_case_that_somebody_changed_by_hand_is_told_and_stays(name, three, tmp_path):
    batch_here(three, tmp_path / "out")
    path = tmp_path / "out" / "b" / name
    path.write_text(path.read_text().replace('"extra": {', '"extra": 1, "more": {') + "\nby hand")
    before = files_of(path.parent)
    outcome = batch_here(three, tmp_path / "out")
    assert dict(outcome.counts) == {"finished": 2, "failed": 1}
    assert re.search("was changed or removed|is damaged", outcome.failures[0].sentence)
    assert files_of(path.parent) == before


def test_a_folder_of_somebody_elses_is_never_overwritten(three, one_level, tmp_path):
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
    assert "is no folder that LumbarHU made" in sentences[1]
    assert files_of(out / "b") | files_of(out / "c") == before


def test_the_folder_of_all_must_be_a_batchs_or_empty(three, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("mine")
    run = lumbarhu("batch", three, "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (2, "")
    assert "exists already" in run.err
    assert files_of(tmp_path / "out") == {"letters.txt": b"mine"}


def test_two_batches_do_not_work_in_one_folder(three, tmp_path):
    with batch_folder(tmp_path / "out"):
        run = lumbarhu("batch", three, "--out", tmp_path / "out")
        assert (run.exit_code, run.out) == (2, "")
        assert "Another batch is at work" in run.err
    assert dict(batch_here(three, tmp_path / "out").counts) == {"measured": 3}


def test_folders_of_no_row_are_told_and_left_alone(three, tmp_path):
    batch_here(three, tmp_path / "out")
    three.write_text("".join(line for line in three.read_text().splitlines(keepends=True) if line[0] != "b"))
    run = lumbarhu("batch", three, "--out", tmp_path / "out", "--workers", "1")
    assert "Folders of no row, left alone: 1 (b)." in run.out
    assert (tmp_path / "out" / "b" / "record.json").is_file()
    assert {row["case"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"a", "c"}


def test_what_a_killed_run_left_half_done_is_removed(three, tmp_path):
    batch_here(three, tmp_path / "out")
    before = files_of(tmp_path / "out")
    shutil.move(tmp_path / "out" / "b", tmp_path / "out" / ".b.0123abcd.old")
    (tmp_path / "out" / ".c.0123abcd.part").mkdir()
    batch_here(three, tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_a_protocol_that_is_broken_is_refused_before_anything_runs(three, tmp_path):
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
def test_options_that_make_no_sense_are_told(options, says, three, tmp_path):
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


def start(table, out, workers=2):
    """Begin a batch in a process group of its own."""
    program = "import sys; from LumbarHULib.headless.command_line import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, "batch", str(table), "--out", str(out), "--workers", str(workers)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


def wait_for_cases(process, out, count):
    """Wait until so many cases are there, or the process has ended."""
    while process.poll() is None and len(list(out.glob("[!.]*/record.json"))) < count:
        time.sleep(0.005)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_killed_again_and_again_it_ends_with_the_bytes_of_one_clean_run(one_level, tmp_path):
    table = write_cases(tmp_path / "cases.csv", [case_row(f"case {number}", one_level) for number in range(30)])
    assert batch_here(table, tmp_path / "clean").counts["measured"] == 30
    out, killed = tmp_path / "out", 0
    for count in (1, 15):
        process = start(table, out)
        wait_for_cases(process, out, count)
        if process.poll() is None:
            process.kill()  # the first process alone: its workers must notice
            killed += 1
        process.communicate()
        assert_ends(process.pid)
        whole = files_of(tmp_path / "clean")
        shown = shown_files(out)
        seen = {name: content for name, content in shown.items() if not name.startswith(".")}
        assert [name for name, content in seen.items() if whole[name] != content] == []
        cases = {name.partition("/")[0] for name in seen}
        assert {name for name in whole if name.partition("/")[0] in cases} == set(seen)
    assert killed == 2
    process = start(table, out)
    text, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    finished = int(re.search(r"finished before (\d+)", text)[1])
    assert finished >= 15
    assert_same_files(out, tmp_path / "clean")


def assert_same_files(one, other):
    """Name the files that differ, without their bytes."""
    files, others = files_of(one), files_of(other)
    assert sorted(files) == sorted(others)
    assert [name for name, content in files.items() if others[name] != content] == []


def assert_ends(process_group, seconds=10.0):
    """Wait until no process of the group is left."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(process_group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("Workers outlive the batch that began them.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_batch_that_is_stopped_says_how_far_it_is_and_goes_on_from_there(name, one_level, tmp_path):
    table = write_cases(tmp_path / "cases.csv", [case_row(f"case {number}", one_level) for number in range(30)])
    process = start(table, tmp_path / "out")
    wait_for_cases(process, tmp_path / "out", 3)
    os.kill(process.pid, getattr(signal, name))
    text, error = process.communicate()
    assert (process.returncode, text) == (130, "")
    said = re.fullmatch(r"lumbarhu: Stopped after (\d+) of 30 cases; the same command goes on with the rest\.\n", error)
    assert int(said[1]) >= 1
    assert_ends(process.pid)
    assert not list((tmp_path / "out").glob(".*.part"))
    assert not (tmp_path / "out" / "results.csv").exists()
    assert batch_here(table, tmp_path / "out").counts["finished"] >= int(said[1])


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        batch_here(tmp_path / "cases.csv", tmp_path / "out")
    assert lumbarhu("batch", tmp_path / "cases.csv", "--out", tmp_path / "other").exit_code == 2
    assert not (tmp_path / "other").exists()


def test_hidden_notes_name_no_file(three, tmp_path):
    batch_here(three, tmp_path / "out")
    assert "ct.nrrd" not in (tmp_path / "out" / ".batch" / "known.jsonl").read_text()
    assert sorted(shown_files(tmp_path / "out"))[-1] == "summary.csv"
