"""The follow-up of one patient from readings in a scene, by the same computation as from audit folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.follow_up.job import FollowUp, FollowUpJob, make_follow_up
from LumbarHULib.mrml.export_reading import audit_of_reading
from LumbarHULib.mrml.reading import Reading


@dataclass(frozen=True, eq=False)
class TimePoints:
    """What is compared: readings of the scene, and audit folders.

    Parameters
    ----------
    results : mapping of Reading to ReadingResult
        Readings with their results.
    folders : sequence of Path
    dates : mapping of Reading or Path to str
        Dates of CTs as year-month-day, unless the scene states the CT's date or the folder's record contains it.
    """

    results: Mapping[Reading, ReadingResult]
    folders: Sequence[Path] = ()
    dates: Mapping[Reading | Path, str] = field(default_factory=dict)


def follow_up_of(
    points: TimePoints, precision: Path | None = None, case: str = "", accept_unknown: bool = False
) -> FollowUp:
    """Return the changes between readings of one patient.

    Each reading is written as its audit folder, which is read again and removed. The follow-up refers to it by the hash
    of its record, which is that of an export of the unchanged reading.

    Parameters
    ----------
    points : TimePoints
    precision : pathlib.Path, optional
        File of the site's precision study; the published LSC without it.
    case : str
        States that all readings are of this patient, if their cases do not.
    accept_unknown : bool
        States that facts agree that are unknown.

    Raises
    ------
    InputError
        When a reading has no number, or as `make_follow_up`.
    """
    with TemporaryDirectory(prefix="lumbarhu-follow-up-") as root:
        folders, dates = [], {}
        for number, (reading, result) in enumerate(points.results.items(), start=1):
            # The folder's name is that of the reading in tables and messages.
            folder = Path(root) / str(number) / _folder_name(reading)
            write_audit_folder(folder, audit_of_reading(reading, result))
            folders.append(folder)
            if reading in points.dates:
                dates[folder] = points.dates[reading]
        folders += points.folders
        dates |= {folder: points.dates[folder] for folder in points.folders if folder in points.dates}
        return make_follow_up(FollowUpJob(folders, dates, precision, case, accept_unknown))


def _folder_name(reading: Reading) -> str:
    text = f"{reading.ct_node.GetName()}, {reading.title}"
    return "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in text).strip(
        " ."
    )
