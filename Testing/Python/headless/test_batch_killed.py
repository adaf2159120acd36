"""lumbarhu batch, killed or stopped in the middle: nothing is left half done, and the same command continues."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from headless.batch_files import assert_same_files, batch_here, case_row, shown_files, write_cases
from headless.command_runner import PACKAGE_ROOT
from headless.phantom_files import files_of

from LumbarHULib.headless.batch_command import measured_batch
from LumbarHULib.headless.batch_folder import batch_folder
from LumbarHULib.headless.batch_table import read_batch_table


def test_partial_output_of_a_killed_run_is_removed(three, tmp_path):
    batch_here(three, tmp_path / "out")
    before = files_of(tmp_path / "out")
    shutil.move(tmp_path / "out" / "b", tmp_path / "out" / ".b.0123abcd.old")
    (tmp_path / "out" / ".c.0123abcd.part").mkdir()
    batch_here(three, tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_partial_output_of_a_killed_worker_is_removed_when_the_others_are_done(three, tmp_path):
    def map_and_leave_half(function, tasks):
        for number, task in enumerate(tasks):
            half = tmp_path / "out" / f".{task.job.case}.0123abcd.part"
            half.mkdir()
            (half / "results.csv").touch()
            yield number, function(task)

    with batch_folder(tmp_path / "out") as folder:
        measured_batch(folder, read_batch_table(three, tmp_path / "out"), map_and_leave_half)
    batch_here(three, tmp_path / "clean")
    assert_same_files(tmp_path / "clean", tmp_path / "out")


def start(table, out, workers=2):
    """Begin a batch in a process group of its own."""
    # What a shell runs in the background ignores an interrupt, and so would what it starts.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from LumbarHULib.headless.command_line import main; sys.exit(main())"
    )
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
    table = write_cases(tmp_path / "cases.csv", [case_row(f"case {number}", one_level) for number in range(12)])
    assert batch_here(table, tmp_path / "clean").counts["measured"] == 12
    out, killed = tmp_path / "out", 0
    for count in (1, 5):
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
    assert finished >= 5
    assert_same_files(out, tmp_path / "clean")


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
@pytest.mark.parametrize(
    ("name", "reported"),
    # Ctrl-C and the end of a terminal are sent to every process in it.
    [
        ("SIGINT", "killpg"),
        ("SIGTERM", "kill"),
        pytest.param("SIGHUP", "killpg", marks=pytest.mark.proof),
        pytest.param("SIGINT", "kill", marks=pytest.mark.proof),
    ],
)
def test_a_stopped_batch_reports_its_progress_and_continues_from_there(name, reported, one_level, tmp_path):
    table = write_cases(tmp_path / "cases.csv", [case_row(f"case {number}", one_level) for number in range(12)])
    process = start(table, tmp_path / "out")
    wait_for_cases(process, tmp_path / "out", 2)
    getattr(os, reported)(process.pid, getattr(signal, name))
    text, error = process.communicate()
    assert (process.returncode, text) == (130, "")
    said = re.fullmatch(r"lumbarhu: Stopped after (\d+) of 12 cases; run the same command again to continue\.\n", error)
    assert int(said[1]) >= 1
    assert_ends(process.pid)
    assert not list((tmp_path / "out").glob(".*.part"))
    assert not (tmp_path / "out" / "results.csv").exists()
    assert batch_here(table, tmp_path / "out").counts["finished"] >= int(said[1])
