"""Steps of the module's own test that take regions and readings elsewhere: Segment Editor, label maps, the next CT."""

from pathlib import Path

import slicer

from LumbarHULib.core.levels import LABEL_VALUES, MEAN_LEVELS, ROIS
from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.mrml.ct_node import voxels_of
from LumbarHULib.mrml.roi_label_maps import label_map_node
from LumbarHULib.panel.views import AXIAL, jump_to
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import click, settle


class HandingOnSteps(WalkBase):
    """Segment Editor and back, label-map volumes, one CT after the other."""

    def edit_a_region_by_hand(self):
        """What Segment Editor changes comes back as edited, and returns to automatic; both can be undone."""
        before, level = self._numbers(), "L2"
        self._widget.panel.levels.go_to(level)
        self._ui.huEditRoiCombo.setCurrentIndex(ROIS.index("oval"))
        self._ui.huSegmentEditorButton.click()
        settle()
        editor = slicer.modules.SegmentEditorWidget.editor
        self._test.assertEqual(editor.currentSegmentID(), level)
        editor.setActiveEffectByName("Margin")
        editor.activeEffect().setParameter("MarginSizeMm", 3.0)
        editor.activeEffect().self().onApply()
        editor.setActiveEffectByName("")
        slicer.util.selectModule("LumbarHU")
        settle()
        changed = self._numbers()
        self._test.assertNotEqual(changed[level]["oval"], before[level]["oval"])
        changed[level]["oval"] = before[level]["oval"]
        self._test.assertEqual(changed, before)
        self._test.assertEqual(self._state(level), "edited: region “oval”")
        shown = self._ui.huLevelTable.item(MEAN_LEVELS.index(level), ROIS.index("oval")).text()
        self._test.assertTrue(shown.endswith("*"), shown)
        edited = self._numbers()
        self._press("Ctrl+Z")
        self._test.assertEqual((self._state(level), self._numbers()), ("placed", before))
        self._press("Ctrl+Y")
        self._test.assertEqual((self._state(level), self._numbers()), ("edited: region “oval”", edited))
        (return_region,) = self._automatic_actions(level).values()
        return_region.trigger()
        settle()
        self._test.assertEqual((self._state(level), self._numbers()), ("placed", before))
        self._press("Ctrl+Z")
        self._test.assertEqual(self._numbers(), edited)
        self._press("Ctrl+Y")
        self._test.assertEqual((self._state(level), self._numbers()), ("placed", before))

    def copy_regions_to_label_maps(self):
        """Each region becomes a label-map volume with the voxels that were measured."""
        self._ui.huLabelMapsButton.click()
        settle()
        self._test.assertIn("Label maps in the scene", self._ui.huDoneLabel.text)
        reading = self._session.reading
        voxels_hu = voxels_of(reading.ct_node)
        for roi in ROIS:
            labels = voxels_of(label_map_node(reading, roi))
            for level, numbers in self._numbers().items():
                mean_hu = voxels_hu[labels == LABEL_VALUES[level]].mean()
                self._test.assertAlmostEqual(mean_hu, numbers[roi], places=9)

    def hand_on_an_export(self):
        """An export has a report to open; DICOM objects are refused in one sentence where the CT is no DICOM series."""
        self._test.assertTrue(self._ui.huReportButton.enabled)
        questions, folder = self._widget.panel.questions, Path(self._folder.name) / "no DICOM"
        folder.mkdir()
        write_ct(folder / "ct.nrrd", self._phantom.voxels_hu, self._phantom.ras_from_ijk)
        self._ui.huDicomButton.click()  # no folder is chosen
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        questions.folder = str(folder)
        self._ui.huDicomButton.click()
        self._test.assertRegex(self._ui.huMessageLabel.text, "not DICOM|highdicom")
        questions.folder = ""

    def go_on_to_the_next_ct(self):
        """A list is read one CT after the other, each exported before the next is opened, and none twice."""
        folder, root = Path(self._folder.name) / "cts", Path(self._folder.name) / "exports"
        folder.mkdir()
        for name in ("case 1", "case 2"):
            write_ct(folder / f"{name}.nrrd", self._phantom.voxels_hu, self._phantom.ras_from_ijk)
        self._ui.huReaderEdit.text, self._ui.huExportPath.currentPath = "Reader C", str(root)
        self._ui.huListEdit.text = str(folder)
        self._ui.huListEdit.editingFinished()
        self._test.assertIn("0 of 2 CTs", self._ui.huDoneLabel.text)
        self._ui.huNextButton.click()
        settle()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertEqual((self._session.reading.case, self._session.reading.reader), ("case 1", "Reader C"))
        self._test.assertEqual(self._widget.panel.placing.level, "L1")
        self._test.assertIn("0 of 2 CTs", self._ui.huDoneLabel.text)
        self._widget.panel.placing.cancel()
        self._use_few_trials()
        self._place_all()
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "somebody's own").AddControlPoint(0, 0, 0)
        self._test.assertEqual(self._ui.huNextButton.text, "Export and next CT")
        self._ui.huNextButton.click()
        settle()
        self._test.assertTrue((root / "case 1" / "Reader C" / "1" / "record.json").is_file())
        self._test.assertIn("these nodes are not saved: somebody's own.", self._widget.panel.questions.asked[-1])
        self._test.assertEqual(self._session.reading.case, "case 2")
        self._test.assertIsNone(slicer.mrmlScene.GetFirstNodeByName("somebody's own"))
        self._ui.huNextButton.click()
        self._test.assertIn("Every CT of the list", self._ui.huDoneLabel.text)
        self._ui.huListEdit.text = ""
        self._ui.huListEdit.editingFinished()

    def close_the_scene_while_placing(self):
        """A scene that is closed with a half-placed point leaves nothing armed."""
        self._test.assertEqual(self._session.reading.case, "case 2")
        self._widget.panel.levels.on_key("L1")
        midline_ras_mm = self._truth["L1"].midline_ras_mm
        jump_to(midline_ras_mm.mean(axis=0))
        click(AXIAL, midline_ras_mm[0])
        self._test.assertEqual(len(self._points("L1", "midline")), 1)
        slicer.mrmlScene.Clear(0)
        settle()
        self._test.assertEqual((self._session.reading, self._widget.panel.placing.level), (None, ""))
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        self._test.assertEqual(interaction.GetCurrentInteractionMode(), interaction.ViewTransform)
