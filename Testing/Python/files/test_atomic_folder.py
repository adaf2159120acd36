"""A folder appears whole or not at all, and an old one is never lost."""

import errno
import os
import sys
from pathlib import Path

import pytest
from files.nobody import as_nobody

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder, check_destination


def everything_in(folder: Path) -> dict[str, str | None]:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
    }


@pytest.fixture
def old(tmp_path):
    """An audit folder of yesterday."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "results.csv").write_text("old", encoding="utf-8")
    return folder


def write(destination: Path, overwrite: bool = False, error: BaseException | None = None) -> None:
    with atomic_folder(destination, overwrite) as folder:
        (folder / "results.csv").write_text("new", encoding="utf-8")
        (folder / "labelmaps").mkdir()
        if error is not None:
            raise error


def test_the_folder_and_its_parents_are_created(tmp_path):
    write(tmp_path / "a" / "b" / "out")
    assert everything_in(tmp_path / "a") == {
        "b": None,
        "b/out": None,
        "b/out/labelmaps": None,
        "b/out/results.csv": "new",
    }


def test_the_folder_has_the_default_permissions(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "usual").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_nothing_is_visible_before_the_end(tmp_path):
    with atomic_folder(tmp_path / "out"):
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3), InputError("A sentence.")])
def test_after_an_error_nothing_is_left_behind(tmp_path, error):
    with pytest.raises(type(error)):
        write(tmp_path / "a" / "b" / "out", error=error)
    assert everything_in(tmp_path) == {}


def test_a_folder_that_exists_is_refused(old, tmp_path):
    with pytest.raises(InputError, match="already exists"):
        write(old)
    assert everything_in(tmp_path) == {"out": None, "out/results.csv": "old"}


def test_a_folder_is_replaced_when_asked_for(old, tmp_path):
    (old / "left over").mkdir()
    write(old, overwrite=True)
    assert everything_in(tmp_path) == {"out": None, "out/labelmaps": None, "out/results.csv": "new"}


def test_only_a_folder_that_lumbarhu_wrote_is_replaced(old):
    own = OwnFolder({"results.csv", "record.json"}, sign="record.json")
    with pytest.raises(InputError, match="it contains no record"):
        check_destination(old, overwrite=True, ours=own)
    (old / "record.json").write_text("{}", encoding="utf-8")
    check_destination(old, overwrite=True, ours=own)
    (old / ".DS_Store").write_text("", encoding="utf-8")
    check_destination(old, overwrite=True, ours=own)
    (old / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="it contains “thesis"):
        check_destination(old, overwrite=True, ours=own)


def test_an_empty_folder_may_be_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert everything_in(tmp_path) == {"out": None, "out/labelmaps": None, "out/results.csv": "new"}


def test_the_old_folder_is_there_until_the_new_one_is_whole(old):
    with atomic_folder(old, overwrite=True):
        assert everything_in(old) == {"results.csv": "old"}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_after_an_error_the_old_folder_is_as_it_was(old, tmp_path, error):
    with pytest.raises((InputError, KeyboardInterrupt)):
        write(old, overwrite=True, error=error)
    assert everything_in(tmp_path) == {"out": None, "out/results.csv": "old"}


def test_a_folder_that_appeared_meanwhile_is_not_overwritten(tmp_path):
    def slowly():
        with atomic_folder(tmp_path / "out"):
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "somebody's").write_text("work", encoding="utf-8")

    with pytest.raises(InputError, match="already exists"):
        slowly()
    assert everything_in(tmp_path) == {"out": None, "out/somebody's": "work"}


def test_a_link_to_a_folder_stays_and_the_folder_is_replaced(old, tmp_path):
    (tmp_path / "link").symlink_to(old)
    write(tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert everything_in(old) == {"labelmaps": None, "results.csv": "new"}


def test_a_file_in_the_way_is_refused_even_when_overwriting(tmp_path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    for destination, words in ((tmp_path / "out", "is a file"), (tmp_path / "out" / "deeper", "“.*out” is a file")):
        with pytest.raises(InputError, match=words):
            write(destination, overwrite=True)
    assert everything_in(tmp_path) == {"out": "mine"}


def test_the_working_folder_is_never_overwritten(tmp_path, monkeypatch):
    (tmp_path / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "here")
    for destination in (Path("."), Path(".."), tmp_path / "work"):
        with pytest.raises(InputError, match="not overwritten"):
            check_destination(destination, overwrite=True)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the disk is read-only"), (errno.EIO, "check the disk")],
)
def test_errors_of_the_system_are_reported_in_one_sentence(tmp_path, number, words):
    with pytest.raises(InputError, match=words) as refusal:
        write(tmp_path / "out", error=OSError(number, os.strerror(number)))
    assert str(refusal.value).startswith(f"“{tmp_path / 'out'}” cannot be written: ")
    assert str(refusal.value).count(". ") == 0
    assert everything_in(tmp_path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions on Windows")
def test_a_folder_without_write_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with as_nobody(), pytest.raises(InputError, match="you have no permission to write there"):
        write(tmp_path / "out")
    tmp_path.chmod(0o700)
    assert everything_in(tmp_path) == {}


def test_a_name_that_is_too_long_is_reported(tmp_path):
    with pytest.raises(InputError, match="choose a shorter one"):
        write(tmp_path / ("x" * 300))


def test_a_folder_in_an_audit_folder_is_refused_and_the_audit_folder_stays(tmp_path):
    (tmp_path / "audit").mkdir()
    record = '{\n  "schema": "lumbarhu-record-1"\n}'
    (tmp_path / "audit" / "record.json").write_text(record, encoding="utf-8")
    with pytest.raises(InputError, match=r"is inside “audit”, a folder of LumbarHU whose record.json lists its files"):
        write(tmp_path / "audit" / "below" / "out")
    assert everything_in(tmp_path / "audit") == {"record.json": record}


def test_a_record_of_another_program_does_not_matter(tmp_path):
    (tmp_path / "record.json").write_text('{"schema": "theirs"}', encoding="utf-8")
    write(tmp_path / "out")
    assert (tmp_path / "out" / "results.csv").is_file()
