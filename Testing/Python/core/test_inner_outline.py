import numpy as np
import pytest
from core.builders import (
    NOTCHED_XY_MM,
    PROTOCOL,
    UPRIGHT,
    SignedDistance,
    axis_extent,
    circle,
    control_points,
    dense_spline,
    dumbbell,
    ellipse,
    kidney,
    lumpy,
    superellipse,
    upright_stack,
)

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.frame import frame_from_midline
from LumbarHULib.core.inner_outline import inner_outline
from LumbarHULib.core.outline.outline import Outline

STACK = upright_stack()
GRID_MM = 0.5


def inner_of(points_xy_mm, margin_mm=2.5, midline_y_mm=None) -> np.ndarray:
    """Return the inner outline in the body's own plane, as a polygon."""
    protocol = PROTOCOL.with_values(cortical_margin_mm=margin_mm)
    landmarks = UPRIGHT.landmarks(points_xy_mm, midline_y_mm=midline_y_mm)
    frame = frame_from_midline(STACK, landmarks, protocol.frame)
    polygon = inner_outline(frame, Outline(frame.to_uv_mm(landmarks.outline_ras_mm)), protocol.outline)
    return polygon - frame.to_uv_mm([UPRIGHT.center_ras_mm])


def area(polygon) -> float:
    x, y = polygon.T
    return 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)


def filled(polygon, points) -> np.ndarray:
    """Return which points lie inside, by counting the edges above each."""
    (x, y), (x_next, y_next) = polygon.T[..., None], np.roll(polygon, -1, axis=0).T[..., None]
    spans = (x > points[:, 0]) != (x_next > points[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        height = y + (points[:, 0] - x) / (x_next - x) * (y_next - y)
    return np.count_nonzero(spans & (height > points[:, 1]), axis=0) % 2 == 1


@pytest.mark.parametrize("margin_mm", [0.3, 1.0, 2.5, 5.0])
def test_of_a_circle_it_is_the_circle_that_much_smaller(margin_mm):
    polygon = inner_of(control_points(circle(17)), margin_mm)
    np.testing.assert_allclose(np.linalg.norm(polygon, axis=1), 17 - margin_mm, atol=0.01)
    assert area(polygon) == pytest.approx(np.pi * (17 - margin_mm) ** 2, rel=1e-3)


def test_of_an_ellipse_it_is_the_parallel_curve_not_a_smaller_ellipse():
    a, b, margin_mm = 23.0, 17.0, 2.5
    polygon = inner_of(control_points(ellipse(a, b)), margin_mm)
    t = np.linspace(0, 2 * np.pi, 200_000)
    normal = np.column_stack([b * np.cos(t), a * np.sin(t)])
    parallel = ellipse(a, b)(t) - margin_mm * normal / np.linalg.norm(normal, axis=1, keepdims=True)
    assert np.abs(SignedDistance(parallel)(polygon)).max() < 0.015
    # Steiner's formula for a convex body: A − perimeter · m + π m².
    perimeter = np.linalg.norm(np.diff(ellipse(a, b)(t), axis=0), axis=1).sum()
    assert area(polygon) == pytest.approx(np.pi * a * b - perimeter * margin_mm + np.pi * margin_mm**2, rel=1e-3)


FORMS = {
    "ellipse": control_points(ellipse()),
    "superellipse": control_points(superellipse(power=4)),
    "corners sharper than the margin": control_points(superellipse(power=8)),
    "kidney": control_points(kidney(concavity_mm=9)),
    "kidney dented in front": control_points(kidney(concavity_mm=7, anterior=True)),
    "four points": np.array([(-20.0, -15), (20, -15), (20, 15), (-20, 15)]),
    "notched": NOTCHED_XY_MM,
    "lumpy": control_points(lumpy(2, roughness=0.15)),
    "very lumpy": control_points(lumpy(3, roughness=0.18)),
    "narrow neck": control_points(dumbbell(6), 32),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("margin_mm", [0.5, 2.5, 4.0])
def test_it_holds_the_points_that_lie_the_margin_inside_by_brute_force(name, margin_mm):
    from scipy.ndimage import label

    points = FORMS[name]
    curve = dense_spline(points)
    polygon = inner_of(points, margin_mm)
    axes = [np.arange(low, high, GRID_MM) for low, high in zip(curve.min(axis=0), curve.max(axis=0), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    excess_mm = SignedDistance(curve)(grid) - margin_mm
    pieces, count = label(excess_mm > 0)
    found = filled(polygon, grid.reshape(-1, 2)).reshape(excess_mm.shape)
    # One piece: the one that the polygon holds most of.
    piece = pieces == 1 + np.argmax([np.count_nonzero(found & (pieces == number + 1)) for number in range(count)])
    assert np.abs(excess_mm[found != piece]).max(initial=0) < 0.02


@pytest.mark.parametrize(("midline_y_mm", "front"), [((24, -16), True), ((16, -24), False)])
def test_of_a_body_that_falls_apart_it_is_the_piece_with_most_of_the_midline(midline_y_mm, front):
    polygon = inner_of(control_points(dumbbell(3), 32), midline_y_mm=midline_y_mm)
    assert (polygon[:, 1].min() > 0) == front
    assert (polygon[:, 1].max() < 0) != front
    assert np.ptp(polygon[:, 1]) > 12


@pytest.mark.parametrize("neck_mm", [3.0, 4.0, 4.4, 4.8, 6.0])
def test_a_neck_separates_exactly_when_it_is_thinner_than_two_margins(neck_mm):
    points = control_points(dumbbell(neck_mm), 32)
    distance = SignedDistance(dense_spline(points))
    narrowest_mm = distance(np.column_stack([np.zeros(800), np.linspace(-8, 8, 800)])).min()
    assert abs(narrowest_mm - 2.5) > 0.02
    polygon = inner_of(points)
    assert (np.ptp(polygon[:, 1]) > 30) == (narrowest_mm > 2.5)


def test_a_margin_of_zero_leaves_the_outline():
    points = control_points(kidney())
    polygon = inner_of(points, 0.0)
    assert np.abs(SignedDistance(dense_spline(points))(polygon)).max() < 0.01


@pytest.mark.parametrize("margin_mm", [8.6, 9.9])
def test_an_outline_thinner_than_two_margins_is_refused_with_the_margin(margin_mm):
    with pytest.raises(
        InputError, match=f"No part of L3's midline is {margin_mm:g} mm or more inside its outline"
    ) as caught:
        inner_of(control_points(ellipse(23, 8.5)), margin_mm)
    assert caught.value.level == "L3"


def test_a_midline_that_misses_the_inner_outline_is_refused():
    # The midline grazes the body's flank.
    points = np.add(control_points(ellipse()), (21.5, 0))
    front, back = axis_extent(points)
    with pytest.raises(InputError, match=r"No part of L3's midline is 2\.5 mm"):
        inner_of(points, midline_y_mm=(front + 6, back - 6))
