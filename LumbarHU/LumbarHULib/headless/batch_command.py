"""lumbarhu batch: measure a table of CTs into an audit folder for each, and write common tables."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from LumbarHULib.audit.report.case_index import INDEX, write_index
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.calibration_file import load_calibration
from LumbarHULib.files.protocol_file import protocol_path
from LumbarHULib.headless.batch_case import CaseOutcome, CaseTask, common_sha256, measure_case
from LumbarHULib.headless.batch_folder import FAILURES, BatchFolder, batch_folder
from LumbarHULib.headless.batch_progress import BatchProgress
from LumbarHULib.headless.batch_table import BatchRow, BatchTable, RowProblem, problem_sentences, read_batch_table
from LumbarHULib.headless.dask_cluster import map_on_dask
from LumbarHULib.headless.exit_codes import DONE, IN_PART, SOME_FAILED
from LumbarHULib.headless.option_values import whole_number
from LumbarHULib.headless.protocol_choice import chosen_protocols
from LumbarHULib.headless.worker_processes import WorkerDied, default_workers, map_on_processes

_MOST_WORKERS = 1024
# Number of problems to print; failures.csv lists all.
_SHOWN = 20
# With more cases, the index page would be too large for a browser.
_MOST_INDEXED = 10_000

_DIED = (
    "The process that measured this case ended twice without a message, as when memory runs out: use fewer workers, or "
    "measure this CT alone with lumbarhu measure."
)

# Yields the number and the outcome of each task as it finishes.
CaseMap = Callable[..., Generator[tuple[int, CaseOutcome | WorkerDied], None, None]]


@dataclass(frozen=True)
class BatchOutcome:
    """The outcome of a batch.

    Parameters
    ----------
    counts : Counter
        Number of cases by state: measured, finished, failed.
    failures : tuple of RowProblem
        By row.
    refused : tuple of RowProblem
        By row, levels that were not measured in measured cases.
    repeated : Counter
        Number of finished cases that were measured again, by the reason.
    strays : tuple of str
        Folders that belong to no row.
    """

    counts: Counter[str]
    failures: tuple[RowProblem, ...]
    refused: tuple[RowProblem, ...]
    repeated: Counter[str]
    strays: tuple[str, ...]


def run_batch(options: argparse.Namespace) -> int:
    """Measure the cases of the table; return 0, 1 if cases failed, otherwise 3 if levels were refused.

    Raises
    ------
    InputError
        When the batch cannot start.
    KeyboardInterrupt
        When the user stops the batch, with its progress as the message; finished cases stay.
    """
    case_map = _case_map(options)
    cutoffs = None if options.cutoffs is None else Path(os.path.abspath(options.cutoffs))
    calibration = None if options.calibration is None else Path(os.path.abspath(options.calibration))
    if calibration is not None:
        load_calibration(calibration)
    exit_codes = []
    for chosen in chosen_protocols([*map(_absolute, options.protocol)], cutoffs, options.out):
        common = {
            "protocol": chosen.path,
            "cutoffs": chosen.cutoffs_path,
            "accept_off_protocol": options.accept_off_protocol,
            "calibration": calibration,
        }
        exit_codes.append(_run_by_protocol(options.table, chosen.folder, case_map, common))
    return next((code for code in (SOME_FAILED, IN_PART) if code in exit_codes), DONE)


def _absolute(protocol: str) -> Path:
    """Return the path of a protocol's file or id, valid in any worker's folder."""
    return Path(os.path.abspath(protocol_path(protocol)))


def _run_by_protocol(path: Path, out: Path, case_map: CaseMap, common: Mapping[str, Any]) -> int:
    """Measure the cases of the table by one protocol, print the outcome, and return the exit code."""
    folder_path = Path(os.path.abspath(out))
    table = read_batch_table(path, folder_path, **common)
    with batch_folder(folder_path) as folder:
        for sentence in (*table.notes, *problem_sentences(table.problems, _SHOWN)):
            print(f"lumbarhu: {sentence}", file=sys.stderr)
        outcome = measured_batch(folder, table, case_map)
    print(batch_text(outcome, out))
    if outcome.failures:
        return SOME_FAILED
    return IN_PART if outcome.refused else DONE


def measured_batch(folder: BatchFolder, table: BatchTable, case_map: CaseMap) -> BatchOutcome:
    """Measure every unfinished row, write the common tables, and return the outcome.

    The tables are in the order of the rows, regardless of the order in which the cases finish.
    """
    rows = table.rows
    outcomes: dict[int, CaseOutcome] = {}
    progress = BatchProgress(len(rows))
    try:
        if rows:
            with closing(case_map(measure_case, _tasks(folder, rows))) as ready:
                for number, outcome in ready:
                    outcomes[number] = CaseOutcome("failed", _DIED) if isinstance(outcome, WorkerDied) else outcome
                    content = outcomes[number].content
                    if content is not None:
                        folder.keep(rows[number].folder, content)
                    progress.advance(outcomes[number].state)
        progress.say("Writing the tables")
        failures = [
            RowProblem(row.row, row.case, "", outcomes[number].sentence)
            for number, row in enumerate(rows)
            if outcomes[number].state == "failed"
        ]
        failures = sorted((*table.problems, *failures), key=lambda problem: problem.row)
        measured = [row.folder for number, row in enumerate(rows) if outcomes[number].state != "failed"]
        refused = [
            RowProblem(row.row, row.case, "", sentence)
            for number, row in enumerate(rows)
            for sentence in outcomes[number].refused
        ]
        is_calibrated = any(row.job.calibration is not None for row in rows)
        problems = sorted((*failures, *refused), key=lambda problem: problem.row)
        folder.write_tables(measured, problems, is_calibrated)
        if 0 < len(measured) <= _MOST_INDEXED:
            write_index(folder.path)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped after {len(outcomes)} of {len(rows)} cases; run the same command again to continue."
        ) from None
    finally:
        progress.clear()
    return BatchOutcome(
        counts=Counter(outcome.state for outcome in outcomes.values()),
        failures=tuple(failures),
        refused=tuple(refused),
        repeated=Counter(
            outcome.sentence for outcome in outcomes.values() if outcome.state == "measured" and outcome.sentence
        ),
        strays=tuple(folder.strays(row.folder for row in rows)),
    )


def batch_text(outcome: BatchOutcome, out: Path) -> str:
    """Return the outcome of a batch as text for a terminal."""
    lines = [
        f"Measured {outcome.counts['measured']}, finished before {outcome.counts['finished']}, "
        f"failed {len(outcome.failures)}."
    ]
    lines += [
        f"Measured again because of a change in {why}: {count}." for why, count in sorted(outcome.repeated.items())
    ]
    if outcome.failures:
        lines += ["Failures:", *(f"- {sentence}" for sentence in problem_sentences(outcome.failures, _SHOWN))]
    if outcome.refused:
        lines += ["Levels not measured:", *(f"- {sentence}" for sentence in problem_sentences(outcome.refused, _SHOWN))]
    if outcome.strays:
        named = ", ".join(outcome.strays[:3]) + (", …" if len(outcome.strays) > 3 else "")
        lines.append(f"Folders without a row, not changed: {len(outcome.strays)} ({named}).")
    lines.append(f"\nTables:  {out / 'results.csv'}, {out / 'summary.csv'}, {out / FAILURES}")
    if (out / INDEX).is_file():
        lines.append(f"Reports: {out / INDEX}")
    return "\n".join(lines)


def _case_map(options: argparse.Namespace) -> CaseMap:
    """Return the function that maps another function over cases, on this machine or on a cluster."""
    if options.scheduler is None:
        text = str(default_workers()) if options.workers is None else options.workers
        return partial(map_on_processes, workers=whole_number("--workers", text, 1, _MOST_WORKERS))
    if options.workers is not None:
        raise InputError(
            "--workers and --scheduler are both given, but a cluster has its own workers: omit one of them."
        )
    return partial(map_on_dask, address=options.scheduler)


def _tasks(folder: BatchFolder, rows: Sequence[BatchRow]) -> Iterator[CaseTask]:
    job = rows[0].job
    common = {
        calibration: common_sha256(job.protocol, job.cutoffs, calibration)
        for calibration in dict.fromkeys(row.job.calibration for row in rows)
    }
    return (CaseTask(row.job, common[row.job.calibration], folder.known.get(row.folder)) for row in rows)
