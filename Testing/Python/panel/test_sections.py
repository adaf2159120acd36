"""Each section of the panel does its part, in one scene that all of them share."""

import pytest

from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.other_protocols import folder_by, other_protocols_table


@pytest.fixture
def driver(driver, tmp_path):
    """Two readings of the CT, the second one open, with L1 and L2 placed; None outside the application."""
    if driver is not None:
        driver.ui.huCaseEdit.text = "case 1"
        for reader in ("Reader B", "Reader A"):
            driver.start_reading(reader)
            driver.place(["L1", "L2"])
        driver.ui.huExportPath.currentPath = str(tmp_path / "export")
    return driver


def test_each_section_does_its_part(driver, tmp_path):
    for check in (
        setup_section_lists_the_readings,
        levels_section_and_level_menu_name_the_level,
        head_section_and_class_table_show_the_numbers,
        numbers_section_goes_to_the_level_of_a_row,
        findings_section_opens_a_line_and_counts_them_in_the_head,
        regions_section_shows_what_is_ticked,
        proposals_section_makes_room_when_nothing_is_left_to_propose,
        readers_section_says_nothing_about_two_readings_when_there_are_two,
        advanced_section_shows_the_notes,
        cutoffs_section_offers_what_fits_and_refuses_the_rest,
        rods_section_calibrates_by_the_marks_in_the_scene,
        calibration_section_shows_the_densities_and_refuses_another_voltage,
        keep_section_and_hand_on_section_follow_an_export,
        protocols_section_measures_and_exports_by_the_chosen_protocols,
        verify_section_lists_what_differs_with_links,
        ct_list_section_needs_a_list,
        cohort_section_needs_a_table_and_a_folder,
        lost_readings_are_those_without_a_ct,
    ):
        check(driver, tmp_path)


def setup_section_lists_the_readings(driver, _folder):
    combo = driver.ui.huReadingCombo
    titles = [combo.itemText(index) for index in range(combo.count)]
    assert titles == ["Reader B – reading 1", "Reader A – reading 1"]
    assert combo.currentText == "Reader A – reading 1"


def levels_section_and_level_menu_name_the_level(driver, _folder):
    levels, ui = driver.panel.levels, driver.ui
    levels.go_to("L2")
    driver.session.tell()
    assert (ui.huStateLabel.text, ui.huPlaceButton.text) == ("L2: placed", "Place again")
    assert levels.menu.remove.text == "Remove the markups of L2"
    assert levels.unplaced() == ("L3", "L4")
    levels.menu.reasons["metal"].trigger()
    assert (levels.state("L2"), driver.panel.head.chip("L2").text.split()[1]) == ("excluded: metal", "–")
    levels.menu.include.trigger()
    assert levels.state("L2") == "placed"


def head_section_and_class_table_show_the_numbers(driver, _folder):
    assert driver.ui.huHeadLabel.text == "case 1 · CT\nReader A – reading 1"
    table = driver.ui.huSummaryTable
    for row, summary in enumerate(driver.session.result.summaries):
        assert table.item(row, 0).text() == f"{summary.mean_hu:.1f}"
        assert table.item(row, 1).text() == summary.class_words
        assert table.item(row, 2).text() in ("≈", "✓")
        assert not table.item(row, 3).icon().isNull()


def numbers_section_goes_to_the_level_of_a_row(driver, _folder):
    driver.ui.huLevelTable.cellClicked(0, 0)
    assert driver.session.level == "L1"


def findings_section_opens_a_line_and_counts_them_in_the_head(driver, _folder):
    findings, label = driver.panel.findings, driver.ui.huFindingsLabel
    line = next(one for one in findings.lines if one.can_be_acted_on)
    assert line.sentence not in label.text
    label.linkActivated(f"details {line.key}")
    assert line.sentence.split()[0] in label.text
    label.linkActivated(f"details {line.key}")
    counts = [int(one) for one in driver.ui.huFindingsButton.text.split() if one.isdecimal()]
    assert sum(counts) == len(findings.lines)


def regions_section_shows_what_is_ticked(driver, _folder):
    driver.ui.huShowOvalCheck.checked = False
    assert driver.panel.regions.shown_rois() == ("round", "right", "front", "left")
    driver.ui.huShowOvalCheck.checked = True


def proposals_section_makes_room_when_nothing_is_left_to_propose(driver, _folder):
    assert not driver.ui.huProposeSection.collapsed
    driver.place(["L3", "L4"])
    driver.session.tell()
    assert driver.ui.huProposeSection.collapsed
    assert driver.panel.proposals.offered() is None


def readers_section_says_nothing_about_two_readings_when_there_are_two(driver, folder):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, path = driver.ui, str(folder / "scene.mrb")
    ui.huCompareButton.click()
    assert "readers' values" in ui.huCompareLabel.text
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    settle()
    assert "needs two readings" in ui.huCompareLabel.text
    slicer.util.loadScene(path)
    settle()
    assert (ui.huCompareLabel.text, ui.huCompareButton.enabled) == ("", True)
    driver.ct_node = ui.huCtSelector.currentNode()


def protocols_section_measures_and_exports_by_the_chosen_protocols(driver, folder):
    ui, section, reading = driver.ui, driver.panel.protocols, driver.session.reading
    ui.huCalibrationRemoveButton.click()
    assert not ui.huMeasureByButton.enabled
    section.box("circle-200mm2-2025").checked = True
    assert ui.huMeasureByButton.enabled
    ui.huMeasureByButton.click()
    table = other_protocols_table(reading)
    assert ui.huOtherProtocolsTable.mrmlTableNode() is table
    assert not ui.huOtherProtocolsLabel.visible
    roi, mean_hu, levels, l1_hu = (table.GetCellText(0, column) for column in range(4))
    # L1 is excluded, and this protocol's mean is of L1 alone.
    assert (roi, mean_hu, levels) == ("circle_200mm2", "", "")
    assert abs(float(l1_hu) - driver.session.result.levels[0].rois["round"].mean_hu) < 3
    ui.huExportByButton.click()
    written = folder_by(folder / "export", reading, load_protocol("circle-200mm2-2025"))
    assert (written / "labelmaps" / "circle_200mm2.nrrd").is_file()
    driver.session.measure()
    assert "measure again" in ui.huOtherProtocolsLabel.text


def advanced_section_shows_the_notes(driver, _folder):
    driver.ui.huRelianceLabel.linkActivated("notes")
    assert not driver.ui.huAdvancedSection.collapsed
    assert "patients without osteoporosis" in driver.ui.huNotesBrowser.toPlainText()


def cutoffs_section_offers_what_fits_and_refuses_the_rest(driver, folder):
    import copy
    import json

    from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS, NO_CUTOFFS, load_cutoffs

    ui, reading, questions = driver.ui, driver.session.reading, driver.panel.questions

    def entries():
        combo = ui.huCutoffsCombo
        return [combo.itemData(index) for index in range(combo.count)]

    def choose(entry):
        ui.huCutoffsCombo.setCurrentIndex(entries().index(entry))
        ui.huCutoffsCombo.activated(ui.huCutoffsCombo.currentIndex)

    def written(name, **changes):
        document = copy.deepcopy(load_cutoffs().document) | {"name": name} | changes
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    kv_100 = {"tube_voltage": {"value": 100, "unit": "kV", "source": "ours", "note": ""}}
    fitting, other_kv = written("ours"), written("ours at 100 kV", acquisition=kv_100)
    other_protocol = written("theirs", protocol={"id": "three-slice", "version": "1.0.0"})
    other_levels = written("L1 only", protocol={"id": "lumbarhu-2022-study", "version": "1", "levels": ["L1"]})
    assert entries() == [str(DEFAULT_CUTOFFS), str(NO_CUTOFFS), "choose"]
    assert "Unknown whether CT and cutoffs agree: tube voltage, contrast medium" in ui.huCutoffsFitLabel.text
    reading.keep("scan_facts", reading.scan_facts.plain() | {"tube_voltage_kv": 120.0, "contrast": False})
    driver.session.measure()
    assert ui.huCutoffsFitLabel.text == ""
    for path, sentence in (
        (other_kv, "acquired at 120 kV; the cutoffs hold for 100 kV"),
        (other_protocol, "belong to the protocol three-slice"),
        (other_levels, "are for the mean over L1, but the protocol's mean is over L1, L2, L3, L4"),
    ):
        questions.file = str(path)
        choose("choose")
        assert sentence in ui.huMessageLabel.text
        assert reading.cutoffs_document.document == load_cutoffs().document
        assert ui.huCutoffsCombo.currentData == str(DEFAULT_CUTOFFS)
        assert str(path) not in entries()
    questions.file = str(fitting)
    choose("choose")
    assert ui.huMessageLabel.text == ""
    assert reading.cutoffs_document.name == "ours"
    assert entries() == [str(DEFAULT_CUTOFFS), str(fitting), str(NO_CUTOFFS), "choose"]
    choose(str(NO_CUTOFFS))
    assert {summary.class_name for summary in driver.session.result.summaries} == {"not_classified"}
    assert [cell.strip() for cell in ui.huNotesBrowser.toPlainText().split("\n") if "160 HU" in cell] == ["≤ 160 HU"]
    assert "context only" in ui.huNotesBrowser.toPlainText()
    # At another voltage neither the study's nor our own cutoffs fit; the voltage of the third file is the CT's.
    reading.keep("scan_facts", reading.scan_facts.plain() | {"tube_voltage_kv": 100.0})
    driver.session.measure()
    assert entries() == [str(NO_CUTOFFS), "choose"]
    questions.file = str(other_kv)
    choose("choose")
    assert (ui.huMessageLabel.text, reading.cutoffs_document.name) == ("", "ours at 100 kV")
    reading.keep("scan_facts", reading.scan_facts.plain() | {"tube_voltage_kv": None, "contrast": None})
    driver.session.measure()
    choose(str(DEFAULT_CUTOFFS))
    assert reading.cutoffs_document.document == load_cutoffs().document


def rods_section_calibrates_by_the_marks_in_the_scene(driver, folder):
    import slicer
    import vtk
    from core.rod_phantom import CENTERS_RAS_MM, rod_ct

    from LumbarHULib.api.calibrations import calibrate
    from LumbarHULib.api.cts import ct_from_node
    from LumbarHULib.core.scan_facts import ScanFacts
    from LumbarHULib.files.calibration_file import load_calibration
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.mrml.reading_calibration import calibration_of
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, scene = driver.ui, slicer.mrmlScene
    phantom = volume_node_from_ct(scene, rod_ct(noise_hu=10.0), "phantom CT")
    rods = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "my rods")
    for name, center_ras_mm in CENTERS_RAS_MM.items():
        rods.AddControlPointWorld(vtk.vtkVector3d(*center_ras_mm), name)
    ui.huCalibrationSection.collapsed = ui.huRodsSection.collapsed = False
    settle()
    for combo, text in (
        (ui.huPhantomCtCombo, "phantom CT"),
        (ui.huRodsCombo, "my rods"),
        (ui.huPhantomCombo, "B-MAS 200"),
    ):
        combo.setCurrentIndex(combo.findText(text))
        combo.activated(combo.currentIndex)
        assert combo.currentText == text
    assert (ui.huCalibrateButton.enabled, ui.huCalibrateButton.toolTip) == (False, "<p>Missing: file to save.</p>")
    path = folder / "calibration.json"
    ui.huCalibrationPath.currentPath = str(path)
    assert ui.huCalibrateButton.enabled
    assert ui.huCalibrateButton.toolTip.startswith("<p>Measure the rods, fit the line")
    ui.huRodExcludeEdit.text = "B"
    ui.huCalibrateButton.click()
    assert "gives no reason" in ui.huMessageLabel.text
    assert not path.exists()
    ui.huRodExcludeEdit.text = "B=bubble"
    ui.huRodVoltageSpin.value, ui.huRodDateEdit.text = 120, "2026-03-15"
    ui.huCalibrateButton.click()
    assert ui.huMessageLabel.text == ""
    stated = ScanFacts(tube_voltage_kv=120.0, acquired_on="2026-03-15")
    expected = calibrate(
        ct_from_node(phantom), CENTERS_RAS_MM, "b-mas-200", excluded={"B": "bubble"}, scan_facts=stated
    ).document
    assert load_calibration(path).document == expected
    assert calibration_of(driver.session.reading).document == expected
    for text in (f"{expected['rods'][1]['mean_hu']:.1f}", "Excluded: B (bubble).", "120 kV, 2026-03-15"):
        assert text in ui.huRodsLabel.text
    assert f">{path}</a>" in ui.huDoneLabel.text
    rods.SetNthControlPointPosition(0, 500.0, 0.0, 0.0)
    ui.huCalibrateButton.click()
    assert "The rod A is outside the scan" in ui.huMessageLabel.text
    assert load_calibration(path).document == expected
    scene.RemoveNode(phantom)
    scene.RemoveNode(rods)


def calibration_section_shows_the_densities_and_refuses_another_voltage(driver, folder):
    from LumbarHULib.files.calibration_file import load_calibration

    ui, session = driver.ui, driver.session
    calibration = load_calibration(folder / "calibration.json")
    table, head = ui.huDensityTable, ui.huSummaryTable
    assert [table.verticalHeaderItem(row).text() for row in range(table.rowCount)] == ["L1", "L2", "L3", "L4", "mean"]
    density = calibration.density(session.result.levels[1].rois["oval"].mean_hu)
    cell = f"{density.mean_mg_cc:.1f}\n{density.low_mg_cc:.0f} – {density.high_mg_cc:.0f}".replace("-", "−")
    assert table.item(1, 1).text() == cell
    mean = session.result.summaries[0].density
    assert (head.item(0, 4).text(), head.isColumnHidden(4)) == (f"{mean.mean_mg_cc:.1f}", False)
    assert head.horizontalHeaderItem(4).text() == "mg/cm³\nHA"
    assert f"{mean.mean_mg_cc:.1f} mg/cm³ (95 %" in head.item(0, 0).toolTip()
    assert "It is unknown whether CT and calibration agree" in ui.huCalibrationLabel.text
    ui.huCalibrationRemoveButton.click()
    assert head.isColumnHidden(4)
    assert not table.visible
    assert ui.huCalibrationLabel.text.startswith("No calibration")
    reading, facts = session.reading, session.reading.scan_facts.plain()
    reading.keep("scan_facts", facts | {"tube_voltage_kv": 100.0})
    driver.panel.questions.file = str(folder / "calibration.json")
    ui.huCalibrationFileButton.click()
    assert "CT was acquired at 100 kV, but the calibration is from a scan at 120 kV" in ui.huMessageLabel.text
    assert session.result.summaries[0].density is None
    reading.keep("scan_facts", facts)
    ui.huCalibrationFileButton.click()
    assert ui.huMessageLabel.text == ""
    assert session.result.summaries[0].density == mean
    button = ui.huCalibrationFileButton
    assert (button.enabled, button.toolTip[:15]) == (True, "<p>Show densiti")
    ui.huSignButton.click()
    assert not button.enabled
    assert button.toolTip == "<p>The reading is signed off: reopen it to change its calibration.</p>"
    ui.huReopenReasonEdit.text = "calibration"
    ui.huReopenButton.click()
    assert button.enabled
    ui.huCalibrationSection.collapsed = True


def keep_section_and_hand_on_section_follow_an_export(driver, folder):
    from LumbarHULib.mrml.ct_date import state_date

    ui = driver.ui
    assert not ui.huReportButton.enabled
    ui.huExportButton.click()
    assert ui.huMessageLabel.text == ""
    assert ui.huReportButton.enabled
    assert driver.panel.keep.is_exported
    written = folder / "export" / "case 1" / "Reader A" / "1"
    assert f">{written}</a>" in ui.huDoneLabel.text
    assert "mean_mg_cc" in (written / "summary.csv").read_text(encoding="utf-8")
    for date, is_exported in (("2024-03-01", False), ("", True)):  # the record states it
        state_date(driver.ct_node, date)
        assert driver.panel.keep.is_exported == is_exported
    driver.panel.levels.menu.reasons["metal"].trigger()
    assert not driver.panel.keep.is_exported
    assert ui.huDoneLabel.text == ""


def verify_section_lists_what_differs_with_links(driver, _folder):
    import csv
    from pathlib import Path

    ui = driver.ui
    table = Path(ui.huVerifyPath.currentPath) / "results.csv"
    ui.huVerifyButton.click()
    assert "are the same" in ui.huDoneLabel.text
    with table.open(encoding="utf-8", newline="") as stream:
        titles, first, *others = csv.reader(stream)
    first[titles.index("mean_hu")] = "999"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([titles, first, *others])
    ui.huVerifyButton.click()
    assert "Differences between" in ui.huMessageLabel.text
    assert '<a href="L1">L1</a>' in ui.huDifferencesLabel.text
    driver.panel.levels.go_to("L3")
    ui.huDifferencesLabel.linkActivated("L1")
    assert driver.session.level == "L1"


def ct_list_section_needs_a_list(driver, folder):
    ui = driver.ui
    assert not ui.huNextButton.enabled
    ui.huListEdit.text = str(folder)
    ui.huListEdit.editingFinished()
    assert driver.panel.ct_list.has_list
    ui.huListEdit.text = ""
    ui.huListEdit.editingFinished()


def cohort_section_needs_a_table_and_a_folder(driver, folder):
    button = driver.ui.huCohortRunButton
    assert (button.enabled, button.toolTip) == (False, "<p>Missing: table, results folder.</p>")
    driver.ui.huCohortPath.currentPath = str(folder / "cohort.csv")
    assert (button.enabled, button.toolTip) == (False, "<p>Missing: results folder.</p>")
    driver.ui.huCohortFolderPath.currentPath = str(folder)
    assert button.enabled
    assert button.toolTip.startswith("<p>Groups, correlation")


def lost_readings_are_those_without_a_ct(driver, _folder):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    assert driver.panel.lost.found() == ()
    slicer.mrmlScene.RemoveNode(driver.ct_node)
    settle()
    assert [reading.reader for reading in driver.panel.lost.found()] == ["Reader B", "Reader A"]
    assert driver.ui.huLostFrame.visible
