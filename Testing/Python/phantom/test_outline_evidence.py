"""What the evidence on outlines computes: distances, arcs and moved midlines, against formulas."""

import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def evidence(repository):
    """Return the two evidence modules by name; they are scripts, so they are imported from their folder."""
    import sys

    sys.path.insert(0, str(repository / "Testing" / "Evidence"))
    try:
        import hostile_outlines
        import traced_vertebrae
    finally:
        sys.path.pop(0)
    return {"hostile": hostile_outlines, "traced": traced_vertebrae}


def circle(radius: float, count: int = 40) -> np.ndarray:
    angle = np.arange(count) * 2 * np.pi / count
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def test_distances_from_a_circle_are_those_of_its_radius(evidence):
    points = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, -7.5]])
    found = evidence["traced"].signed_distances_mm(points, circle(10.0))
    assert found == pytest.approx([-10.0, 2.0, -2.5], abs=0.01)


@pytest.mark.parametrize("order", [1, -1])
def test_a_polygon_moved_inward_is_smaller_whichever_way_it_runs(evidence, order):
    polygon = np.column_stack([circle(15.0)[::order], np.full(40, 3.0)])
    moved = evidence["traced"].moved_inward(polygon, 0.35)
    assert np.hypot(moved[:, 0], moved[:, 1]) == pytest.approx(14.65, abs=0.005)
    assert (moved[:, 2] == 3.0).all()


def test_the_longest_arc_runs_across_the_curve_s_beginning(evidence):
    points = circle(10.0, 360)
    marked = np.zeros(360, dtype=bool)
    marked[:30] = marked[-20:] = marked[100:110] = True
    chord = 20 * np.sin(np.radians(0.5))
    assert evidence["hostile"].longest_arc_mm(points, marked) == pytest.approx(50 * chord)
    assert evidence["hostile"].longest_arc_mm(points, np.ones(360, dtype=bool)) == pytest.approx(360 * chord)


def test_shifted_midlines_have_the_reader_s_error_and_keep_their_length(evidence):
    midline = np.array([[3.0, 40.0, 5.0], [0.0, 8.0, 5.0]])
    random = np.random.default_rng(1)
    moved = np.array([evidence["hostile"].shifted_midline(midline, random) for _ in range(4000)])
    along = moved[:, 0] - moved[:, 1]
    assert np.linalg.norm(along, axis=1) == pytest.approx(np.linalg.norm(midline[0] - midline[1]))
    turned = np.degrees(np.arctan2(along[:, 1], along[:, 0])) - np.degrees(np.arctan2(32.0, 3.0))
    assert turned.std() == pytest.approx(2.0, rel=0.05)
    assert (moved.mean(axis=1) - midline.mean(axis=0)).std(axis=0) == pytest.approx([1.0, 1.0, 0.0], abs=0.05)


def test_a_trial_says_when_the_outline_is_off(evidence, monkeypatch):
    from LumbarHULib.core.axial_stack import axial_stack
    from LumbarHULib.phantom.hostile.families import family_case

    hostile = evidence["hostile"]
    case = family_case("plain", 1)
    stack = axial_stack(case.ct, hostile.protocol().frame)
    center = case.outline_ras_mm.mean(axis=0)

    def grown_by(factor):
        def measured(stack, landmarks, protocol, known_outline_ras_mm=None):
            points = known_outline_ras_mm
            if points is None:
                points = center + factor * (case.control_points_ras_mm() - center)
            return measure_level(stack, landmarks, protocol, known_outline_ras_mm=points)

        return measured

    measure_level = hostile.measure_level
    for factor, off in ((1.0, False), (0.85, True)):
        monkeypatch.setattr(hostile, "measure_level", grown_by(factor))
        one = hostile.trial(case, stack, case.midline_ras_mm, False)
        assert one.off is off
        assert (one.mean_mm > 1.0) is off
        assert (max(map(abs, one.errors_hu.values())) > 0) is off


def test_without_data_the_sheets_say_so(evidence, monkeypatch, tmp_path):
    monkeypatch.setattr(evidence["traced"], "REAL_DATA", tmp_path)
    assert "LUMBARHU_DATA" in evidence["traced"].missing_data()
    assert list(evidence["traced"].traced_vertebrae(evidence["hostile"].protocol())) == []


def test_traced_vertebrae_match_their_own_tracings(evidence, real_data, monkeypatch):
    folder = real_data("real-outlines")
    names = sorted(path.stem for path in (folder / "tracing-a").glob("tcga*.json"))
    monkeypatch.setattr(evidence["traced"], "REAL_DATA", folder.parent)
    found = list(evidence["traced"].traced_vertebrae(evidence["hostile"].protocol(), tuple(names)))
    assert [f"{one.scan}_{one.level}" for one in found] == names
    for one, name in zip(found, names, strict=True):
        traced = json.loads((folder / "tracing-a" / f"{name}.json").read_text())
        k = np.linalg.solve(one.stack.ras_from_ijk, [*one.midline_ras_mm[0], 1])[2]
        assert k == pytest.approx(traced["k"], abs=1e-6)
        assert np.abs(one.distances_mm(one.outlines_ras_mm[0])).max() < one.between_mm.max() / 2 + 0.2
