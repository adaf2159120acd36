"""lumbarhu study: check which of the study's printed numbers agree, and how reliable its cutoffs and classes are."""

import argparse
import textwrap
from collections.abc import Sequence

from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.check import check_study
from LumbarHULib.cohort.study.printed_numbers import PrintedCheck
from LumbarHULib.cohort.study.simulation import ASSUMPTION, expected_classes, simulate_cutoff
from LumbarHULib.cohort.study.tables import StudyTables
from LumbarHULib.cohort.targets import TARGETS
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.option_values import whole_number
from LumbarHULib.headless.progress import Progress

_WIDTH = 116


def run_study(options: argparse.Namespace) -> int:
    """Print the check of the study's tables and the simulated intervals of its cutoffs; return 0.

    Raises
    ------
    InputError
        When an option is outside its limits.
    """
    studies = whole_number("--studies", options.studies, 100, 1_000_000)
    seed = whole_number("--seed", options.seed, 0, 999_999_999)
    tables = load_study_tables()
    progress = Progress()
    try:
        intervals = _interval_table(tables, studies, seed, progress)
    finally:
        progress.clear()
    print(tables.citation)
    print(_checks_text(check_study(tables, load_protocol().protocol.patient.lsc_hu)))
    notes = _notes_text(load_cutoffs().cutoffs.notes)
    print(f"\nThe notes, as in the cutoffs file and in every report:\n\n{notes}")
    print(
        f"\nHow each cutoff would vary in other patients like the study's: {studies} studies of its size, seed "
        f"{seed},\n{ASSUMPTION}.\nThe cutoffs that come with LumbarHU have the intervals of 10000 studies with seed "
        f"1.\n\n{intervals}"
    )
    print(f"\nThe classes of each group by the two cutoffs, from the same distributions:\n\n{_class_table(tables)}")
    return 0


def _checks_text(checks: Sequence[PrintedCheck]) -> str:
    parts = []
    for agrees, title in (
        (False, "printed numbers that contradict others, each with the number of its note"),
        (True, "printed numbers that agree with others"),
    ):
        chosen = [check for check in checks if check.agrees == agrees]
        lines = [f"{f'note {check.note}' if check.note else '':<8}{check.sentence}" for check in chosen]
        parts.append("\n".join([f"\n{len(chosen)} {title}:\n", *lines]))
    return "\n".join(parts)


def _notes_text(notes: Sequence[str]) -> str:
    head = " " * len("note 1  ")
    return "\n".join(
        textwrap.fill(note, _WIDTH, initial_indent=f"note {number}".ljust(len(head)), subsequent_indent=head)
        for number, note in enumerate(notes, start=1)
    )


def _interval_table(tables: StudyTables, studies: int, seed: int, progress: Progress) -> str:
    rows = [["ROI", "To find", "Printed", "Median", "95 % of studies", "Patients"]]
    for number, (target, roi) in enumerate((target, roi) for target in TARGETS for roi in ROIS):
        progress(number / (len(TARGETS) * len(ROIS)), "Simulating studies")
        found = simulate_cutoff(tables, roi, target, studies, seed)
        rows.append(
            [
                roi,
                TARGETS[target].positive,
                f"{found.printed_hu:.2f} HU",
                f"{found.median_hu:.1f} HU",
                f"{found.low_hu:.1f} to {found.high_hu:.1f} HU",
                f"{found.n_positive} against {found.n_negative}",
            ]
        )
    return aligned(rows, left_columns=2)


def _class_table(tables: StudyTables) -> str:
    rows = [["ROI", "By DXA", *(f"classified {group}" for group in GROUPS)]]
    for roi in ROIS:
        for group, shares in expected_classes(tables, roi).shares.items():
            rows.append([roi, group, *(f"{100 * shares[name]:.0f} %" for name in GROUPS)])
    return aligned(rows, left_columns=2)
