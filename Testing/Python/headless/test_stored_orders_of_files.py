"""One CT in files of every axis order: the same numbers to the last digit, the same voxels in space."""

from itertools import permutations, product

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


def phantom_of(kind):
    upright = axial_grid((0.0, -8.0, 0.0), (92.0, 78.0, 6.0), 0.9, 2.0)
    spec = upright_spine(("L3",), trunk=False, rotation_deg=3)
    oblique = upright.rotated((0.3, 0.5, 0.8), 14.0)
    if kind == "along the axes":
        return one_level_phantom(pixel_mm=0.9, slice_mm=2.0, slices=3, noise_hu=15, rotation_deg=3)
    return render_on_grid(spec, oblique if kind == "oblique" else upright.sheared(12.0), noise_hu=15, seed=2)


# Each order of the axes with two choices of flips, and each choice of flips; the numbers of one level in all 48 orders
# are compared in core/test_axial_stack.py.
SOME = tuple(8 * order + flips for order in range(6) for flips in (order, 7 - order))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("sheared", SOME),
        *(
            pytest.param(kind, range(48), marks=pytest.mark.proof, id=f"{kind}, all orders")
            for kind in ("along the axes", "oblique", "sheared")
        ),
    ],
)
def test_the_storage_order_of_the_ct_does_not_change_a_byte_of_the_results(kind, numbers, tmp_path):
    phantom = phantom_of(kind)
    markups = write_midlines(tmp_path / "markups", phantom)
    tables, voxels = set(), set()
    orders = stored_orders()
    assert {order for order, _ in map(orders.__getitem__, numbers)} == set(permutations(range(3)))
    assert {flips for _, flips in map(orders.__getitem__, numbers)} == set(product((False, True), repeat=3))
    for number in numbers:
        order, flips = orders[number]
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
    """Return where in space the labeled voxels of a file are, to 1e-4 mm, in an order of their own."""
    image = SimpleITK.ReadImage(str(path))
    labels = SimpleITK.GetArrayViewFromImage(image)
    ijk = np.argwhere(labels)[:, ::-1]
    matrix = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    points = np.round(ijk @ matrix.T + image.GetOrigin(), 4) * LPS + 0.0
    return points[np.lexsort(points.T)].tobytes()
