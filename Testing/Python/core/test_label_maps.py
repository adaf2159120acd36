import numpy as np
import pytest
from core.builders import (
    NOTCHED_XY_MM,
    PROTOCOL,
    UPRIGHT,
    Body,
    SignedDistance,
    control_points,
    dense_spline,
    dumbbell,
    ellipse,
    geometry,
    kidney,
    lumpy,
    noise_ct,
    shapes_of,
    superellipse,
    upright_stack,
)

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.label_maps import label_masks, slab_around
from LumbarHULib.core.levels import ROIS

TWO_LOBES = control_points(dumbbell(3, half_depth_mm=20), 32)
TWO_LOBES[TWO_LOBES[:, 1] > 0] *= (1, 1.2)  # the anterior one holds more of the midline
FORMS = {
    "ellipse": control_points(ellipse()),
    "superellipse": control_points(superellipse(power=5)),
    "kidney": control_points(kidney(concavity_mm=6)),
    "kidney dented in front": control_points(kidney(concavity_mm=5, anterior=True)),
    "lumpy": control_points(lumpy(4, roughness=0.08)),
    "notched": NOTCHED_XY_MM,
    "two lobes": TWO_LOBES,
}
TURN, TILT = np.radians(13), np.radians(11)
TURNED = Body((3.1, -4.2, 0.3), (-np.cos(TURN), -np.sin(TURN), 0), (-np.sin(TURN), np.cos(TURN), 0))
SHEAR = np.array([(-1, 0, 0), (0, -1, 0), (0.5, 0.8, 1)])
TILTED = np.array([(-1, 0, 0), (0, -np.cos(TILT), -np.sin(TILT)), (0, -np.sin(TILT), np.cos(TILT))])
GRIDS = {
    "fine": (geometry((0.5, 0.5, 1.25)), TURNED),
    "oblong pixels": (geometry((0.7, 0.45, 0.6)), TURNED),
    "coarse": (geometry((1.0, 1.0, 5.0)), UPRIGHT),
    "sheared": (geometry((0.5, 0.5, 1.0), directions=SHEAR), UPRIGHT),
    "tilted": (geometry((0.5, 0.5, 1.0), directions=TILTED), Body(anterior_ras=(0, np.cos(TILT), np.sin(TILT)))),
}


def masks_of(landmarks, stack, protocol=PROTOCOL):
    frame, shapes = shapes_of(landmarks, stack, protocol)
    slab = slab_around(stack, frame, protocol.roi)
    return frame, shapes, slab, label_masks(stack, frame, shapes, slab, protocol.roi)


def whole(stack, mask) -> np.ndarray:
    """Return a mask in the whole stack."""
    inside = np.zeros(stack.voxels_hu.shape, dtype=bool)
    inside[tuple(slice(o, o + n) for o, n in zip(mask.offset_kji, mask.inside.shape, strict=True))] = mask.inside
    return inside


def membership_margins(points_mm, slab_k, stack, landmarks, shapes) -> dict[str, np.ndarray]:
    """Return the distance, in mm, of each voxel center inside each region: voxel by voxel, from world positions.

    The midline, the boundary and the outline are taken from the markups, distances from a very dense spline; only the
    circle, the ellipse and the longitudinal borders are the shapes' own (they have tests of their own).
    """
    centers_ras = points_mm
    normal = np.cross(stack.ras_from_ijk[:3, 0], stack.ras_from_ijk[:3, 1])
    normal /= np.linalg.norm(normal)
    front, back = landmarks.midline_ras_mm
    forward = (front - back) / np.linalg.norm(front - back)
    left = np.cross(normal, forward) * np.sign(normal[2])
    to_plane = np.array([left, forward])
    place = (centers_ras - front) @ to_plane.T
    curve = dense_spline((landmarks.outline_ras_mm - front) @ to_plane.T, 400)
    inner = SignedDistance(curve)(place) - PROTOCOL.outline.cortical_margin_mm
    depth = np.linalg.norm(front - back)
    ahead = place[:, 1] + 2 / 3 * depth
    anterior = np.minimum(inner, ahead)
    in_round = shapes.round_radius_mm - np.linalg.norm(place - (0, shapes.round_center_v_mm), axis=1)
    t = np.linspace(0, 2 * np.pi, 4_000)
    oval = ellipse(shapes.oval_half_u_mm, shapes.oval_half_v_mm)(t)
    in_oval = SignedDistance(oval + np.array([0, shapes.oval_center_v_mm]))(place)
    width = shapes.front_half_width_mm
    margins = {
        "round": np.minimum(anterior, in_round),
        "oval": np.minimum(anterior, in_oval),
        "front": np.minimum(anterior, width - np.abs(place[:, 0])),
        "left": np.minimum(inner, place[:, 0] - width),
        "right": np.minimum(inner, -place[:, 0] - width),
    }
    return {roi: np.where(slab_k, margin, -np.inf) for roi, margin in margins.items()}


@pytest.mark.parametrize(
    ("form", "grid"), [(form, "fine") for form in FORMS] + [("lumpy", grid) for grid in GRIDS if grid != "fine"]
)
def test_a_voxel_belongs_where_its_center_lies_by_a_second_implementation(form, grid):
    matrix, body = GRIDS[grid]
    stack = axial_stack(noise_ct(matrix), PROTOCOL.frame)
    landmarks = body.landmarks(FORMS[form])
    frame, shapes, slab, masks = masks_of(landmarks, stack)
    k, j, i = np.indices(stack.voxels_hu.shape).reshape(3, -1)
    centers = np.column_stack([i, j, k]) @ stack.ras_from_ijk[:3, :3].T + stack.ras_from_ijk[:3, 3]
    near = (np.abs(k - frame.mid_slice) <= 2) & (np.linalg.norm(centers - body.center_ras_mm, axis=1) < 28)
    k, j, i, centers = k[near], j[near], i[near], centers[near]
    margins = membership_margins(centers, (k >= slab.first) & (k <= slab.last), stack, landmarks, shapes)
    if form == "two lobes":  # of two pieces it is the one that holds most of the midline: the anterior
        margins = {roi: np.where((centers - landmarks.midline_ras_mm.mean(axis=0)) @ body.anterior_ras > 0, m, -1)
                   for roi, m in margins.items()}  # fmt: skip
    for roi in ROIS:
        found = whole(stack, masks[roi])
        assert np.count_nonzero(found) == np.count_nonzero(found[k, j, i]) > 0
        wrong = found[k, j, i] != (margins[roi] >= 0)
        assert np.abs(margins[roi][wrong]).max(initial=0) < 0.01, roi


def test_on_a_sheared_volume_the_regions_follow_the_slice_normal_not_the_index_column():
    # Each slice is shifted by 3 pixels to the patient's left of the one below it.
    directions = np.array([(-1, 0, 0), (0, -1, 0), (-1.5 / 1.25, 0, 1)])
    stack = axial_stack(noise_ct(geometry(directions=directions)), PROTOCOL.frame)
    straight = upright_stack()
    landmarks = UPRIGHT.landmarks(control_points(kidney()))
    leaning_masks, straight_masks = masks_of(landmarks, stack)[3], masks_of(landmarks, straight)[3]
    for roi in ROIS:
        leaning, upright = whole(stack, leaning_masks[roi]), whole(straight, straight_masks[roi])
        for k in (3, 4, 5):
            np.testing.assert_array_equal(leaning[k], np.roll(upright[k], -3 * (k - 4), axis=1))


@pytest.mark.parametrize("extent", ["full", "anterior"])
@pytest.mark.parametrize("form", ["kidney", "lumpy", "ellipse"])
def test_left_front_and_right_are_disjoint_and_with_the_central_posterior_part_the_inner_outline(form, extent):
    protocol = PROTOCOL.with_values(lateral_extent=extent)
    stack = upright_stack()
    landmarks = UPRIGHT.landmarks(FORMS[form])
    frame, shapes, slab, masks = masks_of(landmarks, stack, protocol)
    maps = {roi: whole(stack, masks[roi]) for roi in ROIS}
    assert np.sum([maps["left"], maps["front"], maps["right"]], axis=0).max() == 1
    # The slices lie straight above each other: what holds of one holds of all.
    j, i = np.indices(stack.voxels_hu.shape[1:])
    middle = np.stack([i, j, np.full_like(i, frame.mid_slice)], axis=-1)
    uv = frame.to_uv_mm(middle @ stack.ras_from_ijk[:3, :3].T + stack.ras_from_ijk[:3, 3])
    u, v = uv[..., 0], uv[..., 1]
    margin = SignedDistance(dense_spline(frame.to_uv_mm(landmarks.outline_ras_mm), 400))(uv) - 2.5
    k = np.arange(len(stack.voxels_hu))[:, None, None]
    inner = (margin >= 0) & (k >= slab.first) & (k <= slab.last)
    behind = v < -2 / 3 * frame.depth_mm
    central = np.abs(u) <= shapes.front_half_width_mm
    left_out = behind & (central | (extent == "anterior"))
    sure = np.abs(margin) > 0.01
    together = maps["left"] | maps["front"] | maps["right"]
    np.testing.assert_array_equal(together & sure, inner & ~left_out & sure)
    anterior = inner & ~behind
    for roi in ("round", "oval", "front"):
        assert not (maps[roi] & ~anterior & sure).any()


@pytest.mark.parametrize("prone", [False, True])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)])
def test_left_is_the_patients_left_prone_and_in_flipped_storage_too(prone, flip):
    # The header of a prone scan says so by its axes: i then runs to the patient's right, j to anterior.
    directions = np.diag([1.0, 1, 1] if prone else [-1.0, -1, 1]) * flip
    stack = axial_stack(noise_ct(geometry(directions=directions)), PROTOCOL.frame)
    masks = masks_of(UPRIGHT.landmarks(FORMS["kidney"]), stack)[3]
    for roi, sign in (("left", -1), ("right", 1)):
        k, j, i = np.nonzero(whole(stack, masks[roi]))
        r_mm = (np.column_stack([i, j, k]) @ stack.ras_from_ijk[:3, :3].T + stack.ras_from_ijk[:3, 3])[:, 0]
        assert (sign * r_mm).min() > 5


def nearest_odd(ratio: float) -> int:
    """Return the odd number nearest to a ratio, the greater one in a tie, as in PROTOCOL.md."""
    return min(range(1, 101, 2), key=lambda odd: (round(abs(odd - ratio), 3), -odd))


@pytest.mark.parametrize(
    ("slab_mm", "spacing_mm", "count"),
    [
        (2.5, 1.25, 3),
        (2.5, 1.0, 3),
        (2.5, 0.6, 5),
        (2.5, 0.625, 5),
        (2.5, 0.5, 5),
        (2.5, 2.5, 1),
        (2.5, 3.0, 1),
        (2.5, 5.0, 1),
        (2.5, 1.3, 1),
        (0, 0.5, 1),
        (5, 1.25, 5),
        (10, 1.0, 11),
        (2.5, 0.8, 3),
        # What a header's rounding leaves of 1.25 mm.
        (2.5, 1.2500000001, 3),
        (2.5, 1.25003, 3),
        (2.5, 0.62502, 5),
        (2.5, 1.252, 1),
    ],
)
def test_the_slab_is_the_odd_number_of_slices_nearest_to_its_thickness_ties_upward(slab_mm, spacing_mm, count):
    protocol = PROTOCOL.with_values(slab_mm=slab_mm)
    stack = upright_stack((0.5, 0.5, spacing_mm), (31, 80, 100))
    frame = frame_from_midline(stack, UPRIGHT.landmarks(control_points(ellipse(18, 13))), protocol.frame)
    slab = slab_around(stack, frame, protocol.roi)
    assert slab.last - slab.first + 1 == count == nearest_odd(slab_mm / spacing_mm)
    assert slab.first + slab.last == 2 * frame.mid_slice
    assert slab.thickness_mm == pytest.approx(count * spacing_mm, abs=1e-6)
    assert slab.findings == ()


def test_the_slab_counts_by_the_distance_of_planes_on_a_sheared_volume():
    # The step between centers is 1.25 · √2 mm, between planes 1.25 mm.
    directions = np.array([(-1, 0, 0), (0, -1, 0), (0, 1, 1)])
    stack = axial_stack(noise_ct(geometry(directions=directions)), PROTOCOL.frame)
    frame = frame_from_midline(stack, UPRIGHT.landmarks(FORMS["ellipse"]), PROTOCOL.frame)
    slab = slab_around(stack, frame, PROTOCOL.roi)
    assert (slab.last - slab.first + 1, slab.thickness_mm) == (3, 3.75)


@pytest.mark.parametrize("up_mm", [-5.0, 5.0])
def test_a_slab_that_the_ct_cuts_off_says_so(up_mm):
    stack = upright_stack()
    body = Body((0, 0, up_mm))
    frame, _, slab, masks = masks_of(body.landmarks(FORMS["ellipse"]), stack)
    assert slab.last - slab.first == 1
    assert slab.thickness_mm == 2.5
    assert [finding.code for finding in slab.findings] == ["slab_cut"]
    assert "has 2 of its 3 slices" in slab.findings[0].sentence
    assert frame.mid_slice in (0, 8)
    assert masks["round"].inside.shape[0] == 2


def test_a_body_that_reaches_beyond_the_field_of_view_is_refused_with_how_far():
    stack = upright_stack()
    # The outermost centers lie at L = 40 mm; the inner outline reaches 25 + 23 − 2.5 = 45.5 mm.
    body = Body((-25, 0, 0))
    with pytest.raises(InputError, match=r"vertebral body of L3 reaches 5\.\d mm beyond the edge of the CT") as caught:
        masks_of(body.landmarks(FORMS["ellipse"]), stack)
    assert caught.value.level == "L3"
    masks_of(Body((-19.4, 0, 0)).landmarks(FORMS["ellipse"]), stack)


def test_masks_are_cropped_to_their_voxels():
    stack = upright_stack()
    for mask in masks_of(TURNED.landmarks(FORMS["lumpy"]), stack)[3].values():
        for axis in range(3):
            filled = mask.inside.any(axis=tuple(other for other in range(3) if other != axis))
            assert filled[[0, -1]].all()


def test_a_center_on_the_boundary_or_on_a_longitudinal_border_is_in_front():
    # Pixels of 0.5 mm with centers at whole and half mm; the boundary is drawn at A = −5 mm exactly.
    points = control_points(superellipse(23, 17))
    landmarks = UPRIGHT.landmarks(points, boundary_xy_mm=[(-30, -5), (30, -5)], midline_y_mm=(17, -17))
    stack = upright_stack()
    for shift_mm, last_row in ((0.0, -5.0), (1e-6, -5.0), (3e-6, -4.5), (-3e-6, -5.0)):
        moved = UPRIGHT.landmarks(
            points, boundary_xy_mm=[(-30, -5 + shift_mm), (30, -5 + shift_mm)], midline_y_mm=(17, -17)
        )
        front = whole(stack, masks_of(moved, stack)[3]["front"])
        rows = np.flatnonzero(front.any(axis=(0, 2)))
        anterior_mm = rows * stack.ras_from_ijk[1, 1] + stack.ras_from_ijk[1, 3]
        assert anterior_mm.min() == pytest.approx(last_row, abs=1e-9)
    assert landmarks.level == "L3"
