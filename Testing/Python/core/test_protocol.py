from dataclasses import fields, replace

import pytest
from core.builders import PROTOCOL

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import Protocol, check_value

NUMBERS = [item for item in fields(Protocol) if "low" in item.metadata]


def refusal(name, value) -> str:
    with pytest.raises(InputError) as caught:
        check_value(name, value)
    assert str(caught.value).endswith(".")
    assert name in str(caught.value)
    return str(caught.value)


def test_the_studys_numbers_are_the_ones_in_protocol_md():
    words = {
        "axial_tie_deg": 0.5,
        "midline_angle_limit_deg": 45,
        "boundary_fraction": 2 / 3,
        "boundary_fraction_tolerance": 0.02,
        "boundary_fraction_min": 0.2,
        "boundary_fraction_max": 0.95,
        "boundary_angle_tolerance_deg": 10,
        "boundary_angle_limit_deg": 45,
        "boundary_handle_distance_mm": 5,
        "front_width_fraction": 1 / 3,
        "lateral_extent": "full",
        "round_radius_fraction": 0.95,
        "off_center_fraction": 0.1,
        "edge_tolerance_mm": 1e-6,
        "slab_mm": 2.5,
        "mean_levels": ("L1", "L2", "L3", "L4"),
        "minimum_levels": 2,
        "lsc_hu": 16,
        "single_measurement_lsc_fraction": 0.71,
    }
    assert {name: getattr(PROTOCOL, name) for name in words} == words
    assert 20 <= PROTOCOL.outline_control_points <= 24


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.name)
def test_a_number_beyond_its_range_is_refused_with_value_and_range(item):
    low, high = item.metadata["low"], item.metadata["high"]
    for value in (low - 1, high + 1):
        assert f"is {value:g}" in refusal(item.name, value)
        assert f"use {low:g} to {high:g}." in refusal(item.name, value)
    for value in (float("nan"), float("inf"), -float("inf"), "2.5", None, True, [1]):
        refusal(item.name, value)
    check_value(item.name, int(low) if item.metadata["integer"] else low)
    check_value(item.name, int(high) if item.metadata["integer"] else high)


@pytest.mark.parametrize("name", ["outline_control_points", "minimum_levels"])
@pytest.mark.parametrize("value", [2.5, 24.0])
def test_a_count_is_a_whole_number(name, value):
    assert "use a whole number." in refusal(name, value)


def test_a_choice_a_level_and_a_name_must_be_known_ones():
    assert "use one of full, anterior." in refusal("lateral_extent", "half")
    assert "use levels among L1, L2, L3, L4." in refusal("mean_levels", ("L1", "T12"))
    assert "use levels among" in refusal("mean_levels", ())
    assert "use levels among" in refusal("mean_levels", ["L1"])
    assert "each level once, from cranial to caudal." in refusal("mean_levels", ("L2", "L1"))
    assert "each level once" in refusal("mean_levels", ("L1", "L1"))
    assert "Unknown protocol value “slab_cm”" in refusal("slab_cm", 1)


@pytest.mark.parametrize(
    "values",
    [
        {"midline_length_min_mm": 60, "midline_length_max_mm": 50},
        {"boundary_fraction_min": 0.7},
        {"boundary_fraction_max": 0.5},
        {"outline_cortex_usual_mm": 5, "outline_cortex_max_mm": 4},
        {"outline_half_width_min_mm": 40, "outline_half_width_max_mm": 40},
    ],
)
def test_two_values_that_contradict_each_other_are_refused_with_both(values):
    with pytest.raises(InputError, match="contradict each other: the first must be smaller than the second") as caught:
        PROTOCOL.with_values(**values)
    for name, value in values.items():
        assert f"{name} = {value:g}" in str(caught.value)


def test_a_copy_with_other_values_is_checked_and_leaves_the_first_as_it_was():
    assert PROTOCOL.with_values(slab_mm=5) == replace(PROTOCOL, slab_mm=5)
    assert PROTOCOL.slab_mm == 2.5
    with pytest.raises(InputError, match="slab_mm is 51 mm"):
        PROTOCOL.with_values(slab_mm=51)
