"""On the tab for cohorts (cohort_section), what went wrong is said, and the views come back."""

import shutil

import pytest
from audit.readings import example_audit

from LumbarHULib.audit.folder import write_audit_folder


@pytest.fixture
def ui(driver, tmp_path):
    """Return the panel's widgets, with a table chosen that names the export's folder of a case; None outside."""
    if driver is None:
        return None
    write_audit_folder(tmp_path / "audit" / "P1" / "AB" / "1", example_audit())
    (tmp_path / "cohort.csv").write_text("case,audit\nP1,audit/P1\n", encoding="utf-8")
    driver.ui.huTabs.setCurrentWidget(driver.ui.huCohortTab)
    driver.ui.huCohortPath.currentPath = str(tmp_path / "cohort.csv")
    driver.ui.huCohortFolderPath.currentPath = str(tmp_path)
    return driver.ui


def test_a_cohort_without_hu_is_a_red_line_with_its_reason_and_no_empty_views(driver, ui, tmp_path):
    shutil.copytree(tmp_path / "audit" / "P1" / "AB", tmp_path / "audit" / "P1" / "CD")
    ui.huCohortRunButton.click()
    assert ui.huMessageLabel.text == (
        "No case of the table has HU: Row 2, column audit: “P1” holds 2 audit folders and is omitted: AB/1, CD/1. "
        "Name one: P1/AB/1."
    )
    assert not ui.huCohortShowButton.checked
    assert ui.huCohortLabel.text == ""
    shutil.rmtree(tmp_path / "audit" / "P1" / "CD")
    ui.huCohortRunButton.click()
    assert ui.huMessageLabel.text == ""
    assert ui.huCohortLabel.text.startswith("1 case; no case has a reference")
    assert ui.huCohortShowButton.checked


def test_a_table_is_made_from_what_was_exported_and_chosen(driver, ui, tmp_path):
    from LumbarHULib.cohort_files.new_table import EXAMPLE

    assert all(word in ui.huCohortPath.toolTip for word in (*EXAMPLE, *EXAMPLE.values()))
    ui.huCohortMakeButton.click()
    assert ui.huCohortPath.currentPath == str(tmp_path / "cohort.csv")
    driver.panel.questions.folder = str(tmp_path)
    ui.huCohortMakeButton.click()
    assert "exists already" in ui.huMessageLabel.text
    driver.panel.questions.folder = str(tmp_path / "audit")
    ui.huCohortMakeButton.click()
    assert ui.huMessageLabel.text == ""
    assert ui.huCohortPath.currentPath == str(tmp_path / "audit" / "cohort.csv")
    assert "Fill in sex, age, t_score where they are known" in ui.huCohortLabel.text
    ui.huCohortRunButton.click()
    assert ui.huCohortLabel.text.startswith("1 case; no case has a reference")


def test_the_layout_of_the_reading_comes_back_with_the_tab_of_the_patient(driver, ui):
    from LumbarHULib.panel.views import layout_node

    ui.huTabs.setCurrentWidget(ui.huPatientTab)
    driver.start_reading()
    driver.panel.layout.show()
    before = layout_node().GetViewArrangement()
    ui.huTabs.setCurrentWidget(ui.huCohortTab)
    ui.huCohortRunButton.click()
    assert ui.huCohortShowButton.checked
    assert layout_node().GetViewArrangement() != before
    ui.huTabs.setCurrentWidget(ui.huPatientTab)
    assert layout_node().GetViewArrangement() == before
    assert driver.panel.layout.is_shown
    assert not ui.huCohortShowButton.checked
