"""Measure one case of a batch from its row, and write its audit folder: the work of one worker."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import DAMAGES, RECORD, file_sha256
from LumbarHULib.core.errors import InputError
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS
from LumbarHULib.files.protocol_file import DEFAULT_PROTOCOL
from LumbarHULib.headless import measure_job
from LumbarHULib.headless.input_identity import (
    KnownContent,
    content_of,
    ct_files,
    markup_files,
    program_sha256,
    sign_of,
    volume_files,
)
from LumbarHULib.headless.measure_job import MeasureJob

# Name under which the record describes the inputs of a folder.
_MADE_FROM = "batch"
_WORDS = {
    "ct_sha256": "the CT",
    "markups_sha256": "the markups",
    "seeds_sha256": "the seeds",
    "segmentation_sha256": "the segmentation",
    "protocol_sha256": "the protocol",
    "cutoffs_sha256": "the cutoffs",
    "calibration_sha256": "the calibration",
    "program_sha256": "the program",
}

# Reading a CT captures the output of C++ libraries, which all threads of a process share.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class CaseTask:
    """The task of a worker.

    Parameters
    ----------
    job : MeasureJob
    common_sha256 : mapping of str to str
        Hashes of the protocol, the cutoffs and the program, which all cases must share.
    known : KnownContent or None
        The content of the inputs as known from an earlier run.
    """

    job: MeasureJob
    common_sha256: Mapping[str, str]
    known: KnownContent | None = None


@dataclass(frozen=True)
class CaseOutcome:
    """The outcome of a case.

    Parameters
    ----------
    state : str
        ``measured``, ``finished`` (already, from the same inputs) or ``failed``.
    sentence : str
        Why the case failed, or why it was measured again.
    content : KnownContent or None
        The content of its inputs.
    refused : tuple of str
        Why levels were not measured, one sentence each.
    """

    state: str
    sentence: str = ""
    content: KnownContent | None = None
    refused: tuple[str, ...] = ()


def common_sha256(protocol: Path | None, cutoffs: Path | None, calibration: Path | None = None) -> dict[str, str]:
    """Return the hashes of protocol, cutoffs, calibration and program, which all cases of a batch share."""
    calibrated = {} if calibration is None else {"calibration_sha256": file_sha256(calibration)}
    return calibrated | {
        "protocol_sha256": file_sha256(protocol or DEFAULT_PROTOCOL),
        "cutoffs_sha256": file_sha256(cutoffs or DEFAULT_CUTOFFS),
        "program_sha256": program_sha256(),
    }


def measure_case(task: CaseTask) -> CaseOutcome:
    """Measure a case unless it is finished, and return the outcome; only KeyboardInterrupt is raised."""
    try:
        with _ONE_AT_A_TIME:
            return _measure(task)
    except InputError as problem:
        sentence = str(problem)
    except MemoryError:
        sentence = (
            "There is not enough memory for this CT: use fewer workers (--workers), or a machine with more memory."
        )
    except OSError as problem:
        sentence = f"“{problem.filename or 'A file'}” could not be used: {problem.strerror or problem}."
    except Exception as problem:  # an error in the program must not stop the other cases
        sentence = f"The program failed ({type(problem).__name__}: {problem}): please report it."
    if (task.job.destination / RECORD).is_file():
        sentence += " The case's folder is from an earlier run."
    return CaseOutcome("failed", sentence)


def _measure(task: CaseTask) -> CaseOutcome:
    job = task.job
    if common_sha256(job.protocol, job.cutoffs, job.calibration) != task.common_sha256:
        raise InputError(
            "The protocol, the cutoffs, the calibration or the program changed while the batch was running: start the "
            "batch again."
        )
    inputs = _inputs(job)
    content = content_of(inputs, task.known)
    made_from = _made_from(job, content.sha256, task.common_sha256)
    record = _own_record(job.destination)
    changes = None if record is None else _changes(record, made_from)
    if record is not None and not changes:
        refused = tuple(level["sentence"] for level in record["not_measured"] if not level["excluded"])
        return CaseOutcome("finished", content=content, refused=refused)
    job = replace(job, overwrite=True, extra={_MADE_FROM: made_from})
    audit = measure_job.run(job, lambda share, what: None)
    if sign_of(inputs) != content.sign:
        raise InputError("The CT or another input changed while it was measured: start the batch again.")
    refused = tuple(refusal.sentence for refusal in audit.result.refused)
    return CaseOutcome("measured", " and ".join(changes or ()), content, refused)


def _inputs(job: MeasureJob) -> dict[str, list[Path]]:
    """Return the input files of a case by their role."""
    inputs = {"ct": ct_files(job.ct)}
    if job.segmentation is not None:
        return inputs | {"segmentation": volume_files(job.segmentation)}
    if job.seeds is not None:
        return inputs | {"seeds": markup_files([job.seeds])}
    return inputs | {"markups": markup_files(job.markups)}


def _made_from(job: MeasureJob, content: Mapping[str, str], common: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that the numbers of a case depend on, as plain JSON values."""
    return {
        **{f"{role}_sha256": sha256 for role, sha256 in content.items()},
        **common,
        **({"segment": dict(job.segments)} if job.segments else {}),
        **({"fill_levels": True} if job.fill_levels else {}),
        "levels": None if job.levels is None else list(job.levels),
        "exclude": dict(job.exclusions),
        "accept_off_protocol": job.accept_off_protocol,
        "case": job.case,
        "reader": job.reader,
        "reading": job.reading,
        **({"ct_date": job.ct_date} if job.ct_date else {}),
    }


def _own_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of an unchanged folder that a batch made; None where there is no folder yet.

    Raises
    ------
    InputError
        When the folder is not a batch's or was changed, because it may contain manual work.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        before, files, _ = record["extra"].get(_MADE_FROM), record["files"].items(), record["not_measured"]
    except DAMAGES as error:
        raise InputError(f"“{path}” is damaged: remove the folder to measure the case again.") from error
    if before is None:
        raise InputError(f"“{folder}” was not made by a batch: move it away, or rename the case.")
    for name, sha256 in files:
        file = folder / name
        # A power failure may leave a truncated or damaged file. Checking all files of a finished case takes 1 ms, a
        # fifth of the time of checking the case.
        if not file.is_file() or file_sha256(file) != sha256:
            raise InputError(
                f"“{file}” was changed or removed after the measurement: remove the folder to measure the case again."
            )
    return record


def _changes(record: Mapping[str, Any], made_from: Mapping[str, Any]) -> list[str]:
    """Return the inputs that changed since the folder of this record was made; empty where nothing changed."""
    before = record["extra"][_MADE_FROM]
    names = [name for name in (*before, *made_from) if before.get(name) != made_from.get(name)]
    return list(dict.fromkeys(_WORDS.get(name, f"the {name.replace('_', ' ')}") for name in names))
