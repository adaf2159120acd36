"""A question waits for its user under the usual cursor, and nothing is replaced without one."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def cursors(application, monkeypatch):
    """Answer every dialog, and gather the cursors that were shown meanwhile."""
    if application is None:
        return None
    import qt

    from LumbarHULib.panel import questions

    shown = []

    def note(answer):
        shown.append(qt.QApplication.overrideCursor())
        return answer

    box = SimpleNamespace(exec_=lambda: note(qt.QMessageBox.No))  # nobody is there to press its buttons
    monkeypatch.setattr(questions, "question_box", lambda _question: box)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: note("/a folder"))
    monkeypatch.setattr(qt.QFileDialog, "getOpenFileName", lambda *_: note("/a file"))
    return shown


def test_a_dialog_is_shown_without_wait_cursors_and_they_come_back(cursors):
    import qt
    import slicer

    from LumbarHULib.panel.questions import Questions

    questions = Questions()
    questions.answer = None
    with slicer.util.WaitCursor():
        qt.QApplication.setOverrideCursor(qt.Qt.BusyCursor)
        assert not questions.confirmed("Go on?")
        assert questions.chosen_folder("A folder") == "/a folder"
        assert questions.chosen_file("A file", "All files (*)") == "/a file"
        assert qt.QApplication.overrideCursor().shape() == qt.Qt.BusyCursor
        qt.QApplication.restoreOverrideCursor()
        assert qt.QApplication.overrideCursor().shape() == qt.Qt.WaitCursor
    assert qt.QApplication.overrideCursor() is None
    assert cursors == [None, None, None]


def test_an_export_is_kept_when_its_reader_says_no(cursors, tmp_path):
    from panel.driver import Driver

    driver = Driver(tmp_path)
    driver.start_reading()
    driver.place(["L2"])
    driver.ui.huCaseEdit.text = "case 1"
    driver.ui.huCaseEdit.editingFinished()
    driver.ui.huExportPath.currentPath = str(tmp_path / "export")
    driver.ui.huExportButton.click()
    assert driver.ui.huMessageLabel.text == ""
    (record,) = (tmp_path / "export").rglob("record.json")
    written = record.stat().st_mtime_ns
    driver.panel.questions.answer = None
    driver.panel.questions.forget_written()
    driver.ui.huExportButton.click()
    assert cursors == [None]
    assert record.stat().st_mtime_ns == written


def test_an_empty_folder_is_replaced_unasked(application, tmp_path):
    from LumbarHULib.panel.questions import Questions

    questions = Questions()
    questions.answer = False
    (tmp_path / "empty").mkdir()
    assert questions.may_replace(tmp_path / "none", "Replace it?")
    assert questions.may_replace(tmp_path / "empty", "Replace it?")
    assert not questions.may_replace(tmp_path, "Replace it?")
    questions.has_written(tmp_path)
    assert questions.may_replace(tmp_path, "Replace it?")
    assert questions.asked == ["Replace it?"]


def test_two_readings_of_one_name_ask_each_time_that_one_replaces_the_other(application, tmp_path):
    from LumbarHULib.panel.questions import Questions

    questions = Questions()
    questions.answer = True
    for number, uid in enumerate(("first", "second", "first"), 1):
        assert questions.may_replace(tmp_path.parent, "Replace it?", uid)
        questions.has_written(tmp_path.parent, uid)
        assert questions.may_replace(tmp_path.parent, "Replace it?", uid)
        assert len(questions.asked) == number
