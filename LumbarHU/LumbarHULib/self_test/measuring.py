"""The first steps of the module's own test: from the CT to numbers that follow the mouse."""

from itertools import pairwise

import numpy as np
import qt
import slicer

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.reading_markups import is_edited, markup_node, placed_levels
from LumbarHULib.panel.tables import table_text
from LumbarHULib.panel.views import AXIAL, SAGITTAL, drawn_views, jump_to, slice_node
from LumbarHULib.phantom.demo import demo_ct
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import click, drag, settle

_PIXEL_MM = 1.0
_SAME_ROW_PIXELS = 8


class MeasuringSteps(WalkBase):
    """CT, reading, placing, tables, dragging, editing."""

    def take_the_only_ct(self):
        """The only CT is taken by itself."""
        phantom = demo_ct(pixel_mm=_PIXEL_MM)
        self._phantom, self._truth = phantom, phantom.truth
        ct_node = volume_node_from_ct(slicer.mrmlScene, CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), "phantom")
        slicer.util.selectModule("LumbarHU")
        settle()
        self._test.assertIs(self._ui.huCtSelector.currentNode(), ct_node)
        self._test.assertIn("2.5 mm", self._ui.huFactsLabel.text)

    def go_through_by_tab(self):
        """The Tab key goes through the panel from top to bottom."""
        first, rows = self._ui.huSetupSection, []
        widget = first
        while True:
            # A combo box or a path has nameless parts of its own.
            if widget.visible and widget.focusPolicy & qt.Qt.TabFocus and widget.objectName.startswith("hu"):
                corner = widget.mapTo(first.parent(), qt.QPoint(0, 0))
                rows.append((corner.y(), corner.x(), widget.objectName))
            widget = widget.nextInFocusChain()
            if widget == first:
                break
        self._test.assertGreater(len(rows), 30)
        for (above, left, before), (below, right, after) in pairwise(rows):
            is_next = below > above + _SAME_ROW_PIXELS or (below > above - _SAME_ROW_PIXELS and right >= left)
            self._test.assertTrue(is_next, f"{after} comes behind {before}")

    def start_a_reading(self):
        """A reading needs a name, and starts with a click."""
        self._ui.huReaderEdit.text = ""
        self._ui.huNewReadingButton.click()
        self._test.assertIn("no reader", self._ui.huMessageLabel.text)
        display = self._ui.huCtSelector.currentNode().GetDisplayNode()
        display.SetAutoWindowLevel(True)  # as Slicer's reader of files leaves it
        self._ui.huCaseEdit.text, self._ui.huReaderEdit.text = "self-test", "Reader A"
        self._ui.huNewReadingButton.click()
        self._test.assertEqual(self._session.reading.title, "Reader A – reading 1")
        self._test.assertFalse(display.GetAutoWindowLevel())
        self._ui.huLayoutButton.checked = True
        settle()

    def break_off_placing(self):
        """Esc takes back a half-placed point; a sagittal click scrolls the axial view."""
        midline_ras_mm = self._truth["L1"].midline_ras_mm
        jump_to(np.add(midline_ras_mm.mean(axis=0), (0.0, 0.0, 10.0)))
        self._ui.huLevelsSection.findChild("QPushButton", "huL1Place").click()
        click(SAGITTAL, midline_ras_mm.mean(axis=0))
        self._test.assertAlmostEqual(slice_node(AXIAL).GetSliceOffset(), midline_ras_mm[0, 2], delta=1.0)
        click(AXIAL, midline_ras_mm[0])
        self._test.assertEqual(len(self._points("L1", "midline")), 1)
        self._widget.panel.placing.cancel()
        self._test.assertEqual(placed_levels(self._session.reading), ())

    def place_the_levels(self):
        """Two clicks a level; the next is armed by itself; the numbers are the core's, to the digit."""
        self._place_all()
        self._test.assertEqual(placed_levels(self._session.reading), MEAN_LEVELS)
        self._test.assertEqual(self._session.result.refusals, ())
        self._test.assertEqual(self._numbers(), self._core_numbers())

    def read_the_tables(self):
        """The tables show the core's numbers, and are copied whole."""
        rows = [line.split("\t") for line in table_text(self._ui.huLevelTable).splitlines()]
        self._test.assertEqual(rows[0], ["", *ROIS])
        core = self._core_numbers()
        for row, level in zip(rows[1:], MEAN_LEVELS, strict=False):
            self._test.assertEqual(row, [level, *(f"{core[level][roi]:.1f}" for roi in ROIS)])
        self._ui.huQuantityCombo.setCurrentText("Voxels")
        settle()
        beside = self._ui.huBesideLabel.text
        for told in ("agree", "round 22 %", "does not tell how it was taken"):
            self._test.assertIn(told, beside)
        for row, summary in enumerate(self._session.result.summaries):
            told, _, trials = self._ui.huSummaryTable.item(row, 1).text().partition("\n")
            self._test.assertEqual(told, summary.class_words)
            self._test.assertEqual(bool(trials), summary.placement is not None)
        self._ui.huBesideLabel.linkActivated("notes")
        self._test.assertFalse(self._ui.huNotesSection.collapsed)
        self._test.assertIn("non-osteoporotic", self._ui.huNotesBrowser.toPlainText())
        self._ui.huNotesSection.collapsed = True
        voxels = self._session.result.levels[0].rois["round"].values["voxels"]
        self._test.assertEqual(self._ui.huLevelTable.item(0, 0).text(), str(voxels))
        self._ui.huQuantityCombo.setCurrentText("Mean")

    def drag_a_midline(self):
        """Dragging measures live, in views that wait for it; what was dragged is undone and redone to the digit."""
        self._widget.panel.levels.go_to("L3")
        settle()
        before, end = self._numbers(), self._points("L3", "midline")[1]
        midline = markup_node(self._session.reading, "L3", "midline")
        usual, meanwhile = _update_rates(), []
        told = midline.AddObserver(midline.PointModifiedEvent, lambda *_: meanwhile.append(_update_rates()))
        drag(AXIAL, end, (2.0, 1.0, 0.0))
        midline.RemoveObserver(told)
        for name, rate in usual.items():
            self._test.assertTrue(all(rates[name] < rate for rates in meanwhile), name)
        self._test.assertEqual((_update_rates(), bool(meanwhile)), (usual, True))
        after = self._numbers()
        self._test.assertNotEqual(after["L3"], before["L3"])
        self._test.assertEqual(after, self._core_numbers())
        self._ui.huUndoButton.click()
        self._test.assertEqual(self._numbers(), before)
        self._ui.huRedoButton.click()
        self._test.assertEqual(self._numbers(), after)

    def drag_from_the_side(self):
        """From the side both ends move together, into a slice; a turned midline shows its front end there."""
        drag(AXIAL, self._points("L3", "midline")[0], (4.0, 0.0, 0.0))
        before = self._points("L3", "midline")
        drag(SAGITTAL, before[0], (0.0, 3.0, 5.0))
        moved = self._points("L3", "midline") - before
        self._test.assertTrue(np.allclose(moved, [0.0, 0.0, 5.0], atol=1e-6), moved)
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._ui.huUndoButton.click()
        self._test.assertAlmostEqual(slice_node(AXIAL).GetSliceOffset(), before[0, 2], delta=1e-3)
        self._ui.huRedoButton.click()
        self._test.assertAlmostEqual(slice_node(AXIAL).GetSliceOffset(), before[0, 2] + 5.0, delta=1e-3)

    def edit_boundary_and_outline(self):
        """A moved boundary and an edited outline are measured as they stand; the outline is locked until edited."""
        self._widget.panel.levels.go_to("L2")
        settle()
        reading, automatic = self._session.reading, self._numbers()
        handle = self._points("L2", "boundary")[1]
        drag(AXIAL, handle, (0.0, 2.0, 0.0))
        self._test.assertTrue(is_edited(reading, "L2", "boundary"))
        outline = self._points("L2", "outline")
        side = outline[np.argmin(outline[:, 0])]
        drag(AXIAL, side, (-2.0, 0.0, 0.0))
        self._test.assertFalse(is_edited(reading, "L2", "outline"))
        self._ui.huEditOutlineButton.click()
        drag(AXIAL, side, (-2.0, 0.0, 0.0))
        self._test.assertTrue(is_edited(reading, "L2", "outline"))
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._ui.huEditOutlineButton.click()
        self._test.assertEqual(self._state("L2"), "edited: boundary, outline")
        return_outline = self._automatic_actions("L2")[1]
        self._test.assertIn("outline", return_outline.text)
        return_outline.trigger()
        settle()
        self._test.assertEqual(self._state("L2"), "edited: boundary")
        self._return_by_the_handles_menu("L2", "boundary")
        self._test.assertEqual((self._state("L2"), self._numbers()), ("placed", automatic))

    def undo_by_keys(self):
        """The keys undo and redo what was done last, as the buttons do, and show the level in which it was done."""
        automatic = self._numbers()
        self._widget.panel.levels.go_to("L4")
        self._press("Ctrl+Z")
        self._test.assertEqual((self._session.level, self._state("L2")), ("L2", "edited: boundary"))
        self._press("Ctrl+Z")
        edited = self._numbers()
        self._test.assertEqual(self._state("L2"), "edited: boundary, outline")
        self._press("Ctrl+Y")
        self._press("Ctrl+Shift+Z")
        self._test.assertEqual((self._state("L2"), self._numbers()), ("placed", automatic))
        self._test.assertNotEqual(edited, automatic)

    def leave_a_level_out(self):
        """A level without its tick counts as not measured, and comes back with it."""
        before, tick = self._numbers(), self._widget.panel.levels.row("L4").wanted
        tick.click()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS[:3])
        self._test.assertEqual((self._state("L4"), self._numbers()), ("not asked for", self._core_numbers()))
        self._test.assertIn("without L4 (not measured)", self._findings())
        self._test.assertIn('<a href="L4">', self._ui.huFindingsLabel.text)
        self._ui.huFindingsLabel.linkActivated("L4")
        self._test.assertEqual(self._session.level, "L4")
        tick.click()
        self._test.assertEqual(self._numbers(), before)


def _update_rates() -> dict[str, float]:
    return {name: view.maximumUpdateRate for name, view in drawn_views().items()}
