"""The first steps of the module's own test: from the CT to numbers that follow the mouse."""

from itertools import pairwise

import numpy as np
import qt
import slicer

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.core.results import class_heading
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.reading_markups import is_edited, markup_node, placed_levels
from LumbarHULib.panel.tables import table_text
from LumbarHULib.panel.views import AXIAL, SAGITTAL, drawn_views, jump_to, slice_node
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import demo_spine
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import click, drag, settle

# No more of the demo's spine than the four levels, to be rendered and measured soon.
_CENTER_RAS_MM, _SIZE_MM = (0.0, 0.0, 16.0), (150.0, 150.0, 155.0)
_PIXEL_MM, _SLICE_MM, _NOISE_HU = 1.0, 2.5, 12.0
_SAME_ROW_PIXELS = 8


class MeasuringSteps(WalkBase):
    """CT, reading, placing, tables, dragging, editing."""

    def take_the_only_ct(self):
        """The only CT is taken by itself."""
        grid = axial_grid(_CENTER_RAS_MM, _SIZE_MM, _PIXEL_MM, _SLICE_MM)
        phantom = render_on_grid(demo_spine(), grid, noise_hu=_NOISE_HU, noise_fwhm_mm=1.0, seed=2022)
        self._phantom, self._truth = phantom, phantom.truth
        ct_node = volume_node_from_ct(slicer.mrmlScene, CtVolume(phantom.voxels_hu, phantom.ras_from_ijk), "phantom")
        slicer.util.selectModule("LumbarHU")
        settle()
        self._test.assertIs(self._ui.huCtSelector.currentNode(), ct_node)
        self._test.assertIn("2.5 mm", self._ui.huFactsLabel.text)

    def go_through_by_tab(self):
        """The Tab key goes through each tab of the panel from top to bottom."""
        ui = self._ui
        tabs = (ui.huPatientTab, 30), (ui.huCohortTab, 10), (ui.huFollowTab, 8)
        contents = (ui.huScrollContents, ui.huCohortContents, ui.huFollowContents)
        children = [child for content in contents for child in content.children()]
        sections = [child for child in children if child.inherits("ctkCollapsibleButton")]
        collapsed_before = [section.collapsed for section in sections]
        for section in sections:
            section.collapsed = False
        for tab, fewest in tabs:
            ui.huTabs.setCurrentWidget(tab)
            settle()
            self._check_order_of_tab_key(tab, fewest)
        ui.huTabs.setCurrentWidget(ui.huPatientTab)
        for section, is_collapsed in zip(sections, collapsed_before, strict=True):
            section.collapsed = is_collapsed

    def _check_order_of_tab_key(self, tab, fewest: int) -> None:
        first, rows = self._ui.huTabs, []
        widget = first
        while True:
            # A combo box or a path has nameless parts of its own.
            if widget.visible and widget.focusPolicy & qt.Qt.TabFocus and widget.objectName.startswith("hu"):
                corner = widget.mapTo(first.parent(), qt.QPoint(0, 0))
                rows.append((corner.y(), corner.x(), widget.objectName))
            widget = widget.nextInFocusChain()
            if widget == first:
                break
        self._test.assertGreater(len(rows), fewest, tab.objectName)
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
        self._use_few_trials()
        self._ui.huLayoutButton.checked = True
        settle()

    def break_off_placing(self):
        """Esc takes back a half-placed point; a sagittal click scrolls the axial view."""
        midline_ras_mm = self._truth["L1"].midline_ras_mm
        jump_to(np.add(midline_ras_mm.mean(axis=0), (0.0, 0.0, 10.0)))
        self._ui.huPlaceButton.click()
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
        reliance = self._ui.huRelianceLabel.text
        for text in ("agree", "round 22 %", "acquired is unknown"):
            self._test.assertIn(text, reliance)
        summaries, table = self._session.result.summaries, self._ui.huSummaryTable
        heading = " ".join(table.horizontalHeaderItem(1).text().split())
        self._test.assertEqual(heading, class_heading(summaries[0].cutoffs.whose))
        self._test.assertEqual(heading, "Class by the study's cutoffs")
        for number, summary in enumerate(summaries):
            self._test.assertEqual(table.item(number, 0).text(), f"{summary.mean_hu:.1f}")
            self._test.assertEqual(table.item(number, 1).text(), summary.class_words)
            self._test.assertFalse(table.item(number, 3).icon().isNull())
        self._ui.huRelianceLabel.linkActivated("notes")
        self._test.assertFalse(self._ui.huAdvancedSection.collapsed)
        self._test.assertIn("patients without osteoporosis", self._ui.huNotesBrowser.toPlainText())
        self._ui.huAdvancedSection.collapsed = True
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
        observer = midline.AddObserver(midline.PointModifiedEvent, lambda *_: meanwhile.append(_update_rates()))
        drag(AXIAL, end, (2.0, 1.0, 0.0))
        midline.RemoveObserver(observer)
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

    def move_to_mid_height(self):
        """A level that is too high goes to mid-height by the link of its finding, unchanged in shape; undo returns."""
        ui, before = self._ui, self._points("L3", "midline")
        drag(SAGITTAL, before[0], (0.0, 0.0, 7.5))
        high, numbers = self._points("L3", "midline"), self._numbers()
        (line,) = [line for line in self._widget.panel.findings.lines if line.is_off_mid_height]
        ui.huFindingsLabel.linkActivated(f"details {line.key}")
        self._test.assertIn("Move L3 to mid-height", ui.huFindingsLabel.text)
        ui.huFindingsLabel.linkActivated("move L3")
        settle()
        after = self._points("L3", "midline")
        self._test.assertLess(abs(after[0, 2] - self._truth["L3"].midline_ras_mm[0, 2]), _SLICE_MM + 1e-3)
        self._test.assertTrue(np.allclose(after[1] - after[0], high[1] - high[0], atol=1e-6))
        self._test.assertAlmostEqual(slice_node(AXIAL).GetSliceOffset(), after[0, 2], delta=1e-3)
        self._test.assertFalse([line for line in self._widget.panel.findings.lines if line.is_off_mid_height])
        self._test.assertEqual(self._state("L3"), "placed, not reviewed")
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._press("Ctrl+Z")
        self._test.assertEqual(self._numbers(), numbers)
        self._press("Ctrl+Z")
        self._test.assertTrue(np.allclose(self._points("L3", "midline"), before, atol=1e-6))

    def place_from_another_level(self):
        """A level that is to be placed while the views show another one is shown first."""
        levels, before = self._widget.panel.levels, self._numbers()
        levels.go_to("L4")
        levels.menu.remove.trigger()
        settle()
        levels.go_to("L2")
        settle()
        levels.on_key("L4")
        settle()
        self._test.assertEqual(self._widget.panel.placing.level, "L4")
        shown_mm = slice_node(AXIAL).GetSliceOffset()
        self._test.assertLess(abs(shown_mm - self._truth["L4"].midline_ras_mm[0, 2]), _SLICE_MM + 0.1)
        self._press("Esc")
        self._press("Ctrl+Z")
        self._test.assertEqual(self._numbers(), before)

    def edit_boundary_and_outline(self):
        """A moved boundary and an edited outline are measured as they are; the outline is locked until edited."""
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
        self._automatic_actions("L2")["outline"].trigger()
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

    def take_over_lines(self):
        """Lines in the scene that are named after levels become midlines, which are reviewed; undo removes them."""
        before, lines = self._numbers(), []
        for level in ("L2", "L3"):
            line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", f"{level} of a colleague")
            for point_ras_mm in np.add(self._truth[level].midline_ras_mm, (0.5, 0.0, 0.0)):
                line.AddControlPoint(*point_ras_mm)
            lines.append(line)
        settle()
        menu = self._widget.panel.levels.menu.lines
        menu.fill()
        (named, *_others) = menu.menu.actions()
        self._test.assertEqual(named.text, "Lines named L2, L3")
        named.trigger()
        settle()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertEqual((self._session.level, self._session.unreviewed), ("L2", ("L2", "L3")))
        self._test.assertFalse(lines[0].GetDisplayVisibility())
        self._test.assertAlmostEqual(self._points("L2", "midline")[0, 0], lines[0].GetNthControlPointPosition(0)[0], 5)
        self._test.assertEqual(self._numbers(), self._core_numbers())
        self._press("Ctrl+Z")
        self._test.assertEqual((self._numbers(), self._session.unreviewed), (before, ()))
        for line in lines:
            slicer.mrmlScene.RemoveNode(line)
        settle()

    def leave_a_level_out(self):
        """A level that is not wanted counts as not measured, and comes back."""
        before, levels = self._numbers(), self._widget.panel.levels
        levels.go_to("L4")
        levels.menu.wanted.trigger()
        self._test.assertEqual(self._session.result.summaries[0].levels, MEAN_LEVELS[:3])
        self._test.assertEqual((self._state("L4"), self._numbers()), ("not wanted", self._core_numbers()))
        self._test.assertIn("without L4 (not measured)", self._findings())
        (missing,) = [line for line in self._widget.panel.findings.lines if "without L4" in line.sentence]
        levels.go_to("L1")
        self._ui.huFindingsLabel.linkActivated(f"details {missing.key}")
        self._test.assertIn('without <a href="L4">', self._ui.huFindingsLabel.text)
        self._ui.huFindingsLabel.linkActivated("L4")
        self._test.assertEqual(self._session.level, "L4")
        levels.menu.wanted.trigger()
        self._test.assertEqual(self._numbers(), before)


def _update_rates() -> dict[str, float]:
    return {name: view.maximumUpdateRate for name, view in drawn_views().items()}
