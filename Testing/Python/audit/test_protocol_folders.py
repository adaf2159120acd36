"""Audit folders of other protocols than the study's: verified, recomputed by SimpleITK, and manipulated."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from audit.forger import both, in_record, in_table, record_of, seal
from audit.plain_numbers import cells_of
from headless.command_runner import lumbarhu
from headless.protocol_files import REGIONS, SHIPPED, by, write_vertebra

from LumbarHULib.audit.verify import verification_of
from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct

OTHERS = SHIPPED[1:]


@pytest.fixture(scope="module")
def vertebra(tmp_path_factory):
    return write_vertebra(tmp_path_factory.mktemp("vertebra"), slice_mm=2.0)


@pytest.fixture(scope="module")
def folders(vertebra, tmp_path_factory) -> Path:
    """Return the folder with one for each protocol, with a segmentation."""
    out = tmp_path_factory.mktemp("folders") / "out"
    place = ["--segmentation", vertebra.segmentation, "--segment", "L1=vertebrae"]
    run = lumbarhu("measure", vertebra.ct, *place, "--out", out, *by(*OTHERS))
    assert (run.exit_code, run.err) == (0, "")
    return out


@pytest.fixture
def copy_of(folders, tmp_path):
    return lambda protocol: Path(shutil.copytree(folders / protocol, tmp_path / protocol))


@pytest.fixture(scope="module")
def ct(vertebra):
    return read_ct(vertebra.ct).ct


@pytest.mark.parametrize("protocol", OTHERS)
def test_a_folder_is_verified(protocol, folders, ct, vertebra):
    verification = verification_of(folders / protocol, ct)
    assert verification.differences == ()
    run = lumbarhu("verify", folders / protocol, "--ct", vertebra.ct)
    assert (run.exit_code, run.err) == (0, "")


@pytest.mark.parametrize("protocol", OTHERS)
def test_simpleitk_measures_the_same_numbers_in_the_label_map(protocol, folders, vertebra):
    image = SimpleITK.ReadImage(str(vertebra.ct))
    labels = SimpleITK.ReadImage(str(folders / protocol / "labelmaps" / f"{REGIONS[protocol]}.nrrd"))
    statistics = SimpleITK.LabelStatisticsImageFilter()
    statistics.Execute(image, labels)
    assert sorted(statistics.GetLabels()) == [0, 20]
    (row,) = rows_of(folders / protocol / "results.csv")
    if protocol == "three-slice":
        # The mean of three means: those of the label map's three runs of slices.
        array, hu = SimpleITK.GetArrayFromImage(labels), SimpleITK.GetArrayFromImage(image)
        slices = np.flatnonzero(array.any(axis=(1, 2)))
        runs = np.split(slices, np.flatnonzero(np.diff(slices) > 1) + 1)
        assert len(runs) == 3
        mean_hu = np.mean([hu[run][array[run] == 20].mean() for run in runs])
    else:
        mean_hu = statistics.GetMean(20)
    assert float(row["mean_hu"]) == pytest.approx(mean_hu, abs=1e-9)
    assert int(row["voxels"]) == statistics.GetCount(20)
    assert float(row["sd_hu"]) == pytest.approx(statistics.GetSigma(20), rel=1e-9)
    assert (float(row["min_hu"]), float(row["max_hu"])) == (statistics.GetMinimum(20), statistics.GetMaximum(20))


@pytest.mark.parametrize("protocol", OTHERS)
def test_the_report_marks_the_slices_that_have_voxels(protocol, folders):
    page = (folders / protocol / "report.html").read_text(encoding="utf-8")
    labels = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage(str(folders / protocol / "labelmaps" / f"{REGIONS[protocol]}.nrrd"))
    )
    slices = np.flatnonzero(labels.any(axis=(1, 2)))
    runs = np.split(slices, np.flatnonzero(np.diff(slices) > 1) + 1)
    assert len(runs) == (3 if protocol == "three-slice" else 1)
    # A band for each run of slices in each of the two pictures, as high as the slices, which are 2 mm apart.
    bands = [
        tuple(map(float, found))
        for found in re.findall(r'class="slab" x="[^"]+" y="([^"]+)"[^>]* height="([^"]+)"', page)
    ]
    assert [height for _, height in bands] == pytest.approx(2 * [2.0 * len(run) for run in runs], abs=0.02)
    # From the first band, the lowest, upward.
    bottoms = [top + height for top, height in bands[: len(runs)]]
    assert np.diff(bottoms) == pytest.approx(-2.0 * np.diff([run[0] for run in runs]), abs=0.02)
    groups = " in 3 groups" if len(runs) == 3 else ""
    count = f"{len(slices)} slice{'s' if len(slices) > 1 else ''}"
    assert f"measured over {count}{groups}, {2 * len(slices)} mm" in page
    # Without cutoffs there is no scale with their marks, and no class that could stay.
    assert "Upper mark: osteoporosis cutoff" not in page
    assert "in how many trials the class stays" not in page
    is_fixed = protocol in ("ellipse-prism", "eroded-7mm-2021")
    assert ("do not follow the midlines" in page) == is_fixed
    assert ("Placement: how the mean varies when the midlines are moved" in page) != is_fixed


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def changed_image(name: str, change):
    """Return a change of a label map's voxels, without the numbers that depend on them."""

    def manipulate(folder: Path) -> None:
        path = folder / name
        image = SimpleITK.ReadImage(str(path))
        voxels = change(SimpleITK.GetArrayFromImage(image))
        other = SimpleITK.GetImageFromArray(voxels)
        other.CopyInformation(image)
        for key in image.GetMetaDataKeys():
            other.SetMetaData(key, image.GetMetaData(key))
        SimpleITK.WriteImage(other, str(path), True)

    return manipulate


def with_its_numbers(ct_path: Path, roi: str):
    """Return a change that writes the numbers of the manipulated label map into the tables."""

    def manipulate(folder: Path) -> None:
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "labelmaps" / f"{roi}.nrrd")))
        cells = cells_of(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(ct_path)))[labels == 20])
        for column, cell in cells.items():
            in_table("results.csv", column, cell, roi=roi)(folder)
        in_table("summary.csv", "mean_hu", cells["mean_hu"], roi=roi)(folder)

    return manipulate


def one_less(labels: np.ndarray) -> np.ndarray:
    fewer = labels.copy()
    fewer[tuple(np.argwhere(labels == 20)[-1])] = 0
    return fewer


def smaller(labels: np.ndarray) -> np.ndarray:
    """Return a vertebra without its front, as another segmentation would have it."""
    rows = np.flatnonzero(labels.any(axis=(0, 2)))
    fewer = labels.copy()
    fewer[:, rows[:3]] = 0
    return fewer


@pytest.mark.parametrize("protocol", OTHERS)
def test_a_changed_label_map_or_number_is_found(protocol, copy_of, ct, vertebra):
    roi = REGIONS[protocol]
    folder = copy_of(protocol)
    changed_image(f"labelmaps/{roi}.nrrd", one_less)(folder)
    assert any(f"{roi}.nrrd" in problem for problem in verification_of(folder, ct).differences)
    # Also where every hash and every number was written again.
    with_its_numbers(vertebra.ct, roi)(folder)
    seal(folder)
    assert any(roi in problem for problem in verification_of(folder, ct).differences)
    shutil.rmtree(folder)
    folder = copy_of(protocol)
    both(in_table("results.csv", "mean_hu", "99.5", roi=roi), in_table("summary.csv", "mean_hu", "99.5", roi=roi))(
        folder
    )
    seal(folder)
    assert any("results.csv, L1" in problem for problem in verification_of(folder, ct).differences)


@pytest.mark.parametrize("protocol", ["ellipse-prism", "eroded-7mm-2021"])
def test_a_changed_vertebra_is_found(protocol, copy_of, ct):
    folder = copy_of(protocol)
    changed_image("vertebrae.nrrd", smaller)(folder)
    assert any("vertebrae.nrrd" in problem for problem in verification_of(folder, ct).differences)
    seal(folder)
    assert any(REGIONS[protocol] in problem for problem in verification_of(folder, ct).differences)
    shutil.rmtree(folder)
    folder = copy_of(protocol)
    (folder / "vertebrae.nrrd").unlink()
    seal(folder)
    assert verification_of(folder, ct).differences


DEFINITIONS = {
    "circle-200mm2-2025": ("area_mm2", 150),
    "three-slice": ("endplate_distance_mm", 5),
    "ellipse-prism": ("width_share", 0.5),
    "eroded-7mm-2021": ("erosion_mm", 6),
}


@pytest.mark.parametrize("protocol", OTHERS)
def test_a_changed_definition_in_the_record_is_found(protocol, copy_of, ct):
    parameter, value = DEFINITIONS[protocol]
    roi = REGIONS[protocol]
    folder = copy_of(protocol)
    in_record("protocol", "regions", roi, parameter, "value", to=value)(folder)
    seal(folder)
    # Under the id of the shipped protocol it is refused at once.
    with pytest.raises(
        InputError, match=f"record.json, line 1: The protocol has the id {protocol} of a shipped protocol"
    ):
        verification_of(folder, ct)
    in_record("protocol", "id", to="own")(folder)
    seal(folder)
    problems = verification_of(folder, ct).differences
    assert any(roi in problem for problem in problems), problems


def test_another_name_of_a_region_in_the_record_is_refused(copy_of, ct):
    folder = copy_of("circle-200mm2-2025")
    in_record("protocol", "regions", to=lambda regions: {"other": regions["circle_200mm2"]})(folder)
    in_record("protocol", "id", to="own")(folder)
    seal(folder)
    with pytest.raises(InputError, match=r"record.json, line 1: “levels\[0\].rois” lacks “other”"):
        verification_of(folder, ct)


def test_changed_groups_of_slices_are_found(copy_of, ct):
    for change in (
        lambda groups: groups[:2],
        lambda groups: [[groups[0][0], groups[1][1]], groups[2]],
        lambda groups: [[first, last + 1] for first, last in groups],
        lambda groups: [],
    ):
        folder = copy_of("three-slice")
        in_record("levels", 0, "rois", "three_ellipses", "stored_groups", to=change)(folder)
        seal(folder)
        problems = verification_of(folder, ct).differences
        assert any("three_ellipses" in problem for problem in problems), problems
        shutil.rmtree(folder)


def test_the_mean_of_voxels_in_place_of_the_mean_of_slices_is_found(copy_of, ct, vertebra):
    folder = copy_of("three-slice")
    with_its_numbers(vertebra.ct, "three_ellipses")(folder)
    in_record("protocol", "regions", "three_ellipses", "mean", to="voxels")(folder)
    in_record("protocol", "id", to="own")(folder)
    seal(folder)
    assert verification_of(folder, ct).differences


def cutoffs_file(path: Path, protocol: str, version: str = "1.0.0", roi: str | None = None) -> Path:
    cutoffs = {
        name: {"value": value, "unit": "HU", "source": "us"} for name, value in (("osteoporosis", 90), ("normal", 110))
    }
    document = {
        "schema": "lumbarhu-cutoffs-1",
        "name": "Ours",
        "version": "1.0.0",
        "citation": "our own cohort",
        "protocol": {"id": protocol, "version": version},
        "rois": {roi or REGIONS[protocol]: cutoffs},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_cutoffs_of_a_protocol_classify_its_region(vertebra, tmp_path):
    cutoffs = cutoffs_file(tmp_path / "cutoffs.json", "circle-200mm2-2025")
    out = tmp_path / "out"
    options = ["--cutoffs", cutoffs, "--out", out, *by("circle-200mm2-2025", "eroded-7mm-2021")]
    run = lumbarhu("measure", vertebra.ct, "--markups", vertebra.markups, *options)
    assert (run.exit_code, run.err) == (0, "")
    (summary,) = rows_of(out / "circle-200mm2-2025" / "summary.csv")
    mean_hu = float(summary["mean_hu"])
    expected = "osteoporosis" if mean_hu <= 90 else "normal" if mean_hu >= 110 else "osteopenia"
    assert (summary["class"], summary["levels"]) == (expected, "L1")
    assert expected != "osteoporosis"
    (other,) = rows_of(out / "eroded-7mm-2021" / "summary.csv")
    assert other["class"] == "not_classified"
    for protocol in ("circle-200mm2-2025", "eroded-7mm-2021"):
        assert lumbarhu("verify", out / protocol, "--ct", vertebra.ct).exit_code == 0
    # A class that was written in afterwards.
    folder = out / "circle-200mm2-2025"
    wrong = both(
        in_table("summary.csv", "class", "osteoporosis"), in_record("summaries", 0, "class", to="osteoporosis")
    )
    wrong(folder)
    seal(folder)
    assert lumbarhu("verify", folder, "--ct", vertebra.ct).exit_code != 0
    assert record_of(folder)["cutoffs"]["protocol"]["id"] == "circle-200mm2-2025"


@pytest.mark.parametrize(
    ("owner", "version", "roi", "says"),
    [
        ("three-slice", "1.0.0", None, "belong to the protocol three-slice, version 1.0.0, not to circle-200mm2-2025"),
        (
            "circle-200mm2-2025",
            "2.0.0",
            None,
            "circle-200mm2-2025, version 2.0.0, not to circle-200mm2-2025, version 1.",
        ),
        ("circle-200mm2-2025", "1.0.0", "circle", "circle"),
    ],
    ids=["another protocol", "another version", "another region"],
)
def test_cutoffs_of_another_protocol_are_refused_naming_both(owner, version, roi, says, vertebra, tmp_path):
    cutoffs = cutoffs_file(tmp_path / "cutoffs.json", owner, version, roi)
    options = ["--cutoffs", cutoffs, "--out", tmp_path / "out", *by("circle-200mm2-2025")]
    run = lumbarhu("measure", vertebra.ct, "--markups", vertebra.markups, *options)
    assert (run.exit_code, run.out) == (2, "")
    assert says in run.err
    assert run.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_studys_cutoffs_are_refused_by_another_protocol(vertebra, tmp_path, repository):
    study = repository / "LumbarHU" / "Resources" / "Cutoffs"
    (path,) = [one for one in study.glob("*.json") if one.name != "none.json"]
    options = ["--cutoffs", path, "--out", tmp_path / "out", *by("three-slice")]
    run = lumbarhu("measure", vertebra.ct, "--markups", vertebra.markups, *options)
    assert run.exit_code == 2
    assert "lumbarhu-2022-study" in run.err
    assert "three-slice" in run.err
    assert not (tmp_path / "out").exists()
