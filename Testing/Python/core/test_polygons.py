import numpy as np
import pytest

from LumbarHULib.core import polygons

SQUARE = np.array([(0.0, 0), (4, 0), (4, 3), (0, 3)])
RANDOM = np.random.default_rng(7)


def star(count=15, spread=0.5) -> np.ndarray:
    """Return a counterclockwise star around (10, 10) that does not cross itself."""
    angles = np.sort(RANDOM.uniform(0, 2 * np.pi, count))
    return 10 + RANDOM.uniform(spread, 1, count)[:, None] * 9 * np.column_stack([np.cos(angles), np.sin(angles)])


def winding(polygon, point) -> int:
    """Return the winding number by adding up the angles under which the edges are seen."""
    seen = polygon - point
    ahead = np.roll(seen, -1, axis=0)
    turns = np.arctan2(seen[:, 0] * ahead[:, 1] - seen[:, 1] * ahead[:, 0], (seen * ahead).sum(axis=1))
    return round(turns.sum() / (2 * np.pi))


def test_area_is_positive_counterclockwise():
    assert polygons.signed_area(SQUARE) == 12
    assert polygons.signed_area(SQUARE[::-1]) == -12


def test_a_point_lies_inside_where_the_polygon_winds_around_it():
    for _ in range(20):
        polygon = star()
        points = RANDOM.uniform(0, 20, (50, 2))
        expected = [winding(polygon, point) != 0 for point in points]
        assert polygons.contains(polygon, points).tolist() == expected
        assert [bool(polygons.contains(polygon, point)) for point in points] == expected


def test_the_distance_to_an_edge_is_that_to_its_nearest_point():
    polygon, points = star(9), RANDOM.uniform(0, 20, (30, 2))
    shares = np.linspace(0, 1, 20_001)[:, None]
    expected = [
        [np.linalg.norm(start + shares * (end - start) - point, axis=1).min() for start, end in
         zip(polygon, np.roll(polygon, -1, axis=0), strict=True)]
        for point in points
    ]  # fmt: skip
    np.testing.assert_allclose(polygons.distances_to_edges(points, polygon), expected, atol=1e-3)


def test_the_axis_is_crossed_where_the_edges_do():
    diamond = np.array([(2.0, 1), (0, 3), (-2, 1), (0, -5)])
    np.testing.assert_allclose(polygons.crossings_of_axis(diamond), [-5, 3])
    np.testing.assert_allclose(polygons.crossings_of_axis(SQUARE - (1, 0)), [0, 3])
    assert len(polygons.crossings_of_axis(np.add(SQUARE, (1, 0)))) == 0


def test_places_on_the_axis_lie_inside_between_odd_and_even_crossings():
    crossings = np.array([-5.0, -1, 2, 6])
    assert polygons.are_inside(np.array([-6, -3, 0, 4, 7]), crossings).tolist() == [False, True, False, True, False]


def test_a_half_plane_keeps_what_lies_on_its_side():
    for _ in range(20):
        polygon, angle, offset = star(), RANDOM.uniform(0, 2 * np.pi), RANDOM.uniform(-8, 8)
        normal = np.array([np.cos(angle), np.sin(angle)])
        offset += normal @ (10, 10)
        kept = polygons.clip_to_half_plane(polygon, normal, offset)
        for point in RANDOM.uniform(0, 20, (100, 2)):
            if abs(normal @ point - offset) > 1e-6:
                inside = winding(polygon, point) != 0 and normal @ point > offset
                assert (len(kept) > 0 and winding(kept, point) != 0) == inside


def test_a_half_plane_beyond_the_polygon_keeps_all_or_nothing():
    np.testing.assert_array_equal(polygons.clip_to_half_plane(SQUARE, np.array([1.0, 0]), -1), SQUARE)
    assert polygons.clip_to_half_plane(SQUARE, np.array([1.0, 0]), 5).shape == (0, 2)


def test_many_polygons_at_once_are_cut_and_crossed_as_each_alone():
    normal, many = np.array([0.6, 0.8]), np.array([star(12) - 10 + (0, shift) for shift in (0.0, 2.0, -40.0, -3.0)])
    kept = polygons.clip_to_half_plane(many, normal, -1.0)
    crossings = polygons.crossings_of_axis(many)
    for polygon, batch_result, crossed in zip(many, kept, crossings, strict=True):
        alone = polygons.clip_to_half_plane(polygon, normal, -1.0)
        if len(alone):
            np.testing.assert_array_equal(batch_result[: len(alone)], alone)
            assert (batch_result[len(alone) :] == alone[-1]).all()
        else:  # a single point has neither area nor crossings
            assert np.ptp(batch_result, axis=0).max() == 0
        np.testing.assert_array_equal(crossed[np.isfinite(crossed)], polygons.crossings_of_axis(polygon))


@pytest.mark.parametrize("turns", range(4))
def test_a_bow_tie_crosses_itself_and_a_star_does_not(turns):
    bow_tie = np.roll(np.array([(0.0, 0), (4, 3), (4, 0), (0, 3)]), turns, axis=0)
    assert polygons.crosses_itself(bow_tie)
    assert polygons.crosses_itself(bow_tie[::-1])
    for _ in range(10):
        polygon = np.roll(star(40), turns, axis=0)
        assert not polygons.crosses_itself(polygon)
        # Swapping two corners that are far apart makes their edges cross others.
        polygon[[3, 23]] = polygon[[23, 3]]
        assert polygons.crosses_itself(polygon)


def test_pixels_are_filled_whose_centers_the_polygon_winds_around():
    for _ in range(20):
        polygon = star(40, 0.3)
        filled = polygons.rasterize(polygon, (2, 1), (18, 15), 1e-6)
        for row, column in np.ndindex(filled.shape):
            assert filled[row, column] == (winding(polygon, (column + 2, row + 1)) > 0)
        assert np.array_equal(polygons.rasterize(polygon[::-1], (2, 1), (18, 15), 1e-6), filled)


def test_a_center_on_an_edge_along_its_row_counts_as_inside():
    triangle = np.array([(1.0, 0.5), (5, 0.5), (3, 4.5)])
    # The sides pass through (2, 2.5) and (4, 2.5); a row of half pixels meets centers at neither.
    assert polygons.rasterize(triangle * 2, (0, 0), (10, 12), 1e-6)[5].nonzero()[0].tolist() == [4, 5, 6, 7, 8]
    assert polygons.rasterize(triangle * 2, (0, 0), (10, 12), -1e-6)[5].nonzero()[0].tolist() == [5, 6, 7]
