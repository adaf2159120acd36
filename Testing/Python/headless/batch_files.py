"""Tables of cases for a batch, and rows that are broken in more than twenty ways."""

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import SimpleITK
from headless.phantom_files import PhantomFiles, files_of, points_of, write_line

from LumbarHULib.headless.batch_command import BatchOutcome, measured_batch
from LumbarHULib.headless.batch_folder import batch_folder
from LumbarHULib.headless.batch_table import read_batch_table

COLUMNS = ("case", "ct", "markups", "levels", "exclude", "reader", "reading")


def write_cases(path: Path, rows, columns=COLUMNS, encoding="utf-8", separator=",") -> Path:
    """Write a table as a spreadsheet would, and return its path."""
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=separator).writerows([columns, *rows])
    return path


def case_row(case: str, files: PhantomFiles, levels="", exclude="", reader="", reading="") -> list[str]:
    """Return the row of a case that can be measured."""
    return [case, str(files.ct), str(files.markups), levels, exclude, reader, reading]


def batch_here(table: Path, out: Path, tasks_seen: list | None = None, **common) -> BatchOutcome:
    """Work a batch off in this process, without workers, in the order of the table.

    `common` are fields of every job; each task that is given out is added to `tasks_seen`.
    """

    def one_after_another(function, tasks):
        for number, task in enumerate(tasks):
            if tasks_seen is not None:
                tasks_seen.append(task)
            yield number, function(task)

    with batch_folder(out) as folder:
        return measured_batch(folder, read_batch_table(table, out, **common), one_after_another)


def shown_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file of a batch's folder but the batch's own notes."""
    return {name: content for name, content in files_of(folder).items() if not name.startswith(".batch/")}


def assert_same_files(one: Path, other: Path) -> None:
    """Name the files that differ, without their bytes."""
    files, others = files_of(one), files_of(other)
    assert sorted(files) == sorted(others)
    assert [name for name, content in files.items() if others[name] != content] == []


def broken_rows(place: Path, files: PhantomFiles, taken_case: str) -> Iterator[tuple[str, list[str], str]]:
    """Yield the name of each kind of invalid input, its row, and the expected message (a regular expression).

    The files that a row needs are made in a folder of `place`; `files` are those of a case that can be measured, and
    `taken_case` is a case of an earlier row.
    """
    for kind, (make, says) in KINDS.items():
        folder = place / kind.replace(" ", "-")
        folder.mkdir(parents=True)
        row = case_row(f"broken {kind}", files)
        if kind == "case that is already there":
            row[0] = taken_case
        make(row, folder, files)
        yield kind, row, says


def _ct_of_bytes(change: Callable[[bytes], bytes], name="ct.nrrd"):
    def make(row, folder, files):
        (folder / name).write_bytes(change(files.ct.read_bytes()))
        row[1] = str(folder / name)

    return make


def _ct_of_image(change):
    def make(row, folder, files):
        SimpleITK.WriteImage(change(SimpleITK.ReadImage(files.ct)), folder / "ct.nrrd", useCompression=True)
        row[1] = str(folder / "ct.nrrd")

    return make


def _empty_folder(column: int):
    def make(row, folder, files):
        row[column] = str(folder)

    return make


def _markups(change):
    def make(row, folder, files):
        shutil.copytree(files.markups, folder / "markups")
        change(sorted((folder / "markups").iterdir())[0])
        row[2] = str(folder / "markups")

    return make


def _cell(column: int, text: str):
    def make(row, folder, files):
        row[column] = text

    return make


def _a_cell_more(row, folder, files):
    row.append("more")


def _nothing(row, folder, files):
    pass


def _moved(step_ras_mm):
    return _markups(lambda path: write_line(path, points_of(path) + np.array(step_ras_mm)))


def _damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(64) + data[middle + 64 :]


def _zeros(image):
    return image * 0


KINDS = {
    "ct that is not there": (_cell(1, "nowhere/ct.nrrd"), "no file or folder “nowhere/ct.nrrd”"),
    "ct that is not given": (_cell(1, ""), "there is no ct"),
    "ct of no bytes": (_ct_of_bytes(lambda data: b""), "is empty"),
    "ct cut off": (_ct_of_bytes(lambda data: data[: len(data) // 2]), "cut off"),
    "ct with damaged data": (_ct_of_bytes(_damaged), "damaged|cut off"),
    "ct without a header": (_ct_of_bytes(lambda data: b"\0" * 500), "damaged header"),
    "ct of another format": (_ct_of_bytes(lambda data: b"hello", "ct.txt"), "an unsupported format"),
    "ct in colors": (_ct_of_image(lambda image: SimpleITK.Compose(image, image, image)), "numbers per voxel"),
    "ct without a body": (_ct_of_image(_zeros), "Every voxel of the CT is 0"),
    "ct in an empty folder": (_empty_folder(1), "is empty"),
    "markups that are not there": (_cell(2, "nowhere"), "no file or folder “nowhere”"),
    "markups that are not given": (_cell(2, "n/a"), "there is no markups"),
    "markups in an empty folder": (_empty_folder(2), "contains no .mrk.json"),
    "markup that is no JSON": (_markups(lambda path: path.write_text("{")), "not valid JSON"),
    "markup of one point": (_markups(lambda path: write_line(path, points_of(path)[:1])), "1 point"),
    "markup beyond the ct": (_moved((0, 0, 700)), "beyond the CT"),
    "markup next to the bone": (_moved((-33, 0, 0)), "L3"),
    "markup that is there twice": (_markups(lambda path: shutil.copy(path, path.with_name("copy.mrk.json"))), "twice"),
    "level of no name": (_cell(3, "L9"), "Unknown level “L9”"),
    "level without a midline": (_cell(3, "T12"), "T12 has no midline"),
    "exclusion without a reason": (_cell(4, "L3"), "gives no reason"),
    "reading that is no number": (_cell(6, "second"), "is not a reading number"),
    "case with a slash": (_cell(0, "broken case/1"), "cannot be named"),
    "case with a line break": (_cell(0, "broken\ncase"), "cannot be printed"),
    "case that is already there": (_nothing, "is already in row"),
    "row of too many cells": (_a_cell_more, "8 cells under 7 columns"),
}
