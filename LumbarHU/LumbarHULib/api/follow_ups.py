"""The precision study of a site, and the changes of one patient, as the command line computes them."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from LumbarHULib.cohort_files.precision_file import READINGS, SCANS, UNKNOWN
from LumbarHULib.cohort_files.precision_study import (
    PrecisionStudy,
    check_precision_destination,
    make_precision_study,
    write_precision,
)
from LumbarHULib.core.errors import InputError
from LumbarHULib.follow_up.folder import check_follow_up_destination, write_follow_up
from LumbarHULib.follow_up.job import FollowUp, FollowUpJob, make_follow_up


def precision_study(
    table: str | Path,
    out: str | Path | None = None,
    *,
    audits: str | Path | None = None,
    protocol: str | Path | None = None,
    repeated: str | None = None,
    manufacturer: str | None = None,
    scanner_model: str | None = None,
    tube_voltage_kv: float | None = None,
    overwrite: bool = False,
) -> PrecisionStudy:
    """Compute a site's precision error and least significant change from repeated measurements.

    Parameters
    ----------
    table : str or pathlib.Path
        Single readings, with the columns of results.csv; all readings of a case are its repeated measurements.
    out : str or pathlib.Path, optional
        File to write, such as precision.json; nothing is written without it.
    audits : str or pathlib.Path, optional
        Folder with the readings' audit folders, whose records state protocol, scanner, tube voltage, and whether a
        patient's readings are of repeated scans.
    protocol : str or pathlib.Path, optional
        Id or file of the readings' protocol, if there are no audit folders; the study's without it.
    repeated : str, optional
        ``"scans"`` if each patient was scanned repeatedly, ``"readings"`` if one scan was read repeatedly.
    manufacturer, scanner_model : str, optional
    tube_voltage_kv : float, optional
        The scanner that the study is for, as DICOM headers state it, if the audit folders do not.
    overwrite : bool
        Replace the file if it exists.

    Returns
    -------
    PrecisionStudy
        With ``rows()``, ``to_dataframe()`` and ``findings``.

    Raises
    ------
    InputError
        If the table cannot be used; nothing is written.
    """
    if repeated not in (None, SCANS, READINGS):
        raise InputError(f"“{repeated}” cannot be repeated: give {SCANS} or {READINGS}.")
    if audits is not None and protocol is not None:
        raise InputError("The audit folders state the protocol: give either the audit folders or a protocol file.")
    if out is not None:
        check_precision_destination(Path(out), overwrite)
    study = make_precision_study(
        Path(table),
        audits=None if audits is None else Path(audits),
        protocol=protocol,
        repeated=repeated or UNKNOWN,
        acquisition={
            "manufacturer": manufacturer,
            "scanner_model": scanner_model,
            "tube_voltage_kv": tube_voltage_kv,
        },
    )
    if out is not None:
        write_precision(Path(out), study, overwrite)
    return study


def follow_up(
    folders: Iterable[str | Path] | Mapping[str | Path, str | date | None],
    out: str | Path | None = None,
    *,
    precision: str | Path | None = None,
    case: str | None = None,
    accept_unknown: bool = False,
    overwrite: bool = False,
    figure: bool = True,
) -> FollowUp:
    """Compare readings of one patient at different dates.

    Parameters
    ----------
    folders : mapping of path to str or datetime.date, or iterable of paths
        The audit folders, each with the date of its CT as ``"2024-03-15"``; None, or an iterable, where the record
        contains the date. Without any date, they are compared in this order.
    out : str or pathlib.Path, optional
        Output folder (created) with tables, figure, report and record; nothing is written without it.
    precision : str or pathlib.Path, optional
        File of the site's precision study; the published least significant change without it.
    case : str, optional
        States that all folders are of this patient, if their names do not.
    accept_unknown : bool
        States that scanner, tube voltage and contrast medium agree where the files do not show it.
    overwrite : bool
        Replace the folder if it exists.
    figure : bool
        Draw the figure.

    Returns
    -------
    FollowUp
        With ``rows()``, ``to_dataframe()``, ``changes``, ``measurements`` and ``findings``.

    Raises
    ------
    InputError
        If a folder cannot be used, or the folders are of different patients or equal dates; nothing is written.
    """
    stated = dict(folders) if isinstance(folders, Mapping) else dict.fromkeys(folders)
    job = FollowUpJob(
        folders=[Path(folder) for folder in stated],
        dates={Path(folder): str(when) for folder, when in stated.items() if when is not None},
        precision=None if precision is None else Path(precision),
        case=_name(case),
        accept_unknown=accept_unknown,
    )
    return run_follow_up(job, None if out is None else Path(out), overwrite, figure)


def run_follow_up(job: FollowUpJob, out: Path | None, overwrite: bool = False, figure: bool = True) -> FollowUp:
    """Make a follow-up and write its folder; raise InputError as `follow_up` does."""
    if out is not None:
        inputs = [*job.folders, *([] if job.precision is None else [job.precision])]
        check_follow_up_destination(out, overwrite, inputs)
    found = make_follow_up(job)
    if out is not None:
        write_follow_up(out, found, overwrite, figure)
    return found


def _name(case: str | None) -> str:
    if case is None:
        return ""
    if not case.strip() or not case.isprintable():
        raise InputError(f"The name of the case is {case!r}: give one of printable characters on one line.")
    return case.strip()
