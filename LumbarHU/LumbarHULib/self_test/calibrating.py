"""The step of the module's own test for densities: rods marked in the scene, a calibration, and mg/cm³."""

from pathlib import Path

import numpy as np
import slicer
import vtk

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.files.phantom_file import load_phantom
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import settle

_PHANTOM = "b-mas-200"
_SLOPE, _OFFSET_HU, _AIR_HU = 1.25, 4.0, -1000.0
_SHAPE_KJI, _PITCH_MM, _RADIUS_MM = (16, 40, 150), 28.0, 9.0


class CalibratingSteps(WalkBase):
    """Calibration from rods."""

    def calibrate_from_rods(self):
        """Rods that are marked by points give a calibration, and the reading its densities in mg/cm³."""
        ui, scene = self._ui, slicer.mrmlScene
        ct_node, points = _rods_in(scene)
        path = Path(self._folder.name) / "calibration.json"
        ui.huCalibrationSection.collapsed = ui.huRodsSection.collapsed = False
        settle()
        for combo, entry in (
            (ui.huPhantomCtCombo, ct_node.GetID()),
            (ui.huRodsCombo, points.GetID()),
            (ui.huPhantomCombo, _PHANTOM),
        ):
            combo.setCurrentIndex(combo.findData(entry))
            combo.activated(combo.currentIndex)
        path_before, ui.huCalibrationPath.currentPath = ui.huCalibrationPath.currentPath, str(path)
        ui.huCalibrateButton.click()
        settle()
        self._test.assertEqual(ui.huMessageLabel.text, "")
        self._test.assertTrue(path.is_file())
        for row, summary in enumerate(self._session.result.summaries):
            expected = (summary.mean_hu - _OFFSET_HU) / _SLOPE
            self._test.assertAlmostEqual(summary.density.mean_mg_cc, expected, delta=0.1)
            self._test.assertEqual(ui.huSummaryTable.item(row, 4).text(), f"{summary.density.mean_mg_cc:.1f}")
        ui.huCalibrationRemoveButton.click()
        self._test.assertTrue(ui.huSummaryTable.isColumnHidden(4))
        ui.huCalibrationPath.currentPath = path_before
        ui.huRodsSection.collapsed = ui.huCalibrationSection.collapsed = True
        for node in (points, ct_node):
            scene.RemoveNode(node)


def _rods_in(scene) -> tuple:
    """Return a CT with a rod of each density of the phantom in air, and a point list with a point in each rod."""
    voxels_hu, ras_from_ijk = np.full(_SHAPE_KJI, _AIR_HU), np.diag([1.0, 1.0, 2.5, 1.0])
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "rods")
    _, j, i = np.indices(_SHAPE_KJI)
    for number, rod in enumerate(load_phantom(Path(_PHANTOM)).phantom.rods):
        center_ras_mm = np.array([_PITCH_MM * (number + 0.5), _SHAPE_KJI[1] / 2, 20.0])
        inside = np.hypot(i - center_ras_mm[0], j - center_ras_mm[1]) <= _RADIUS_MM
        voxels_hu[inside] = _OFFSET_HU + _SLOPE * rod.density_mg_cc
        points.AddControlPointWorld(vtk.vtkVector3d(*center_ras_mm), rod.name)
    return volume_node_from_ct(scene, CtVolume(voxels_hu.astype(np.float32), ras_from_ijk), "rods of a phantom"), points
