"""One CT in files of every axis order: the same numbers to the last digit, the same voxels in space."""

import numpy as np
import pytest
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import one_level_phantom, rows_of, write_midlines
from phantom.stored_orders import reoriented, stored_orders

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import upright_spine

LPS = np.array([-1.0, -1.0, 1.0])


def phantoms():
    upright = axial_grid((0.0, -8.0, 0.0), (92.0, 78.0, 6.0), 0.9, 2.0)
    spec = upright_spine(("L3",), trunk=False, rotation_deg=3)
    oblique = upright.rotated((0.3, 0.5, 0.8), 14.0)
    return {
        "along the axes": one_level_phantom(pixel_mm=0.9, slice_mm=2.0, slices=3, noise_hu=15, rotation_deg=3),
        "oblique": render_on_grid(spec, oblique, noise_hu=15, seed=2),
        "sheared": render_on_grid(spec, upright.sheared(12.0), noise_hu=15, seed=3),
    }


@pytest.mark.parametrize("kind", ["along the axes", "oblique", "sheared"])
def test_the_storage_order_of_the_ct_does_not_change_a_byte_of_the_results(kind, tmp_path):
    phantom = phantoms()[kind]
    markups = write_midlines(tmp_path / "markups", phantom)
    tables, voxels = set(), set()
    for number, (order, flips) in enumerate(stored_orders()):
        ct, out = tmp_path / f"{number}.nrrd", tmp_path / f"out{number}"
        write_ct(ct, *reoriented(phantom.voxels_hu, phantom.ras_from_ijk, order, flips))
        run = lumbarhu("measure", ct, "--markups", markups, "--out", out)
        assert (run.exit_code, run.err) == (0, "")
        tables.add(((out / "results.csv").read_bytes(), (out / "summary.csv").read_bytes()))
        voxels.add(
            tuple(places(out / "labelmaps" / f"{roi}.nrrd") for roi in ("round", "oval", "right", "front", "left"))
        )
    assert len(tables) == 1
    assert len(voxels) == 1
    assert int(rows_of(out / "results.csv")[0]["voxels"]) > 200


def places(path) -> bytes:
    """Return where in space the labeled voxels of a file lie, to 1e-4 mm, in an order of their own."""
    image = SimpleITK.ReadImage(str(path))
    labels = SimpleITK.GetArrayViewFromImage(image)
    ijk = np.argwhere(labels)[:, ::-1]
    matrix = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    points = np.round(ijk @ matrix.T + image.GetOrigin(), 4) * LPS + 0.0
    return points[np.lexsort(points.T)].tobytes()
