import numpy as np
import pytest
from core.builders import (
    PROTOCOL,
    UPRIGHT,
    circle,
    control_points,
    ellipse,
    kidney,
    lumpy,
    shapes_of,
    superellipse,
    upright_stack,
)
from core.shape_search import BODIES, AnteriorRegion, region_and_shapes

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.polygons import clip_to_half_plane
from LumbarHULib.core.roi_shapes import roi_shapes, shapes_of_placements

STACK = upright_stack()
FIGURES = ("round_center_v_mm", "round_radius_mm", "oval_center_v_mm", "oval_half_u_mm", "oval_half_v_mm")
FIGURES += ("front_half_width_mm",)


def codes(shapes) -> list[str]:
    return [finding.code for finding in shapes.findings]


@pytest.mark.parametrize("name", BODIES)
def test_the_round_roi_is_the_largest_circle_of_an_exhaustive_search_and_stays_inside(name):
    region, shapes, front = region_and_shapes(name)
    _, radius_mm = region.largest_circle()
    assert shapes.round_radius_mm == pytest.approx(radius_mm, abs=0.01)
    assert region.depth([(0, shapes.round_center_v_mm + front)])[0] >= shapes.round_radius_mm - 0.01


@pytest.mark.parametrize("form", [ellipse(), superellipse(), ellipse(20, 15)])
def test_where_it_fits_the_round_roi_is_the_studys_circle(form):
    points = control_points(form)
    frame, shapes = shapes_of(UPRIGHT.landmarks(points), STACK)
    # From the inner outline's anterior crossing, the margin behind the outline's, to the boundary's.
    crossing, line = -PROTOCOL.outline.cortical_margin_mm, -2 / 3 * frame.depth_mm
    assert shapes.round_radius_mm == pytest.approx((crossing - line) / 2, abs=2e-3)
    assert shapes.round_center_v_mm == pytest.approx((crossing + line) / 2, abs=2e-3)
    assert codes(shapes) == []


def test_a_narrow_body_shrinks_the_round_roi_and_says_so():
    frame, shapes = shapes_of(UPRIGHT.landmarks(control_points(ellipse(11, 18))), STACK)
    study_mm = (2 / 3 * frame.depth_mm - PROTOCOL.outline.cortical_margin_mm) / 2
    assert shapes.round_radius_mm < 0.95 * study_mm
    assert codes(shapes) == ["round_shrunk"]
    assert (
        f"{shapes.round_radius_mm:.1f} mm, less than 95 % of the study's {study_mm:.1f} mm"
        in shapes.findings[0].sentence
    )
    assert shapes.findings[0].roi == "round"


@pytest.mark.parametrize("fraction", [1 / 3, 0.5])
def test_the_front_is_a_share_of_the_anterior_regions_width(fraction):
    protocol = PROTOCOL.with_values(front_width_fraction=fraction)
    points = control_points(superellipse(23, 17))
    _, shapes = shapes_of(UPRIGHT.landmarks(points), STACK, protocol)
    assert shapes.front_half_width_mm == pytest.approx(fraction / 2 * 2 * (23 - 2.5), abs=0.02)


def test_the_width_is_the_anterior_regions_not_the_whole_bodys():
    # A body that is widest behind the boundary.
    points = control_points(ellipse()) * 1.0
    points[:, 0] *= 1 - 0.012 * (points[:, 1] + 17)
    _, shapes = shapes_of(UPRIGHT.landmarks(points, boundary_xy_mm=[(-30, 8), (30, 8)]), STACK)
    region = AnteriorRegion(points, 2.5, (0, 8))
    x = np.arange(-25, 25, 0.02)
    edge = region.depth(np.stack(np.meshgrid(x, np.arange(8.001, 17, 0.1), indexing="ij"), axis=-1)).max(axis=1) >= 0
    assert shapes.front_half_width_mm == pytest.approx(np.ptp(x[edge]) / 6, abs=0.02)


@pytest.mark.parametrize(("off_mm", "reported"), [(0.0, False), (2.0, False), (2.1, True), (-2.1, True)])
def test_a_midline_off_the_middle_by_a_tenth_of_the_width_gets_a_finding(off_mm, reported):
    # Width inside the cortex 41 mm: |u_max + u_min| = 2 · off exceeds 4.1 mm.
    points = np.add(control_points(superellipse(23, 17)), (off_mm, 0))
    _, shapes = shapes_of(UPRIGHT.landmarks(points, midline_y_mm=(17, -17)), STACK)
    assert codes(shapes) == (["midline_off_center"] if reported else [])
    assert not reported or "is 2.1 mm off the center" in shapes.findings[0].sentence


@pytest.mark.parametrize("extent", ["full", "anterior"])
@pytest.mark.parametrize("form", [ellipse(), kidney(concavity_mm=14), lumpy(3)])
def test_left_front_right_and_the_central_posterior_part_are_the_inner_outline(form, extent):
    points = control_points(form)
    protocol = PROTOCOL.with_values(lateral_extent=extent)
    frame, shapes = shapes_of(UPRIGHT.landmarks(points), STACK, protocol)
    random = np.random.default_rng(0)
    uv = random.uniform((-25, -40), (25, 5), (20_000, 2))
    # Nothing below is asked of the inner outline: here every point is in it.
    holds = {roi: shapes.holds(roi, *uv.T, np.ones(len(uv), dtype=bool), 1e-6) for roi in ROIS}
    u, v = uv.T
    ahead = v >= -2 / 3 * frame.depth_mm
    central = np.abs(u) <= shapes.front_half_width_mm
    np.testing.assert_array_equal(holds["front"], ahead & central)
    np.testing.assert_array_equal(holds["left"], (u > 0) & ~central & (ahead | (extent == "full")))
    np.testing.assert_array_equal(holds["right"], (u < 0) & ~central & (ahead | (extent == "full")))
    left_out = ~central & ~ahead if extent == "anterior" else np.zeros(len(uv), dtype=bool)
    parts = [holds["left"], holds["front"], holds["right"], central & ~ahead, left_out]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)


@pytest.mark.parametrize(("slack_mm", "inside"), [(0.0, True), (0.9e-6, True), (1.1e-6, False), (1e-3, False)])
def test_a_center_within_a_millionth_of_a_millimeter_of_an_edge_counts_as_inside(slack_mm, inside):
    frame, shapes = shapes_of(UPRIGHT.landmarks(control_points(superellipse())), STACK)
    circle_v, radius = shapes.round_center_v_mm, shapes.round_radius_mm
    oval_v, half_u, half_v = shapes.oval_center_v_mm, shapes.oval_half_u_mm, shapes.oval_half_v_mm
    boundary_v = shapes.boundary.offset_mm / shapes.boundary.normal_uv[1]
    width = shapes.front_half_width_mm

    def holds(roi, u, v):
        return bool(shapes.holds(roi, np.array([u]), np.array([v]), np.ones(1, dtype=bool), 1e-6)[0])

    for angle in np.linspace(0.3, 2 * np.pi, 9)[:-1]:
        place = (radius + slack_mm) * np.array([np.cos(angle), np.sin(angle)]) + (0, circle_v)
        if place[1] > boundary_v:
            assert holds("round", *place) == inside
    for u, v in ((half_u + slack_mm, oval_v), (-half_u - slack_mm, oval_v), (0, oval_v + half_v + slack_mm)):
        assert holds("oval", u, v) == inside
    assert holds("front", 1.0, boundary_v - slack_mm) == inside
    # On the border a center belongs to the front, to nothing else.
    for sign, side in ((1, "left"), (-1, "right")):
        assert holds("front", sign * (width + slack_mm), -5.0) == inside
        assert holds(side, sign * (width + slack_mm), -5.0) != inside
    assert not holds("left", -width - 1, -5.0)
    assert frame.depth_mm > 0


def test_a_boundary_in_front_of_the_inner_outline_is_refused_with_the_fraction():
    # A quarter of a depth of 18 mm is 4.5 mm behind the edge, and the margin is 5 mm.
    protocol = PROTOCOL.with_values(cortical_margin_mm=5)
    landmarks = UPRIGHT.landmarks(control_points(ellipse(20, 9)), boundary_xy_mm=[(-20, 4.5), (20, 4.5)])
    with pytest.raises(
        InputError, match=r"No part of L3's vertebral body is anterior to its boundary at 0\.25"
    ) as caught:
        shapes_of(landmarks, STACK, protocol)
    assert caught.value.level == "L3"


def test_figures_are_those_of_the_shapes():
    _, shapes = shapes_of(UPRIGHT.landmarks(control_points(circle(17))), STACK)
    assert shapes.figures == {
        "round": {"center_v_mm": shapes.round_center_v_mm, "radius_mm": shapes.round_radius_mm},
        "oval": {
            "center_v_mm": shapes.oval_center_v_mm,
            "half_axis_u_mm": shapes.oval_half_u_mm,
            "half_axis_v_mm": shapes.oval_half_v_mm,
        },
        "front": {"half_width_mm": shapes.front_half_width_mm},
    }


# A body with its front this far behind the boundary, or its side this far beyond the midline, has no anterior
# region on the midline.
SHIFTS_UV_MM = {"as it is": (0, 0), "to the side": (4, -3), "behind": (0, -24), "beyond the midline": (60, 0)}


@pytest.mark.parametrize(
    "names", [list(SHIFTS_UV_MM), ["behind", "beyond the midline"], ["behind", "as it is"], ["to the side"]]
)
def test_of_many_placements_those_that_are_possible_have_the_shapes_that_each_has_alone(names):
    frame, shapes = shapes_of(UPRIGHT.landmarks(control_points(lumpy(3))), STACK)
    outlines = np.array([shapes.inner_outline_uv_mm + SHIFTS_UV_MM[name] for name in names])
    possible, batch = shapes_of_placements(outlines, shapes.boundary, PROTOCOL.roi, 1e-6)
    assert [names[place] for place in possible] == [name for name in names if name in ("as it is", "to the side")]
    for row, place in enumerate(possible):
        alone = roi_shapes(frame, outlines[place], shapes.boundary, PROTOCOL.roi)
        for figure in FIGURES:
            np.testing.assert_allclose(getattr(batch, figure)[row, 0], getattr(alone, figure), atol=1e-4)
    assert {getattr(batch, figure).shape for figure in FIGURES} == {(len(possible), 1)}


def test_a_placement_that_is_impossible_is_refused_alone():
    frame, shapes = shapes_of(UPRIGHT.landmarks(control_points(lumpy(3))), STACK)
    for name in ("behind", "beyond the midline"):
        with pytest.raises(InputError, match="No part of L3's vertebral body is anterior to its boundary"):
            roi_shapes(frame, shapes.inner_outline_uv_mm + SHIFTS_UV_MM[name], shapes.boundary, PROTOCOL.roi)


def test_placements_of_one_group_end_their_search_together_and_those_of_another_by_themselves():
    _, shapes = shapes_of(UPRIGHT.landmarks(control_points(lumpy(3))), STACK)
    # The search halves or quarters its step, so bodies of twice the size need another round.
    outlines = np.array([shapes.inner_outline_uv_mm * (1 + share) for share in (0.0, 0.05, 0.1, 0.9, 1.0, 1.1)])
    groups = np.array([0, 0, 1, 1, 2, 2])
    _, at_once = shapes_of_placements(outlines, shapes.boundary, PROTOCOL.roi, 0.01, groups)
    for group in range(3):
        _, alone = shapes_of_placements(outlines[groups == group], shapes.boundary, PROTOCOL.roi, 0.01)
        of_group = at_once.of_placements(groups == group)
        for figure in FIGURES:
            np.testing.assert_allclose(getattr(of_group, figure), getattr(alone, figure), rtol=1e-12)
    # Together with larger ones, some are searched to a finer step than alone.
    _, without_groups = shapes_of_placements(outlines, shapes.boundary, PROTOCOL.roi, 0.01)
    assert any(not np.array_equal(getattr(without_groups, figure), getattr(at_once, figure)) for figure in FIGURES)


def test_a_cut_that_leaves_placements_with_different_numbers_of_corners_repeats_the_last_of_each():
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    triangle = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0], [1.0, 2.0]])
    below = square - [0.0, 5.0]
    cut = clip_to_half_plane(np.array([square, triangle, below]), np.array([0.0, 1.0]), 1.0)
    alone = [clip_to_half_plane(polygon, np.array([0.0, 1.0]), 1.0) for polygon in (square, triangle)]
    for whole, part in zip(cut, alone, strict=False):
        np.testing.assert_array_equal(whole, part[np.minimum(np.arange(cut.shape[1]), len(part) - 1)])
    assert np.ptp(cut[2], axis=0).max() == 0
