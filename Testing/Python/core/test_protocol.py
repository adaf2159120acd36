import re
from dataclasses import replace

import pytest
from core.builders import PROTOCOL

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.protocol import DECLARED, GROUPS, STUDY_VALUES, Protocol, check_value

NUMBERS = [name for name, declared in DECLARED.items() if not declared.options and not declared.level_names]


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
    assert {name: PROTOCOL.values[name] for name in words} == words
    assert 20 <= PROTOCOL.outline.control_points <= 24


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_beyond_its_range_is_refused_with_value_and_range(name):
    declared = DECLARED[name]
    low, high = declared.low, declared.high
    for value in (low - 1, high + 1):
        assert f"is {value:g}" in refusal(name, value)
        assert f"use {low:g} to {high:g}." in refusal(name, value)
    for value in (float("nan"), float("inf"), -float("inf"), "2.5", None, True, [1]):
        refusal(name, value)
    check_value(name, int(low) if declared.integer else low)
    check_value(name, int(high) if declared.integer else high)


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
    other = PROTOCOL.with_values(slab_mm=5, outline_cortex_hu=900.0)
    assert other.values == PROTOCOL.values | {"slab_mm": 5, "outline_cortex_hu": 900.0}
    assert (other.roi.slab_mm, other.outline.cortex_hu) == (5, 900.0)
    assert PROTOCOL.roi.slab_mm == 2.5
    with pytest.raises(InputError, match="slab_mm is 51 mm"):
        PROTOCOL.with_values(slab_mm=51)
    with pytest.raises(InputError, match="Unknown protocol value “cortex_hu”"):
        PROTOCOL.with_values(cortex_hu=900.0)


def test_a_group_is_checked_when_it_is_made_and_names_its_values_as_files_do():
    with pytest.raises(InputError, match="Protocol value outline_cortex_hu is 100 HU: use 200 to 3000"):
        replace(PROTOCOL.outline, cortex_hu=100.0)
    with pytest.raises(InputError, match=r"boundary_fraction_min = 0\.7 and boundary_fraction = 0\.6"):
        replace(PROTOCOL.boundary, fraction_min=0.7)


def test_a_protocol_from_its_values_is_the_same_and_every_value_has_one_place():
    assert Protocol.from_values(PROTOCOL.values) == PROTOCOL
    assert list(PROTOCOL.values) == list(DECLARED)
    assert len(DECLARED) == sum(len(tuple(group.declarations())) for group in GROUPS.values())
    assert set(STUDY_VALUES) < set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_the_meaning_of_a_value_is_one_sentence(name):
    assert re.fullmatch(r"[A-Z][^.]*(\d\.\d[^.]*)*\.", DECLARED[name].meaning)
