"""Keys act on what is seen: not from another tab, not out of an entry field, not twice on the same export."""

import pytest

_KEYS = ("Return", "Enter", "Space", "1", "2", "3", "4", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z")


@pytest.fixture
def driver(driver, tmp_path):
    """A signed reading of a named case, ready for its export; None outside the application."""
    if driver is not None:
        from LumbarHULib.self_test.synthetic_mouse import read_step

        driver.ui.huCaseEdit.text = "7"
        driver.start_reading()
        driver.place(["L1", "L2"])
        driver.ui.huExportPath.currentPath = str(tmp_path / "export")
        driver.ui.huSignButton.click()
        assert driver.ui.huNextStepButton.text == "Export"
        _end_focus()
        read_step(driver.panel)  # from now on Enter exports at once
    return driver


def _end_focus():
    import qt

    focus = qt.QApplication.focusWidget()
    if focus is not None:
        focus.clearFocus()


def enabled_keys() -> set[str]:
    import slicer

    shortcuts = slicer.util.mainWindow().findChildren("QShortcut")
    return {shortcut.key.toString() for shortcut in shortcuts if shortcut.enabled}


def press(key: str):
    """Do what Qt does when a shortcut of the main window is pressed, whichever widget has the keys."""
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    for shortcut in slicer.util.mainWindow().findChildren("QShortcut"):
        if shortcut.enabled and shortcut.key.toString() == key:
            shortcut.activated()
    settle()


def test_no_key_acts_on_the_patient_while_another_tab_is_shown(driver, tmp_path):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    ui = driver.ui
    assert {*_KEYS, "Esc"} <= enabled_keys()
    for tab in (ui.huCohortTab, ui.huFollowTab):
        ui.huTabs.setCurrentWidget(tab)
        settle()
        assert enabled_keys() & {*_KEYS, "Esc"} == {"Esc"}
        for key in _KEYS:
            press(key)
        slicer.util.selectModule("Data")
        settle()
        assert not enabled_keys() & {*_KEYS, "Esc"}
        slicer.util.selectModule("LumbarHU")
        settle()
        assert enabled_keys() & {*_KEYS, "Esc"} == {"Esc"}
    assert not (tmp_path / "export").exists()
    ui.huTabs.setCurrentWidget(ui.huPatientTab)
    settle()
    press("Return")
    assert (tmp_path / "export" / "7" / "Reader A" / "1" / "record.json").is_file()


def test_the_first_press_in_an_entry_field_only_ends_the_entry(driver, tmp_path):
    import qt

    ui = driver.ui
    ui.huSetupSection.collapsed = False
    fields = [ui.huReadingCombo, ui.huReaderEdit]
    driver.panel.levels.go_to("L1")
    for field in fields:
        for key in ("Return", "Space", "2", "Ctrl+Z"):
            field.setFocus()
            assert qt.QApplication.focusWidget() == field
            press(key)
            assert qt.QApplication.focusWidget() is None or qt.QApplication.focusWidget() != field
            assert driver.session.level == "L1"
            assert not (tmp_path / "export").exists()
    press("2")
    assert driver.session.level == "L2"
    press("Return")
    assert (tmp_path / "export").is_dir()


def test_an_export_that_is_up_to_date_is_not_replaced_without_asking(driver, tmp_path):
    ui, questions = driver.ui, driver.panel.questions
    ui.huExportButton.click()
    record = tmp_path / "export" / "7" / "Reader A" / "1" / "record.json"
    written = record.stat().st_mtime_ns
    questions.answer, questions.asked = False, []
    ui.huKeepSection.collapsed = False
    ui.huExportButton.setFocus()
    press("Return")
    assert questions.asked == ["The export of Reader A – reading 1 of “7” is up to date. Replace it?"]
    assert record.stat().st_mtime_ns == written
    questions.answer = True
    press("Return")
    assert record.stat().st_mtime_ns != written


def test_replacing_an_export_hashes_the_ct_once(driver, monkeypatch):
    from LumbarHULib.audit import audit

    driver.ui.huExportButton.click()
    hashed, voxels_sha256 = [], audit.voxels_sha256
    monkeypatch.setattr(audit, "voxels_sha256", lambda voxels: hashed.append(len(voxels)) or voxels_sha256(voxels))
    driver.ui.huExportButton.click()
    assert len(hashed) == 1
