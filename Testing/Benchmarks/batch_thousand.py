"""A batch of 1,000 cases on two workers: speed, memory, completeness, and the cost of a million cases.

Run it with ``make thousand``, on Linux; it takes about ten minutes on two cores, and writes its figures to
Docs/batch-figures.md. The first part has 1,000 cases on small CTs, one in twenty of them broken. A clean run, a run
that is killed repeatedly, and a run on Dask must write the same bytes. To save time, this part has no placement trials
(placement_trials = 0). The second part has CTs of the usual size, and compares the time with and without these trials
with the time to read the CTs alone. There are few CTs; each case has its own midlines on one of them.
"""

import argparse
import csv
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Testing" / "Python"))

from headless.dask_on_loopback import loopback_cluster
from headless.phantom_files import PhantomFiles, one_level_phantom, write_midlines
from thousand_cases import CaseTable, full_grid, kind_count, render_cts, small_grid, write_table
from thousand_runs import Run, bytes_of, hashes_of, run_batch, run_killed, run_reading

from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL
from LumbarHULib.images.ct_file import write_ct

WORKERS = 2
KILLS = 10
MACHINES = ((1, 2), (1, 16), (10, 16), (100, 16))
MILLION = 1_000_000
FIGURES = Path(__file__).resolve().parents[2] / "Docs" / "batch-figures.md"


@dataclass(frozen=True)
class Costs:
    """The cost of a case on CTs of the usual size.

    Parameters
    ----------
    cases : int
    batch, quick, reading, again : Run
        Measuring all; the same without placement trials; reading the CTs alone; a repeated run with all finished.
    ct_bytes, audit_bytes, table_bytes : float
        Size of a case: its CT, its audit folder, its lines in the common tables.
    audit_files : float
    """

    cases: int
    batch: Run
    quick: Run
    reading: Run
    again: Run
    ct_bytes: float
    audit_bytes: float
    table_bytes: float
    audit_files: float


def main() -> None:
    """Run both parts, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="cases on small CTs (default: 1000)")
    parser.add_argument("--full", type=int, default=200, help="cases on full CTs (default: 200)")
    parser.add_argument("--write", action="store_true", help="write Docs/batch-figures.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = [_heading(), *sameness(Path(folder, "small"), options.cases)]
        parts += cost_lines(costs(Path(folder, "full"), options.full))
    text = "\n\n".join(parts) + "\n"
    print(text)
    if options.write:
        FIGURES.write_text(text, encoding="utf-8")


def sameness(folder: Path, count: int) -> list[str]:
    """Run the small cases clean, killed and on Dask, and return the lines on the results."""
    table = small_table(folder, count)
    quick = ["--protocol", str(write_quick_protocol(folder))]
    on_processes = [*quick, "--workers", str(WORKERS)]
    clean = run_batch(table.path, folder / "clean", *on_processes)
    expected = hashes_of(folder / "clean")
    check_nothing_is_lost(table, folder / "clean")
    met = run_killed(table.path, folder / "killed", len(table.good), KILLS, *on_processes)
    check_same(expected, hashes_of(folder / "killed"), "killed")
    with loopback_cluster(folder / "cluster", WORKERS) as cluster:
        dask = run_batch(table.path, folder / "dask", *quick, "--scheduler", cluster.address)
    check_same(expected, hashes_of(folder / "dask"), "on Dask")
    return [
        f"## {count} cases, {len(table.broken)} of them broken",
        f"- {len(table.good)} cases on {len(set(table.cts))} small CTs are measured; the {len(table.broken)} broken "
        f"ones, of {len({kind for kind, _ in table.broken.values()})} kinds out of {kind_count()}, are in "
        "failures.csv, each with its own sentence; no case is lost.",
        f"- A clean run takes {clean.wall_s:.0f} s on {WORKERS} workers: {60 * count / clean.wall_s:.0f} cases a "
        "minute.",
        f"- {_memory(clean)}",
        f"- Killed with signal 9 at {KILLS} random moments (at work {met} times; in turn the main process, a worker "
        f"and all processes) and restarted each time, it writes the same bytes in all {len(expected)} files.",
        f"- On Dask, with {WORKERS} workers of a scheduler on this machine, it takes {dask.wall_s:.0f} s and writes "
        "the same bytes.",
    ]


def costs(folder: Path, count: int) -> Costs:
    """Run the full cases, and read their CTs alone."""
    folder.mkdir()
    table = write_table(folder, render_cts(folder / "cts", full_grid(), 12), count, None)
    run_reading(table.cts[:24], WORKERS)  # so that the files are in the system's cache
    batch = run_batch(table.path, folder / "out", "--workers", str(WORKERS))
    check_nothing_is_lost(table, folder / "out")
    reading = run_reading(table.cts, WORKERS)
    quick_options = ["--protocol", str(write_quick_protocol(folder)), "--workers", str(WORKERS)]
    quick = run_batch(table.path, folder / "quick", *quick_options)
    again = run_batch(table.path, folder / "out", "--workers", str(WORKERS))
    audits = [folder / "out" / case for case in table.good]
    tables = sum((folder / "out" / name).stat().st_size for name in ("results.csv", "summary.csv"))
    return Costs(
        cases=count,
        batch=batch,
        quick=quick,
        reading=reading,
        again=again,
        ct_bytes=sum(ct.stat().st_size for ct in table.cts) / count,
        audit_bytes=sum(map(bytes_of, audits)) / count,
        table_bytes=tables / count,
        audit_files=sum(len(hashes_of(audit)) for audit in audits) / count,
    )


def write_quick_protocol(folder: Path) -> Path:
    """Write the study's protocol without placement trials, and return its path."""
    document = json.loads(DEFAULT_PROTOCOL.read_text(encoding="utf-8"))
    document["values"]["placement_trials"]["value"] = 0
    path = folder / "quick.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def cost_lines(costs: Costs) -> list[str]:
    """Return the lines on the cost of a case, and of a million cases."""
    count, reading = costs.cases, costs.reading
    case_s, quick_s = costs.batch.cpu_s / count, costs.quick.cpu_s / count
    lines = [
        f"## {count} cases on CTs of 120 slices of 512 × 512 voxels",
        f"- Reading the CTs alone: {60 * count / reading.wall_s:.0f} a minute on {WORKERS} workers, "
        f"{reading.cpu_s / count:.2f} s of a core each.",
        f"- The batch, without placement trials: {_against(costs.quick, reading, count)}",
        f"- The batch with the study's protocol, which measures each level 100 more times with moved midlines: "
        f"{_against(costs.batch, reading, count)}",
        f"- {_memory(costs.batch)}",
        f"- Run again when all cases are finished: {1000 * costs.again.wall_s / count:.1f} ms per case.",
        f"- A CT takes {costs.ct_bytes / 1e6:.1f} MB; its audit folder {costs.audit_bytes / 1e6:.2f} MB in "
        f"{costs.audit_files:.0f} files; its lines in the common tables {costs.table_bytes / 1e3:.1f} kB.",
        "## A million such CTs, extrapolated from these figures",
        f"- Storage: {MILLION * costs.ct_bytes / 1e12:.0f} TB of CTs, {MILLION * costs.audit_bytes / 1e12:.2f} TB of "
        f"audit folders in {MILLION * costs.audit_files / 1e6:.0f} million files, "
        f"{MILLION * costs.table_bytes / 1e9:.1f} GB of tables.",
        f"- Work: {MILLION * case_s / 3600:.0f} hours of one core, or {MILLION * quick_s / 3600:.0f} without trials.",
    ]
    rows = ["| machines | cores each | hours | without trials | read rate then, MB/s |", "|---:|---:|---:|---:|---:|"]
    for machines, cores in MACHINES:
        hours = [MILLION * seconds / (machines * cores) / 3600 for seconds in (case_s, quick_s)]
        rate = machines * cores / quick_s * costs.ct_bytes / 1e6
        rows.append(f"| {machines} | {cores} | {hours[0]:.1f} | {hours[1]:.1f} | {rate:,.0f} |")
    return [*lines, "\n".join(rows)]


def small_table(folder: Path, count: int) -> CaseTable:
    """Return a table on small CTs, with broken cases."""
    folder.mkdir()
    phantom = one_level_phantom(slices=3, noise_hu=10)
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    one_level = PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "one-level", phantom))
    return write_table(folder, render_cts(folder / "cts", small_grid(), 30), count, one_level)


def check_nothing_is_lost(table: CaseTable, out: Path) -> None:
    """Stop unless each case is in the results once, or among the failures with the right sentence."""
    with (out / "failures.csv").open(newline="", encoding="utf-8") as stream:
        failures = {int(row["row"]): row["sentence"] for row in csv.DictReader(stream)}
    with (out / "results.csv").open(newline="", encoding="utf-8") as stream:
        measured = tuple(dict.fromkeys(row["case"] for row in csv.DictReader(stream)))
    if measured != table.good or set(failures) != set(table.broken):
        raise SystemExit(f"Lost: {set(table.good) ^ set(measured)}, {set(failures) ^ set(table.broken)}")
    for row, (kind, says) in table.broken.items():
        if not re.search(says, failures[row]):
            raise SystemExit(f"Row {row} ({kind}) is reported as: {failures[row]}")


def check_same(expected: dict[str, str], found: dict[str, str], how: str) -> None:
    """Stop unless two runs wrote the same files with the same bytes."""
    names = [name for name in {*expected, *found} if expected.get(name) != found.get(name)]
    if names:
        raise SystemExit(f"{len(names)} files differ in the run {how}: {sorted(names)[:10]}")


def _against(run: Run, reading: Run, count: int) -> str:
    return (
        f"{60 * count / run.wall_s:.0f} cases a minute, {run.cpu_s / count:.2f} s of a core each; "
        f"{run.cpu_s / reading.cpu_s:.2f} times the core time of reading, and {run.wall_s / reading.wall_s:.2f} times "
        "its wall time."
    )


def _memory(run: Run) -> str:
    tenths = ", ".join(f"{mib:.0f}" for mib in run.memory_mib)
    return f"Memory of the largest worker over the run, in MiB: {tenths}; of the main process {run.main_mib:.0f}."


def _heading() -> str:
    return (
        "# Figures of a batch\n\nMade by `make thousand` on a machine of "
        f"{os.cpu_count()} cores with a load of {os.getloadavg()[0]:.1f} beforehand. Other work makes wall times "
        "longer, and core times less so. The CTs are a few tens of phantoms; each case has its own midlines on one of "
        "them."
    )


if __name__ == "__main__":
    main()
