"""One case of a batch, from its row to its audit folder: what a worker does, in whatever process it runs."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LumbarHULib.audit.folder import RECORD, file_sha256
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

# Under this name the record says what a folder was made from.
_MADE_FROM = "batch"
_WORDS = {
    "ct_sha256": "the CT",
    "markups_sha256": "the markups",
    "seeds_sha256": "the seeds",
    "segmentation_sha256": "the segmentation",
    "protocol_sha256": "the protocol",
    "cutoffs_sha256": "the cutoffs",
    "program_sha256": "the program",
}

# Reading a CT listens to what C++ libraries print, which is one stream for all threads of a process.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class CaseTask:
    """What a worker is given.

    Parameters
    ----------
    job : MeasureJob
    common_sha256 : mapping of str to str
        Of what all cases must have in common: protocol, cutoffs and program.
    known : KnownContent or None
        The content of the inputs as it was known in an earlier run.
    """

    job: MeasureJob
    common_sha256: Mapping[str, str]
    known: KnownContent | None = None


@dataclass(frozen=True)
class CaseOutcome:
    """What became of a case.

    Parameters
    ----------
    state : str
        ``measured``, ``finished`` (already, from the same inputs) or ``failed``.
    sentence : str
        Why it failed; why it was measured anew.
    content : KnownContent or None
        The content of its inputs.
    refused : tuple of str
        Why levels were not measured, one sentence each.
    """

    state: str
    sentence: str = ""
    content: KnownContent | None = None
    refused: tuple[str, ...] = ()


def common_sha256(protocol: Path | None, cutoffs: Path | None) -> dict[str, str]:
    """Return the hashes of what all cases of a batch have in common."""
    return {
        "protocol_sha256": file_sha256(protocol or DEFAULT_PROTOCOL),
        "cutoffs_sha256": file_sha256(cutoffs or DEFAULT_CUTOFFS),
        "program_sha256": program_sha256(),
    }


def measure_case(task: CaseTask) -> CaseOutcome:
    """Measure a case unless it is finished, and say what became of it; nothing is raised but the wish to stop."""
    try:
        with _ONE_AT_A_TIME:
            return _measure(task)
    except InputError as problem:
        sentence = str(problem)
    except MemoryError:
        sentence = "There is not enough memory for this CT: give fewer workers (--workers) or a larger machine."
    except OSError as problem:
        sentence = f"“{problem.filename or 'A file'}” could not be used: {problem.strerror or problem}."
    except Exception as problem:  # a mistake of the program's own may not end the other cases
        sentence = f"The program failed ({type(problem).__name__}: {problem}): please report it."
    if (task.job.destination / RECORD).is_file():
        sentence += " Its folder is of an earlier run."
    return CaseOutcome("failed", sentence)


def _measure(task: CaseTask) -> CaseOutcome:
    job = task.job
    if common_sha256(job.protocol, job.cutoffs) != task.common_sha256:
        raise InputError("The protocol, the cutoffs or the program changed while the batch was running: start it anew.")
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
        raise InputError("The CT or what goes with it changed while it was measured: start the batch again.")
    refused = tuple(refusal.sentence for refusal in audit.result.refused)
    return CaseOutcome("measured", " and ".join(changes or ()), content, refused)


def _inputs(job: MeasureJob) -> dict[str, list[Path]]:
    """Return the files that a case alone is measured from, by what they are for."""
    inputs = {"ct": ct_files(job.ct)}
    if job.segmentation is not None:
        return inputs | {"segmentation": volume_files(job.segmentation)}
    if job.seeds is not None:
        return inputs | {"seeds": markup_files([job.seeds])}
    return inputs | {"markups": markup_files(job.markups)}


def _made_from(job: MeasureJob, content: Mapping[str, str], common: Mapping[str, str]) -> dict[str, Any]:
    """Return, as plain JSON values, all that the numbers of a case depend on."""
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
    }


def _own_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a folder that a batch made and nobody changed; None where there is no folder yet.

    Raises
    ------
    InputError
        When the folder is not this batch's, or somebody changed it: it may hold the work of hands.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        before, files, _ = record["extra"].get(_MADE_FROM), record["files"], record["not_measured"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"“{path}” is damaged: remove the folder to have the case measured anew.") from error
    if before is None:
        raise InputError(f"“{folder}” was not made by a batch: move it away, or name the case otherwise.")
    for name, sha256 in files.items():
        file = folder / name
        # A power cut may leave a file of the right name that is too short or damaged. All files of a finished case take
        # 1 ms, a fifth of what looking at it again takes.
        if not file.is_file() or file_sha256(file) != sha256:
            raise InputError(
                f"“{file}” was changed or removed after it was measured: remove the folder to have it measured anew."
            )
    return record


def _changes(record: Mapping[str, Any], made_from: Mapping[str, Any]) -> list[str]:
    """Return in what a case differs from what the folder of this record was made from; empty where in nothing."""
    before = record["extra"][_MADE_FROM]
    names = [name for name in (*before, *made_from) if before.get(name) != made_from.get(name)]
    return list(dict.fromkeys(_WORDS.get(name, f"the {name.replace('_', ' ')}") for name in names))
