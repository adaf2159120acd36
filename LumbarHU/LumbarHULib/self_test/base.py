"""What every step of the module's own test needs: the panel's parts, and the core's numbers of the same markups."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading_markups import markup_node, placed_levels, read_landmarks
from LumbarHULib.panel.views import AXIAL, jump_to, slice_node
from LumbarHULib.self_test.synthetic_mouse import click, look, settle

_NEAR_SLICE_MM = 2.6  # a slice
_FEW_TRIALS = 3


class WalkBase:
    """The panel under test.

    Parameters
    ----------
    test : unittest.TestCase
        Whose assertions are used.
    """

    def __init__(self, test) -> None:
        self._test = test
        self._phantom: Any = None
        self._truth: Any = {}
        self._folder = tempfile.TemporaryDirectory(prefix="lumbarhu-self-test-")

    @property
    def _widget(self):
        return slicer.modules.LumbarHUWidget

    @property
    def _ui(self):
        return self._widget.ui

    @property
    def _session(self):
        return self._widget.panel.session

    def _points(self, level: str, role: str) -> np.ndarray:
        return placed_points(markup_node(self._session.reading, level, role))

    def _numbers(self) -> dict:
        return _means(self._session.result)

    def _core_numbers(self) -> dict:
        """Measure the same markups without scene and panel."""
        reading = self._session.reading
        levels = [level for level in placed_levels(reading) if level not in reading.skipped_levels]
        landmarks = [read_landmarks(reading, level) for level in levels]
        ct = ct_from_node(reading.ct_node)
        cutoffs, facts = reading.cutoffs, reading.scan_facts
        return _means(measure_ct(ct, landmarks, reading.protocol, cutoffs, facts, reading.exclusions))

    def _use_few_trials(self) -> None:
        """Measure the current reading with so few trials of placement that the walk does not wait for them."""
        document = copy.deepcopy(load_protocol().document)
        document["name"] += " with few trials"
        document["values"]["placement_trials"]["value"] = _FEW_TRIALS
        path = Path(self._folder.name) / "few trials.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        self._ui.huProtocolPath.currentPath = str(path)
        self._ui.huUseFilesButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")

    def _choose_cutoffs(self, entry: str) -> None:
        """Choose an entry of the list of cutoffs, as the user does."""
        combo = self._ui.huCutoffsCombo
        combo.setCurrentIndex(combo.findData(entry))
        combo.activated(combo.currentIndex)

    def _state(self, level: str) -> str:
        return self._widget.panel.levels.state(level)

    def _automatic_actions(self, level: str) -> dict:
        """Return what the menu of a level offers to return to automatic."""
        self._widget.panel.levels.go_to(level)
        return {part: action for part, action in self._widget.panel.levels.menu.returns.items() if action.visible}

    def _findings(self) -> str:
        """Return every sentence behind the list of findings."""
        return "\n".join(line.sentence for line in self._widget.panel.findings.lines)

    def _press(self, key: str) -> None:
        """Do what Qt does when a shortcut of the main window is pressed, while no widget has the keys."""
        if qt.QApplication.focusWidget() is not None:
            qt.QApplication.focusWidget().clearFocus()
        wanted = qt.QKeySequence(key).toString()
        (found,) = [
            shortcut
            for shortcut in slicer.util.mainWindow().findChildren("QShortcut")
            if shortcut.enabled and shortcut.key.toString() == wanted
        ]
        found.activated()
        settle()

    def _return_by_the_handles_menu(self, level: str, role: str) -> None:
        """Do what Slicer does when a handle's menu opens and its action is chosen."""
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(markup_node(self._session.reading, level, role))
        plugin = slicer.qSlicerSubjectHierarchyPluginHandler.instance().pluginByName("LumbarHU")
        (action,) = plugin.viewContextMenuActions()
        action.visible = False
        plugin.showViewContextMenuActionsForItem(item, {})
        self._test.assertTrue(action.visible)
        action.trigger()
        settle()

    def _place_all(self) -> None:
        """Place every level with two clicks, then look at each, as the next step asks for."""
        self._widget.panel.levels.on_key("L1")
        for level in MEAN_LEVELS:
            self._test.assertEqual(self._widget.panel.placing.level, level)
            midline_ras_mm = self._truth[level].midline_ras_mm
            if level != "L1":  # the views went to the mid-height of the next body by themselves
                shown_mm = slice_node(AXIAL).GetSliceOffset()
                self._test.assertLess(abs(shown_mm - midline_ras_mm[0, 2]), _NEAR_SLICE_MM, level)
            jump_to(midline_ras_mm.mean(axis=0))
            for point_ras_mm in midline_ras_mm:
                click(AXIAL, point_ras_mm)
        for level in MEAN_LEVELS:
            self._test.assertEqual(self._state(level), "placed, not reviewed")
            self._test.assertEqual(self._ui.huNextStepButton.text, f"Accept {level}")
            look(self._widget.panel)
            self._press("Space")
            self._test.assertEqual(self._state(level), "placed")


def _means(result) -> dict:
    return {
        of_level.level: {roi: of_roi.values["mean_hu"] for roi, of_roi in of_level.rois.items()}
        for of_level in result.levels
    }
