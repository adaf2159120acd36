"""The panel at a glance: one next step, few controls, no text cut or printed over, nothing moves while one aims."""

from itertools import combinations

import pytest

WIDTH_PX = 400
MOST_CONTROLS = 25
_CONTROLS = ("QAbstractButton", "QComboBox", "QLineEdit", "QAbstractSpinBox", "QTableView", "QTextBrowser")
_ONE_CONTROL = ("qMRMLNodeComboBox", "ctkPathLineEdit", "QComboBox", "QTableView", "QAbstractSpinBox")


@pytest.fixture
def driver(application, tmp_path):
    """The panel, opened on an empty scene first; None outside the application."""
    if application is None:
        return None
    import slicer
    from panel.driver import Driver

    from LumbarHULib.self_test.synthetic_mouse import settle

    slicer.util.mainWindow().resize(WIDTH_PX, 900)
    slicer.util.selectModule("LumbarHU")
    settle()
    return Driver(tmp_path)


def seen(widget, kinds) -> list:
    """Return the visible widgets of some kinds, without the parts of other widgets."""
    found = [one for kind in kinds for one in widget.findChildren(kind) if one.visible and one.objectName[:2] == "hu"]
    return list({one.objectName: one for one in found}.values())


def faults_of_text(widget) -> list[str]:
    """Return what is cut off, and which widgets lie over each other, in what is visible of the panel."""
    faults = []
    labels = [one for one in seen(widget, ("QLabel",)) if one.text]
    for label in labels:
        wanted = label.heightForWidth(label.width) if label.wordWrap else label.sizeHint.height()
        if label.height < wanted or (not label.wordWrap and label.width < label.minimumSizeHint.width()):
            faults.append(f"{label.objectName} is {label.width} x {label.height}, needs {wanted}: {label.text}")
    buttons = [one for one in seen(widget, ("QPushButton", "QToolButton", "QCheckBox"))]
    for button in buttons:
        if button.width < button.minimumSizeHint.width() or button.height < button.minimumSizeHint.height():
            faults.append(f"{button.objectName} cuts off “{button.text}”")
    for one, other in combinations([*labels, *buttons], 2):
        if one.parent() == other.parent() and one.geometry.intersects(other.geometry):
            faults.append(f"{one.objectName} is over {other.objectName}")
    return faults


def top_of(widget, panel) -> int:
    import qt

    return widget.mapTo(panel, qt.QPoint(0, 0)).y()


def test_a_patient_is_read_by_the_one_next_step_with_few_controls_and_no_text_cut(driver):
    import slicer

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel.views import AXIAL, slice_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, panel, parent = driver.ui, driver.panel, driver.widget.parent
    assert faults_of_text(parent) == []
    assert ui.huNextStepButton.text == "New reading"
    panel.next_step.take(by_space=True)
    assert "no reader" in ui.huMessageLabel.text
    ui.huCaseEdit.text = "7"
    driver.start_reading()
    assert ui.huSetupSection.collapsed
    assert ui.huNextStepButton.text == "Place L1"
    slice_node(AXIAL).SetFieldOfView(400.0, 400.0, 1.0)
    panel.next_step.take(by_space=True)
    assert max(slice_node(AXIAL).GetFieldOfView()[:2]) < 200
    assert (ui.huNextStepButton.text, ui.huNextStepButton.enabled) == ("L1: click the front edge (axial view)", False)
    assert panel.view_line.text.startswith(f"{ui.huNextStepButton.text} – at mid-height: scroll there, or click it")
    assert "the ring shows where the point will go; hold Ctrl" in panel.view_line.text
    settle()
    assert faults_of_text(parent) == []
    tops = {name: top_of(getattr(ui, name), parent) for name in ("huChipsFrame", "huSummaryTable", "huNextStepButton")}
    panel.messages.tell(" ".join(["The midline of L1 is refused, and this sentence says at length why it is."] * 4))
    settle()
    assert {name: top_of(getattr(ui, name), parent) for name in tops} == tops
    assert panel.view_line.text == ui.huMessageLabel.text
    assert faults_of_text(parent) == []
    driver.place()
    driver.session.tell()
    settle()
    for level in MEAN_LEVELS:
        number = driver.session.level_result(level).rois["round"].values["mean_hu"]
        assert panel.head.chip(level).text.partition("\n")[2] == f"{number:.0f}"
    panel.head.chip("L2").click()
    settle()
    assert driver.session.level == "L2"
    controls = [one for one in seen(parent, _CONTROLS) if not one.inherits("QHeaderView")]
    assert len(controls) <= MOST_CONTROLS, [one.objectName for one in controls]
    assert faults_of_text(parent) == []
    for line in panel.findings.lines:
        ui.huFindingsLabel.linkActivated(f"details {line.key}")
    sections = ("Results", "Keep", "Readers", "Protocols", "Advanced", "Setup", "Verify", "Calibration", "Rods")
    for section in sections:
        getattr(ui, f"hu{section}Section").collapsed = False
    settle()
    assert faults_of_text(parent) == []
    assert ui.huNextStepButton.text == "Sign off"
    panel.next_step.take(by_space=True)
    assert not driver.session.reading.is_signed_off
    driver.end()
    assert ui.huNextStepButton.text == "Export"
    slicer.util.selectModule("Data")
    assert panel.view_line.text == ""


def test_a_line_at_the_foot_never_lets_the_head_scroll_out_of_sight(driver):
    """Slicer gives a panel with a wrapped line the height it would like, however low the window is."""
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    settle()
    window, panel = slicer.util.mainWindow(), driver.widget.parent
    area = slicer.util.findChild(window, "ScrollArea")
    window.resize(WIDTH_PX, window.height - area.height + panel.minimumSizeHint.height() + 150)
    for sentence in ("", "Exported to a folder.", "The midline of L1 is refused: place it again. " * 2):
        driver.panel.done.tell(sentence)
        driver.panel.messages.tell(sentence)
        settle()
        assert area.verticalScrollBar().maximum == 0


def test_a_refused_level_stays_and_its_sentence_is_at_the_view(driver):
    import numpy as np
    import slicer
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.reading_markups import placed_levels
    from LumbarHULib.panel.views import AXIAL, jump_to
    from LumbarHULib.self_test.synthetic_mouse import click, settle

    ui, panel = driver.ui, driver.panel
    driver.start_reading()
    node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    node.SetViewArrangement(node.SlicerLayoutOneUpYellowSliceView)
    settle()
    panel.levels.on_key("L1")
    assert not panel.placing.is_armed
    assert "no axial view" in ui.huMessageLabel.text
    assert ui.huNextStepButton.text == "Show the reading layout"
    panel.next_step.take(by_space=True)
    assert ui.huNextStepButton.text == "Place L1"
    panel.next_step.take(by_space=True)
    between_bodies_mm = plain_bodies().midlines_ras_mm["L1"] + np.array([0.0, 0.0, -17.5])
    jump_to(between_bodies_mm.mean(axis=0))
    for point_ras_mm in between_bodies_mm:
        click(AXIAL, point_ras_mm)
    refusal = driver.session.refusal_of("L1")
    assert refusal
    assert not panel.placing.is_armed
    assert placed_levels(driver.session.reading) == ("L1",)
    assert (ui.huMessageLabel.text, panel.view_line.text) == (refusal, refusal)
    panel.placing.arm("L2")
    panel.placing.cancel()
    assert placed_levels(driver.session.reading) == ("L1",)


def test_a_named_segmentation_is_proposed_from_and_reviewed_level_by_level(driver):
    import slicer
    from panel.test_total_segmentator import TotalSegmentatorLogic

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.mrml.level_review import unreviewed_levels
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, panel = driver.ui, driver.panel
    driver.start_reading()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    node.CreateDefaultDisplayNodes()
    TotalSegmentatorLogic(MEAN_LEVELS).process(driver.ct_node, node, subset=[f"vertebrae_{one}" for one in MEAN_LEVELS])
    settle()
    driver.session.tell()
    assert ui.huNextStepButton.text == "Propose from “vertebrae”"
    panel.next_step.take(by_space=True)
    assert ui.huMessageLabel.text == ""
    assert not node.GetDisplayNode().GetVisibility2DFill()
    assert unreviewed_levels(driver.session.reading) == MEAN_LEVELS
    for level in MEAN_LEVELS:
        assert ui.huNextStepButton.text == f"Accept {level}"
        assert panel.head.chip(level).text.partition("\n")[0] == f"{level} ?"
        driver.accept_seen()
    assert unreviewed_levels(driver.session.reading) == ()
    assert ui.huNextStepButton.text == "Sign off"


def test_no_field_is_squeezed_while_vertebrae_are_found(driver, monkeypatch):
    """What the step shows for the first time, the choices of segments, is painted before the work begins."""
    import slicer
    from panel.test_total_segmentator import TotalSegmentatorLogic

    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.panel import proposals_section
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    driver.ui.huSetupSection.collapsed = False
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    TotalSegmentatorLogic(MEAN_LEVELS).process(driver.ct_node, node, subset=[f"vertebrae_{one}" for one in MEAN_LEVELS])
    settle()
    squeezed, at_work = [], proposals_section.place_from_segments

    def look_and_place(*arguments):
        fields = seen(driver.ui.huScrollContents, _CONTROLS)
        assert {"huL1SegmentCombo", "huCaseEdit"} <= {one.objectName for one in fields}
        squeezed.extend(one.objectName for one in fields if one.height < one.minimumSizeHint.height())
        return at_work(*arguments)

    monkeypatch.setattr(proposals_section, "place_from_segments", look_and_place)
    driver.panel.proposals.propose_offered()
    assert driver.session.result.levels
    assert squeezed == []


def test_no_text_is_cut_on_the_other_tabs(driver):
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, parent = driver.ui, driver.widget.parent
    driver.start_reading()
    ui.huMethodsSection.collapsed = False
    driver.panel.done.tell("Exported to a folder.")
    for tab in (ui.huCohortTab, ui.huFollowTab):
        ui.huTabs.setCurrentWidget(tab)
        settle()
        assert faults_of_text(parent) == [], tab.objectName
        # What was done on the tab before is no news here.
        assert ui.huDoneLabel.text == ""


def test_what_is_drawn_in_the_colors_of_the_application_follows_them(driver):
    import qt
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    driver.place(["L2"])
    usual = slicer.app.palette()
    dark = qt.QPalette(usual)
    dark.setColor(qt.QPalette.WindowText, qt.QColor("#fedcba"))
    dark.setColor(qt.QPalette.Button, qt.QColor("#102030"))
    assert "#fedcba" not in driver.ui.huFindingsLabel.text
    try:
        slicer.app.setPalette(dark)
        settle()
        assert "#fedcba" in driver.ui.huFindingsLabel.text
    finally:
        slicer.app.setPalette(usual)
        settle()
    assert "#fedcba" not in driver.ui.huFindingsLabel.text


def test_long_names_of_a_cohort_do_not_make_its_tab_wider(driver):
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui = driver.ui
    ui.huTabs.setCurrentWidget(ui.huCohortTab)
    for combo in (ui.huCohortTableCombo, ui.huCohortFigureCombo):
        combo.addItem("a table of a study with a long name " * 4)
    settle()
    assert ui.huCohortContents.width <= ui.huCohortScrollArea.width
    for combo in (ui.huCohortTableCombo, ui.huCohortFigureCombo):
        combo.clear()


def test_a_section_that_a_click_opens_below_the_edge_is_scrolled_into_sight(driver):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    ui = driver.ui
    slicer.util.mainWindow().resize(WIDTH_PX, 700)
    settle()
    bar, section = ui.huScrollArea.verticalScrollBar(), ui.huCalibrationSection
    bar.setValue(0)
    assert section.collapsed
    section.collapsed = False  # not by a click: nothing moves while one aims
    settle()
    assert bar.value == 0
    section.collapsed = True
    settle()
    section.click()
    settle()
    assert not section.collapsed
    top = top_of(section, ui.huScrollContents)
    assert bar.value == min(top, bar.maximum) > 0


def test_the_count_of_findings_brings_all_of_them_into_sight_and_so_does_a_line_that_opens(driver):
    import slicer

    from LumbarHULib.panel.findings_list import FOLDED
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, window = driver.ui, slicer.util.mainWindow()
    driver.start_reading()
    driver.place(["L1"])
    ui.huSetupSection.collapsed = False
    settle()
    bar, label, area = ui.huScrollArea.verticalScrollBar(), ui.huFindingsLabel, ui.huScrollArea
    # So high that the list is wholly in sight while it is folded.
    window.resize(WIDTH_PX, window.height - area.viewport().height + top_of(label, ui.huScrollContents) + label.height)
    bar.setValue(0)
    settle()
    folded_px = label.height
    ui.huFindingsButton.click()
    assert label.height > folded_px
    assert bar.value == min(top_of(label, ui.huScrollContents), bar.maximum) > 0
    ui.huFindingsLabel.linkActivated(FOLDED)
    settle()
    bar.setValue(0)
    ui.huFindingsLabel.linkActivated(FOLDED)
    end = top_of(label, ui.huScrollContents) + label.height
    assert bar.value == end - area.viewport().height > 0


def test_a_long_name_makes_neither_the_next_step_nor_the_panel_wider(driver):
    import slicer

    from LumbarHULib.panel.next_step import Situation, next_step

    name = "a segmentation with a long name of its own.nii.gz"
    open_now = {"has_ct": True, "is_open": True}
    for situation in (
        Situation(**open_now, offered=name, unplaced=("L1",)),
        Situation(**open_now, hidden_ct=name, unplaced=("L1",)),
    ):
        assert next_step(situation).text.endswith("“a segmentation …”")
    driver.start_reading()
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name).GetSegmentation().AddEmptySegment("L1", "L1")
    driver.session.tell()
    assert driver.ui.huNextStepButton.text == "Propose from “a segmentation …”"
    assert f"“{name}”" in driver.ui.huNextStepButton.toolTip


def test_in_a_low_window_data_probe_makes_room_until_another_module_is_opened(driver):
    import ctk
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    window = slicer.util.mainWindow()
    probe = ctk.ctkCollapsibleButton(window)
    probe.objectName = "DataProbeCollapsibleWidget"
    for height_px, is_low in ((1400, False), (500, True)):
        slicer.util.selectModule("Data")
        window.resize(WIDTH_PX, height_px)
        settle()
        slicer.util.selectModule("LumbarHU")
        settle()
        assert probe.collapsed == is_low
    window.resize(WIDTH_PX, 1400)  # as when Slicer starts and is maximized
    settle()
    assert not probe.collapsed
    slicer.util.selectModule("Data")
    window.resize(WIDTH_PX, 500)
    slicer.util.selectModule("LumbarHU")
    settle()
    assert probe.collapsed
    slicer.util.selectModule("Data")
    assert not probe.collapsed
    probe.collapsed = True  # by the user
    slicer.util.selectModule("LumbarHU")
    settle()
    slicer.util.selectModule("Data")
    assert probe.collapsed
