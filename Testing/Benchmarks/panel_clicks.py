"""Clicks, keys and seconds of one patient in the panel, by real input events of Qt and VTK.

.venv/bin/python Testing/Benchmarks/panel_clicks.py

It runs on the tests' stand-in for 3D Slicer. Seconds are the program's own, from *New reading* to the written export.
Scrolling to a level is not counted: a wheel turn is no click.
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "LumbarHU"), str(ROOT / "Testing" / "Python")]

from harness.application import start  # noqa: E402 - the paths first

MOST = {"by hand": (10, None), "a click in each body": (6, 30.0), "from a segmentation": (3, 20.0)}
HALF_SIZE_MM = (22.0, 16.0, 13.0)
# A reader need not hit the middle.
OFF_MIDDLE_MM = (0.0, 2.0, 2.0)


class Hands:
    """Clicks and presses keys, and counts both."""

    def __init__(self):
        self.clicks = self.keys = 0

    def press(self, key):
        """Press a key in the main window."""
        import slicer
        from PySide6.QtTest import QTest

        from LumbarHULib.self_test.synthetic_mouse import settle

        self.keys += 1
        QTest.keyClick(slicer.util.mainWindow().qt_object(), key)
        settle()

    def click_button(self, button):
        """Click a button with the left mouse button."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        from LumbarHULib.self_test.synthetic_mouse import settle

        self.clicks += 1
        QTest.mouseClick(button.qt_object(), Qt.MouseButton.LeftButton)
        settle()

    def click_view(self, view, point_ras_mm):
        """Click into a slice view where it draws a point."""
        from LumbarHULib.self_test.synthetic_mouse import click

        self.clicks += 1
        click(view, point_ras_mm)


def read_by_hand(hands, panel, truth):
    """Two clicks a level."""
    from PySide6.QtCore import Qt

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel.views import AXIAL, jump_to

    hands.press(Qt.Key.Key_Space)
    for level in MEAN_LEVELS:
        jump_to(truth[level].midline_ras_mm.mean(axis=0))
        for point_ras_mm in truth[level].midline_ras_mm:
            hands.click_view(AXIAL, point_ras_mm)


def read_by_clicks(hands, panel, truth):
    """One click into each body, and a look at each proposal."""
    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel.views import SAGITTAL, jump_to

    hands.click_button(panel.ui.huClickEachButton)
    for level in MEAN_LEVELS:
        middle_ras_mm = truth[level].midline_ras_mm.mean(axis=0)
        jump_to(middle_ras_mm)
        hands.click_view(SAGITTAL, middle_ras_mm + OFF_MIDDLE_MM)
    review(hands)


def read_from_segments(hands, panel, truth):
    """The segmentation that the scene holds, and a look at each proposal."""
    from PySide6.QtCore import Qt

    add_segmentation(panel.session.reading.ct_node, truth)
    panel.session.tell()
    hands.press(Qt.Key.Key_Space)
    review(hands)


def review(hands):
    """Accept each level."""
    from PySide6.QtCore import Qt

    from LumbarHULib.core.levels import MEAN_LEVELS

    for _level in MEAN_LEVELS:
        hands.press(Qt.Key.Key_Space)


def add_segmentation(ct_node, truth):
    """Add a segmentation with an ellipsoid for each body, named after its level."""
    import numpy as np
    import slicer

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of

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
    import slicer
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


def main():
    """Read the phantom in three ways; the exit code is 1 when one takes too many clicks or too long."""
    start()
    import slicer
    from PySide6.QtCore import Qt

    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.phantom.demo import demo_ct
    from LumbarHULib.self_test.synthetic_mouse import settle

    phantom, failed = demo_ct(), False
    ways = {"by hand": read_by_hand, "a click in each body": read_by_clicks, "from a segmentation": read_from_segments}
    slicer.util.selectModule("LumbarHU")
    panel = slicer.modules.LumbarHUWidget.panel
    with tempfile.TemporaryDirectory() as folder:
        for number, (way, read) in enumerate(ways.items(), start=1):
            slicer.mrmlScene.Clear(0)
            volume_node_from_ct(slicer.mrmlScene, CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), "phantom")
            settle()
            panel.ui.huCaseEdit.text, panel.ui.huReaderEdit.text = f"case {number}", "Reader A"
            panel.ui.huExportPath.currentPath = folder
            slicer.util.mainWindow().setFocus()
            hands, began, worked = Hands(), time.perf_counter(), time.process_time()
            hands.press(Qt.Key.Key_Space)
            read(hands, panel, phantom.truth)
            hands.press(Qt.Key.Key_Return)
            hands.press(Qt.Key.Key_Return)
            seconds, worked = time.perf_counter() - began, time.process_time() - worked
            is_written = (Path(folder) / f"case {number}" / "Reader A" / "1" / "record.json").is_file()
            most_clicks, most_seconds = MOST[way]
            is_good = is_written and hands.clicks <= most_clicks and seconds <= (most_seconds or seconds)
            failed |= not is_good
            problem = "" if is_good else f"  FAILED {panel.ui.huMessageLabel.text} {panel.ui.huNextStepButton.text}"
            counted = f"{way:22} {hands.clicks:3} clicks {hands.keys:3} keys"
            print(f"{counted} {seconds:6.1f} s, {worked:.1f} s of them at work{problem}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
