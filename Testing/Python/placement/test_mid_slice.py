"""Choice of the mid-slice (the more caudal one in a tie), and of the alternative slice where slices are thick."""

import pytest
from placement.builders import study_protocol

from LumbarHULib.placement.mid_slice import alternative_slice, mid_slice_at


@pytest.mark.parametrize(
    ("position", "uncertain_mm", "spacing_mm", "mid_slice"),
    [
        (20.5, 0.0, 2.5, 20),
        (20.5 + 1e-9, 0.0, 2.5, 20),
        (20.57, 0.0, 2.5, 20),
        (20.59, 0.0, 2.5, 21),
        (20.59, 0.1, 2.5, 20),
        (20.69, 1.5, 2.5, 20),
        (20.71, 1.5, 2.5, 21),
        (20.43, 0.0, 2.5, 20),
        (20.0, 1.5, 2.5, 20),
        (20.53, 0.0, 5.0, 20),
        (20.55, 0.0, 5.0, 21),
        (20.69, 0.0, 1.0, 20),
        (20.71, 0.0, 1.0, 21),
    ],
)
def test_of_two_equally_near_slices_the_more_caudal_is_chosen(position, uncertain_mm, spacing_mm, mid_slice):
    assert mid_slice_at(position, uncertain_mm, spacing_mm, study_protocol().placement) == mid_slice


@pytest.mark.parametrize(
    ("position", "uncertain_mm", "spacing_mm", "other"),
    [
        (20.5, 0.0, 2.5, 21),
        (20.55, 0.0, 2.5, 21),
        (20.6, 0.0, 2.5, 20),
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
def test_the_alternative_slice_is_named_where_chance_decides(position, uncertain_mm, spacing_mm, other):
    assert alternative_slice(position, uncertain_mm, spacing_mm, study_protocol()) == other
