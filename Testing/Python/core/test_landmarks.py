import numpy as np
import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks, MidlineOrigin, origin_now

MIDLINE = [(0.0, 17, 0), (0.0, -17, 0)]
SQUARE = [(9.0, 9, 0), (9.0, -9, 0), (-9.0, -9, 0), (-9.0, 9, 0)]


@pytest.mark.parametrize(
    ("role", "points", "reported"),
    [
        ("midline", MIDLINE[:1], "The midline of L2 has 1 point: place 2."),
        ("midline", [*MIDLINE, (0, 0, 0)], "The midline of L2 has 3 points: place 2."),
        ("midline", np.empty((0, 3)), "The midline of L2 has 0 points: place 2."),
        ("boundary", MIDLINE[:1], "The boundary of L2 has 1 point: place 2."),
        ("outline", SQUARE[:3], "The outline of L2 has 3 points: place at least 4."),
    ],
)
def test_a_wrong_number_of_points_is_refused_with_the_number(role, points, reported):
    roles = {"midline_ras_mm": MIDLINE} | {f"{role}_ras_mm": points}
    with pytest.raises(InputError) as caught:
        Landmarks("L2", **roles)
    assert str(caught.value) == reported
    assert caught.value.level == "L2"


@pytest.mark.parametrize("role", ["midline", "boundary", "outline"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_coordinate_that_is_not_a_number_is_refused(role, value):
    points = np.array(SQUARE if role == "outline" else MIDLINE)
    points[0, 1] = value
    with pytest.raises(InputError, match=f"The {role} of L1 has a coordinate that is not a number"):
        Landmarks("L1", **({"midline_ras_mm": MIDLINE} | {f"{role}_ras_mm": points}))


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros(6), np.zeros((2, 4)), np.zeros((1, 2, 3))])
def test_points_that_are_not_rows_of_three_coordinates_are_refused(points):
    with pytest.raises(InputError, match="The midline of L1 has"):
        Landmarks("L1", points)


def test_positions_are_kept_to_a_nanometer_without_minus_zero_and_cannot_be_changed():
    midline = Landmarks("L1", [(1e-13, 17 + 1e-13, -1e-13), (0.1234564999, -17, 3)]).midline_ras_mm
    assert midline.tolist() == [[0, 17, 0], [0.123456, -17, 3]]
    assert not np.signbit(midline[0]).any()
    with pytest.raises(ValueError, match="read-only"):
        midline[0, 0] = 1


def test_the_level_is_recognized_in_any_case_and_an_unknown_one_refused():
    assert Landmarks(" l4 ", MIDLINE).level == "L4"
    with pytest.raises(InputError, match=r"Unknown level “L6”: use one of T12, L1, L2, L3, L4, L5\."):
        Landmarks("L6", MIDLINE)


def test_an_origin_reads_with_its_correction_and_an_unknown_one_is_refused():
    assert str(MidlineOrigin()) == "manual"
    assert str(MidlineOrigin("proposal_corrected", 1.234, 5.678)) == "proposal_corrected (1.23 mm, 5.68 deg)"
    with pytest.raises(InputError, match="Unknown midline origin “guess”"):
        MidlineOrigin("guess")


@pytest.mark.parametrize(
    ("origin", "moved_mm", "ends"),
    [
        (MidlineOrigin(ends=("snapped", "clicked")), (0.0, 0.0), ("snapped", "clicked")),
        (MidlineOrigin(ends=("snapped", "free")), (0.0, 0.4), ("snapped", "moved")),
        (MidlineOrigin(ends=("snapped", "free")), (0.4, 0.4), ("moved", "moved")),
        (MidlineOrigin("proposal_accepted"), (0.0, 0.0), ()),
        (MidlineOrigin("proposal_accepted"), (0.4, 0.0), ("moved", "proposed")),
        (MidlineOrigin(), (0.4, 0.0), ()),
    ],
)
def test_the_origin_of_each_end_states_whether_it_was_moved_since(origin, moved_mm, ends):
    placed = np.array([[0.0, 20.0, 5.0], [0.0, -14.0, 5.0]])
    now = placed + np.outer(moved_mm, [1.0, 0.0, 0.0])
    assert origin_now(origin, placed, now).ends == ends


@pytest.mark.parametrize("ends", [("snapped",), ("snapped", "guessed"), ("free", "free", "free")])
def test_unknown_origins_of_ends_are_refused(ends):
    with pytest.raises(InputError, match="give two of snapped, free, clicked, proposed, moved"):
        MidlineOrigin(ends=ends)
