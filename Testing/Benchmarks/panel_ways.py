"""Three ways to read a patient in the panel, and the drag of a midline with and without the module."""

import tempfile
import time
from pathlib import Path

import numpy as np
import slicer

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.mrml.ct_node import node_from_ijk, volume_node_from_ct, voxels_of
from LumbarHULib.mrml.reading_markups import markup_node
from LumbarHULib.panel.level_sight import SHORTEST_LOOK_S
from LumbarHULib.panel.views import AXIAL, SAGITTAL, show_as_outline, show_midline, window_position
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.self_test.synthetic_mouse import look, settle

MOST_CLICKS = {"by hand": 10, "a click in each body": 6, "from a segmentation": 3}
MOST_SECONDS = {"a click in each body": 30.0, "from a segmentation": 20.0}
HALF_SIZE_MM = (22.0, 16.0, 13.0)
# A reader need not hit the middle.
OFF_MIDDLE_MM = (0.0, 2.0, 2.0)
MOVES = 120
MOST_HANDLER_MS = 12.0


def read_by_hand(hands, panel, truth):
    """A click that shows the middle of L1 from the side, then two clicks a level; a look at each."""
    hands.press("Space")
    hands.click_view(SAGITTAL, truth["L1"].midline_ras_mm.mean(axis=0))
    for level in MEAN_LEVELS:
        for point_ras_mm in truth[level].midline_ras_mm:
            hands.click_view(AXIAL, point_ras_mm)
    review(hands, panel)


def read_by_clicks(hands, panel, truth):
    """One click into each body, and a look at each proposal."""
    hands.click_button(panel.ui.huClickEachButton)
    for level in MEAN_LEVELS:
        hands.click_view(SAGITTAL, truth[level].midline_ras_mm.mean(axis=0) + OFF_MIDDLE_MM)
    review(hands, panel)


def read_from_segments(hands, panel, truth):
    """The segmentation that the scene holds, and a look at each proposal."""
    hands.press("Space")
    review(hands, panel)


WAYS = {"by hand": read_by_hand, "a click in each body": read_by_clicks, "from a segmentation": read_from_segments}


def review(hands, panel):
    """Look at each level, and accept it."""
    for _level in MEAN_LEVELS:
        look(panel)
        hands.press("Space")


def add_segmentation(ct_node, truth):
    """Add a segmentation with an ellipsoid for each body, named after its level."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    node.CreateDefaultDisplayNodes()
    matrix, shape = node_from_ijk(ct_node), voxels_of(ct_node).shape
    k, j, i = np.indices(shape, sparse=True)
    for level in MEAN_LEVELS:
        middle_ras_mm = truth[level].midline_ras_mm.mean(axis=0)
        middle_ijk = np.linalg.solve(matrix, np.append(middle_ras_mm, 1.0))[:3]
        scale = np.linalg.norm(matrix[:3, :3], axis=0) / HALF_SIZE_MM
        across, along, up = ((index - middle_ijk[axis]) * scale[axis] for axis, index in enumerate((i, j, k)))
        inside = ((across**2 + along**2 < 1) & (np.abs(up) < 1)).astype(np.uint8)
        add_segment(node, ct_node, inside, f"{level} vertebra")


def add_segment(node, ct_node, inside, name):
    """Add a segment of the CT's grid."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    ct_node.GetIJKToRASMatrix(matrix)
    image.SetDimensions(inside.shape[::-1])
    image.SetImageToWorldMatrix(matrix)
    image.GetPointData().SetScalars(numpy_to_vtk(inside.ravel(), deep=True))
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.AddRepresentation("Binary labelmap", image)
    node.GetSegmentation().AddSegment(segment)


def new_ct(phantom):
    """Close the scene, and load the phantom."""
    slicer.mrmlScene.Clear(0)
    node = volume_node_from_ct(slicer.mrmlScene, CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), "phantom")
    settle()
    return node


def measure_ways(make_hands, say, patients):
    """Read patients in each way; return whether every one took few enough clicks and seconds."""
    phantom, is_good = demo_ct(), True
    slicer.util.selectModule("LumbarHU")
    panel = slicer.modules.LumbarHUWidget.panel
    panel.ui.huLayoutButton.checked = True
    with tempfile.TemporaryDirectory() as folder:
        for way, read in WAYS.items():
            for number in range(1, patients + 1):
                is_good &= _measure_patient(make_hands(), panel, phantom, (way, read), f"{way} {number}", folder, say)
    return is_good


def _measure_patient(hands, panel, phantom, named_way, case, folder, say):
    way, read = named_way
    ct_node = new_ct(phantom)
    if way == "from a segmentation":
        add_segmentation(ct_node, phantom.truth)
        settle()
    panel.ui.huCaseEdit.text, panel.ui.huReaderEdit.text = case, "Reader A"
    panel.ui.huExportPath.currentPath = folder
    slicer.util.mainWindow().setFocus()
    settle()
    began, worked = time.perf_counter(), time.process_time()
    hands.press("Space")
    # The ellipsoids differ from the phantom's bodies, which a reader is asked about at sign-off: an answer is a click.
    usual_answer, panel.questions.answer, panel.questions.asked = panel.questions.answer, True, []
    read(hands, panel, phantom.truth)
    for _end in ("sign-off", "export"):
        time.sleep(SHORTEST_LOOK_S)
        hands.press("Return")
    hands.clicks += len(panel.questions.asked)
    panel.questions.answer = usual_answer
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    is_written = (Path(folder) / case / "Reader A" / "1" / "record.json").is_file()
    problems = []
    if not is_written:
        problems.append(f"nothing was exported ({panel.ui.huMessageLabel.text} {panel.ui.huNextStepButton.text})")
    if hands.clicks > MOST_CLICKS[way]:
        problems.append(f"more than {MOST_CLICKS[way]} clicks")
    if seconds > MOST_SECONDS.get(way, seconds):
        problems.append(f"more than {MOST_SECONDS[way]:g} s")
    counted = f"{way:22} {hands.clicks:3} clicks {hands.keys:3} keys"
    failed = f"  FAILED: {', '.join(problems)}" if problems else ""
    say(f"{counted} {seconds:6.1f} s, {worked:.1f} s of them at work{failed}")
    return not problems


def measure_drag(say):
    """Drag the end of a midline of a reading, and that of a plain line in the same views without the module."""
    phantom = demo_ct()
    ct_node = new_ct(phantom)
    panel = slicer.modules.LumbarHUWidget.panel
    panel.ui.huCaseEdit.text, panel.ui.huReaderEdit.text = "drag", "Reader A"
    panel.ui.huNewReadingButton.click()
    add_segmentation(ct_node, phantom.truth)
    settle()
    panel.proposals.propose_offered()
    panel.levels.go_to("L3")
    settle()
    times_ms, measure_level = [], panel.session.measure_level

    def timed(level):
        began = time.perf_counter()
        measure_level(level)
        times_ms.append((time.perf_counter() - began) * 1000)

    panel.session.measure_level = timed
    with_module, worked_ms = _moves_per_second(markup_node(panel.session.reading, "L3", "midline"))
    panel.session.measure_level = measure_level
    handler_ms = float(np.median(times_ms)) if times_ms else float("nan")
    layout = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    arrangement = layout.GetViewArrangement()
    ct_node = new_ct(phantom)
    slicer.util.selectModule("Data")
    layout.SetViewArrangement(arrangement)
    slicer.util.setSliceViewerLayers(background=ct_node, fit=True)
    line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "line")
    midline_ras_mm = phantom.truth["L3"].midline_ras_mm
    for point_ras_mm in midline_ras_mm:
        line.AddControlPointWorld(point_ras_mm)
    show_midline(midline_ras_mm)
    settle()
    without, plain_worked_ms = _moves_per_second(line)
    # The segmentation that the reading began with is drawn in every view: without the module, it costs as much.
    add_segmentation(ct_node, phantom.truth)
    show_as_outline(slicer.mrmlScene.GetFirstNodeByName("vertebrae"))
    show_midline(midline_ras_mm)
    settle()
    beside, beside_worked_ms = _moves_per_second(line)
    is_good = handler_ms <= MOST_HANDLER_MS and with_module >= without
    say(
        f"drag of a midline: handler {handler_ms:.1f} ms (median of {len(times_ms)} in {MOVES} moves), "
        f"{with_module:.0f} moves/s at {worked_ms:.0f} ms of work each; a plain line without the module: "
        f"{without:.0f} moves/s at {plain_worked_ms:.0f} ms, beside the same segmentation {beside:.0f} at "
        f"{beside_worked_ms:.0f} ms{'' if is_good else '  FAILED'}"
    )
    return is_good


def _moves_per_second(line):
    """Drag the posterior end of a line along a small path, move by move, with everything that is drawn meanwhile.

    The second number is the work of all threads for a move, in ms: on this computer's own account, whatever else runs.
    """
    end_ras_mm = np.array(line.GetNthControlPointPositionWorld(1))
    start = window_position(AXIAL, end_ras_mm)
    interactor = slicer.app.layoutManager().sliceWidget(AXIAL).sliceView().interactor()
    for x, y in ((start[0] + 1, start[1]), start):
        interactor.SetEventPosition(x, y)
        interactor.MouseMoveEvent()
    interactor.LeftButtonPressEvent()
    angles = np.linspace(0.0, 6.0 * np.pi, MOVES)
    path = np.column_stack([8 * np.sin(angles), 5 * np.sin(2 * angles)])
    began, worked = time.perf_counter(), time.process_time()
    for right, up in path:
        interactor.SetEventPosition(round(start[0] + right), round(start[1] + up))
        interactor.MouseMoveEvent()
        slicer.app.processEvents()
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    interactor.LeftButtonReleaseEvent()
    settle()
    moved_mm = np.abs(np.array(line.GetNthControlPointPositionWorld(1)) - end_ras_mm).max()
    if line.GetNumberOfControlPoints() != 2 or moved_mm > 30.0:
        raise RuntimeError("the drag did not take hold of the line's end")
    return MOVES / seconds, 1000 * worked / MOVES
