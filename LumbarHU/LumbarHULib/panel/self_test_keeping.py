"""The later steps of the module's own test: what is decided about the numbers, and that nothing is lost."""

from pathlib import Path

import slicer

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.mrml.reading_markups import markup_node, placed_levels
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.panel.self_test_base import WalkBase
from LumbarHULib.panel.synthetic_mouse import settle


class KeepingSteps(WalkBase):
    """Excluding, protocol, audit, signature, second reader, scene file, deletion, leaving."""

    def exclude_a_level(self):
        """A level is excluded with a reason, and the expected shift is told."""
        self._widget.panel.levels.go_to("L1")
        self._ui.huReasonCombo.setCurrentText("")
        self._ui.huExcludeButton.click()
        self._test.assertIn("reason", self._ui.huMessageLabel.text)
        self._ui.huReasonCombo.setCurrentText("fracture")
        self._ui.huExcludeButton.click()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS[1:])
        self._test.assertIn("-7.7 HU", self._ui.huFindingsLabel.text.replace("−", "-"))
        self._ui.huExcludeButton.click()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS)

    def modify_the_protocol(self):
        """A changed protocol value marks the results."""
        editor, before = self._widget.panel.advanced.editor("cortical_margin_mm"), self._numbers()
        editor.value = editor.value + 1
        self._test.assertNotEqual(self._numbers(), before)
        self._test.assertIn("modified", self._ui.huModifiedLabel.text)
        self._ui.huUseFilesButton.click()
        self._test.assertEqual((self._numbers(), self._ui.huModifiedLabel.text), (before, ""))

    def export_and_verify(self):
        """The audit folder of the reading is verified without a difference."""
        self._ui.huExportPath.currentPath = self._folder.name
        self._ui.huExportButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        folder = Path(self._folder.name) / "self-test" / "Reader A" / "1"
        self._test.assertTrue((folder / "record.json").is_file())
        self._ui.huVerifyButton.click()
        self._test.assertIn("is the same", self._ui.huKeepLabel.text)
        with (folder / "results.csv").open("a", encoding="utf-8") as stream:
            stream.write("x")
        self._ui.huVerifyButton.click()
        self._test.assertIn("differences", self._ui.huKeepLabel.text)

    def sign_off_and_reopen(self):
        """A signed reading is locked until it is reopened with a reason."""
        self._ui.huSignButton.click()
        self._test.assertTrue(self._session.reading.is_signed_off)
        self._test.assertTrue(markup_node(self._session.reading, "L1", "midline").GetLocked())
        self._ui.huReopenButton.click()
        self._test.assertTrue(self._session.reading.is_signed_off)
        self._ui.huReopenReasonEdit.text = "the walk goes on"
        self._ui.huReopenButton.click()
        self._test.assertFalse(self._session.reading.is_signed_off)

    def read_a_second_time(self):
        """A second reader starts afresh, the first one's markups are hidden, and it is recorded as not blinded."""
        first = self._session.reading
        self._ui.huReaderEdit.text = "Reader B"
        self._ui.huNewReadingButton.click()
        self._test.assertEqual(placed_levels(self._session.reading), ())
        self._test.assertFalse(self._session.reading.is_blinded)
        self._test.assertFalse(markup_node(first, "L1", "midline").GetDisplayNode().GetVisibility())
        self._place_all()
        self._test.assertEqual(self._numbers(), self._core_numbers())

    def save_and_load_the_scene(self):
        """A scene that is closed and loaded goes on where it was, with the same numbers."""
        before, path = self._numbers(), str(Path(self._folder.name) / "scene.mrb")
        self._test.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear(0)
        settle()
        self._test.assertIsNone(self._session.reading)
        slicer.util.loadScene(path)
        settle()
        self._test.assertEqual(self._session.reading.title, "Reader B – reading 1")
        self._test.assertEqual(self._numbers(), before)

    def delete_in_the_middle(self):
        """Deleted nodes take their numbers with them, and nothing breaks."""
        reading = self._session.reading
        slicer.mrmlScene.RemoveNode(markup_node(reading, "L2", "midline"))
        slicer.mrmlScene.RemoveNode(segmentation_node(reading, "oval"))
        settle()
        self._test.assertNotIn("L2", self._numbers())
        self._widget.panel.levels.on_key("L2")
        slicer.mrmlScene.RemoveNode(markup_node(reading, "L2", "midline"))
        settle()
        self._test.assertEqual(self._widget.panel.placing.level, "")
        slicer.mrmlScene.RemoveNode(reading.ct_node)
        settle()
        self._test.assertFalse(self._session.may_change)
        slicer.mrmlScene.RemoveNode(reading.node)
        settle()
        self._test.assertIsNone(self._session.reading)

    def leave_the_module(self):
        """Leaving gives the user's own layout back."""
        layout = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
        ours = layout.GetViewArrangement()
        slicer.util.selectModule("Data")
        self._test.assertNotEqual(layout.GetViewArrangement(), ours)
