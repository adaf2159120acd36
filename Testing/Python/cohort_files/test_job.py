"""A cohort from its table to its folder: stopped in the middle, nothing is left."""

from dataclasses import replace

import pytest

from LumbarHULib.cohort.analysis import AnalysisOptions
from LumbarHULib.cohort_files.folder import OWN_COHORT_FOLDER
from LumbarHULib.cohort_files.job import CohortJob, run_cohort_job
from LumbarHULib.cohort_files.synthetic_files import COHORT, READINGS, write_synthetic_cohort


class StopError(Exception):
    """Raised in place of a user who stops the work."""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    write_synthetic_cohort(folder)
    options = AnalysisOptions(prevalences={"osteoporosis": 0.2, "low_bmd": 0.6}, resamples=100)
    return CohortJob(folder / COHORT, folder / "result", options, folder / READINGS)


def test_progress_runs_from_reading_to_drawing_reports_every_bootstrap_and_leaves_nothing_when_stopped(job, tmp_path):
    reported = []

    def report(share, what):
        reported.append((share, what))
        if what == "Drawing figures":
            raise StopError

    before = sorted(job.table.parent.iterdir())
    with pytest.raises(StopError):
        run_cohort_job(replace(job, destination=tmp_path / "result"), report)
    assert list(tmp_path.iterdir()) == []
    assert sorted(job.table.parent.iterdir()) == before
    steps = list(dict.fromkeys(what for _, what in reported))
    assert steps[0] == "Reading the table"
    assert steps[-1] == "Drawing figures"
    shares = [share for share, what in reported if what == "Drawing bootstrap resamples"]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1], len(set(shares))) == (0.0, 1.0, 5 * 5 * 5 + 1)


@pytest.mark.parametrize("step", ["Reading the table", "Drawing bootstrap resamples"])
def test_a_stopped_job_leaves_nothing(job, step):
    before = sorted(job.table.parent.iterdir())

    def stop(_share, what):
        if what == step:
            raise StopError

    with pytest.raises(StopError):
        run_cohort_job(job, stop)
    assert sorted(job.table.parent.iterdir()) == before


def test_the_outcome_has_the_tables_of_the_folder(job, tmp_path):
    outcome = run_cohort_job(replace(job, destination=tmp_path / "result", with_figures=False))
    assert {f"{name}.csv" for name in outcome.tables} == {name for name in OWN_COHORT_FOLDER.names if ".csv" in name}
    assert len(outcome.tables["findings"].rows) == len(outcome.findings)
