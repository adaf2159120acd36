from itertools import permutations, product

import numpy as np
import pytest
from core.builders import (
    ANTERIOR_RAS,
    LEFT_RAS,
    PROTOCOL,
    SUPERIOR_RAS,
    Body,
    control_points,
    geometry,
    kidney,
    noise_ct,
    stored_voxels,
)

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.results import RoiMask

SHAPE_KJI = (7, 96, 110)
SPACING_MM = (0.61, 0.53, 1.1)


def rotation(axis, angle_deg) -> np.ndarray:
    """Return the rotation by Rodrigues' formula."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(angle_deg)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


UPRIGHT = np.array([LEFT_RAS, -ANTERIOR_RAS, SUPERIOR_RAS])
OBLIQUE = UPRIGHT @ rotation((3, -2, 1), 17.3).T
# Gantry tilt: the steps from slice to slice lean forward and to the side, the slices stay as they are.
SHEARED = UPRIGHT + np.array([[0, 0, 0], [0, 0, 0], [0.11, 0.37, 0]])
# In-plane too: no two steps are perpendicular.
SKEWED = OBLIQUE + np.array([[0, 0, 0], [0.12, 0.03, 0.02], [0.2, -0.3, 0.05]])
GEOMETRIES = {"upright": UPRIGHT, "oblique": OBLIQUE, "sheared": SHEARED, "skewed": SKEWED}


def orders():
    """Return the 48 ways to store three axes: order and flips."""
    return list(product(permutations(range(3)), product((False, True), repeat=3)))


def stored_as(ct: CtVolume, order, flips) -> CtVolume:
    """Return the same physical voxels with the axes i, j, k in another order and some of them reversed."""
    columns = [ct.ras_from_ijk[:3, column] for column in order]
    sizes = ct.voxels_hu.shape[::-1]
    origin = ct.ras_from_ijk[:3, 3].copy()
    matrix = np.eye(4)
    for new, (column, flip) in enumerate(zip(columns, flips, strict=True)):
        matrix[:3, new] = -column if flip else column
        origin = origin + (sizes[order[new]] - 1) * column if flip else origin
    matrix[:3, 3] = origin
    axes = [2 - order[2 - axis] for axis in range(3)]
    voxels = ct.voxels_hu.transpose(axes)[tuple(slice(None, None, -1 if flips[2 - axis] else 1) for axis in range(3))]
    return CtVolume(np.ascontiguousarray(voxels), matrix)


def world_voxels(ct: CtVolume, inside: np.ndarray) -> np.ndarray:
    """Return center in micrometers, RAS, and value of each voxel of a stored mask, in an order of their own: (n, 4)."""
    k, j, i = np.nonzero(inside)
    centers = np.column_stack([i, j, k]) @ ct.ras_from_ijk[:3, :3].T + ct.ras_from_ijk[:3, 3]
    rows = np.column_stack([np.rint(1000 * centers).astype(int), ct.voxels_hu[inside]])
    return rows[np.lexsort(rows.T)]


def measured(ct: CtVolume, landmarks):
    stack = axial_stack(ct, PROTOCOL.frame)
    result = measure_level(stack, landmarks, PROTOCOL)
    voxels = {roi: world_voxels(ct, stored_voxels(stack, result.rois[roi].mask, ct.voxels_hu.shape)) for roi in ROIS}
    return {roi: result.rois[roi].values for roi in ROIS}, voxels, result.shapes.figures


@pytest.mark.parametrize("name", GEOMETRIES)
def test_one_ct_in_all_48_axis_orders_gives_the_same_physical_voxels_and_the_same_digits(name):
    ct = noise_ct(geometry(SPACING_MM, SHAPE_KJI, GEOMETRIES[name], center_ras_mm=(12.345, -67.8, 901.2)), SHAPE_KJI)
    normal = np.cross(*GEOMETRIES[name][:2])
    normal /= np.linalg.norm(normal)
    forward = np.cross(normal, [1.0, 0, 0])
    body = Body((12.345, -67.8, 901.2), tuple(np.cross(normal, forward)), tuple(forward))
    landmarks = body.landmarks(control_points(kidney(20, 15)))

    expected_values, expected_voxels, expected_shapes = measured(ct, landmarks)
    assert all(len(expected_voxels[roi]) == expected_values[roi]["voxels"] > 500 for roi in ROIS)
    for order, flips in orders():
        values, voxels, shapes = measured(stored_as(ct, order, flips), landmarks)
        assert values == expected_values
        assert all(np.array_equal(voxels[roi], expected_voxels[roi]) for roi in ROIS)
        assert shapes == expected_shapes


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_stack_is_a_view_whose_voxels_lie_where_the_stored_ones_do(name):
    ct = noise_ct(geometry(SPACING_MM, (3, 4, 5), GEOMETRIES[name]), (3, 4, 5))
    for order, flips in orders():
        stored = stored_as(ct, order, flips)
        stack = axial_stack(stored, PROTOCOL.frame)
        assert np.shares_memory(stack.voxels_hu, stored.voxels_hu)
        everything = RoiMask(np.ones(stack.voxels_hu.shape, dtype=bool), (0, 0, 0))
        k, j, i = np.nonzero(everything.inside)
        centers = np.column_stack([i, j, k]) @ stack.ras_from_ijk[:3, :3].T + stack.ras_from_ijk[:3, 3]
        rows = np.column_stack([np.rint(1000 * centers).astype(int), stack.voxels_hu.ravel()])
        expected = world_voxels(stored, np.ones(stored.voxels_hu.shape, dtype=bool))
        np.testing.assert_array_equal(rows[np.lexsort(rows.T)], expected)


def test_slices_run_from_caudal_to_cranial_with_i_to_the_left_and_j_to_posterior():
    ct = noise_ct(geometry(SPACING_MM, (3, 4, 5)), (3, 4, 5))
    for order, flips in orders():
        matrix = axial_stack(stored_as(ct, order, flips), PROTOCOL.frame).ras_from_ijk
        np.testing.assert_allclose(matrix[:3, :3], np.diag([-0.61, -0.53, 1.1]), atol=1e-12)


def test_a_crop_goes_to_the_stored_order_and_back():
    ct = noise_ct(geometry(SPACING_MM, (3, 4, 5)), (3, 4, 5))
    mask = np.random.default_rng(3).random((2, 3, 3)) < 0.5
    for order, flips in orders():
        stored = stored_as(ct, order, flips)
        stack = axial_stack(stored, PROTOCOL.frame)
        crop, offset = stack.stored_crop(mask, (1, 0, 2))
        there = stored.voxels_hu[tuple(slice(o, o + n) for o, n in zip(offset, crop.shape, strict=True))][crop]
        assert sorted(there) == sorted(stack.voxels_hu[1:3, 0:3, 2:5][mask])
        back, back_offset = stack.canonical_crop(crop, offset)
        assert back_offset == (1, 0, 2)
        np.testing.assert_array_equal(back, mask)


def test_slice_spacing_is_the_distance_of_planes_and_pixel_area_that_of_a_parallelogram():
    stack = axial_stack(noise_ct(geometry(SPACING_MM, (3, 4, 5), SKEWED), (3, 4, 5)), PROTOCOL.frame)
    i, j, k = stack.ras_from_ijk[:3, :3].T
    # Gram's determinants: of a parallelogram's squared area, and of the squared volume.
    plane = np.array([i, j])
    space = np.array([i, j, k])
    area = np.sqrt(np.linalg.det(plane @ plane.T))
    assert stack.pixel_area_mm2 == pytest.approx(area, rel=1e-12)
    assert stack.slice_spacing_mm == pytest.approx(np.sqrt(np.linalg.det(space @ space.T)) / area, rel=1e-12)
    assert stack.slice_spacing_mm < np.linalg.norm(k)


def test_the_family_of_planes_is_chosen_by_its_normal_not_by_its_index_step():
    random = np.random.default_rng(2)
    distinguished = 0
    for _ in range(300):
        ct = noise_ct(geometry(SPACING_MM, (3, 4, 5), UPRIGHT + random.uniform(-0.7, 0.7, (3, 3))), (3, 4, 5))
        # The rows of the inverse are the normals of the three families, as of any lattice.
        normals = np.linalg.inv(ct.ras_from_ijk[:3, :3])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        nearest, second = np.sort(np.degrees(np.arccos(np.abs(normals[:, 2]))))[:2]
        if second - nearest < 1:
            continue
        normal = normals[np.argmax(np.abs(normals[:, 2]))]
        stack = axial_stack(ct, PROTOCOL.frame)
        np.testing.assert_allclose(stack.normal_ras, normal * np.sign(normal[2]), atol=1e-7)
        assert stack.ras_from_ijk[:3, 2] @ stack.normal_ras > 0
        steps = ct.ras_from_ijk[:3, :3] / SPACING_MM
        distinguished += np.argmax(np.abs(steps[2]) / np.linalg.norm(steps, axis=0)) != np.argmax(np.abs(normals[:, 2]))
        distinguished += stack.ras_from_ijk[2, 2] < 0
    assert distinguished > 5


def test_a_geometry_that_differs_by_the_rounding_of_a_save_is_the_same():
    matrix = geometry(SPACING_MM, (3, 4, 5), SKEWED, center_ras_mm=(12.345, -67.8, 901.2))
    saved = matrix * (1 + 1e-14 * (matrix != 1))
    stacks = [axial_stack(noise_ct(one, (3, 4, 5)), PROTOCOL.frame) for one in (matrix, saved)]
    assert not np.array_equal(matrix, saved)
    np.testing.assert_array_equal(stacks[0].ras_from_ijk, stacks[1].ras_from_ijk)


@pytest.mark.parametrize(
    ("angle_deg", "refused"), [(44.7, False), (44.8, True), (45, True), (45.2, True), (45.3, False)]
)
def test_planes_that_are_equally_close_to_axial_are_refused(angle_deg, refused):
    # Tilted by t about the left-right axis the two families are at t and 90° − t: 0.5° apart at 44.75° and 45.25°.
    ct = noise_ct(geometry((0.5, 0.5, 0.5), (3, 4, 5), UPRIGHT @ rotation((1, 0, 0), angle_deg).T), (3, 4, 5))
    if not refused:
        assert abs(axial_stack(ct, PROTOCOL.frame).normal_ras[2]) > np.cos(np.radians(45))
        return
    with pytest.raises(InputError, match="equally close to axial") as caught:
        axial_stack(ct, PROTOCOL.frame)
    assert f"{min(angle_deg, 90 - angle_deg):.2f}°" in str(caught.value)


@pytest.mark.parametrize("turn_deg", [45, -45, 135, -135])
def test_an_in_plane_turn_by_45_degrees_has_one_canonical_order(turn_deg):
    ct = noise_ct(geometry((0.5, 0.5, 1.0), (3, 4, 5), UPRIGHT @ rotation((0, 0, 1), turn_deg).T), (3, 4, 5))
    matrices = {
        axial_stack(stored_as(ct, order, flips), PROTOCOL.frame).ras_from_ijk.tobytes() for order, flips in orders()
    }
    assert len(matrices) == 1


@pytest.mark.parametrize("name", GEOMETRIES)
def test_points_are_counted_in_voxels_and_slices(name):
    ct = noise_ct(geometry(SPACING_MM, SHAPE_KJI, GEOMETRIES[name], (3.0, -40.0, 900.0)), SHAPE_KJI)
    stack = axial_stack(ct, PROTOCOL.frame)
    ijk = np.random.default_rng(5).uniform(-3, 60, (20, 3))
    points_ras_mm = [(stack.ras_from_ijk @ (i, j, k, 1))[:3] for i, j, k in ijk]
    np.testing.assert_allclose(stack.to_ijk(points_ras_mm), ijk, atol=1e-9)
    np.testing.assert_allclose(stack.slice_heights(points_ras_mm), ijk[:, 2], atol=1e-9)
