"""The later steps of the module's own test: what is decided about the numbers, and that nothing is lost."""

import copy
import json
from dataclasses import asdict
from pathlib import Path

import slicer

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.ct_node import keep_scan
from LumbarHULib.mrml.reading_markups import markup_node, placed_levels
from LumbarHULib.mrml.result_tables import results_table
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import read_step, settle


class KeepingSteps(WalkBase):
    """Excluding, protocol, audit, signature, second reader, scene file, deletion, leaving."""

    def exclude_a_level(self):
        """A level is excluded with a reason, and the expected shift is shown."""
        self._widget.panel.levels.go_to("L1")
        menu = self._widget.panel.levels.menu
        menu.other_reason.trigger()
        self._test.assertIn("reason", self._ui.huMessageLabel.text)
        menu.reasons["fracture"].trigger()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS[1:])
        findings = self._findings()
        for shift in ("round -7.7 HU", "oval ", "right ", "front ", "left "):
            self._test.assertIn(shift, findings)
        self._test.assertEqual(findings.count("The means are over"), 1)
        menu.include.trigger()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS)

    def modify_the_protocol(self):
        """A changed protocol value marks the results."""
        editor, before = self._widget.panel.advanced.editor("cortical_margin_mm"), self._numbers()
        editor.value = editor.value + 1
        self._test.assertNotEqual(self._numbers(), before)
        self._test.assertIn("modified", self._ui.huModifiedLabel.text)
        self._use_few_trials()
        self._test.assertEqual((self._numbers(), self._ui.huModifiedLabel.text), (before, ""))

    def use_files_of_ones_own(self):
        """A protocol and cutoffs of one's own are measured and classified by; the study's are taken again."""
        before = self._numbers()
        protocol, cutoffs = Path(self._folder.name) / "protocol.json", Path(self._folder.name) / "cutoffs.json"
        document = copy.deepcopy(self._session.reading.protocol_document.document)
        document["name"] = "our protocol"
        document["values"]["cortical_margin_mm"]["value"] += 1
        protocol.write_text(json.dumps(document), encoding="utf-8")
        document = copy.deepcopy(self._session.reading.cutoffs_document.document)
        document |= {"name": "our cutoffs", "whose": "our"}
        document["rois"]["round"]["osteoporosis"] = {"value": 90, "unit": "HU", "source": "ours", "note": ""}
        document["rois"]["round"]["normal"] = {"value": 130, "unit": "HU", "source": "ours", "note": ""}
        cutoffs.write_text(json.dumps(document), encoding="utf-8")
        self._ui.huProtocolPath.currentPath = str(protocol)
        self._ui.huUseFilesButton.click()
        self._widget.panel.questions.file = str(cutoffs)
        self._choose_cutoffs("choose")
        self._test.assertEqual(self._ui.huCutoffsCombo.currentText, f"our cutoffs, {document['version']}")
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertIn("our protocol", self._ui.huProtocolLabel.text)
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._test.assertNotEqual(self._numbers(), before)
        row = self._ui.huSummaryTable.item(0, 1)
        self._test.assertEqual(row.text(), "osteopenia")
        for text in ("at or below 90.00 HU", "at or above 130.00 HU", "interval of the nearest cutoff is unknown"):
            self._test.assertIn(text, row.toolTip())
        heading = " ".join(self._ui.huSummaryTable.horizontalHeaderItem(1).text().split())
        self._test.assertEqual(heading, "Class by our cutoffs")
        self._ui.huProtocolPath.currentPath = str(cutoffs)
        self._ui.huUseFilesButton.click()
        self._test.assertIn("protocol", self._ui.huMessageLabel.text)
        self._ui.huProtocolPath.currentPath = ""
        self._ui.huUseFilesButton.click()
        self._choose_cutoffs(str(DEFAULT_CUTOFFS))
        self._test.assertEqual(self._session.reading.protocol_document.document, load_protocol().document)
        self._test.assertEqual(self._numbers(), before)
        self._use_few_trials()

    def classify_all_the_same(self):
        """A CT that was taken otherwise than the study's gets classes only when its reader accepts it."""
        reading, unknown = self._session.reading, self._session.reading.scan_facts
        facts = ScanFacts(tube_voltage_kv=100.0, contrast=False, source="DICOM")
        keep_scan(reading.ct_node, facts, ())
        reading.keep("scan_facts", asdict(facts))
        self._session.measure()
        self._test.assertEqual({of.class_name for of in self._session.result.summaries}, {"not_classified"})
        self._test.assertIn("100 kV", self._ui.huRelianceLabel.text)
        self._test.assertIn("100 kVp ✗ · 2.5 mm slices · no contrast ✓", self._ui.huFactsLabel.text)
        self._ui.huAcceptCheck.click()
        self._test.assertNotIn("not_classified", {of.class_name for of in self._session.result.summaries})
        self._test.assertTrue(reading.accepts_off_protocol)
        self._ui.huAcceptCheck.click()
        keep_scan(reading.ct_node, unknown, ())
        reading.keep("scan_facts", asdict(unknown))
        self._session.measure()

    def export_and_verify(self):
        """The audit folder of the reading is verified without a difference."""
        self._ui.huExportPath.currentPath = self._folder.name
        self._ui.huExportButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        folder = Path(self._folder.name) / "self-test" / "Reader A" / "1"
        self._test.assertTrue((folder / "record.json").is_file())
        self._ui.huVerifyButton.click()
        self._test.assertIn("are the same", self._ui.huDoneLabel.text)
        with (folder / "results.csv").open("a", encoding="utf-8") as stream:
            stream.write("x")
        self._ui.huVerifyButton.click()
        self._test.assertIn("Differences between", self._ui.huMessageLabel.text)
        self._test.assertIn("results.csv", self._ui.huDifferencesLabel.text)
        questions = self._widget.panel.questions
        questions.answer = False
        self._ui.huExportButton.click()
        self._test.assertIn("is up to date. Replace it?", questions.asked[-1])
        self._test.assertTrue((folder / "results.csv").read_text(encoding="utf-8").endswith("x"))
        questions.answer = True
        asked_before = len(questions.asked)
        self._ui.huExportButton.click()
        self._test.assertEqual(len(questions.asked), asked_before + 1)
        self._test.assertFalse((folder / "results.csv").read_text(encoding="utf-8").endswith("x"))
        questions.forget_written()
        self._ui.huExportButton.click()
        self._test.assertIn("There is an export", questions.asked[-1])
        self._test.assertIn("Exported", self._ui.huDoneLabel.text)

    def sign_off_and_reopen(self):
        """A signed reading is locked until it is reopened with a reason."""
        self._press("Space")
        self._test.assertFalse(self._session.reading.is_signed_off)
        read_step(self._widget.panel)
        self._press("Return")
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
        self._test.assertIn("Not blinded", self._ui.huSignedLabel.text)
        self._test.assertFalse(markup_node(first, "L1", "midline").GetDisplayNode().GetVisibility())
        self._use_few_trials()
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

    def damage_a_reading(self):
        """A damaged reading in a scene is reported in one sentence; once repaired, it opens again."""
        reading, before = self._session.reading, self._numbers()
        for name in ("history", "protocol"):
            sound = reading.node.GetParameter(name)
            reading.node.SetParameter(name, "[broken")
            settle()
            self._test.assertIsNone(self._session.reading)
            self._test.assertRegex(self._ui.huMessageLabel.text, f"“{name}” .*is damaged")
            reading.node.SetParameter(name, sound)
            combo = self._ui.huReadingCombo
            self._widget.panel.follow_parameters()
            combo.setCurrentIndex(combo.findData(reading.node.GetID()))
            combo.activated(combo.currentIndex)
            self._test.assertEqual(self._numbers(), before)

    def copy_nodes(self):
        """Copies of what belongs to a reading are ignored, and change nothing."""
        reading, before = self._session.reading, self._numbers()
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        originals = (
            markup_node(reading, "L1", "midline"),
            markup_node(reading, "L1", "outline"),
            segmentation_node(reading, "front"),
            results_table(reading),
            reading.ct_node,
        )
        for node in originals:
            item = hierarchy.GetItemByDataNode(node)
            copied = slicer.modules.subjecthierarchy.logic().CloneSubjectHierarchyItem(hierarchy, item)
            self._test.assertNotEqual(copied, 0, node.GetName())
        settle()
        self._session.measure()
        self._test.assertEqual(self._numbers(), before)
        self._test.assertIs(self._ui.huCtSelector.currentNode(), reading.ct_node)

    def delete_in_the_middle(self):
        """Deleted nodes take their numbers with them, and nothing breaks."""
        reading = self._session.reading
        slicer.mrmlScene.RemoveNode(markup_node(reading, "L2", "midline"))
        for node in (segmentation_node(reading, "oval"), results_table(reading), markup_node(reading, "L3", "outline")):
            slicer.mrmlScene.RemoveNode(node)
        settle()
        for find in (
            results_table,
            lambda of: segmentation_node(of, "oval"),
            lambda of: markup_node(of, "L3", "outline"),
        ):
            self._test.assertIsNotNone(find(reading))
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
