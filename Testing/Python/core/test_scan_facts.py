"""Facts of two scans are the same if headers that write them differently mean the same."""

import pytest

from LumbarHULib.core.scan_facts import is_same_name, is_same_voltage


@pytest.mark.parametrize(("one", "other"), [(120.0, 120.0), (120.0, 119.6), (120.0, 120.5)])
def test_a_rounded_tube_voltage_is_the_same(one, other):
    assert is_same_voltage(one, other)
    assert is_same_voltage(other, one)


def test_tube_voltages_that_a_scanner_offers_are_not_the_same():
    assert not is_same_voltage(100.0, 110.0)


@pytest.mark.parametrize(("one", "other"), [("SIEMENS", "Siemens"), ("B 40", " b  40\n"), ("Br40\x00", "br40")])
def test_case_blanks_and_control_characters_make_no_other_name(one, other):
    assert is_same_name(one, other)


def test_a_digit_makes_another_name():
    assert not is_same_name("B40f", "B41f")
