"""--scene leaves a scene beside the same files, and the scene, opened again, gives the same digits."""

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of

from LumbarHULib.core.levels import ROIS
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import readings
from LumbarHULib.mrml.scene_file import load_scene


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
    plain, beside_scene = files_of(audit), files_of(with_scene)
    assert set(beside_scene) - set(plain) == {"scene.mrb"}
    assert [name for name in plain if plain[name] != beside_scene[name]] == ["record.json"]


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


def test_the_verification_takes_the_scene_for_a_part_of_the_folder(spine, with_scene):
    assert lumbarhu("verify", with_scene, "--ct", spine.ct).exit_code == 0
