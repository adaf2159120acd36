"""On the tab for cohorts (methods_section), protocols of a batch are compared as on the command line."""

import csv

import pytest


def test_protocols_of_a_batch_are_compared_as_on_the_command_line(driver, tmp_path):
    import qt
    from headless.cohort_files import random_cohort, table, write_table

    import lumbarhu
    from LumbarHULib.core.levels import MEAN_LEVELS
    from LumbarHULib.self_test.synthetic_mouse import settle

    batch = tmp_path / "batch"
    for protocol, region, shift_hu in (("study", "round", 0.0), ("circle", "circle_200mm2", -7.0)):
        (batch / protocol).mkdir(parents=True)
        lines = [
            {"case": row["case"], "reader": "x", "reading": 1, "level": level, "roi": region}
            | {"mean_hu": row[f"hu_{level}_round"] + shift_hu, "excluded": ""}
            for row in random_cohort(30)
            for level in MEAN_LEVELS
        ]
        write_table(batch / protocol / "results.csv", lines)
    ui = driver.ui
    ui.huTabs.setCurrentIndex(1)
    ui.huMethodsSection.collapsed = False
    ui.huCohortPath.currentPath = ""
    ui.huCohortFolderPath.currentPath = str(tmp_path)
    ui.huMethodsPath.currentPath = str(tmp_path / "nowhere")
    assert "There is no folder" in ui.huMessageLabel.text
    ui.huMethodsPath.currentPath = str(batch)
    settle()
    shown = ui.huMethodsList
    assert [shown.item(row).text() for row in range(shown.count)] == ["circle: circle_200mm2", "study: round"]
    assert not ui.huMethodsRunButton.enabled
    for row in range(2):
        shown.item(row).setCheckState(qt.Qt.Checked)
    ui.huMethodsLevelsCombo.setCurrentText("L1-L9")
    ui.huMethodsRunButton.click()
    assert "L9" in ui.huMessageLabel.text
    ui.huMethodsLevelsCombo.setCurrentText("L1–L4")
    ui.huMethodsRunButton.click()
    assert ui.huMessageLabel.text == ""
    folder = tmp_path / "batch-comparison"
    assert str(folder) in ui.huMethodsLabel.text
    assert ui.huMethodsOpenButton.enabled
    methods = ["circle:circle_200mm2@L1-L4", "study:round@L1-L4"]
    lumbarhu.compare_methods(None, methods, tmp_path / "other", results=batch, figures=False)
    with (folder / "bland_altman.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == table(tmp_path / "other" / "bland_altman.csv")
    assert float(rows[0]["bias_hu"]) == pytest.approx(-7.0)
