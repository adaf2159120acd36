"""The circle: against closed forms, and of many regions at once as of each alone."""

import numpy as np
import pytest

from LumbarHULib.core.circle import largest_circle
from LumbarHULib.core.polygons import crossings_of_axis

T = np.linspace(0, 2 * np.pi, 720, endpoint=False)
FINEST_MM = 1e-6


def disk(radius, off=0.0, ahead=0.0):
    return radius * np.column_stack([np.cos(T), np.sin(T)]) + (off, ahead)


def found(regions, low_v=0.0):
    return largest_circle(regions, crossings_of_axis(regions), low_v, FINEST_MM)


@pytest.mark.parametrize("off", [0.0, 3.0, -3.0])
def test_in_a_disk_off_the_midline_it_reaches_the_nearer_side(off):
    center, radius = found(disk(12, off, 15))
    assert (center, radius) == (pytest.approx(15, abs=0.05), pytest.approx(12 - abs(off), abs=1e-3))


def test_in_a_rectangle_longer_than_wide_the_most_anterior_of_the_equal_ones_is_taken():
    rectangle = np.array([[-5.0, 0], [5, 0], [5, 30], [-5, 30]])
    np.testing.assert_allclose(found(rectangle), (25, 5), atol=1e-5)


def test_of_many_regions_at_once_each_has_the_circle_that_it_has_alone():
    # The last is notched across the midline, which it therefore crosses more often than the others.
    notched = np.array([[-9.0, 0], [9, 0], [9, 20], [-9, 20], [-9, 11], [2, 10], [-9, 9]])
    resampled = np.array([np.linspace(corner, after, 103)[:-1] for corner, after in _edges(notched)]).reshape(-1, 2)
    many = np.array([disk(10, 1, 12)[:714], disk(4, -2, 5)[:714], disk(15, 5, 16)[:714], resampled])
    centers, radii = found(many)
    assert centers.shape == radii.shape == (4,)
    for region, center, radius in zip(many, centers, radii, strict=True):
        alone_center, alone_radius = found(region)
        assert radius == pytest.approx(alone_radius, abs=1e-6)
        assert center == pytest.approx(alone_center, abs=1e-5)
    # Between the notch with its tip at (2, 10) and the front at 20.
    assert 10 < centers[3] < 20


def _edges(polygon):
    return zip(polygon, np.roll(polygon, -1, axis=0), strict=True)
