"""Markup files: Slicer reads ours, we read Slicer's, and invalid ones are refused in one sentence."""

import json
import math

import numpy as np
import pytest
import slicer
import vtk

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import MANUAL, MidlineOrigin
from LumbarHULib.files.markup_file import read_markups, write_markup
from LumbarHULib.files.markup_origin import automatic_text, midline_text

MIDLINE = [[1.5, 20.25, 300.125], [2.5, -10.1, 300.125]]
BOUNDARY = [[-20.0, -0.3, 300.0], [25.0, 0.7, 300.0]]
OUTLINE = [[20.0, 0, 300], [0, 18, 300], [-20, 0, 300], [-12, -11, 300], [14, -12, 300]]
POINTS = {"midline": MIDLINE, "boundary": BOUNDARY, "outline": OUTLINE}
NODE_CLASSES = {"midline": "vtkMRMLMarkupsLineNode", "outline": "vtkMRMLMarkupsClosedCurveNode"}


def written(folder, name, /, points=None, role=None, file_name=None, **changes):
    """Write a markup by our own writer, change some of its fields, and return its path."""
    role = role or name.split("-")[1]
    path = folder / (file_name or f"{name}.mrk.json")
    write_markup(path, role, name, POINTS[role] if points is None else points)
    if changes:
        document = json.loads(path.read_text(encoding="utf-8"))
        document["markups"][0].update(changes)
        path.write_text(json.dumps(document), encoding="utf-8")
    return path


def refusal(paths) -> InputError:
    with pytest.raises(InputError) as caught:
        read_markups(paths)
    return caught.value


@pytest.fixture
def scene():
    made = slicer.vtkMRMLScene()
    # Without them, lines and curves complain that they know no units.
    made.AddNode(slicer.vtkMRMLSelectionNode())
    return made


def storage_node(scene, path):
    node = slicer.vtkMRMLMarkupsJsonStorageNode()
    scene.AddNode(node)
    node.SetFileName(str(path))
    return node


@pytest.mark.parametrize("role", ["midline", "outline"])
def test_slicer_reads_our_points_and_our_name(tmp_path, scene, role):
    path = written(tmp_path, f"L3-{role}", np.array(POINTS[role]) + 1 / 3)
    node = scene.AddNewNodeByClass(NODE_CLASSES[role], "unnamed")
    assert storage_node(scene, path).ReadData(node)
    assert node.GetName() == f"L3-{role}"
    points = [node.GetNthControlPointPosition(number) for number in range(node.GetNumberOfControlPoints())]
    assert np.array_equal(points, np.array(POINTS[role]) + 1 / 3)
    assert node.GetNumberOfDefinedControlPoints() == len(POINTS[role])
    assert node.GetFixedNumberOfControlPoints() == (role == "midline")


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_we_read_what_slicer_writes(tmp_path, scene, system):
    for role, node_class in NODE_CLASSES.items():
        node = scene.AddNewNodeByClass(node_class, f"L2-{role}")
        for point in POINTS[role]:
            node.AddControlPoint(vtk.vtkVector3d(*point))
        storage = storage_node(scene, tmp_path / f"L2-{role}.mrk.json")
        storage.SetCoordinateSystem(getattr(slicer.vtkMRMLStorageNode, f"CoordinateSystem{system}"))
        assert storage.WriteData(node)
    (landmarks,) = read_markups([tmp_path]).landmarks
    assert landmarks.level == "L2"
    assert np.array_equal(landmarks.midline_ras_mm, MIDLINE)
    assert np.array_equal(landmarks.outline_ras_mm, OUTLINE)
    assert landmarks.boundary_ras_mm is None
    assert landmarks.origin == MANUAL


def test_levels_come_from_cranial_to_caudal_with_all_their_roles(tmp_path):
    for name in ("L4-midline", "L1-midline", "T12-midline", "L1-outline", "L1-boundary"):
        written(tmp_path, name)
    markups = read_markups([tmp_path])
    assert [landmarks.level for landmarks in markups.landmarks] == ["T12", "L1", "L4"]
    first = markups.landmarks[1]
    assert np.array_equal(first.boundary_ras_mm, BOUNDARY)
    assert np.array_equal(first.outline_ras_mm, OUTLINE)
    assert markups.findings == ()


def test_what_is_written_is_the_same_each_time_and_exact(tmp_path):
    points = np.random.default_rng(1).normal(0, 100, (2, 3))
    first, second = (written(tmp_path, "L1-midline", points, file_name=name) for name in ("a.mrk.json", "b.mrk.json"))
    assert first.read_bytes() == second.read_bytes()
    positions = [point["position"] for point in json.loads(first.read_text())["markups"][0]["controlPoints"]]
    assert np.array_equal(positions, points * (-1, -1, 1))


@pytest.mark.parametrize(
    "origin",
    [
        MidlineOrigin("proposal_accepted"),
        MidlineOrigin("proposal_corrected", 1 / 3, 0.1),
        MidlineOrigin("proposal_corrected", 1 / 3, 0.1, ("proposed", "moved")),
        MidlineOrigin(ends=("snapped", "free")),
    ],
)
def test_the_origin_of_a_midline_comes_back(tmp_path, origin):
    write_markup(tmp_path / "L1-midline.mrk.json", "midline", "L1-midline", MIDLINE, midline_text(origin, MIDLINE))
    assert read_markups([tmp_path]).landmarks[0].origin == origin


DOUBTS = (
    Finding("labels_read_by_value", "The labels were read “by value”.", severity="note"),
    Finding("symmetry_doubtful", "L1 is hardly symmetrical.", "Look.", "warning", "L1"),
    Finding("level_filled_in", "L1 was counted.", "Look.", "warning", "L1"),
)


@pytest.mark.parametrize(("by_mm", "left"), [(0, DOUBTS), (3, (DOUBTS[0], DOUBTS[2]))])
def test_findings_on_a_proposal_return_unless_a_move_settled_them(tmp_path, by_mm, left):
    path = tmp_path / "L1-midline.mrk.json"
    text = midline_text(MidlineOrigin("proposal_accepted"), MIDLINE, DOUBTS)
    write_markup(path, "midline", "L1-midline", MIDLINE, text)
    moved(path, 0, (by_mm, 0, 0))
    markups = read_markups([tmp_path])
    assert markups.findings == left[:1]
    assert markups.level_findings == left[1:]


@pytest.mark.parametrize(
    "findings",
    [
        "[",
        "[5]",
        '[{"code": 7, "sentence": "x"}]',
        '[{"code": "level_filled_in", "sentence": "two\\nlines"}]',
        '[{"code": "level_filled_in", "sentence": "of another", "level": "L2"}]',
        '[{"code": "my_own", "sentence": "x"}]',
        '[{"code": "level_filled_in", "sentence": "x", "severity": "deadly"}]',
        '[{"code": "level_filled_in", "sentence": ["x"]}]',
    ],
)
def test_findings_that_no_proposal_has_are_ignored(tmp_path, findings):
    text = f"{midline_text(MidlineOrigin('proposal_accepted'), MIDLINE)}, findings {findings}"
    write_markup(tmp_path / "L1-midline.mrk.json", "midline", "L1-midline", MIDLINE, text)
    markups = read_markups([tmp_path])
    assert (markups.findings, markups.level_findings) == ((), ())


def automatic(folder):
    """Write a midline, with a boundary and an outline that LumbarHU made for it."""
    written(folder, "L1-midline")
    for role in ("boundary", "outline"):
        text = automatic_text(POINTS[role], MIDLINE)
        write_markup(folder / f"L1-{role}.mrk.json", role, f"L1-{role}", POINTS[role], text)


def moved(path, point, by_lps_mm):
    """Move one point in its file, as another program would: the descriptions stay."""
    document = json.loads(path.read_text())
    place = document["markups"][0]["controlPoints"][point]
    place["position"] = np.add(place["position"], by_lps_mm).tolist()
    path.write_text(json.dumps(document))


def test_automatic_markups_that_nobody_moved_stay_automatic(tmp_path):
    automatic(tmp_path)
    markups = read_markups([tmp_path])
    assert markups.landmarks[0].boundary_ras_mm is None
    assert markups.landmarks[0].outline_ras_mm is None
    assert np.array_equal(markups.found_outlines_ras_mm["L1"], OUTLINE)


@pytest.mark.parametrize("role", ["boundary", "outline"])
@pytest.mark.parametrize("by_mm", [2e-6, 0.5])
def test_an_automatic_markup_with_a_moved_point_is_the_readers(tmp_path, role, by_mm):
    automatic(tmp_path)
    moved(tmp_path / f"L1-{role}.mrk.json", 1, (0, by_mm, 0))
    (landmarks,) = read_markups([tmp_path]).landmarks
    other = "outline" if role == "boundary" else "boundary"
    expected = np.array(POINTS[role], dtype=float)
    expected[1, 1] -= by_mm
    assert getattr(landmarks, f"{role}_ras_mm") == pytest.approx(expected, abs=1e-9)
    assert getattr(landmarks, f"{other}_ras_mm") is None


def test_an_outline_that_lost_a_point_counts_as_the_readers(tmp_path):
    automatic(tmp_path)
    path = tmp_path / "L1-outline.mrk.json"
    document = json.loads(path.read_text())
    del document["markups"][0]["controlPoints"][2]
    path.write_text(json.dumps(document))
    assert len(read_markups([tmp_path]).landmarks[0].outline_ras_mm) == len(OUTLINE) - 1


def test_an_outline_found_for_another_midline_is_not_held_against_what_is_found_now(tmp_path):
    automatic(tmp_path)
    moved(tmp_path / "L1-midline.mrk.json", 0, (1, 0, 0))
    markups = read_markups([tmp_path])
    assert markups.landmarks[0].outline_ras_mm is None
    assert markups.found_outlines_ras_mm == {}


def test_a_proposal_moved_in_its_file_returns_as_corrected_with_the_distance(tmp_path):
    path = tmp_path / "L1-midline.mrk.json"
    ends = [(0, 0, 0), (0, -30, 0)]
    write_markup(path, "midline", "L1-midline", ends, midline_text(MidlineOrigin("proposal_accepted"), ends))
    document = json.loads(path.read_text())
    back = document["markups"][0]["controlPoints"][1]
    back["position"] = [3.0, back["position"][1], 0.0]  # LPS: 3 mm to the left
    path.write_text(json.dumps(document))
    origin = read_markups([tmp_path]).landmarks[0].origin
    assert origin.kind == "proposal_corrected"
    assert origin.corrected_mm == pytest.approx(1.5)
    assert origin.corrected_deg == pytest.approx(math.degrees(math.atan2(3, 30)), abs=1e-5)


@pytest.mark.parametrize(
    "name", ["l3-Midline", "L3_midline", "L3 midline", "L3-midline_1", "L3-midline (2)", "L3midline"]
)
def test_case_separators_and_slicers_numbers_do_not_matter(tmp_path, name):
    written(tmp_path, name, role="midline", file_name="anything.mrk.json")
    assert read_markups([tmp_path]).landmarks[0].level == "L3"


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "my best line"}])
def test_the_files_name_counts_where_the_markups_has_no_role(tmp_path, changes):
    written(tmp_path, "L3-midline", **changes)
    assert read_markups([tmp_path]).landmarks[0].level == "L3"


def test_one_file_may_hold_several_markups(tmp_path):
    documents = [json.loads(written(tmp_path, name).read_text()) for name in ("L1-midline", "L2-midline")]
    documents[0]["markups"] += documents[1]["markups"]
    path = tmp_path / "all.mrk.json"
    path.write_text(json.dumps(documents[0]))
    assert [landmarks.level for landmarks in read_markups([path]).landmarks] == ["L1", "L2"]


def test_a_file_given_twice_is_read_once(tmp_path):
    path = written(tmp_path, "L1-midline")
    assert len(read_markups([path, tmp_path]).landmarks) == 1


@pytest.mark.parametrize(("system", "sign"), [("LPS", -1), ("lps", -1), ("1", -1), ("RAS", 1), ("ras", 1), ("0", 1)])
def test_either_coordinate_system_is_understood(tmp_path, system, sign):
    written(tmp_path, "L1-midline", coordinateSystem=system)
    expected = np.array(MIDLINE) * (-sign, -sign, 1)
    assert np.array_equal(read_markups([tmp_path]).landmarks[0].midline_ras_mm, expected)


def test_unplaced_points_are_ignored(tmp_path):
    path = written(tmp_path, "L1-midline", [*MIDLINE, [0, 0, 0], [5, 5, 5]])
    document = json.loads(path.read_text())
    for point, status in zip(document["markups"][0]["controlPoints"][2:], ("undefined", "preview"), strict=True):
        point["positionStatus"] = status
    path.write_text(json.dumps(document))
    assert np.array_equal(read_markups([path]).landmarks[0].midline_ras_mm, MIDLINE)


def test_markups_without_a_role_are_ignored_without_naming_them(tmp_path):
    written(tmp_path, "L1-midline")
    written(tmp_path, "DOE, JANE", role="outline", file_name="doe.mrk.json")
    (finding,) = read_markups([tmp_path]).findings
    assert (finding.code, finding.severity) == ("markup_left_aside", "note")
    assert "doe" not in finding.sentence.lower()


def test_a_level_named_twice_is_refused_with_both_files(tmp_path):
    written(tmp_path, "L1-midline")
    written(tmp_path, "l1_midline", role="midline", file_name="second.mrk.json")
    error = refusal([tmp_path])
    assert "The midline of L1 is given twice, in “L1-midline.mrk.json” and “second.mrk.json”" in str(error)
    assert error.level == "L1"


def test_two_files_of_one_name_are_distinguished_by_their_folders(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        written(folder, "L1-midline")
    sentence = str(refusal(folders))
    assert str(folders[0]) in sentence
    assert str(folders[1]) in sentence


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["L1-boundary"], "L1 has a boundary (“L1-boundary.mrk.json”) but no midline"),
        (["L3-midline", "L1-outline"], "L1 has an outline"),
    ],
)
def test_a_role_without_a_midline_is_a_problem_only_of_its_level(tmp_path, names, said):
    for name in names:
        written(tmp_path, name)
    markups = read_markups([tmp_path])
    assert said in str(markups.problems["L1"])
    assert [landmarks.level for landmarks in markups.landmarks] == [name[:2] for name in names if "midline" in name]


def test_an_unknown_level_is_refused(tmp_path):
    written(tmp_path, "L7-midline")
    assert "Unknown level “L7”" in str(refusal([tmp_path]))


def test_a_name_with_a_role_but_no_level_is_refused_rather_than_ignored(tmp_path):
    written(tmp_path, "L1-midline")
    written(tmp_path, "L1-outline final", role="outline")
    assert "“L1-outline final” names no level and role" in str(refusal([tmp_path]))


def test_a_file_that_contradicts_its_markups_name_is_refused(tmp_path):
    written(tmp_path, "L1-midline", file_name="L2-midline.mrk.json")
    assert "“L2-midline.mrk.json” contains a markup named “L1-midline”" in str(refusal([tmp_path]))


@pytest.mark.parametrize(
    ("name", "points", "changes", "said"),
    [
        ("L1-outline", None, {"type": "Line"}, "a Line markup: draw it as a ClosedCurve"),
        ("L1-midline", None, {"type": "Fiducial"}, "a Fiducial markup: draw it as a Line"),
        ("L1-midline", None, {"coordinateUnits": "um"}, "is in units of um"),
        ("L1-midline", None, {"coordinateSystem": "IJK"}, "coordinate system IJK"),
        ("L1-midline", None, {"coordinateSystem": 0}, "coordinate system 0"),
        ("L1-midline", None, {"controlPoints": [{"position": [1, 2]}] * 2}, "without three coordinates"),
        ("L1-midline", None, {"controlPoints": [{"position": [1, 2, "3"]}] * 2}, "without three coordinates"),
        ("L1-midline", None, {"controlPoints": [{"position": [1, 2, float("nan")]}] * 2}, "is not a number"),
        ("L1-midline", None, {"controlPoints": [{"position": [1, 2, 10**400]}] * 2}, "more than 1e+09 mm"),
        ("L1-midline", None, {"controlPoints": [{"position": [1, 2, -1e308]}] * 2}, "more than 1e+09 mm"),
    ],
)
def test_an_odd_markup_is_refused(tmp_path, name, points, changes, said):
    if name != "L1-midline":
        written(tmp_path, "L1-midline")
    written(tmp_path, name, points, **changes)
    assert said in str(refusal([tmp_path]))


@pytest.mark.parametrize(
    ("name", "points", "changes", "said"),
    [
        ("L1-midline", MIDLINE[:1], {}, "has 1 point: place 2"),
        ("L1-midline", [*MIDLINE, [0, 0, 0]], {}, "has 3 points: place 2"),
        ("L1-midline", None, {"controlPoints": None}, "has 0 points"),
        ("L1-outline", OUTLINE[:3], {}, "has 3 points: place at least 4"),
    ],
)
def test_a_wrong_number_of_points_is_a_problem_only_of_its_level(tmp_path, name, points, changes, said):
    written(tmp_path, "L3-midline")
    if name != "L1-midline":
        written(tmp_path, "L1-midline")
    written(tmp_path, name, points, **changes)
    markups = read_markups([tmp_path])
    assert [landmarks.level for landmarks in markups.landmarks] == ["L3"]
    assert said in str(markups.problems["L1"])
    assert markups.levels == ("L1", "L3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b'{\n "markups": [\n  {"type" "Line"}\n]}', "not valid JSON in line 3"),
        (b"[1, 2]", "is not a Slicer markup file"),
        (b'{"markups": 5}', "has no list of markups"),
        (b'{"markups": []}', "contains no markup"),
        (b"\xff\xfe\x00\x01", "is not a text file"),
        (b"[" * 100000, "nested too deeply"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, content, said):
    (tmp_path / "L1-midline.mrk.json").write_bytes(content)
    sentence = str(refusal([tmp_path]))
    assert said in sentence
    assert "“L1-midline.mrk.json”" in sentence


def test_empty_input_is_refused(tmp_path):
    assert "contains no .mrk.json file" in str(refusal([tmp_path]))
    assert "There is no markup file or folder" in str(refusal([tmp_path / "missing"]))
    written(tmp_path, "hello", role="midline")
    assert "contains no markup of a level" in str(refusal([tmp_path]))
