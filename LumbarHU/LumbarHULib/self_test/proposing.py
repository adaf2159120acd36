"""Steps of the module's own test in which midlines are proposed: from clicks into the bodies, from a segmentation."""

import numpy as np
import slicer

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of
from LumbarHULib.mrml.reading import readings
from LumbarHULib.mrml.reading_markups import markup_node, midline_origin
from LumbarHULib.panel.views import AXIAL, SAGITTAL, jump_to, slice_node
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import click, drag, look, settle

# Next to the middle: a reader need not be exact.
_OFF_MM = np.array([0.0, 2.0, 2.0])
_HALF_SIZE_MM = np.array([22.0, 16.0, 13.0])

_ANOTHER_SLICE_MM = 15.0

# How far a level may be off: one slice, where its middle is between two.
_NEAR_MM = 3.0


class ProposingSteps(WalkBase):
    """A reading of proposals; the reading before it is the current one again afterwards."""

    def click_into_each_body(self):
        """One click into each body gives its midline, Esc ends, and a moved one reports how far it was moved."""
        self._reading_before = self._session.reading
        self._ui.huReaderEdit.text = "Reader P"
        self._ui.huNewReadingButton.click()
        self._use_few_trials()
        panel = self._widget.panel
        self._ui.huClickEachButton.click()
        self._test.assertEqual(panel.placing.bodies.level, "L1")
        self._click_into("L1")
        self._click_into("L1")
        self._test.assertIn("in the same vertebral body", self._ui.huMessageLabel.text)
        self._click_into("L2")
        self._test.assertEqual((self._ui.huMessageLabel.text, panel.placing.bodies.level), ("", "L3"))
        self._press("Esc")
        self._test.assertFalse(panel.placing.is_armed)
        self._test.assertEqual([self._state(level) for level in MEAN_LEVELS], ["proposed"] * 2 + ["not placed"] * 2)
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._check_near(("L1", "L2"))
        panel.levels.go_to("L2")
        settle()
        drag(AXIAL, self._points("L2", "midline")[0], (2.0, 0.0, 0.0))
        origin = midline_origin(self._session.reading, "L2")
        self._test.assertEqual(origin.kind, "proposal_corrected")
        self._test.assertGreater(origin.corrected_deg, 1.0)
        self._test.assertIn("corrected by", self._state("L2"))
        self._press("Ctrl+Z")
        self._test.assertEqual(self._state("L2"), "proposed")

    def click_into_the_first_and_the_last(self):
        """Two clicks fill in the levels between, which wait for somebody to confirm them."""
        for _level in ("L1", "L2"):  # levels that are placed are not clicked again
            self._press("Ctrl+Z")
        self._ui.huClickTwoButton.click()
        for level in ("L1", "L4"):
            self._click_into(level)
        self._test.assertEqual([self._state(level) for level in MEAN_LEVELS], ["proposed"] * 4)
        self._check_near(MEAN_LEVELS)
        self._test.assertIn("L2 was not clicked", self._findings())
        self._test.assertEqual(self._ui.huConfirmButton.text, "Confirm L2 and L3")
        self._ui.huTakeBackButton.click()
        self._test.assertEqual([self._state(level) for level in ("L2", "L3")], ["not placed"] * 2)
        self._press("Ctrl+Z")
        self._ui.huConfirmButton.click()
        self._test.assertFalse(self._ui.huConfirmFrame.visible)
        self._test.assertNotIn("not clicked", self._findings())

    def review_the_proposals(self):
        """Space goes to each proposed level and accepts it once it is shown; nothing is signed or exported before."""
        panel = self._widget.panel
        panel.levels.go_to("L1")
        for level in MEAN_LEVELS:
            self._ui.huSignButton.click()
            self._test.assertIn("not reviewed", self._ui.huMessageLabel.text)
            axial = slice_node(AXIAL)
            axial.SetSliceOffset(axial.GetSliceOffset() + _ANOTHER_SLICE_MM)
            settle()
            panel.next_step.refresh("all")
            self._test.assertEqual(self._ui.huNextStepButton.text, f"Review {level}")
            self._press("Space")
            self._test.assertEqual((self._session.level, self._ui.huNextStepButton.text), (level, f"Accept {level}"))
            self._test.assertEqual(self._state(level), "proposed")
            look(panel)
            self._press("Space")
            self._test.assertEqual(self._state(level), "accepted")
        self._test.assertEqual([self._state(level) for level in MEAN_LEVELS], ["accepted"] * 4)
        self._test.assertEqual(self._ui.huNextStepButton.text, "Sign off")

    def propose_from_a_segmentation(self):
        """A label map gives the midlines; where its values name no level, the user chooses the segments."""
        label_map = self._label_map()
        settle()
        proposals = self._widget.panel.proposals
        proposals.choose(label_map)
        self._test.assertEqual([proposals.combo(level).currentText for level in MEAN_LEVELS], ["–", "–", "–", "–"])
        self._test.assertIn("follow no known numbering", self._ui.huMessageLabel.text)
        for number, level in enumerate(MEAN_LEVELS[:3]):
            proposals.combo(level).setCurrentIndex(1 + number)
        self._test.assertTrue(proposals.combo("L3").currentText)
        before = self._points("L4", "midline")
        self._ui.huProposeButton.click()
        settle()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._check_near(MEAN_LEVELS)
        self._test.assertTrue(np.array_equal(self._points("L4", "midline"), before))
        self._ui.huTotalSegmentatorButton.click()
        self._test.assertIn("not installed: get it", self._ui.huMessageLabel.text)
        slicer.mrmlScene.RemoveNode(label_map)
        settle()
        self._test.assertFalse(self._ui.huSegmentsFrame.visible)
        markups = [markup_node(self._session.reading, level, "midline") for level in MEAN_LEVELS]
        self._ui.huRemoveReadingButton.click()
        settle()
        self._test.assertIn("Remove Reader P – reading 1", self._widget.panel.questions.asked[-1])
        self._test.assertEqual([node.GetScene() for node in markups], [None] * len(markups))
        self._test.assertEqual(len(readings(slicer.mrmlScene)), 1)
        self._test.assertFalse(self._ui.huRemoveReadingButton.enabled)
        self._widget.panel.open_reading(self._reading_before)
        settle()

    def _click_into(self, level: str) -> None:
        middle_ras_mm = self._truth[level].midline_ras_mm.mean(axis=0)
        jump_to(middle_ras_mm)
        click(SAGITTAL, middle_ras_mm + _OFF_MM)

    def _check_near(self, levels) -> None:
        for level in levels:
            off_mm = np.abs(self._points(level, "midline") - self._truth[level].midline_ras_mm).max()
            self._test.assertLess(off_mm, _NEAR_MM, level)

    def _label_map(self):
        """Return a label map of ellipsoids in the bodies, under values that no numbering has."""
        ct_node = self._session.reading.ct_node
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "vertebrae")
        node.CopyOrientation(ct_node)
        matrix = node_from_ijk(ct_node)
        labels = np.zeros(voxels_of(ct_node).shape, np.uint8)
        k, j, i = np.ogrid[tuple(map(slice, labels.shape))]
        for value, level in enumerate(MEAN_LEVELS, start=101):
            middle_ijk = np.linalg.solve(matrix, np.append(self._truth[level].midline_ras_mm.mean(axis=0), 1.0))[:3]
            scale = np.linalg.norm(matrix[:3, :3], axis=0) / _HALF_SIZE_MM
            across, along, up = ((index - middle_ijk[axis]) * scale[axis] for axis, index in enumerate((i, j, k)))
            labels[(across**2 + along**2 < 1) & (np.abs(up) < 1)] = value
        slicer.util.updateVolumeFromArray(node, labels)
        return node
