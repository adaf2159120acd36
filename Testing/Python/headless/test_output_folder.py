"""The output folder: complete or not written, and never over another by chance, however the run ends."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from files.nobody import as_nobody
from headless.command_runner import lumbarhu, lumbarhu_process
from headless.phantom_files import files_of

from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL


def arguments(files, destination, *more):
    return ["measure", files.ct, "--markups", files.markups, "--out", destination, *more]


def assert_refused(outcome, says):
    assert outcome.exit_code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert says in outcome.err


def test_an_existing_folder_is_kept_unless_overwriting_is_allowed(one_level, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("results.csv", "record.json"):
        (out / name).write_text("old")
    assert_refused(lumbarhu(*arguments(one_level, out)), "already exists")
    assert files_of(tmp_path) == {"out/results.csv": b"old", "out/record.json": b"old"}
    assert lumbarhu(*arguments(one_level, out, "--overwrite")).exit_code == 0
    assert files_of(out)["results.csv"] != b"old"
    assert files_of(out)["record.json"] != b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("command", ["measure", "demo"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("thesis/chapter-1.txt", "was not made by LumbarHU (it contains “thesis”) and is not overwritten"),
        ("markups/L1-midline.mrk.json", "was not made by LumbarHU (it contains no "),
    ],
)
def test_a_folder_with_a_file_of_the_user_is_never_overwritten(command, name, says, one_level, tmp_path):
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    rest = arguments(one_level, tmp_path / "out")[1:] if command == "measure" else ["--out", tmp_path / "out"]
    assert_refused(lumbarhu(command, *rest, "--overwrite"), says)
    assert files_of(tmp_path) == {f"out/{name}": b"mine"}


def test_an_empty_folder_may_exist(one_level, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert lumbarhu(*arguments(one_level, out)).exit_code == 0
    assert (out / "record.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_demonstration_does_not_overwrite_a_case_with_the_same_file_names(one_level, tmp_path):
    shutil.copy(one_level.ct, tmp_path / "ct.nrrd")
    shutil.copytree(one_level.markups, tmp_path / "markups")
    assert lumbarhu(*arguments(one_level, tmp_path / "audit", "--case", "my own")).exit_code == 0
    before = files_of(tmp_path)
    assert_refused(lumbarhu("demo", "--out", tmp_path, "--overwrite"), "was not made by lumbarhu demo")
    assert files_of(tmp_path) == before


def test_circular_links_are_reported(one_level, tmp_path):
    loop = tmp_path / "L3-midline.mrk.json"
    loop.symlink_to(loop)
    for paths in ([loop, "--markups", one_level.markups], [one_level.ct, "--markups", loop]):
        assert_refused(lumbarhu("measure", *paths, "--out", tmp_path / "out", "--overwrite"), loop.name)
    assert_refused(lumbarhu(*arguments(one_level, loop / "out", "--overwrite")), loop.name)
    assert_refused(lumbarhu("measure", one_level.ct, "--markups", tmp_path, "--out", tmp_path / "out"), "mrk.json")
    assert [path.name for path in tmp_path.iterdir()] == [loop.name]


@pytest.mark.usefixtures("nothing_remembered")
def test_the_same_reading_gives_the_same_bytes_and_so_does_overwriting(one_level, tmp_path):
    for name in ("a", "b", "b"):
        assert lumbarhu(*arguments(one_level, tmp_path / name, "--overwrite")).exit_code == 0
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_parent_folders_are_created_and_removed_again_after_a_failure(one_level, tmp_path):
    assert lumbarhu(*arguments(one_level, tmp_path / "x" / "y" / "out")).exit_code == 0
    shutil.rmtree(tmp_path / "x")
    assert lumbarhu(*arguments(one_level, tmp_path / "x" / "y" / "out", "--levels", "L2")).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_left_alone(one_level, tmp_path):
    (tmp_path / "out").write_text("a file")
    assert_refused(lumbarhu(*arguments(one_level, tmp_path / "out", "--overwrite")), "is a file")
    assert_refused(lumbarhu(*arguments(one_level, tmp_path / "out" / "deeper")), "is a file")
    assert files_of(tmp_path) == {"out": b"a file"}


def test_a_folder_without_write_permission_is_refused_before_the_measurement(one_level):
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with as_nobody():
            assert_refused(
                lumbarhu(*arguments(one_level, Path(folder) / "out")), "you have no permission to write there"
            )
        assert list(Path(folder).iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing(one_level, tmp_path):
    pytest.importorskip("resource")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))"
    outcome = lumbarhu_process(*arguments(one_level, tmp_path / "out"), before=limit)
    assert_refused(outcome, "cannot be written")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_the_scene_is_saved_leaves_nothing(one_level, tmp_path):
    pytest.importorskip("resource")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))"
    outcome = lumbarhu_process(*arguments(one_level, tmp_path / "out", "--scene"), before=limit)
    assert outcome.exit_code == 2
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# Sends a signal in the middle of writing: when the first hash is computed.
END_WHILE_WRITING = """
import os, signal
from LumbarHULib.audit import folder as audit_folder
audit_folder.file_sha256 = lambda path: os.kill(os.getpid(), signal.{0})
"""

# A process inherits what its parent ignores: nohup ignores SIGHUP, a script's & SIGINT.
HEED_SIGNALS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stopped_run_leaves_nothing_and_says_so(name, one_level, tmp_path):
    before = HEED_SIGNALS + END_WHILE_WRITING.format(name)
    outcome = lumbarhu_process(*arguments(one_level, tmp_path / "out"), before=before)
    assert (outcome.exit_code, outcome.err) == (130, "lumbarhu: Stopped; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_killed_run_leaves_the_old_folder_intact_and_no_new_one(one_level, tmp_path):
    old = tmp_path / "out"
    assert lumbarhu(*arguments(one_level, old)).exit_code == 0
    before = files_of(old)
    outcome = lumbarhu_process(*arguments(one_level, old, "--overwrite"), before=END_WHILE_WRITING.format("SIGKILL"))
    assert outcome.exit_code == -9
    assert files_of(old) == before
    # What was begun is hidden and bears another name: nothing takes it for a result.
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["out"]
    assert lumbarhu(*arguments(one_level, old, "--overwrite")).exit_code == 0


def test_the_inputs_cannot_be_overwritten_by_their_own_result(one_level, tmp_path):
    place = tmp_path / "place"
    markups = shutil.copytree(one_level.markups, place / "markups")
    ct = shutil.copy(one_level.ct, place)
    before = files_of(tmp_path)
    for inputs in ([one_level.ct, "--markups", markups], [ct, "--markups", one_level.markups]):
        assert_refused(lumbarhu("measure", *inputs, "--out", place, "--overwrite"), "contains the input")
    assert files_of(tmp_path) == before


def test_a_protocol_file_inside_the_audit_folder_is_not_removed(one_level, tmp_path):
    out = tmp_path / "out"
    assert lumbarhu(*arguments(one_level, out)).exit_code == 0
    shutil.copy(DEFAULT_PROTOCOL, out / "markups" / "mine.json")
    before = files_of(out)
    run = lumbarhu(*arguments(one_level, out, "--overwrite"), "--protocol", out / "markups" / "mine.json")
    assert_refused(run, "contains the input “mine.json”")
    assert files_of(out) == before
