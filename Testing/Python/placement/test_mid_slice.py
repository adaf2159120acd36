"""Which other slice might be the mid-slice: none, where one is clearly the nearest or slices are thin."""

import pytest
from placement.builders import study_protocol

from LumbarHULib.placement.mid_slice import slice_alike


@pytest.mark.parametrize(
    ("position", "uncertain_mm", "spacing_mm", "other"),
    [
        (20.5, 0.0, 2.5, 21),
        (20.45, 0.0, 2.5, 21),
        (20.69, 0.0, 2.5, 20),
        (20.31, 0.0, 5.0, 21),
        (20.0, 0.0, 2.5, None),
        (20.2, 0.0, 2.5, None),
        (20.8, 0.0, 2.5, None),
        (20.2, 0.5, 2.5, 21),
        (20.5, 0.5, 1.5, 21),
        (20.5, 0.5, 1.25, None),
        (20.5, 0.5, 0.6, None),
    ],
)
def test_the_other_slice_is_named_where_chance_decides(position, uncertain_mm, spacing_mm, other):
    assert slice_alike(position, uncertain_mm, spacing_mm, study_protocol()) == other
