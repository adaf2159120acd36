"""What a case of a batch costs against reading its CT alone, in one run, and where its time goes.

It measures the same CT again and again: the demo's, unless another folder with ``ct.nrrd`` and ``markups`` is named.
Three runs on two workers: reading alone, the batch, and the batch with as many threads of linear algebra as the machine
has cores. Then one case in this process, stage by stage. Times are those of a core, which other work on the machine
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker

from thousand_runs import run_batch, run_reading

from LumbarHULib.headless.batch_case import CaseTask, common_sha256, measure_case
from LumbarHULib.headless.measure_job import MeasureJob

WORKERS = 2
# A stage by the function that does it: file and name.
STAGES = {
    "reading the CT": ("ct_file.py", "read_ct"),
    "measuring the levels": ("pipeline.py", "measure_level"),
    "trials of placement": ("sensitivity.py", "placement_trials"),
    "checks of the place": ("reading.py", "check_places"),
    "outlines that are doubtful": ("pipeline.py", "outline_doubts"),
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
    parser.add_argument("--cases", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or _rendered(Path(temporary) / "demo")
        print("\n".join(_against_reading(folder.absolute(), Path(temporary), options.cases)))
        print("\n".join(_stages(folder, Path(temporary))))


def _rendered(folder: Path) -> Path:
    from LumbarHULib.headless.command_line import main as lumbarhu

    if lumbarhu(["demo", "--out", str(folder)]):
        raise SystemExit("The demo failed.")
    return folder


def _against_reading(folder: Path, temporary: Path, cases: int) -> list[str]:
    table = temporary / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [("case", "ct", "markups"), *((f"case {n}", folder / "ct.nrrd", folder / "markups") for n in range(cases))]
        )
    given = os.environ.pop("OPENBLAS_NUM_THREADS")
    reading = run_reading([folder / "ct.nrrd"] * cases, WORKERS)
    batch = run_batch(table, temporary / "out", "--workers", str(WORKERS))
    os.environ["OPENBLAS_NUM_THREADS"] = str(os.cpu_count())
    threads = run_batch(table, temporary / "threads", "--workers", str(WORKERS))
    os.environ["OPENBLAS_NUM_THREADS"] = given
    return [
        f"{cases} cases on {WORKERS} workers, load {os.getloadavg()[0]:.1f}; seconds of a core for each case",
        f"  reading the CT alone            {reading.cpu_s / cases:6.2f}",
        f"  the batch                       {batch.cpu_s / cases:6.2f}   {batch.cpu_s / reading.cpu_s:.2f} x reading",
        f"  with {os.cpu_count():2} threads a worker        {threads.cpu_s / cases:6.2f}   "
        f"{threads.cpu_s / reading.cpu_s:.2f} x reading",
        f"  memory of the largest worker, MiB: {', '.join(f'{mib:.0f}' for mib in batch.memory_mib)}",
    ]


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
