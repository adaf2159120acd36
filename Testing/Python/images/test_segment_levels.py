"""Which segment is which vertebra: names first, then label values, and a question where neither states it."""

import numpy as np
import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.segment_levels import level_named, levels_of_segments
from LumbarHULib.images.segmentation_file import Segment

VERTEBRAE = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1")
VERSE = dict(zip(VERTEBRAE, range(17, 26), strict=True)) | {"S1": 26}
TOTAL_2 = dict(zip(VERTEBRAE, range(34, 25, -1), strict=True))
TOTAL_1 = dict(zip(VERTEBRAE[:-1], range(25, 17, -1), strict=True))


def segment(value=1, name="", height_mm=0.0, terminology=""):
    matrix = np.eye(4)
    matrix[2, 3] = height_mm
    return Segment(name, value, np.ones((3, 3, 3), dtype=bool), matrix, terminology)


def column(numbering, *levels):
    """Return nameless segments one below the other, as a program with this numbering would label them."""
    return [segment(numbering[level], height_mm=-35.0 * VERTEBRAE.index(level)) for level in levels]


def values_by_level(segments, **assignments):
    found, findings = levels_of_segments(segments, assignments)
    return {level: one.value for level, one in found.items()}, findings


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *[("L1", "L1"), ("l1", "L1"), ("L1 vertebra", "L1"), ("vertebrae_L1", "L1"), ("VERTEBRAE_L4", "L4")],
        *[("Segment_L3", "L3"), ("T12", "T12"), ("th12", "T12"), ("Vertebra (L2)", "L2"), ("corpus L5", "L5")],
        *[("L6", None), ("L12", None), ("T1", None), ("SL1", None), ("XL1Y", None), ("vertebra", None), ("", None)],
        *[("L1-L2 disc", None), ("disc L1", None), ("L1 L2", None), ("rib_L1", None), ("L1 nerve roots", None)],
    ],
)
def test_a_segment_name_gives_a_level_or_nothing(name, level):
    assert level_named(name) == level


@pytest.mark.parametrize("numbering", [VERSE, TOTAL_2, TOTAL_1])
@pytest.mark.parametrize("levels", [VERTEBRAE[2:-1], ("L1", "L2", "L3", "L4"), ("L4", "L5"), VERTEBRAE[:-1]])
def test_label_values_are_read_by_their_order_along_the_spine(numbering, levels):
    found, findings = values_by_level(column(numbering, *levels))
    assert found == {level: numbering[level] for level in levels if level not in ("T10", "T11")}
    assert list(found) == [level for level in VERTEBRAE if level in found]
    assert [finding.code for finding in findings] == ["labels_read_by_value"]
    assert all(f"{value} as {level}" in findings[0].sentence for level, value in found.items())


@pytest.mark.parametrize("named", [False, True])
def test_a_sixth_lumbar_vertebra_gets_a_finding_and_five_do_not(named):
    levels = ("L3", "L4", "L5", "L6")
    segments = [
        segment(22 + place, f"vertebrae_{level}" if named else "", -35.0 * place) for place, level in enumerate(levels)
    ]
    found, findings = values_by_level(segments)
    assert found == {"L3": 22, "L4": 23, "L5": 24}
    assert [finding.code for finding in findings][:1] == ["sixth_lumbar_vertebra"]
    assert "sixth_lumbar_vertebra" not in [finding.code for finding in values_by_level(segments[:-1])[1]]


def test_a_sixth_lumbar_vertebra_gets_a_finding_where_only_the_user_gives_the_numbering():
    # An organ with a vertebra's number is at a position that fits no numbering.
    segments = [segment(value, height_mm=height) for value, height in ((19, -300), (23, 0), (24, -35), (25, -70))]
    found, findings = values_by_level(segments, L4="23", L5="24")
    assert found == {"L4": 23, "L5": 24}
    assert [finding.code for finding in findings] == ["sixth_lumbar_vertebra"]
    assert values_by_level(segments[:-1], L4="23", L5="24")[1] == ()
    # By another numbering than the one that calls 25 a sixth.
    assert values_by_level(segments, L1="23", L2="24")[1] == ()


def test_organs_with_a_vertebras_number_do_not_mislead():
    # TotalSegmentator 2 also has 18–25 (bowel, bladder, kidney cysts, sacrum), which VerSe would take for vertebrae.
    organs = [segment(value, height_mm=height) for value, height in ((18, -250), (19, -150), (20, -200), (25, -330))]
    assert values_by_level(column(TOTAL_2, "L1", "L2", "L3", "L4", "L5") + organs)[0] == {
        level: TOTAL_2[level] for level in ("L1", "L2", "L3", "L4", "L5")
    }


@pytest.mark.parametrize("values", [(22,), (1,), (1, 2, 3), (60, 61), (49, 50)])
def test_ambiguous_label_values_are_refused_with_the_option_to_type(values):
    segments = [segment(value, height_mm=-35.0 * place) for place, value in enumerate(values)]
    with pytest.raises(InputError, match=f"assign each level, such as --segment “L1={values[0]}”"):
        levels_of_segments(segments, {})


def test_the_user_assigns_segments_to_levels_by_value_or_name():
    plain = [segment(3, height_mm=0), segment(2, height_mm=-35)]
    assert values_by_level(plain, L1="3", L2="2")[0] == {"L1": 3, "L2": 2}
    named = [segment(1, "upper", 0), segment(2, "LOWER", -35), segment(3, "L4", -70)]
    assert values_by_level(named, L2="Upper", L3=" lower ")[0] == {"L2": 1, "L3": 2, "L4": 3}


def test_the_users_assignment_overrides_names_and_values():
    named = [segment(1, "L1", 0), segment(2, "L2", -35)]
    assert values_by_level(named, L2="L1", L3="L2")[0] == {"L2": 1, "L3": 2}
    assert values_by_level(column(VERSE, "L1", "L2", "L3"), L3="22")[0] == {"L1": 20, "L2": 21, "L3": 22}


def test_terminology_gives_the_level_where_the_name_does_not():
    entry = "TerminologyEntry:list~SCT^123037004^Anatomical Structure~SCT^14293000^L2 vertebra~^^~l~^^~^^|"
    assert values_by_level([segment(1, "Segment_1", 0, entry), segment(2, "Segment_2", -35)])[0] == {"L2": 1}


@pytest.mark.parametrize(
    ("segments", "assignments", "sentence"),
    [
        ([], {}, "contains no segment"),
        ([segment(1, "L1"), segment(2, "vertebrae_L1")], {}, "Two segments are named L1"),
        ([segment(4, "L1"), segment(7, "L1")], {}, "such as --segment “L1=7”"),
        ([segment(1, "L2")], {"L1": "9" * 5000}, "but no segment has this name or value"),
        ([segment(1, "L1", -35), segment(2, "L2", 0)], {}, "segment of L2 is not below that of L1"),
        ([segment(1, "liver")], {}, "No segment is named after a level"),
        ([segment(1, "a"), segment(2, "b")], {"L1": "c"}, "no segment has this name or value: choose one of “a”, “b”"),
        ([segment(1, "a"), segment(2, "A")], {"L1": "a"}, "several segments have this name"),
    ],
)
def test_contradictory_input_is_refused(segments, assignments, sentence):
    with pytest.raises(InputError, match=sentence):
        levels_of_segments(segments, assignments)
