"""Draw the pictures of the panel; this script runs inside 3D Slicer, from the checkout's folder, on a large screen.

Slicer --no-splash --additional-module-paths LumbarHU --python-script Docs/draw_panel.py
"""

import traceback
from pathlib import Path

import qt
import slicer

FOLDER = Path(__file__).resolve().parent / "figures"
WINDOW_SIZE = (1440, 1130)
PANEL_WIDTH = 400
LEVELS = ("L1", "L2", "L3", "L4")


def draw() -> None:
    """Read the phantom as a reader would, and take a picture at each step."""
    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.phantom.demo import demo_ct
    from LumbarHULib.self_test.synthetic_mouse import click, settle

    window = slicer.util.mainWindow()
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
            _picture(window, "panel-placing.png")
        click(AXIAL, back)
    widget.panel.levels.go_to("L3")
    settle()
    _picture(window, "panel.png")


def _picture(widget, name: str) -> None:
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
    try:
        draw()
    except Exception:
        traceback.print_exc()
        slicer.app.exit(1)
    slicer.app.exit(0)


if __name__ == "__main__":
    qt.QTimer.singleShot(2500, _draw_and_leave)
