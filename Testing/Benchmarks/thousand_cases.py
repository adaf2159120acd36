"""Write CTs, markups and tables of many cases, one in twenty of them broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from headless.batch_files import KINDS, broken_rows, case_row, write_cases
from headless.phantom_files import PhantomFiles, write_line, write_midlines

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import Grid, axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

LEVELS = ("L1", "L2", "L3", "L4")
_SPINES = 3
_NOISE_HU = 12.0
# Standard deviation of a reader's error in the slice.
_READER_ERROR_MM = 0.5
_BROKEN_ONE_IN = 20


@dataclass(frozen=True)
class CaseTable:
    """A table of cases on disk.

    Parameters
    ----------
    path : Path
    good : tuple of str
        Names of the cases that can be measured, in the table's order.
    broken : mapping of int to (str, str)
        By row: the kind of broken input, and a pattern of the expected sentence.
    cts : tuple of Path
        The CT of each case that can be measured.
    """

    path: Path
    good: tuple[str, ...]
    broken: dict[int, tuple[str, str]]
    cts: tuple[Path, ...]


def small_grid() -> Grid:
    """Return a grid around L1–L4: 26 slices of 115 × 120 voxels."""
    return axial_grid((0.0, -6.0, 16.0), (96.0, 92.0, 130.0), 0.8, 5.0)


def full_grid(slices: int = 120) -> Grid:
    """Return the grid of a usual abdominal CT: slices of 512 × 512 voxels over 300 mm."""
    return axial_grid((0.0, 7.0, -12.5), (512 * 0.7, 512 * 0.7, 300.0), 0.7, 300.0 / slices)


def render_cts(folder: Path, grid: Grid, count: int) -> list[PhantomFiles]:
    """Write `count` CTs, a few spines with different noise, with their true midlines."""
    random = np.random.default_rng(1)
    phantoms = [
        render_on_grid(lumbar_spine(trabecular_hu=hu, table=True), grid)
        for hu in np.linspace(80.0, 160.0, min(_SPINES, count))
    ]
    files = []
    for number in range(count):
        phantom = phantoms[number % len(phantoms)]
        case_folder = folder / f"ct-{number}"
        case_folder.mkdir(parents=True)
        noise_hu = np.rint(random.normal(0.0, _NOISE_HU, grid.shape_kji)).astype(np.int16)
        write_ct(case_folder / "ct.nrrd", phantom.voxels_hu + noise_hu, phantom.ras_from_ijk)
        markups = write_midlines(case_folder / "markups", phantom, LEVELS)
        files.append(PhantomFiles(phantom, case_folder / "ct.nrrd", markups))
    return files


def write_table(folder: Path, files: Sequence[PhantomFiles], count: int, one_level: PhantomFiles | None) -> CaseTable:
    """Write a table of `count` cases, each with its own midlines on one of the CTs.

    With `one_level`, one case in twenty is broken, with each kind in turn; the broken files are made from `one_level`.
    """
    random = np.random.default_rng(2)
    rows: list[list[str]] = []
    good: list[str] = []
    cts: list[Path] = []
    broken: dict[int, tuple[str, str]] = {}
    kinds = _endless_broken_rows(folder / "broken", one_level)
    for number in range(count):
        if one_level is not None and number % _BROKEN_ONE_IN == _BROKEN_ONE_IN - 1:
            kind, row, says = next(kinds)
            row[0] = good[0] if kind == "case that is already there" else f"{row[0]} {number}"
            broken[len(rows) + 2] = (kind, says)
            rows.append(row)
            continue
        ct_files = files[number % len(files)]
        markups = folder / "markups" / str(number)
        markups.mkdir(parents=True)
        for level in LEVELS:
            error_mm = np.append(random.normal(0.0, _READER_ERROR_MM, 2), 0.0)
            write_line(markups / f"{level}-midline.mrk.json", ct_files.phantom.truth[level].midline_ras_mm + error_mm)
        good.append(f"case {number:04d}")
        cts.append(ct_files.ct)
        rows.append(case_row(good[-1], PhantomFiles(ct_files.phantom, ct_files.ct, markups)))
    path = write_cases(folder / "cases.csv", rows)
    return CaseTable(path, tuple(good), broken, tuple(cts))


def _endless_broken_rows(folder: Path, files: PhantomFiles | None):
    """Yield broken rows of every kind, repeatedly, each with its own files."""
    turn = 0
    while files is not None:
        yield from broken_rows(folder / str(turn), files, "")
        turn += 1


def kind_count() -> int:
    """Return the number of kinds of broken input."""
    return len(KINDS)
