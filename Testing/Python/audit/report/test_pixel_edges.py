import numpy as np
import pytest
from audit.report.svg_pixels import pixels_inside

from LumbarHULib.audit.report.pixel_edges import pixel_edges, svg_path


def test_one_pixel_is_a_square():
    (loop,) = pixel_edges(np.array([[False, False], [False, True]]))
    assert sorted(loop) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_rectangle_has_four_corners_and_no_others():
    (loop,) = pixel_edges(np.ones((5, 9), bool))
    assert sorted(loop) == [(0, 0), (0, 5), (9, 0), (9, 5)]


def test_a_hole_is_a_loop_of_its_own():
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    assert sorted(map(len, pixel_edges(mask))) == [4, 4]


def test_nothing_has_no_edge():
    assert pixel_edges(np.zeros((3, 4), bool)) == []
    assert svg_path([]) == ""


@pytest.mark.parametrize("seed", range(5))
def test_the_edges_enclose_exactly_the_pixels_even_where_these_touch_at_corners(seed):
    mask = np.random.default_rng(seed).random((13, 11)) < 0.5
    assert np.array_equal(pixels_inside(svg_path(pixel_edges(mask)), mask.shape), mask)
    checkers = np.indices((6, 7)).sum(axis=0) % 2 == seed % 2
    assert np.array_equal(pixels_inside(svg_path(pixel_edges(checkers)), checkers.shape), checkers)


def test_every_corner_is_a_turn():
    mask = np.random.default_rng(9).random((20, 20)) < 0.6
    for loop in pixel_edges(mask):
        for first, second, third in zip(loop, loop[1:] + loop[:1], loop[2:] + loop[:2], strict=True):
            assert (first[0] == second[0]) != (second[0] == third[0])
