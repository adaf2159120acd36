"""The tab for follow-up (follow_up_section): two CTs of a patient compared and exported, and what is refused."""

import csv
import json

import pytest


@pytest.fixture
def driver(application, tmp_path):
    """Readings of two CTs, the second one 40 HU darker, without dates; None outside the application."""
    if application is None:
        return None
    import numpy as np
    import slicer
    from mrml.plain_bodies import plain_bodies
    from panel.driver import Driver

    from LumbarHULib.core.ct_volume import CtVolume
    from LumbarHULib.mrml.ct_node import volume_node_from_ct
    from LumbarHULib.mrml.level_review import accept_level
    from LumbarHULib.mrml.reading_markups import set_midline
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver, bodies = Driver(tmp_path), plain_bodies()
    driver.ct_node.SetName("CT 2024")
    later = CtVolume(bodies.ct.voxels_hu - np.int16(40), bodies.ct.ras_from_ijk)
    nodes = (driver.ct_node, volume_node_from_ct(slicer.mrmlScene, later, "CT 2026"))
    for node in nodes:
        driver.panel.parameters.ctVolume = node
        settle()
        driver.ui.huCaseEdit.text = "7"
        driver.start_reading()
        for level in ("L1", "L2", "L3"):
            set_midline(driver.session.reading, level, bodies.midlines_ras_mm[level])
            accept_level(driver.session.reading, level)
        driver.session.measure()
    driver.ui.huTabs.setCurrentWidget(driver.ui.huFollowTab)
    settle()
    return driver


def test_a_patient_is_followed_up(driver, tmp_path):
    import slicer

    from LumbarHULib.mrml.ct_date import stated_date_of
    from LumbarHULib.mrml.follow_up_nodes import follow_ups
    from LumbarHULib.panel.views import slice_node
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, panel = driver.ui, driver.panel
    table = ui.huFollowTable
    assert [table.item(row, 0).text() for row in range(table.rowCount)] == [
        f"7: CT {year} – Reader A – reading 1" for year in (2024, 2026)
    ]
    assert all(table.rowHeight(row) >= table.sizeHintForRow(row) for row in range(table.rowCount))
    ui.huFollowRunButton.click()
    assert "not comparable: unknown whether these agree: manufacturer, scanner model" in ui.huFollowLabel.text
    assert "tick “I checked: scanner, tube voltage and contrast medium agree”" in ui.huFollowLabel.text
    assert "--" not in ui.huFollowLabel.text
    table.item(0, 1).setText("2024-02-31")
    assert "“2024-02-31”, which is not a date" in ui.huMessageLabel.text
    assert table.item(0, 1).text() == ""
    for row, date in enumerate(("2024-03-01", "2026-03-01")):
        table.item(row, 1).setText(date)
    assert [stated_date_of(node) for node in cts()] == ["2024-03-01", "2026-03-01"]
    ui.huFollowUnknownCheck.checked = True
    ui.huFollowRunButton.click()
    settle()
    assert ui.huMessageLabel.text == ""
    found = panel.follow_up.found
    (record,) = found.changes.records(level="mean", roi="round")
    assert record["changed"] == "yes"
    assert f"{record['change_hu']:+.1f}".replace("-", "−") in ui.huFollowLabel.text
    judged = [record for record in found.changes.records() if record["changed"] != "not comparable"]
    reached, means = (
        sum(record[key] == of for record in judged) for key, of in (("changed", "yes"), ("level", "mean"))
    )
    assert (len(judged), means) == (20, 5)
    assert (
        f"{reached} of 20 changes (5 of them changes of means) reach the LSC; by chance about 1 would."
        in ui.huFollowLabel.text
    )
    (nodes,) = follow_ups(slicer.mrmlScene)
    view = slicer.mrmlScene.GetSingletonNode("LumbarHUCohort1", "vtkMRMLPlotViewNode")
    assert view.GetPlotChartNode() is nodes.chart("trend", "round")
    assert ui.huFollowShowButton.checked
    ui.huFollowExportPath.currentPath = str(tmp_path / "export")
    (tmp_path / "export").mkdir()
    ui.huFollowExportButton.click()
    assert ui.huMessageLabel.text == ""
    folder = tmp_path / "export" / "7 follow-up"
    assert f">{folder / 'report.html'}</a>" in ui.huDoneLabel.text
    with (folder / "changes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["change_hu"]) for row in rows if row["change_hu"]] == [
        one["change_hu"] for one in found.changes.records() if one["change_hu"] is not None
    ]
    assert json.loads((folder / "record.json").read_text(encoding="utf-8"))["accept_unknown"] is True
    ui.huTabs.setCurrentIndex(0)
    assert not ui.huFollowShowButton.checked
    assert slice_node("Red") is not None


def test_an_audit_folder_joins_and_what_cannot_be_compared_is_refused(driver, tmp_path):
    import qt

    from LumbarHULib.mrml.export_reading import export_reading

    ui, panel, table = driver.ui, driver.panel, driver.ui.huFollowTable
    session = driver.session
    ui.huExportPath.currentPath = str(tmp_path)
    folder = export_reading(tmp_path, session.reading, session.result)
    panel.questions.folder = str(tmp_path)
    ui.huFollowAddButton.click()
    assert "record.json" in ui.huMessageLabel.text
    panel.questions.folder = str(folder)
    ui.huFollowAddButton.click()
    assert (ui.huMessageLabel.text, table.rowCount, table.item(2, 0).text()) == ("", 3, str(folder))
    ui.huFollowRunButton.click()
    assert "are readings of the same CT: a change needs two CTs" in ui.huMessageLabel.text
    assert panel.follow_up.found is None
    assert not ui.huFollowExportButton.enabled
    table.item(1, 0).setCheckState(qt.Qt.Unchecked)
    for row, date in ((0, "2024-03-01"), (2, "2026-03-01")):
        table.item(row, 1).setText(date)
    ui.huFollowRunButton.click()
    assert ui.huMessageLabel.text == ""
    assert [audit.when for audit in panel.follow_up.found.audits] == ["2024-03-01", "2026-03-01"]
    table.item(0, 0).setCheckState(qt.Qt.Unchecked)
    assert not ui.huFollowRunButton.enabled
    table.setCurrentCell(0, 0)
    ui.huFollowRemoveButton.click()
    assert "left out by its check mark" in ui.huMessageLabel.text
    table.setCurrentCell(2, 0)
    ui.huFollowRemoveButton.click()
    assert table.rowCount == 2


def cts():
    import slicer

    return [slicer.mrmlScene.GetFirstNodeByName(name) for name in ("CT 2024", "CT 2026")]


def test_a_single_level_that_both_cts_have_is_compared_by_itself(driver):
    import slicer

    from LumbarHULib.mrml.follow_up_nodes import MEANS, follow_ups
    from LumbarHULib.mrml.reading import ask_for_level
    from LumbarHULib.self_test.synthetic_mouse import settle

    ui, session = driver.ui, driver.session
    for level in ("L2", "L3"):
        ask_for_level(session.reading, level, False)
    session.measure()
    for row, date in enumerate(("2024-03-01", "2026-03-01")):
        ui.huFollowTable.item(row, 1).setText(date)
    ui.huFollowUnknownCheck.checked = True
    ui.huFollowRunButton.click()
    settle()
    assert "L1 round: " in ui.huFollowLabel.text
    (nodes,) = follow_ups(slicer.mrmlScene)
    assert nodes.table(MEANS).GetTable().GetNumberOfRows() == 5
    chart = nodes.chart("trend", "round")
    assert chart.GetLegendVisibility()
    found = driver.panel.follow_up.found
    highest_hu = max(one["mean_hu"] for one in found.measurements.records() if one["mean_hu"] is not None)
    assert chart.GetYAxisRange()[1] > highest_hu  # the legend hides nothing
