"""lumbarhu demo --cohort: the statistics of a cohort of 100 made-up patients."""

import argparse

from LumbarHULib.cohort.analysis import AnalysisOptions
from LumbarHULib.cohort.study.comparison import compare_with_study
from LumbarHULib.cohort_files.job import CohortJob, run_cohort_job
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.cohort_files.synthetic_files import COHORT, OUTCOME, READINGS, write_synthetic_cohort
from LumbarHULib.files.atomic_folder import OwnFolder, atomic_folder
from LumbarHULib.headless.cohort_command import cohort_text
from LumbarHULib.headless.progress import Progress

# Prevalence of osteoporosis, and of osteopenia or osteoporosis; both are made up.
_PREVALENCES = {"osteoporosis": 0.2, "low_bmd": 0.6}
RESULT = "result"
_OWN_FOLDER = OwnFolder(frozenset({COHORT, READINGS, RESULT}), sign=COHORT)


def run_cohort_demo(options: argparse.Namespace) -> int:
    """Write the example cohort and its statistics to the output folder, print them, and return 0.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    progress = Progress()
    try:
        with atomic_folder(options.out, options.overwrite, _OWN_FOLDER) as folder:
            note = write_synthetic_cohort(folder).note
            job = CohortJob(
                table=folder / COHORT,
                readings=folder / READINGS,
                destination=folder / RESULT,
                options=AnalysisOptions(prevalences=_PREVALENCES),
                outcome_name=OUTCOME,
            )
            done = run_cohort_job(job, progress)
    finally:
        progress.clear()
    out, text = options.out, cohort_text(done)
    comparison = "\n".join(f"- {sentence}" for sentence in compare_with_study(done.analysis, load_study_tables()))
    shares = f"--prevalence {_PREVALENCES['osteoporosis']} --low-bmd-prevalence {_PREVALENCES['low_bmd']}"
    shares += f" --outcome-name {OUTCOME}"
    print(
        f"{note}\n\n{text}\n\nCompared with the study:\n{comparison}\n\n"
        f"Table and readings:  {out / COHORT}, {out / READINGS}\n"
        f"Summary:             {out / RESULT / 'summary.html'}\n"
        f"Try next:            lumbarhu cohort {out / COHORT} --readings {out / READINGS} {shares} --out my-result"
    )
    return 0
