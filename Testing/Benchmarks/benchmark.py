"""Time and memory of a measurement. Run it with ``make bench``; it takes about two minutes.

Every job is warmed up, and timed in turn on a CT of 120 and on one of 600 slices of 512 × 512 voxels. The table gives
the median of the repeats, with minimum and maximum in parentheses. Other work on the machine makes all times longer;
the minimum is then more reliable, and the ratios most of all.
"""

import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
import vtk
from reference_jobs import ReferenceJobs
from scene_jobs import DRAGGED_ROLES, drag, measured_reading
from slice_view import time_in_view
from timing import Figures, Table, peak_memory, time_in_turn
from workload import DRAGGED_LEVEL, SLICE_COUNTS, Workload, workloads

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.images.label_map_file import write_label_map

CORE_KNOWN_AIM_MS, CORE_NEW_AIM_MS, HANDLER_AIM_MS = 5, 10, 16
MEMORY_AIM_MB = 20
RATIO_AIM = 1.1

# Above this load, the benchmark shares its processor most of the time.
BUSY_LOAD = 1.5

REPEATS, VIEW_REPEATS, WHOLE_REPEATS = 100, 30, 15
# By number of slices; a job that takes seconds is not repeated.
REFERENCE_REPEATS = dict(zip(SLICE_COUNTS, (3, 1), strict=True))

_Loads = dict[int, Workload]
_ByCount = dict[int, Figures]


def main() -> None:
    """Print the table."""
    table = Table(SLICE_COUNTS)
    _print_machine()
    loads = workloads()
    table.print_title(f"One level ({DRAGGED_LEVEL}) updated after a markup moved")
    core = _bench_core(table, loads)
    scene = _bench_scene(table, loads)
    view = _bench_view(table, loads)
    table.print_title("All five ROIs of four levels")
    whole = _bench_whole(table, loads)
    reference = _bench_reference(table, loads)
    table.print_title("Peak memory of Python and numpy in addition to the CT")
    _bench_memory(table, loads)

    print("\nTime ratios")
    for role, update in (("boundary", "known"), ("midline", "new")):
        table.print_ratio(f"handler, {role} dragged / core alone", scene[role], core[update])
        if view:
            table.print_ratio(f"handler, {role} dragged / redrawing the view", view[role], view["redraw"])
    for name, figures in reference.items():
        table.print_ratio(f"SimpleITK {name} / everything from markups", figures, whole)


def _print_machine() -> None:
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, VTK {vtk.vtkVersion.GetVTKVersion()}"
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors; {versions}")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY_LOAD:
        print(f"Other jobs are running (load {load:.1f}): the times are too long, the minimum least affected.")


def _bench_core(table: Table, loads: _Loads) -> dict[str, _ByCount]:
    known = time_in_turn({count: load.update_with_known_outline() for count, load in loads.items()}, REPEATS)
    table.print_row("core, known outline", known, CORE_KNOWN_AIM_MS, RATIO_AIM)
    new = time_in_turn({count: load.update_with_new_outline() for count, load in loads.items()}, REPEATS)
    table.print_row("core, outline found again", new, CORE_NEW_AIM_MS, RATIO_AIM)
    return {"known": known, "new": new}


def _bench_scene(table: Table, loads: _Loads) -> dict[str, _ByCount]:
    by_role = {}
    with ExitStack() as scenes:
        measurers = {count: scenes.enter_context(measured_reading(load)) for count, load in loads.items()}
        for role in DRAGGED_ROLES:
            jobs = {count: drag(measurer, role) for count, measurer in measurers.items()}
            by_role[role] = time_in_turn(jobs, REPEATS)
            table.print_row(f"handler with scene, {role} dragged", by_role[role], HANDLER_AIM_MS, RATIO_AIM)
    return by_role


def _bench_view(table: Table, loads: _Loads) -> dict[str, _ByCount] | None:
    """Time the jobs with a view in separate processes, because without EGL or OSMesa VTK ends the process."""
    by_count = {}
    for count, load in loads.items():
        try:
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                by_count[count] = pool.submit(time_in_view, load, VIEW_REPEATS).result()
        except BrokenProcessPool:
            print("Omitted: the slice view. This machine cannot draw off-screen; install EGL (libegl1 on Debian).")
            return None
    by_name = {name: {count: by_count[count][name] for count in loads} for name in (*DRAGGED_ROLES, "redraw")}
    for role in DRAGGED_ROLES:
        table.print_row(f"the same with an open slice view, {role}", by_name[role], HANDLER_AIM_MS)
    table.print_row("for comparison: redrawing that view, 700 × 700", by_name["redraw"])
    return by_name


def _measured(load: Workload, ct: CtVolume) -> ReadingResult:
    return measure_ct(ct, tuple(load.landmarks.values()), load.protocol, load_cutoffs().cutoffs, ScanFacts())


def _bench_whole(table: Table, loads: _Loads) -> _ByCount:
    jobs = {count: lambda _, load=load: _measured(load, load.ct) for count, load in loads.items()}
    checking = {
        count: lambda _, load=load: _measured(load, CtVolume(load.ct.voxels_hu, load.ct.ras_from_ijk))
        for count, load in loads.items()
    }
    figures = time_in_turn(jobs, WHOLE_REPEATS)
    table.print_row("from markups, CT already checked", figures, ratio_aim=RATIO_AIM)
    table.print_row("from markups, including the check of the CT", time_in_turn(checking, WHOLE_REPEATS))
    return figures


def _bench_reference(table: Table, loads: _Loads) -> dict[str, _ByCount]:
    by_name: dict[str, _ByCount] = {"LabelStatistics": {}, "LabelIntensityStatistics": {}}
    for count, load in loads.items():
        reference = ReferenceJobs(load, _measured(load, load.ct))
        jobs = (reference.label_statistics, reference.label_intensity_statistics)
        for name, job in zip(by_name, jobs, strict=True):
            by_name[name] |= time_in_turn({count: job}, REFERENCE_REPEATS[count], warm_up=0)
    for name, figures in by_name.items():
        table.print_row(f"for comparison: SimpleITK {name}", figures)
    return by_name


def _bench_memory(table: Table, loads: _Loads) -> None:
    core = {count: load.update_with_new_outline() for count, load in loads.items()}
    table.print_row("core, outline found again", peak_memory(core), MEMORY_AIM_MB)
    with ExitStack() as scenes:
        measurers = {count: scenes.enter_context(measured_reading(load)) for count, load in loads.items()}
        for role in DRAGGED_ROLES:
            jobs = {count: drag(measurer, role) for count, measurer in measurers.items()}
            table.print_row(f"handler with scene, {role} dragged", peak_memory(jobs), MEMORY_AIM_MB)
    with tempfile.TemporaryDirectory() as folder:
        writing = {count: _writing_of_label_maps(load, Path(folder)) for count, load in loads.items()}
        table.print_row("writing the five label maps", peak_memory(writing))
    sizes = " and ".join(f"{load.ct.voxels_hu.size / 1e6:.0f} MB" for load in loads.values())
    print(f"One label map at the CT's full size has {sizes}.")


def _writing_of_label_maps(load: Workload, folder: Path) -> Callable[[int], None]:
    result, stack = _measured(load, load.ct), load.stack()

    def write(_: int) -> None:
        for roi in ROIS:
            masks = [(LABEL_VALUES[level.level], level.rois[roi].mask) for level in result.levels]
            write_label_map(folder / f"{roi}.nrrd", stack, load.ct.ras_from_ijk, masks)

    return write


if __name__ == "__main__":
    main()
