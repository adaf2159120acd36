"""Phantom files that several tests of the command line share."""

import re
import shutil
from pathlib import Path

import pytest
from headless.batch_files import write_cases
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles, files_of, four_level_phantom, one_level_phantom, write_midlines
from headless.untrue_inputs import Honest, SegmentedSpine
from placement.phantom_masks import vertebra_mask

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine


@pytest.fixture(scope="session")
def spine(made_once) -> PhantomFiles:
    """Return L1–L4 with noise, as files: to be read, not changed."""
    return made_once("spine", lambda folder: _written(folder, four_level_phantom()))


@pytest.fixture(scope="session")
def one_level(tmp_path_factory) -> PhantomFiles:
    """Return L3 alone with noise, as files: to be read, not changed."""
    return _written(tmp_path_factory.mktemp("one-level"), one_level_phantom(slices=3, noise_hu=10, rotation_deg=4))


@pytest.fixture(scope="session")
def audit(spine, tmp_path_factory):
    """Return the audit folder of the four levels: to be read, not changed."""
    folder = tmp_path_factory.mktemp("audit") / "audit"
    run = lumbarhu(
        "measure", spine.ct, "--markups", spine.markups, "--out", folder, "--reader", "AB", "--case", "phantom"
    )
    assert (run.exit_code, run.err) == (0, "")
    return folder


def _written(folder, phantom) -> PhantomFiles:
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    return PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "markups", phantom))


@pytest.fixture(scope="session")
def segmented(made_once) -> SegmentedSpine:
    """Return L1–L4 with the voxels of each vertebra, and what was measured: to be read, not changed."""
    return made_once("segmented", _segmented)


def _segmented(folder) -> SegmentedSpine:
    levels = ("L1", "L2", "L3", "L4")
    spec = lumbar_spine(levels, table=False, rotation_deg={"L1": 4, "L2": 2, "L3": -1, "L4": -3})
    grid = axial_grid((0.0, -9.0, 17.0), (96.0, 96.0, 165.0), 0.8, 5.0)
    phantom = render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=6)
    files = _written(folder, phantom)
    masks = {level: vertebra_mask(spec.vertebra(level), grid) for level in levels}
    made = SegmentedSpine(files, masks, folder / "audit", folder / "from-masks")
    labels = made.write(folder / "labels.nii.gz", made.labels({"L1": 20, "L2": 21, "L3": 22, "L4": 23}))
    for given, audit in ((("--markups", files.markups), made.audit), (("--segmentation", labels), made.from_masks)):
        run = lumbarhu("measure", files.ct, *given, "--out", audit)
        assert (run.exit_code, run.err) == (0, "")
    return made


@pytest.fixture(scope="session")
def honest(segmented, made_once) -> Honest:
    """Return L3 in nine slices with what was measured, and the four levels: to be read, not changed."""

    def make(folder) -> tuple[PhantomFiles, Path]:
        files = _written(folder, one_level_phantom(slices=9, noise_hu=10, rotation_deg=4))
        run = lumbarhu("measure", files.ct, "--markups", files.markups, "--out", folder / "audit")
        assert (run.exit_code, run.err) == (0, "")
        return files, folder / "audit"

    return Honest(*made_once("honest", make), segmented)


@pytest.fixture(scope="session")
def example_cohort_run(made_once):
    """Return the run of lumbarhu demo --cohort, and the folder that it left: to be read, not changed."""

    def make(folder):
        run = lumbarhu("demo", "--cohort", "--out", folder / "demo-cohort")
        assert (run.exit_code, run.err) == (0, "")
        return run, folder / "demo-cohort"

    return made_once("example-cohort", make)


@pytest.fixture(scope="session")
def example_cohort(example_cohort_run):
    """Return the folder that lumbarhu demo --cohort leaves: to be read, not changed."""
    return example_cohort_run[1]


@pytest.fixture
def three(one_level, tmp_path):
    """Return a table of three cases of files of their own, in a folder of its own."""
    rows = []
    for case in "abc":
        folder = tmp_path / "inputs" / case
        shutil.copytree(one_level.markups, folder / "markups")
        shutil.copy(one_level.ct, folder)
        rows.append([case, f"{case}/ct.nrrd", f"{case}/markups"])
    return write_cases(tmp_path / "inputs" / "cases.csv", rows, columns=("case", "ct", "markups"))


@pytest.fixture
def refused(tmp_path):
    """Return a function that runs a command that must be refused and must not change an old audit folder."""

    def run(command, *arguments, says):
        old = tmp_path / "place" / "out"
        old.mkdir(parents=True, exist_ok=True)
        (old / "record.json").write_text("of last week")
        before = files_of(tmp_path)
        destination = ["--out", old, "--overwrite"] if command == "measure" else []
        outcome = lumbarhu(command, *arguments, *destination)
        assert outcome.exit_code == 2
        assert outcome.out == ""
        assert re.fullmatch(r"lumbarhu: [^\n]+[.]\n", outcome.err)
        assert re.search(says, outcome.err)
        assert files_of(tmp_path) == before
        assert [path.name for path in (tmp_path / "place").iterdir()] == ["out"]

    return run


@pytest.fixture
def one_level_of(spine, tmp_path):
    """Return a function that measures L3 alone of a series."""

    def measured(series, reader):
        folder = tmp_path / "audit"
        markup = spine.markups / "L3-midline.mrk.json"
        run = lumbarhu("measure", series, "--markups", markup, "--out", folder, "--reader", reader)
        assert (run.exit_code, run.err) == (0, "")
        return folder

    return measured
