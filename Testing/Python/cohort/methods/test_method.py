"""How users name a method."""

import pytest

from LumbarHULib.cohort.methods.method import (
    Method,
    check_protocol_name,
    parse_method,
    parse_methods,
    short_names,
)
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS


@pytest.mark.parametrize(
    ("text", "method", "name"),
    [
        ("round", Method("round"), "round@L1-L4"),
        (" Oval@l1 ", Method("oval", ("L1",)), "oval@L1"),
        ("round@L1-L4", Method("round", MEAN_LEVELS), "round@L1-L4"),
        ("left@L3,L1", Method("left", ("L1", "L3")), "left@L1,L3"),
        ("thin:round@L2–L3", Method("round", ("L2", "L3"), "thin"), "thin:round@L2-L3"),
        (
            "circle-200mm2-2025:circle_200mm2",
            Method("circle_200mm2", MEAN_LEVELS, "circle-200mm2-2025"),
            "circle-200mm2-2025:circle_200mm2@L1-L4",
        ),
    ],
)
def test_a_method_is_a_region_with_optional_levels_and_protocol(text, method, name):
    assert parse_method(text) == method
    assert method.name == name
    assert parse_method(name) == method


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "“” is not a method: write [PROTOCOL:]REGION[@LEVELS]"),
        ("200mm2", "“200mm2” is not a method"),
        ("data/cohort.csv", "“data/cohort.csv” is not a method"),
        (":round", "“:round” is not a method"),
        ("a b:c:round", "“a b:c:round” is not a method"),
        ("round@", "“round@” is not a method. Unknown level “”"),
        ("round@L9", "“round@L9” is not a method. Unknown level “L9”: use one of T12"),
        ("round@L1,L1", "names a level twice"),
        ("round@L4-L1", "is not a range of levels"),
    ],
)
def test_anything_else_is_refused_with_the_form(text, says):
    with pytest.raises(InputError) as problem:
        parse_method(text)
    assert says in str(problem.value)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["round", "oval", "round@L1-L4"], "The method round@L1-L4 is named twice"),
        (["round"], "needs 2 to 10 methods, but there is 1"),
        ([], "there are 0"),
        ([f"round@{level}" for level in ("L1", "L2", "L3", "L4")] * 1 + [f"r{i}" for i in range(7)], "there are 11"),
    ],
)
def test_a_comparison_needs_two_to_ten_different_methods(texts, says):
    with pytest.raises(InputError, match=says):
        parse_methods(texts)


def test_a_short_name_has_what_distinguishes_the_method():
    assert list(short_names(parse_methods(["round", "oval"])).values()) == ["round", "oval"]
    assert list(short_names(parse_methods(["round", "round@L1"])).values()) == ["round@L1-L4", "round@L1"]
    assert list(short_names(parse_methods(["a:round", "b:round", "oval"])).values()) == ["a:round", "b:round", "oval"]
    assert list(short_names(parse_methods(["round", "a:round"])).values()) == ["round", "a:round"]


@pytest.mark.parametrize("name", ["", "a:b", "a=b", "a@b", "a,b", "a;b", "x" * 61, " a", "a\x07"])
def test_results_need_a_name_that_a_method_can_contain(name):
    with pytest.raises(InputError, match="cannot name results"):
        check_protocol_name(name)
