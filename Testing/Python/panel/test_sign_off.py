"""Signing off: the case is given before it is locked, and the way back is where the lock is reported."""


def type_case(driver, text):
    from PySide6.QtTest import QTest

    driver.ui.huCaseEdit.setFocus()
    QTest.keyClicks(driver.ui.huCaseEdit.qt_object(), text)
    driver.ui.huCaseEdit.editingFinished()


def test_a_reading_without_a_case_is_not_signed_off_but_asks_for_it(driver):
    import qt

    ui, session = driver.ui, driver.session
    driver.start_reading()
    driver.place()
    ui.huSetupSection.collapsed = True
    driver.end()
    assert not session.reading.is_signed_off
    assert "The reading has no case" in ui.huMessageLabel.text
    assert not ui.huSetupSection.collapsed
    assert qt.QApplication.focusWidget() == ui.huCaseEdit
    type_case(driver, "101")
    driver.end()
    assert (session.reading.case, session.reading.is_signed_off) == ("101", True)
    assert ui.huMessageLabel.text == ""


def test_the_case_of_a_signed_reading_takes_no_typing_and_says_how_to_change_it(driver):
    import qt

    ui, session = driver.ui, driver.session
    ui.huCaseEdit.text = "101"
    driver.start_reading()
    driver.place(["L1", "L2"])
    assert not ui.huReopenNowButton.visible
    assert "locks the reading" not in ui.huNextStepButton.toolTip
    driver.panel.placing.cancel()
    ui.huSetupSection.collapsed = False
    ui.huCaseEdit.setFocus()
    ui.huSignButton.click()
    focus = qt.QApplication.focusWidget()
    assert focus is None or not focus.inherits("QLineEdit")  # Enter is still the next step
    assert not ui.huUndoButton.visible
    assert not ui.huCaseEdit.enabled
    assert "Reopen…" in ui.huCaseEdit.toolTip
    type_case(driver, "9")
    assert (ui.huCaseEdit.text, session.reading.case) == ("101", "101")
    assert ui.huReopenNowButton.visible
    driver.panel.questions.entered = ""
    ui.huReopenNowButton.click()  # the user gives no reason
    assert session.reading.is_signed_off
    driver.panel.questions.entered = "another case"
    ui.huReopenNowButton.click()
    assert not session.reading.is_signed_off
    assert session.reading.history[-1]["reason"] == "another case"
    assert (ui.huCaseEdit.enabled, ui.huReopenNowButton.visible) == (True, False)
    assert ui.huUndoButton.visible
    assert "Reopen…" not in ui.huCaseEdit.toolTip
    type_case(driver, "9")
    assert session.reading.case == "1019"


def test_an_export_that_a_locked_case_prevents_names_the_way_out(driver, tmp_path):
    from LumbarHULib.mrml.reading_lifecycle import reopen, sign_off

    ui, session = driver.ui, driver.session
    driver.start_reading()
    driver.place(["L1", "L2"])
    ui.huExportPath.currentPath = str(tmp_path / "export")
    sign_off(session.reading, "Reader A", "2026-01-01 12:00:00")  # as in a scene of an earlier version
    session.tell()
    ui.huExportButton.click()
    assert "The reading has no case" in ui.huMessageLabel.text
    assert "press “Reopen…”" in ui.huMessageLabel.text
    reopen(session.reading, "Reader A", "2026-01-01 13:00:00", "case")
    session.tell()
    ui.huExportButton.click()
    assert "Reopen…" not in ui.huMessageLabel.text


def test_the_large_button_says_that_signing_off_locks_the_reading(driver):
    driver.start_reading()
    driver.place()
    assert driver.ui.huNextStepButton.text == "Sign off"
    assert "locks the reading" in driver.ui.huNextStepButton.toolTip


def gas_in(driver, level):
    """Put a voxel that was not scanned into the body of a level, before it is read."""
    import numpy as np
    from mrml.plain_bodies import plain_bodies

    from LumbarHULib.mrml.ct_node import node_from_ijk, voxels_of

    center = plain_bodies().midlines_ras_mm[level].mean(axis=0) + np.array([8.0, 0.0, 0.0])
    i, j, k = np.round((np.linalg.inv(node_from_ijk(driver.ct_node)) @ [*center, 1.0])[:3]).astype(int)
    voxels_of(driver.ct_node)[k, j, i] = -1024
    driver.ct_node.GetImageData().Modified()


def test_a_severe_finding_is_on_the_chip_and_asked_about_at_sign_off(driver):
    ui, session, questions = driver.ui, driver.session, driver.panel.questions
    gas_in(driver, "L2")
    ui.huCaseEdit.text = "101"
    driver.start_reading()
    driver.place()
    chip = driver.panel.head.chip("L2")
    assert chip.text.partition("\n")[0] == "L2 ✖"
    assert "Severe: region not wholly scanned" in chip.toolTip
    assert driver.panel.head.chip("L1").text.partition("\n")[0] != "L1 ✖"
    questions.answer, questions.asked = False, []
    driver.end()
    assert not session.reading.is_signed_off
    (question,) = questions.asked
    assert "✖ L2: region not wholly scanned" in question
    questions.answer = True
    driver.end()
    assert session.reading.is_signed_off
    assert len(questions.asked) == 2
    assert "changed" not in "".join(driver.panel.findings.severe)


def test_without_a_severe_finding_nothing_is_asked_at_sign_off(driver):
    gas_in(driver, "L2")
    driver.ui.huCaseEdit.text = "101"
    driver.start_reading()
    driver.place(["L1", "L2"])
    assert driver.panel.findings.severe != []
    driver.panel.levels.go_to("L2")
    driver.panel.levels.menu.exclude("artifact")  # what is severe at a level that counts no more is a note
    assert driver.panel.findings.severe == []
    questions = driver.panel.questions
    questions.answer, questions.asked = False, []
    driver.ui.huSignButton.click()
    assert driver.session.reading.is_signed_off
    assert questions.asked == []


def test_an_acquisition_that_is_accepted_is_not_asked_about_at_sign_off(driver):
    from LumbarHULib.mrml.reading import accept_off_protocol

    driver.ui.huCaseEdit.text = "101"
    driver.start_reading()
    driver.place(["L1", "L2"])
    session, questions = driver.session, driver.panel.questions
    session.reading.keep(
        "scan_facts", session.reading.scan_facts.plain() | {"tube_voltage_kv": 100.0, "contrast": True}
    )
    session.measure()
    questions.answer, questions.asked = False, []
    driver.ui.huSignButton.click()
    (question,) = questions.asked
    assert "contrast medium" in question
    accept_off_protocol(session.reading, True)
    session.measure()
    assert {line.severity for line in driver.panel.findings.lines if line.is_off_protocol} == {"severe"}
    driver.ui.huSignButton.click()
    assert (session.reading.is_signed_off, len(questions.asked)) == (True, 1)


def test_only_for_lack_of_a_name_the_case_is_asked_for_and_before_the_folder(driver, monkeypatch):
    import qt

    ui, session = driver.ui, driver.session
    driver.start_reading()
    driver.place(["L1", "L2"])
    chosen = []
    monkeypatch.setattr(driver.panel.questions, "chosen_folder", lambda title: chosen.append(title) or "")
    ui.huExportPath.currentPath = ""
    ui.huReaderEdit.setFocus()
    ui.huExportButton.click()
    assert "The reading has no case" in ui.huMessageLabel.text
    assert chosen == []
    assert qt.QApplication.focusWidget() == ui.huCaseEdit
    driver.panel.placing.arm("L3")
    driver.panel.placing.cancel()
    session.reading.keep("accepted L2", None)
    session.measure()
    ui.huSetupSection.collapsed = True
    ui.huSignButton.click()
    assert "levels that are not reviewed" in ui.huMessageLabel.text
    assert ui.huSetupSection.collapsed
    assert qt.QApplication.focusWidget() != ui.huCaseEdit


def test_a_case_is_looked_up_once_in_the_exports(driver, tmp_path, monkeypatch):
    from LumbarHULib.core.errors import InputError
    from LumbarHULib.panel import setup_section

    looked_up = []

    def refuse(_root, case, _ct_node):
        looked_up.append(case)
        raise InputError(f"{case} is another CT's.")

    monkeypatch.setattr(setup_section, "require_case_of_ct", refuse)
    ui = driver.ui
    ui.huExportPath.currentPath = str(tmp_path / "export")
    for case in ("101", "101", "102", "102"):
        ui.huCaseEdit.text = case
        ui.huCaseEdit.editingFinished()
        assert ui.huMessageLabel.text == f"{case} is another CT's."
    assert looked_up == ["101", "102"]
