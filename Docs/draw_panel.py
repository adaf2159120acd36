"""Draw the pictures of the panel, inside 3D Slicer or on the tests' stand-in for it, from the checkout's folder.

Slicer --no-splash --additional-module-paths LumbarHU --python-script Docs/draw_panel.py
.venv/bin/python Docs/draw_panel.py
"""

import sys
import traceback
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "figures"
WINDOW_SIZE = (1440, 1130)
PANEL_WIDTH = 400
LEVELS = ("L1", "L2", "L3", "L4")
OFF_EDGE_MM = -1.8
# On the stand-in, panel and views are drawn apart and put together here.
STAND_IN_HEIGHT = 760


def draw(is_stand_in: bool) -> None:
    """Read the phantom as a reader would, and take a picture at each step."""
    import qt
    import slicer

    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.phantom.demo import demo_ct
    from LumbarHULib.self_test.synthetic_mouse import click, move_to, settle

    window = slicer.util.mainWindow()
    if is_stand_in:
        window.resize(PANEL_WIDTH, STAND_IN_HEIGHT)
        picture = _picture_of_the_stand_in
    else:
        picture = _picture
        window.resize(*WINDOW_SIZE)
        # Of Slicer's own, and no matter here.
        slicer.util.setDataProbeVisible(False)
        slicer.util.setStatusBarVisible(False)
        slicer.util.setModuleHelpSectionVisible(False)
        window.findChild("QDockWidget", "PanelDockWidget").show()
        window.resizeDocks([window.findChild("QDockWidget", "PanelDockWidget")], [PANEL_WIDTH], qt.Qt.Horizontal)
    phantom = demo_ct()
    volume_node_from_ct(slicer.mrmlScene, CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), "phantom")
    slicer.util.selectModule("LumbarHU")
    settle()
    widget = slicer.modules.LumbarHUWidget
    ui = widget.ui
    ui.huCaseEdit.text, ui.huReaderEdit.text = "phantom", "Reader A"
    ui.huNewReadingButton.click()
    ui.huLayoutButton.checked = True
    settle()

    widget.panel.levels.on_key("L1")
    for level in LEVELS:
        front, back = phantom.truth[level].midline_ras_mm
        jump_to((front + back) / 2)
        settle()
        click(AXIAL, front)
        if level == "L1":
            # Behind the back edge, so that the ring is seen that marks it.
            right, anterior, superior = back
            move_to(AXIAL, (right, anterior + OFF_EDGE_MM, superior))
            picture(window, "panel-placing.png")
        click(AXIAL, back)
    widget.panel.levels.go_to("L3")
    settle()
    picture(window, "panel.png")


def _picture_of_the_stand_in(window, name: str) -> None:
    import slicer
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QColor, QImage, QPainter
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    from LumbarHULib.self_test.synthetic_mouse import settle

    settle()
    images = []
    for view in ("Red", "Yellow", "Green"):
        slice_view = slicer.app.layoutManager().sliceWidget(view).sliceView()
        slice_view.forceRender()
        grabber = vtkWindowToImageFilter()
        grabber.SetInput(slice_view.renderWindow())
        grabber.ReadFrontBufferOff()
        grabber.Update()
        width, height, _depth = grabber.GetOutput().GetDimensions()
        pixels = vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()
        images.append(QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy())
    panel = window.grab().qt_object().toImage()
    side = STAND_IN_HEIGHT // 2
    whole = QImage(PANEL_WIDTH + STAND_IN_HEIGHT + side, STAND_IN_HEIGHT, QImage.Format.Format_RGB32)
    whole.fill(QColor("black"))
    painter = QPainter(whole)
    painter.drawImage(0, 0, panel)
    smooth = Qt.TransformationMode.SmoothTransformation
    for image, left, top, size in zip(
        images,
        (PANEL_WIDTH, PANEL_WIDTH + STAND_IN_HEIGHT, PANEL_WIDTH + STAND_IN_HEIGHT),
        (0, 0, side),
        (STAND_IN_HEIGHT, side, side),
        strict=True,
    ):
        painter.drawImage(left, top, image.scaled(size - 2, size - 2, Qt.AspectRatioMode.KeepAspectRatio, smooth))
    painter.end()
    whole.save(str(FOLDER / name))


def _picture(widget, name: str) -> None:
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    settle()
    for view in ("Red", "Yellow", "Green"):
        slice_view = slicer.app.layoutManager().sliceWidget(view).sliceView()
        if name == "panel.png":  # no handle is under the mouse
            slice_view.interactor().SetEventPosition(1, 1)
            slice_view.interactor().MouseMoveEvent()
        slice_view.forceRender()
    settle()
    widget.grab().save(str(FOLDER / name))


def _draw_and_leave() -> None:
    import slicer

    try:
        draw(is_stand_in=False)
    except Exception:
        traceback.print_exc()
        slicer.app.exit(1)
    slicer.app.exit(0)


def _draw_on_the_stand_in() -> None:
    root = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(root / "LumbarHU"), str(root / "Testing" / "Python")]
    from harness import slice_views
    from harness.application import start

    slice_views._SIZES_PX["Red"] = (STAND_IN_HEIGHT, STAND_IN_HEIGHT)
    slice_views._OTHER_SIZE_PX = (STAND_IN_HEIGHT // 2, STAND_IN_HEIGHT // 2)
    start()
    draw(is_stand_in=True)


if __name__ == "__main__":
    try:
        import qt
    except ModuleNotFoundError:
        _draw_on_the_stand_in()
    else:
        qt.QTimer.singleShot(2500, _draw_and_leave)
