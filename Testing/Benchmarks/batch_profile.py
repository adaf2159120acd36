"""The cost of a case of a batch compared with reading its CT alone, in one run, and where its time goes.

The CT is a phantom of 300 slices of 512 × 512 voxels, as a NRRD file, as a compressed NIfTI file and as a DICOM series,
unless a folder with ``ct.nrrd`` and ``markups`` is given. Each format is read alone and measured as a batch on two
workers. Then one case runs in this process, stage by stage. Times are those of a core, which other work on the machine
changes least.
"""

import argparse
import cProfile
import csv
import os
import pstats
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker

from headless.test_dicom_phantom import write_series
from thousand_cases import full_grid, render_cts
from thousand_runs import read_voxels, run_batch, run_reading

from LumbarHULib.headless.batch_case import CaseTask, common_sha256, measure_case
from LumbarHULib.headless.measure_job import MeasureJob
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.sitk_file import write_with_sitk

WORKERS = 2
FORMATS = ("ct.nrrd", "ct.nii.gz", "dicom")
# A stage by its function: file and name.
STAGES = {
    "reading the CT": ("ct_file.py", "read_ct"),
    "measuring the levels": ("pipeline.py", "measure_level"),
    "placement trials": ("sensitivity.py", "placement_trials"),
    "checks of positions": ("reading.py", "check_places"),
    "doubtful outlines": ("pipeline.py", "outline_doubts"),
    "hash of the voxels": ("ct_identity.py", "voxels_sha256"),
    "hashes of the files": ("folder.py", "file_sha256"),
    "label maps": ("label_map_file.py", "write_label_map"),
    "markups": ("folder.py", "write_markups"),
    "report": ("page.py", "report_page"),
    "record as text": ("folder.py", "_json_text"),
}


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
        print("\n".join(_stages(folder, Path(temporary))))


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


def _stages(folder: Path, temporary: Path) -> list[str]:
    common = common_sha256(None, None)

    def measure(name: str) -> None:
        job = MeasureJob(ct=folder / "ct.nrrd", markups=[folder / "markups"], destination=temporary / name)
        outcome = measure_case(CaseTask(job, common))
        if outcome.state != "measured":
            raise SystemExit(outcome.sentence)

    measure("first")  # what is imported and kept from case to case
    profile = cProfile.Profile(time.process_time)
    profile.runcall(measure, "second")
    found = pstats.Stats(profile).stats
    whole_s = max(figures[3] for figures in found.values())
    lines = [f"one case in this process under the profiler, {whole_s:.2f} s of a core"]
    for stage, (file, name) in STAGES.items():
        taken_s = sum(
            figures[3]
            for (path, _, function), figures in found.items()
            if path.endswith(f"/{file}") and function == name
        )
        lines.append(f"  {stage:30}  {taken_s:6.2f}   {100 * taken_s / whole_s:3.0f} %")
    return lines


if __name__ == "__main__":
    main()
