"""--scene writes a scene in addition to the same files, and the reopened scene gives the same digits."""

import json

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of, write_line
from mrml.scene_tools import load_scene

from LumbarHULib.core.levels import ROIS
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import readings


@pytest.fixture(scope="module")
def with_scene(spine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene") / "out"
    run = lumbarhu(
        *(
            "measure",
            spine.ct,
            "--markups",
            spine.markups,
            "--out",
            folder,
            "--reader",
            "AB",
            "--case",
            "phantom",
            "--scene",
        )
    )
    assert (run.exit_code, run.err) == (0, "")
    return folder


def test_with_and_without_a_scene_all_files_but_the_record_are_the_same(audit, with_scene):
    plain, with_scene_files = files_of(audit), files_of(with_scene)
    assert set(with_scene_files) - set(plain) == {"scene.mrb"}
    assert [name for name in plain if plain[name] != with_scene_files[name]] == ["record.json"]


ODD_READINGS = {
    "a level excluded": (lambda lines: dict(lines), ["--exclude", "L2=fracture"]),
    "an excluded level without a midline": (
        lambda lines: {level: line for level, line in lines.items() if level != "L1"},
        ["--exclude=L1=metal"],
    ),
    "an excluded level whose midline is not on bone": (
        lambda lines: lines | {"L4": lines["L4"] + (34.0, 0.0, 0.0)},
        ["--exclude=L4=out of the scan"],
    ),
    "some levels": (lambda lines: dict(lines), ["--levels", "L4,L2"]),
    "one level": (lambda lines: {"L3": lines["L3"]}, []),
    "a reversed midline in two slices": (
        lambda lines: lines | {"L3": lines["L3"][::-1] + np.outer((3.1, -3.3), (0, 0, 1))},
        ["--reading", "3", "--accept-off-protocol"],
    ),
}


@pytest.mark.parametrize("what", ODD_READINGS)
def test_odd_readings_give_the_same_results_with_and_without_a_scene(what, spine, tmp_path):
    change, options = ODD_READINGS[what]
    midlines = change({level: truth.midline_ras_mm for level, truth in spine.phantom.truth.items()})
    (tmp_path / "markups").mkdir()
    for level, points in midlines.items():
        write_line(tmp_path / "markups" / f"{level}-midline.mrk.json", points)
    common = ["measure", spine.ct, "--markups", tmp_path / "markups", *options, "--out"]
    for run in (lumbarhu(*common, tmp_path / "plain"), lumbarhu(*common, tmp_path / "scene", "--scene")):
        assert (run.exit_code, run.err) == (0, "")
    plain, with_scene_files = files_of(tmp_path / "plain"), files_of(tmp_path / "scene")
    assert set(with_scene_files) - set(plain) == {"scene.mrb"}
    assert [name for name in plain if plain[name] != with_scene_files[name]] == ["record.json"]
    assert records_without_software(plain) == records_without_software(with_scene_files)
    assert lumbarhu("verify", tmp_path / "scene", "--ct", spine.ct).exit_code == 0


def records_without_software(files):
    record = json.loads(files["record.json"])
    del record["software"]
    record["files"].pop("scene.mrb", None)
    return record


def test_the_scene_opened_again_measures_the_same_digits_and_the_same_voxels(with_scene):
    with headless_scene() as scene:
        load_scene(scene, with_scene / "scene.mrb")
        (reading,) = readings(scene)
        result = ReadingMeasurer(reading).measure()
        assert (reading.reader, reading.number) == ("AB", 1)
        for row in rows_of(with_scene / "results.csv"):
            (level,) = [one for one in result.levels if one.level == row["level"]]
            values = level.rois[row["roi"]].values
            assert {name: repr(value) for name, value in values.items()} == {name: row[name] for name in values}
        for summary, row in zip(result.summaries, rows_of(with_scene / "summary.csv"), strict=True):
            assert (summary.roi, repr(summary.mean_hu), summary.class_name) == (
                row["roi"],
                row["mean_hu"],
                row["class"],
            )
        assert len(result.levels) == 4
        counts = {(level.level, roi): int(level.rois[roi].mask.inside.sum()) for level in result.levels for roi in ROIS}
    for roi in ROIS:
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(with_scene / "labelmaps" / f"{roi}.nrrd")))
        values, found = np.unique(labels[labels > 0], return_counts=True)
        assert dict(zip(values.tolist(), found.tolist(), strict=True)) == {
            20 + n: counts[f"L{n + 1}", roi] for n in range(4)
        }


def test_the_verification_accepts_the_scene_as_part_of_the_folder(spine, with_scene):
    assert lumbarhu("verify", with_scene, "--ct", spine.ct).exit_code == 0
