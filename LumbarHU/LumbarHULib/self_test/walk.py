"""A walk through the real panel, as a reader takes it; each step says what it shows, and none may be left out."""

import sys

import slicer

from LumbarHULib.panel.views import AXIAL, slice_node
from LumbarHULib.self_test.calibrating import CalibratingSteps
from LumbarHULib.self_test.cohort import CohortSteps
from LumbarHULib.self_test.handing_on import HandingOnSteps
from LumbarHULib.self_test.keeping import KeepingSteps
from LumbarHULib.self_test.measuring import MeasuringSteps
from LumbarHULib.self_test.proposing import ProposingSteps
from LumbarHULib.self_test.synthetic_mouse import settle


class PanelWalk(MeasuringSteps, ProposingSteps, KeepingSteps, CalibratingSteps, HandingOnSteps, CohortSteps):
    """The steps, in order; `done` names those that ran.

    Parameters
    ----------
    test : unittest.TestCase
        Whose assertions are used.
    """

    def __init__(self, test) -> None:
        super().__init__(test)
        self.done: list[str] = []
        self._unseen: list[BaseException] = []

    def run(self, show) -> None:
        """Take every step; `show` is called with the description of each."""
        hook_before = sys.excepthook
        sys.excepthook = lambda kind, error, traceback: self._unseen.append(error)
        questions = slicer.util.getModuleWidget("LumbarHU").panel.questions
        answer_before, questions.answer = questions.answer, True
        settings, files = slicer.app.userSettings(), "LumbarHU/CutoffsFiles"
        files_before = settings.value(files)
        url_before, root_before = slicer.mrmlScene.GetURL(), slicer.mrmlScene.GetRootDirectory()
        try:
            for step in STEPS:
                show(step.__doc__)
                step(self)
                settle()
                self._test.assertEqual(self._unseen, [], f"raised unseen in {step.__name__}")
                self.done.append(step.__name__)
        finally:
            sys.excepthook = hook_before
            questions.answer, questions.file = answer_before, ""
            settings.setValue(files, files_before or "")
            # The scene that was saved on the way is deleted now: the user must not be asked to save it there again.
            slicer.mrmlScene.SetURL(url_before)
            slicer.mrmlScene.SetRootDirectory(root_before)
            _refresh_data_probe()
            self._folder.cleanup()


def _refresh_data_probe() -> None:
    """Let Data Probe show the scene's address again: it reads it only when the mouse moves in a slice view."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCursorPositionXYZ([0.0, 0.0, 0.0], slice_node(AXIAL))
    crosshair.SetCursorPositionInvalid()


STEPS = (
    PanelWalk.take_the_only_ct,
    PanelWalk.go_through_by_tab,
    PanelWalk.start_a_reading,
    PanelWalk.break_off_placing,
    PanelWalk.place_the_levels,
    PanelWalk.read_the_tables,
    PanelWalk.place_from_another_level,
    PanelWalk.drag_a_midline,
    PanelWalk.drag_from_the_side,
    PanelWalk.move_to_mid_height,
    PanelWalk.edit_boundary_and_outline,
    PanelWalk.undo_by_keys,
    PanelWalk.take_over_lines,
    PanelWalk.leave_a_level_out,
    PanelWalk.click_into_each_body,
    PanelWalk.click_into_the_first_and_the_last,
    PanelWalk.review_the_proposals,
    PanelWalk.propose_from_a_segmentation,
    PanelWalk.exclude_a_level,
    PanelWalk.modify_the_protocol,
    PanelWalk.use_files_of_ones_own,
    PanelWalk.classify_all_the_same,
    PanelWalk.calibrate_from_rods,
    PanelWalk.edit_a_region_by_hand,
    PanelWalk.copy_regions_to_label_maps,
    PanelWalk.export_and_verify,
    PanelWalk.hand_on_an_export,
    PanelWalk.sign_off_and_reopen,
    PanelWalk.read_a_second_time,
    PanelWalk.compare_the_readings,
    PanelWalk.stop_a_cohort,
    PanelWalk.keep_an_earlier_cohort,
    PanelWalk.analyze_a_cohort,
    PanelWalk.use_its_cutoffs,
    PanelWalk.save_and_load_the_scene,
    PanelWalk.damage_a_reading,
    PanelWalk.copy_nodes,
    PanelWalk.delete_in_the_middle,
    PanelWalk.go_on_to_the_next_ct,
    PanelWalk.close_the_scene_while_placing,
    PanelWalk.leave_the_module,
)
