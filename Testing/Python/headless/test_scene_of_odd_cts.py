"""CTs in unusual storage give the same files with and without a scene, and the same digits in the reopened scene."""

import numpy as np
import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of, rows_of, write_midlines
from mrml.scene_tools import load_scene
from phantom.stored_orders import reoriented

from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import readings
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import upright_spine

UPRIGHT = axial_grid((0.0, -8.0, 0.0), (92.0, 78.0, 6.0), 0.9, 2.0)
GRIDS = {
    "upright": UPRIGHT,
    "oblique": UPRIGHT.rotated((0.3, 0.5, 0.8), 14.0),
    "sheared": UPRIGHT.sheared(12.0),
    "sheared and oblique": UPRIGHT.sheared(-15.0).rotated((0.2, 0.1, 1.0), 7.0),
}
STORED = {
    "as scanned": ((0, 1, 2), (False, False, False)),
    "sagittal": ((2, 0, 1), (True, True, False)),
    "coronal, mirrored": ((1, 0, 2), (False, True, True)),
}
CASES = [(grid, stored, "int16") for grid in GRIDS for stored in STORED]
CASES += [("sheared and oblique", "sagittal", dtype) for dtype in ("int32", "float32", "float64")]


@pytest.mark.parametrize(("grid", "stored", "dtype"), CASES)
def test_the_same_numbers_with_a_scene_without_and_reopened(grid, stored, dtype, tmp_path):
    phantom = render_on_grid(upright_spine(("L3",), trunk=False, rotation_deg=3), GRIDS[grid], noise_hu=15, seed=2)
    voxels = phantom.voxels_hu.astype(dtype)
    if np.dtype(dtype).kind == "f":
        voxels += np.random.default_rng(4).normal(0, 3, voxels.shape).astype(dtype)
    write_ct(tmp_path / "ct.nrrd", *reoriented(voxels, phantom.ras_from_ijk, *STORED[stored]))
    common = ["measure", tmp_path / "ct.nrrd", "--markups", write_midlines(tmp_path / "markups", phantom), "--out"]
    for run in (lumbarhu(*common, tmp_path / "plain"), lumbarhu(*common, tmp_path / "scene", "--scene")):
        assert (run.exit_code, run.err) == (0, "")
    plain, with_scene = files_of(tmp_path / "plain"), files_of(tmp_path / "scene")
    assert [name for name in plain if plain[name] != with_scene[name]] == ["record.json"]
    with headless_scene() as scene:
        load_scene(scene, tmp_path / "scene" / "scene.mrb")
        (level,) = ReadingMeasurer(readings(scene)[0]).measure().levels
        for row in rows_of(tmp_path / "plain" / "results.csv"):
            values = level.rois[row["roi"]].values
            assert {name: repr(value) for name, value in values.items()} == {name: row[name] for name in values}
