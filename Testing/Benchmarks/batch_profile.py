"""The cost of a case of a batch compared with reading its CT alone, in one run, and where its time goes.

The CT is a phantom of 300 slices of 512 × 512 voxels, as a NRRD file, as a compressed NIfTI file and as a DICOM series,
unless a folder with ``ct.nrrd`` and ``markups`` is given. Each format is read alone and measured as a batch on two
workers. Then cases run in this process, each after the CT is read alone, and every few milliseconds of a core the stage
at work is noted. Times are those of a core, which other work on the machine changes least. It runs on Linux and macOS.

    python Testing/Benchmarks/batch_profile.py --slices 120
"""

import argparse
import csv
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker

from headless.test_dicom_phantom import write_series
from thousand_cases import full_grid, render_cts
from thousand_runs import PACKAGE_ROOT, read_voxels, run_batch, run_reading

from LumbarHULib.headless.batch_case import CaseTask, common_sha256, measure_case
from LumbarHULib.headless.measure_job import MeasureJob
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.sitk_file import write_with_sitk

WORKERS = 2
FORMATS = ("ct.nrrd", "ct.nii.gz", "dicom")
# Noted this often, at most; a system may do so less often.
_TICK_S = 0.001
# A stage by its function, file and name. Of functions that call each other, the innermost counts.
STAGES = {
    ("batch_case.py", "measure_case"): "everything else",
    ("ct_file.py", "read_ct"): "reading the CT",
    ("input_identity.py", "content_of"): "hash of the CT's file, by which a finished case is known",
    ("ct_identity.py", "voxels_sha256"): "hash of the voxels, for the record",
    ("pipeline.py", "measure_level"): "regions and their statistics",
    ("level.py", "outline_of_level"): "outlines of the levels",
    ("sensitivity.py", "placement_trials"): "trials: regions at displaced midlines",
    ("sensitivity.py", "_bone_of_slice"): "trials: voxels of the slices",
    ("pipeline.py", "outline_doubts"): "doubtful outlines",
    ("reading.py", "check_places"): "checks: surroundings and patches",
    ("reading.py", "height_of_level"): "checks: endplates",
    ("label_map_file.py", "write_label_map"): "label maps",
    ("page.py", "report_page"): "report, with its pictures",
    ("png_image.py", "gray_png"): "PNG of the pictures",
    ("folder.py", "write_markups"): "markups",
    ("folder.py", "_json_text"): "record as JSON",
    ("protocol_choice.py", "chosen_protocols"): "protocol and cutoffs",
}
OUTLINES, TRIAL_SLICES = STAGES["level.py", "outline_of_level"], STAGES["sensitivity.py", "_bone_of_slice"]
OUTLINES_OF_TRIALS = "trials: outlines in the slices next to the mid-slice"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="with ct.nrrd and markups, such as demo")
    parser.add_argument("--slices", type=int, default=300, help="slices of the phantom (default: 300)")
    parser.add_argument("--cases", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or rendered(Path(temporary) / "full", options.slices)
        print(f"{options.cases} cases on {WORKERS} workers, load {os.getloadavg()[0]:.1f}; seconds of a core per case")
        for name in FORMATS:
            if (folder / name).exists():
                print(_against_reading(folder.absolute(), name, Path(temporary), options.cases), flush=True)
        print("\n".join(_stages(folder, Path(temporary), options.cases)))


def rendered(folder: Path, slices: int) -> Path:
    """Write a phantom of full size in each format, with its midlines, and return the folder."""
    (files,) = render_cts(folder, full_grid(slices), 1)
    ct = read_ct(files.ct)
    write_with_sitk(files.ct.parent / "ct.nii.gz", ct.voxels_hu, ct.ras_from_ijk)
    tags = {"PixelSpacing": [0.7, 0.7], "SliceThickness": f"{300 / slices:g}"}
    write_series(files.ct.parent / "dicom", replace(files.phantom, voxels_hu=ct.voxels_hu), **tags)
    return files.ct.parent


def _against_reading(folder: Path, name: str, temporary: Path, cases: int) -> str:
    table = temporary / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [("case", "ct", "markups"), *((f"case {n}", folder / name, folder / "markups") for n in range(cases))]
        )
    read_voxels(folder / name)  # so that the files are in the system's cache
    reading = run_reading([folder / name] * cases, WORKERS)
    batch = run_batch(table, temporary / f"out-{name}", "--workers", str(WORKERS))
    return (
        f"  {name:10}  reading alone {reading.cpu_s / cases:5.2f}  the batch {batch.cpu_s / cases:5.2f}: "
        f"{batch.cpu_s / reading.cpu_s:.2f} times, wall {batch.wall_s / reading.wall_s:.2f} times; memory of the "
        f"largest worker, MiB: {', '.join(f'{mib:.0f}' for mib in batch.memory_mib)}"
    )


class StageTimes:
    """Notes the stage at work, with the core time since the last note: a call into a library is noted when it ends."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last_s = 0.0

    def __enter__(self) -> "StageTimes":
        signal.signal(signal.SIGPROF, self._note)
        self._last_s = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)
        return self

    def __exit__(self, *problem: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now_s = time.process_time()
        self.seconds[_stage_of(frame)] += now_s - self._last_s
        self._last_s = now_s


def _stage_of(frame: FrameType | None) -> str:
    found = ""
    while frame is not None:
        stage = STAGES.get((os.path.basename(frame.f_code.co_filename), frame.f_code.co_name))
        if found == OUTLINES and stage == TRIAL_SLICES:
            return OUTLINES_OF_TRIALS
        if stage is not None and found != OUTLINES:
            if stage != OUTLINES:
                return found or stage
            found = stage
        frame = frame.f_back
    return found or "everything else"


def _stages(folder: Path, temporary: Path, cases: int) -> list[str]:
    common = common_sha256(None, None)

    def measure(name: str) -> float:
        begin_s = time.process_time()
        job = MeasureJob(ct=folder / "ct.nrrd", markups=[folder / "markups"], destination=temporary / name)
        outcome = measure_case(CaseTask(job, common))
        if outcome.state != "measured":
            raise SystemExit(outcome.sentence)
        return time.process_time() - begin_s

    measure("first")  # what is imported and kept from case to case
    reading_s: list[float] = []
    case_s: list[float] = []
    times = StageTimes()
    for number in range(cases):
        begin_s = time.process_time()
        read_voxels(folder / "ct.nrrd")
        reading_s.append(time.process_time() - begin_s)
        with times:
            case_s.append(measure(f"case-{number}"))
    whole_s = times.seconds.total()
    ratio = statistics.median(case_s) / statistics.median(reading_s)
    lines = [
        f"{cases} cases in this process, medians: reading alone {1000 * statistics.median(reading_s):.0f} ms of a "
        f"core, a case {1000 * statistics.median(case_s):.0f} ms: {ratio:.2f} times. Once per worker, in addition: "
        f"imports {1000 * _imports_s():.0f} ms.",
        "",
        "| stage | ms per case | % |",
        "|---|---:|---:|",
    ]
    for stage, taken_s in times.seconds.most_common():
        lines.append(f"| {stage} | {1000 * taken_s / cases:.0f} | {100 * taken_s / whole_s:.0f} |")
    return lines


def _imports_s() -> float:
    """Return the core time of a process that only imports what a worker does."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", "import LumbarHULib.headless.batch_case, SimpleITK"], env=environment, check=True
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
