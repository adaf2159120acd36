import numpy as np
import pytest
from mrml.scene_tools import move_point

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MANUAL, MidlineOrigin
from LumbarHULib.mrml.line_markups import lines_by_level, lines_in, take_over_lines
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading import ask_for_level
from LumbarHULib.mrml.reading_lifecycle import sign_off
from LumbarHULib.mrml.reading_markups import markup_node, midline_origin, placed_levels, set_midline


@pytest.fixture
def add_line(scene):
    """Add a line that belongs to no reading."""

    def add(name, points_ras_mm):
        line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
        for point in points_ras_mm:
            line.AddControlPoint(*point)
        line.CreateDefaultDisplayNodes()
        return line

    return add


def test_lines_of_readings_are_not_offered_and_others_are_recognized_by_their_names(start_reading, add_line, bodies):
    start_reading(levels=["L1"])
    lines = [add_line(name, bodies.midlines_ras_mm["L2"]) for name in ("L2", "midline L3", "ruler")]
    assert lines_in(lines[0].GetScene()) == tuple(lines)
    assert lines_by_level(lines) == {"L2": lines[0], "L3": lines[1]}
    thoracic = add_line("T12", bodies.midlines_ras_mm["L1"])
    assert list(lines_by_level([*lines, thoracic])) == ["T12", "L2", "L3"]
    with pytest.raises(InputError, match="“L2” and “L2-midline” are both named after L2"):
        lines_by_level([*lines, add_line("L2-midline", bodies.midlines_ras_mm["L2"])])


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_line_becomes_a_midline_in_one_slice_and_stays_hidden_as_it_is(
    start_reading, measurer, add_line, bodies, is_reversed
):
    reading = start_reading(levels=["L1"])
    truth = bodies.midlines_ras_mm["L2"]
    drawn = np.add(truth, [[0, 0, 0.4], [0, 0, 0.6]])[:: -1 if is_reversed else 1]
    line = add_line("L2", drawn)
    take_over_lines(reading, {"L2": line}, measurer.stack)
    assert placed_points(markup_node(reading, "L2", "midline")) == pytest.approx(truth, abs=1e-6)
    assert midline_origin(reading, "L2") == MANUAL
    assert placed_points(line) == pytest.approx(drawn, abs=1e-9)
    assert not line.GetDisplayVisibility()


def test_a_line_of_another_reading_s_file_keeps_its_origin(start_reading, measurer, add_line, bodies):
    reading = start_reading(levels=["L1", "L2"])
    truth = bodies.midlines_ras_mm["L2"]
    set_midline(reading, "L2", truth, MidlineOrigin("proposal_accepted"))
    line = add_line("L3", truth)
    line.SetNthControlPointDescription(0, markup_node(reading, "L2", "midline").GetNthControlPointDescription(0))
    take_over_lines(reading, {"L3": line}, measurer.stack)
    assert midline_origin(reading, "L3") == MidlineOrigin("proposal_accepted")
    move_point(markup_node(reading, "L3", "midline"), 0, (0.5, 0, 0))
    assert midline_origin(reading, "L3").kind == "proposal_corrected"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda ends: ends[:1], "“line” cannot be the midline of L2: The midline of L2 has 1 point: place 2"),
        (lambda ends: ends[:0], "has 0 points"),
        (lambda ends: np.add(ends, [[0, 0, 0], [0, 0, 12]]), "its ends are 12 mm apart in height, more than 5 mm"),
        (
            lambda ends: np.add(ends.mean(axis=0), [[-15, 0, 0], [15, 0, 0]]),
            "90° off the patient's",
        ),
        (lambda ends: np.add(ends.mean(axis=0), [[0, 1, 0], [0, -1, 0]]), "2.0 mm"),
        (lambda ends: np.add(ends, [0, 0, 5000]), "beyond the CT's last slice"),
    ],
)
def test_a_line_that_cannot_be_a_midline_is_refused_in_one_sentence(
    start_reading, measurer, add_line, bodies, change, sentence
):
    reading = start_reading(levels=["L1"])
    line = add_line("line", change(np.array(bodies.midlines_ras_mm["L2"])))
    with pytest.raises(InputError) as refused:
        take_over_lines(reading, {"L2": line}, measurer.stack)
    assert sentence in str(refused.value)
    assert placed_levels(reading) == ("L1",)
    assert line.GetDisplayVisibility()


def test_a_signed_off_reading_takes_over_nothing(reading, measurer, add_line, bodies):
    sign_off(reading, "Reader A", "2026-01-01 00:00:00")
    with pytest.raises(InputError, match="signed off"):
        take_over_lines(reading, {"L2": add_line("L2", bodies.midlines_ras_mm["L2"])}, measurer.stack)


def test_with_one_line_that_is_refused_nothing_is_taken_over(start_reading, measurer, add_line, bodies):
    reading, truth = start_reading(levels=["L1"]), bodies.midlines_ras_mm
    good, bad = add_line("L2", truth["L2"]), add_line("L3", np.add(truth["L3"], [0, 0, 5000]))
    with pytest.raises(InputError, match="“L3” cannot be the midline of L3"):
        take_over_lines(reading, {"L2": good, "L3": bad}, measurer.stack)
    assert placed_levels(reading) == ("L1",)
    assert good.GetDisplayVisibility()


def test_an_omitted_level_is_measured_again_once_a_line_is_its_midline(start_reading, measurer, add_line, bodies):
    reading = start_reading(levels=["L1"])
    ask_for_level(reading, "L2", False)
    take_over_lines(reading, {"L2": add_line("line", bodies.midlines_ras_mm["L2"])}, measurer.stack)
    assert reading.skipped_levels == ()
