import numpy as np
import pytest
from core.builders import ellipse
from core.shape_search import BODIES, region_and_shapes

from LumbarHULib.core.oval import largest_oval
from LumbarHULib.core.polygons import crossings_of_axis

FORWARD = np.array([0.0, 1.0])


def oval_in(regions, line_normal, line_offset):
    return largest_oval(regions, crossings_of_axis(regions), line_normal, line_offset)


@pytest.mark.parametrize("name", BODIES)
def test_no_ellipse_of_an_exhaustive_search_is_greater_and_the_oval_stays_inside(name):
    region, shapes, front = region_and_shapes(name)
    area = np.pi * shapes.oval_half_u_mm * shapes.oval_half_v_mm
    assert area >= 0.995 * region.largest_ellipse_area()
    edge = ellipse(shapes.oval_half_u_mm, shapes.oval_half_v_mm)(np.linspace(0, 2 * np.pi, 3000))
    assert region.depth(np.add(edge, (0, shapes.oval_center_v_mm + front))).min() > -0.02


@pytest.mark.parametrize(("half_width", "depth"), [(15.0, 20.0), (6.0, 20.0), (15.0, 3.0)])
def test_in_a_rectangle_it_touches_all_four_sides(half_width, depth):
    sides = np.arange(0, 1, 1 / 400)[:, None]
    corners = half_width * np.array([(1, 0), (1, 0), (-1, 0), (-1, 0)]) + depth * np.array(
        [(0, 0), (0, 1), (0, 1), (0, 0)]
    )
    region = np.vstack(
        [start + sides * (end - start) for start, end in zip(corners, np.roll(corners, -1, 0), strict=True)]
    )
    center, half_u, half_v = oval_in(region, FORWARD, 0.0)
    np.testing.assert_allclose((center, half_u, half_v), (depth / 2, half_width, depth / 2), atol=1e-2)


@pytest.mark.parametrize("top", [20.0, 3.0])
def test_between_corners_far_apart_it_is_no_wider_than_the_region(top):
    rectangle = np.array([(15.0, 0.0), (15.0, top), (-12.0, top), (-12.0, 0.0)])
    np.testing.assert_allclose(oval_in(rectangle, FORWARD, 0.0), (top / 2, 12, top / 2), atol=1e-5)


def test_in_a_half_disk_it_is_the_known_optimum():
    # x = a √(1 − s²), y = b + b s stays in x² + y² ≤ R² while a⁴ − R² a² + R² b² ≥ 0; a b is greatest at these two.
    radius = 20.0
    t = np.linspace(0, np.pi, 4001)
    figures = oval_in(radius * np.column_stack([np.cos(t), np.sin(t)]), FORWARD, 0.0)
    np.testing.assert_allclose(
        figures, (radius * np.sqrt(2) / 3, radius * np.sqrt(2 / 3), radius * np.sqrt(2) / 3), atol=1e-2
    )


def test_in_a_disk_it_is_the_disk():
    t = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    figures = oval_in(12 * np.column_stack([np.cos(t), np.sin(t)]) + (0, 30), FORWARD, 0.0)
    np.testing.assert_allclose(figures, (30, 12, 12), atol=1e-3)


def test_on_a_midline_off_the_middle_the_nearer_side_bounds_it():
    t = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    disk = 12 * np.column_stack([np.cos(t), np.sin(t)])
    shifted, mirrored = (oval_in(np.add(disk, (shift, 30)), FORWARD, 0.0) for shift in (4, -4))
    np.testing.assert_allclose(shifted, mirrored, atol=1e-5)
    assert shifted[1] < 8 + 1e-3
    assert shifted[2] <= np.sqrt(12**2 - 4**2) + 1e-3


def test_of_equal_areas_the_more_anterior_one_is_taken():
    # Two equal disks one before the other, joined by a thread.
    up = np.linspace(-np.pi / 2, np.pi / 2, 721)[1:-1]
    half_disk = 8 * np.column_stack([np.cos(up), np.sin(up)])
    right = np.vstack([np.add(half_disk, (0.01, 12)), np.add(half_disk, (0.01, 36))])
    region = np.vstack([right, right[::-1] * (-1, 1)])
    center, half_u, half_v = oval_in(region, FORWARD, 0.0)
    np.testing.assert_allclose((center, half_u, half_v), (36, 8, 8), atol=0.01)


@pytest.mark.parametrize("offset", [5.0, 4.9999999])
def test_where_nothing_lies_in_front_of_the_line_there_is_no_oval(offset):
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    assert oval_in(5 * np.column_stack([np.cos(t), np.sin(t)]), FORWARD, offset) == (0, 0, 0)


def test_of_many_regions_at_once_each_has_the_oval_that_it_has_alone():
    t = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    many = np.array([np.column_stack([a * np.cos(t) + 1, b * np.sin(t) + 15]) for a, b in ((20, 14), (8, 10), (3, 2))])
    figures = np.array(oval_in(many, FORWARD, 4.0))
    for region, together in zip(many, figures.T, strict=True):
        np.testing.assert_allclose(together, oval_in(region, FORWARD, 4.0), atol=1e-6)
