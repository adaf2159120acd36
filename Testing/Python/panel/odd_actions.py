"""What an absent-minded reader may do to the panel, one thing after the other; a seed says which."""

import random

import slicer
import vtk
from mrml.plain_bodies import plain_bodies

from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS, ROIS
from LumbarHULib.mrml.ct_node import measurable_cts, volume_node_from_ct
from LumbarHULib.mrml.reading_markups import MARKUP_ROLES, markup_node
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.panel.views import AXIAL, CORONAL, SAGITTAL
from LumbarHULib.self_test.synthetic_mouse import click, drag, settle

# They open a browser or a menu, or analyze a cohort; the panel's own walk goes there.
_LEFT_OUT = {"huCohortRunButton", "huCohortSummaryButton", "huListButton", "huLevelMenuButton", "huReportButton"}
_MOST_CTS = 3
CASE = "case 1"
_VIEWS = (AXIAL, AXIAL, AXIAL, SAGITTAL, CORONAL)


class OddReader:
    """Does one odd thing after the other.

    Parameters
    ----------
    driver : panel.driver.Driver
    seed : int
    """

    def __init__(self, driver, seed):
        self._driver, self._random, self.done = driver, random.Random(seed), []
        self._actions = (
            *(5 * (self.press_a_button,)),
            *(2 * (self.go_to_a_level,)),
            *(3 * (self.drag_a_handle,)),
            *(2 * (self.click_somewhere,)),
            *(2 * (self.undo_and_redo,)),
            *(2 * (self.delete_a_node,)),
            self.place_a_level,
            *(2 * (self.choose_in_the_level_menu,)),
            *(2 * (self.take_the_next_step,)),
            self.load_a_ct,
            self.swap_cts,
            self.show_another_ct,
            self.duplicate_a_ct,
            self.rename_a_ct,
            self.move_a_ct,
            self.choose_in_a_list,
            self.become_another_reader,
            self.leave_and_come_back,
            self.close_the_scene,
        )

    def begin(self):
        """Start from a reading with some levels placed."""
        self._driver.new_scene()
        self._driver.start_reading()
        self._name_case()
        self._driver.place(MEAN_LEVELS[: self._random.randint(0, 2)])

    def act(self):
        """Do the next thing; what it was is kept in `done`."""
        action = self._random.choice(self._actions)
        self.done.append(action.__name__)
        action()
        settle()

    def press_a_button(self):
        """Press any button that can be pressed."""
        buttons = [
            widget
            for kind in ("QPushButton", "QToolButton", "QCheckBox")
            for widget in self._driver.widget.parent.findChildren(kind)
            if widget.enabled and not widget.isHidden() and widget.name not in _LEFT_OUT
        ]
        button = self._random.choice(buttons)
        self.done[-1] += f" {button.name} “{button.text}”"
        button.click()
        slicer.util.selectModule("LumbarHU")

    def choose_in_the_level_menu(self):
        """Exclude, remove, return or leave out the current level, as far as its menu offers it."""
        menu = self._driver.panel.levels.menu
        actions = [menu.wanted, menu.include, menu.remove, menu.reasons["metal"], *menu.returns.values()]
        actions = [action for action in actions if action.visible and action.enabled]
        if actions and self._driver.ui.huLevelMenuButton.enabled:
            action = self._random.choice(actions)
            self.done[-1] += f" “{action.text}”"
            action.trigger()

    def take_the_next_step(self):
        """Press Space or Enter, whatever comes next."""
        step = self._driver.panel.next_step
        self.done[-1] += f" “{step.step.text}”"
        if step.step.kind not in ("report", "load"):
            step.take(by_space=self._random.random() < 0.7)

    def load_a_ct(self):
        """Load another phase of the same patient: the same geometry, other voxels."""
        if len(measurable_cts(slicer.mrmlScene)) < _MOST_CTS:
            ct = plain_bodies().ct
            other = CtVolume(ct.voxels_hu + self._random.choice((-20, 30)), ct.ras_from_ijk)
            volume_node_from_ct(slicer.mrmlScene, other, "other phase")

    def swap_cts(self):
        """Choose another CT in the panel, or none."""
        nodes = [*measurable_cts(slicer.mrmlScene), None]
        self._driver.ui.huCtSelector.setCurrentNode(self._random.choice(nodes))
        self._name_case()

    def show_another_ct(self):
        """Show a CT in the views, as the Data module does."""
        nodes = measurable_cts(slicer.mrmlScene)
        if nodes:
            slicer.util.setSliceViewerLayers(background=self._random.choice(nodes))

    def duplicate_a_ct(self):
        """Clone a CT, as the Data module does."""
        nodes = measurable_cts(slicer.mrmlScene)
        if nodes and len(nodes) < _MOST_CTS:
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
            item = hierarchy.GetItemByDataNode(self._random.choice(nodes))
            slicer.vtkSlicerSubjectHierarchyModuleLogic.CloneSubjectHierarchyItem(hierarchy, item)

    def rename_a_ct(self):
        """Give a CT a name that another may have as well."""
        nodes = measurable_cts(slicer.mrmlScene)
        if nodes:
            self._random.choice(nodes).SetName(self._random.choice(("CT", "other phase")))

    def move_a_ct(self):
        """Put a CT under a registration's transform, or take it out of one."""
        nodes = measurable_cts(slicer.mrmlScene)
        if nodes:
            node = self._random.choice(nodes)
            if node.GetParentTransformNode() is not None:
                node.SetAndObserveTransformNodeID(None)
                return
            matrix = vtk.vtkMatrix4x4()
            matrix.SetElement(2, 3, self._random.choice((1.0, 12.0)))
            transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "registration")
            transform.SetMatrixTransformToParent(matrix)
            node.SetAndObserveTransformNodeID(transform.GetID())

    def go_to_a_level(self):
        """Press a level's key: it is shown, or armed."""
        self._driver.panel.levels.on_key(self._random.choice(MEAN_LEVELS))

    def _name_case(self):
        """Give every CT the same case, as if two patients had one name."""
        self._driver.ui.huCaseEdit.text = CASE
        self._driver.ui.huCaseEdit.editingFinished()

    def place_a_level(self):
        """Place a level well, if the panel lets us."""
        if self._driver.session.may_click:
            self._driver.place([self._random.choice(MEAN_LEVELS)])

    def click_somewhere(self):
        """Click near a body, whatever is armed."""
        midline_ras_mm = plain_bodies().midlines_ras_mm[self._random.choice(MEAN_LEVELS)]
        shift_mm = [self._random.uniform(-8, 8) for _ in range(3)]
        point_ras_mm = midline_ras_mm[self._random.randint(0, 1)] + shift_mm
        click(self._random.choice(_VIEWS), point_ras_mm)

    def drag_a_handle(self):
        """Take hold of a point of the current level and move it, little or far."""
        driver = self._driver
        if driver.session.is_open:
            role = self._random.choice(MARKUP_ROLES)
            node = markup_node(driver.session.reading, driver.session.level, role)
            points = [] if node is None else driver.points(driver.session.level, role)
            if len(points):
                by_mm = [self._random.uniform(-1, 1) * self._random.choice((1, 4, 30)) for _ in range(3)]
                drag(self._random.choice(_VIEWS), self._random.choice(list(points)), by_mm, steps=4)

    def undo_and_redo(self):
        """Go back and forth in the reading's history."""
        for _ in range(self._random.randint(1, 4)):
            self._random.choice([self._driver.ui.huUndoButton, self._driver.ui.huRedoButton]).click()

    def delete_a_node(self):
        """Delete something that belongs to the reading, as the data tree lets a user do."""
        if self._driver.session.is_open:
            reading = self._driver.session.reading
            nodes = [markup_node(reading, level, role) for level in LEVELS for role in MARKUP_ROLES]
            nodes += [segmentation_node(reading, roi) for roi in ROIS]
            nodes += [reading.node.GetNodeReference(role) for role in ("results", "summary")]
            nodes += [reading.ct_node] if self._random.random() < 0.1 else []
            nodes = [node for node in nodes if node is not None]
            if nodes:
                node = self._random.choice(nodes)
                self.done[-1] += f" {node.GetName()}"
                slicer.mrmlScene.RemoveNode(node)

    def choose_in_a_list(self):
        """Choose anything in any list."""
        boxes = [
            widget
            for widget in self._driver.widget.parent.findChildren("QComboBox")
            if widget.enabled and widget.count and widget.name.startswith("hu")
        ]
        box = self._random.choice(boxes)
        index = self._random.randrange(box.count)
        box.setCurrentIndex(index)
        box.activated(index)

    def become_another_reader(self):
        """Write another name, and perhaps start a reading."""
        self._driver.ui.huReaderEdit.text = self._random.choice(["", "Reader B", "Reader A", "  "])
        if self._random.random() < 0.5:
            self._driver.ui.huNewReadingButton.click()

    def leave_and_come_back(self):
        """Open another module for a while."""
        slicer.util.selectModule("Data")
        if self._random.random() < 0.5:
            self.delete_a_node()
            settle()
        slicer.util.selectModule("LumbarHU")

    def close_the_scene(self):
        """Close the scene, and perhaps begin again."""
        if self._random.random() < 0.5:
            slicer.mrmlScene.Clear(0)
        else:
            self.begin()
