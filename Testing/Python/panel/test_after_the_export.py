"""What comes after an export: the report of the last CT, and nothing that makes the export out of date."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def driver(driver, tmp_path):
    """The panel with one CT, exporting to a folder; None outside the application."""
    if driver is not None:
        driver.ui.huReaderEdit.text = "Reader A"
        driver.ui.huExportPath.currentPath = str(tmp_path / "export")
    return driver


def test_the_last_ct_of_a_list_leads_to_its_export_and_then_to_its_report(driver, tmp_path):
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.images.ct_file import write_ct
    from LumbarHULib.self_test.synthetic_mouse import settle

    folder, ct = tmp_path / "cts", plain_bodies().ct
    folder.mkdir()
    for name in ("case 1", "case 2"):
        write_ct(folder / f"{name}.nrrd", ct.voxels_hu, ct.ras_from_ijk)
    ui, panel, steps = driver.ui, driver.panel, []

    def take():
        steps.append(ui.huNextStepButton.text)
        driver.end()
        settle()

    ui.huListEdit.text = str(folder)
    ui.huListEdit.editingFinished()
    ui.huNextButton.click()
    settle()
    for level in ("L2", "L3", "L4"):  # the list's next CT is read at the same levels
        panel.levels.go_to(level)
        panel.levels.menu.wanted.trigger()
    for case in ("case 1", "case 2"):
        assert driver.session.reading.case == case
        driver.place(["L1"])
        take()
        take()
    assert steps == ["Sign off", "Export and next CT", "Sign off", "Export"]
    assert ui.huNextStepButton.text == "Open report"
    assert driver.session.reading.case == "case 2"
    assert sorted(path.parts[-4] for path in (tmp_path / "export").rglob("report.html")) == ["case 1", "case 2"]
    ui.huListEdit.text = ""
    ui.huListEdit.editingFinished()


def test_other_protocols_leave_an_export_up_to_date(driver, tmp_path):
    ui, panel = driver.ui, driver.panel
    driver.start_reading()
    driver.place(["L1"])
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    ui.huSignButton.click()
    ui.huExportButton.click()
    (record,) = (tmp_path / "export").rglob("record.json")
    written = record.stat().st_mtime_ns
    assert ui.huNextStepButton.text == "Open report"
    panel.protocols.box("circle-200mm2-2025").checked = True
    ui.huMeasureByButton.click()
    assert ui.huOtherProtocolsTable.mrmlTableNode() is not None
    assert ui.huNextStepButton.text == "Open report"
    panel.questions.answer, panel.questions.asked = False, []
    ui.huExportButton.click()
    assert panel.questions.asked == ["The export of Reader A – reading 1 of “case 1” is up to date. Replace it?"]
    assert record.stat().st_mtime_ns == written


def test_a_reading_that_is_opened_again_is_still_exported_until_it_changes(driver):
    from LumbarHULib.mrml.reading_lifecycle import reopen

    ui, panel = driver.ui, driver.panel
    readings = []
    for case in ("case 1", "case 1 again"):
        driver.start_reading()
        driver.place(["L1", "L2"])
        ui.huCaseEdit.text = case
        ui.huCaseEdit.editingFinished()
        panel.keep.on_sign()
        panel.keep.on_export()
        assert panel.keep.is_exported
        readings.append(driver.session.reading)
    first, second = readings
    for reading in (first, second, first):
        panel.open_reading(reading)
        assert (panel.keep.is_exported, ui.huNextStepButton.text) == (True, "Open report")
    reopen(first, "Reader A", "2026-01-01 12:00:00", "another look")
    driver.session.measure()
    assert not panel.keep.is_exported
    panel.open_reading(second)
    assert panel.keep.is_exported
    panel.open_reading(first)
    assert not panel.keep.is_exported


@pytest.mark.parametrize("is_opened", [True, False])
def test_the_path_of_the_report_can_be_copied_whether_a_browser_opens_or_not(driver, tmp_path, monkeypatch, is_opened):
    """A system without a browser may still report that it opened the page."""
    import slicer

    from LumbarHULib.panel import messages

    ui = driver.ui
    driver.start_reading()
    driver.place(["L1"])
    ui.huCaseEdit.text = "case 1"
    ui.huCaseEdit.editingFinished()
    assert ui.huNextButton.text == "Export and next CT"  # no list is chosen, so no CT is its last
    ui.huSignButton.click()
    ui.huExportButton.click()
    desktop = SimpleNamespace(openUrl=lambda _url: is_opened)
    monkeypatch.setattr(messages.qt, "QDesktopServices", desktop)
    ui.huReportButton.click()
    (report,) = (tmp_path / "export").rglob("report.html")
    assert f">{report}</a>" in ui.huDoneLabel.text
    sentence = "No browser could be opened: copy the path of the page, and open it yourself."
    assert ui.huMessageLabel.text == ("" if is_opened else sentence)
    ui.huDoneLabel.linkActivated("copy")
    assert slicer.app.clipboard().text() == str(report)
    assert "Path copied" in ui.huDoneLabel.text


def test_a_path_that_looks_like_the_words_of_its_link_stays_as_it_is(driver, tmp_path):
    path = tmp_path / "Copy path" / "report.html"
    driver.panel.done.tell(f"Written to {path}.", path)
    driver.ui.huDoneLabel.linkActivated("copy")
    assert f">{path}</a>" in driver.ui.huDoneLabel.text
    assert ">Path copied</a>" in driver.ui.huDoneLabel.text
