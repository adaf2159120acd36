"""The steps of the module's own test for several readers and for a cohort."""

import csv
from pathlib import Path

import numpy as np
import qt
import slicer

from LumbarHULib.cohort_files.synthetic_files import COHORT, READINGS, write_synthetic_cohort
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS
from LumbarHULib.mrml.cohort_nodes import cohorts
from LumbarHULib.mrml.compare_readings import comparison_table
from LumbarHULib.mrml.reading import readings_of
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import settle


class CohortSteps(WalkBase):
    """Readers next to each other, a cohort analyzed, its cutoffs used."""

    def compare_the_readings(self):
        """Two readings are shown next to the mean of their values, and the open ones are no longer blinded."""
        ct_node = self._session.reading.ct_node
        self._ui.huReadersSection.collapsed = False
        self._ui.huCompareButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        table = comparison_table(ct_node)
        self._test.assertIs(self._ui.huCompareTable.mrmlTableNode(), table)
        titles = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
        shown = [
            np.array(
                [float(table.GetCellText(row, titles.index(f"{name} (HU)"))) for row in range(table.GetNumberOfRows())]
            )
            for name in ("Reader A 1", "Reader B 1", "mean")
        ]
        self._test.assertEqual(len(shown[2]), 5 * len(ROIS))
        self._test.assertTrue(np.allclose((shown[0] + shown[1]) / 2, shown[2], atol=0.1))
        own = [summary.mean_hu for summary in self._session.result.summaries]
        self._test.assertTrue(np.allclose(shown[1][: len(ROIS)], own, atol=0.05))
        self._test.assertFalse(any(reading.is_blinded for reading in readings_of(ct_node)))
        self._ui.huReadersSection.collapsed = True

    def stop_a_cohort(self):
        """A cohort that is stopped leaves nothing."""
        root = Path(self._folder.name)
        write_synthetic_cohort(root)
        self._ui.huTabs.setCurrentIndex(1)
        self._ui.huCohortPath.currentPath = str(root / COHORT)
        self._ui.huCohortReadingsPath.currentPath = str(root / READINGS)
        self._ui.huCohortFolderPath.currentPath = str(root)
        stopping = qt.QTimer()
        stopping.connect("timeout()", _stop_what_runs)
        stopping.start(0)
        self._ui.huCohortRunButton.click()
        stopping.stop()
        self._test.assertIn("Stopped", self._ui.huCohortLabel.text)
        self._test.assertFalse(self._cohort_folder().exists())
        self._test.assertEqual(cohorts(slicer.mrmlScene), ())

    def keep_an_earlier_cohort(self):
        """A result that this panel did not write is replaced only when the user says so, and only if it is ours."""
        questions, summary = self._widget.panel.questions, self._cohort_folder() / "summary.html"
        summary.parent.mkdir()
        summary.write_text("an earlier result", encoding="utf-8")
        questions.answer = False
        self._ui.huCohortRunButton.click()
        self._test.assertRegex(questions.asked[-1], r"contains the result of a cohort: 1 files, .*Replace them\?")
        questions.answer = True
        stranger = self._cohort_folder() / "somebody's own.txt"
        stranger.touch()
        self._ui.huCohortRunButton.click()
        self._test.assertIn("was not made by LumbarHU", self._ui.huMessageLabel.text)
        self._test.assertEqual(summary.read_text(encoding="utf-8"), "an earlier result")
        stranger.unlink()

    def analyze_a_cohort(self):
        """The cohort's tables and figures are those of its files, and are shown."""
        summary = self._cohort_folder() / "summary.html"
        self._ui.huCohortRunButton.click()
        settle()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertNotIn("an earlier result", summary.read_text(encoding="utf-8"))
        with (self._cohort_folder() / "roc.csv").open(encoding="utf-8", newline="") as stream:
            areas = [float(row["auc"]) for row in csv.DictReader(stream)]
        (cohort,) = cohorts(slicer.mrmlScene)
        shown = slicer.util.arrayFromTableColumn(cohort.table("roc"), "auc")
        self._test.assertTrue(np.allclose(shown, areas, rtol=1e-5))
        self._ui.huCohortFigureCombo.setCurrentIndex(self._ui.huCohortFigureCombo.findData("roc"))
        self._ui.huCohortFigureCombo.activated(0)
        settle()
        views = [slicer.mrmlScene.GetSingletonNode(f"LumbarHUCohort{n}", "vtkMRMLPlotViewNode") for n in range(1, 6)]
        for view, roi in zip(views, ROIS, strict=True):
            self._test.assertIs(view.GetPlotChartNode(), cohort.chart("roc", roi))
        for figure in ("roc_L3", "correlation_L3", "roc_outcome"):
            self._test.assertIsNotNone(cohort.chart(figure, "left"))

    def use_its_cutoffs(self):
        """The reading is classified by the cohort's cutoffs and measurement error, and by the study's again."""
        reading, before = self._session.reading, self._session.reading.protocol.patient.lsc_hu
        self._ui.huCohortCutoffsButton.click()
        self._ui.huCohortErrorButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertIn("SYNTHETIC", reading.cutoffs_document.name)
        self._test.assertNotEqual(reading.protocol.patient.lsc_hu, before)
        own = self._session.result.summaries[0].cutoffs.osteoporosis.cutoff_hu
        self._test.assertEqual(own, reading.cutoffs.rois["round"].osteoporosis.cutoff_hu)
        self._choose_cutoffs(str(DEFAULT_CUTOFFS))
        self._use_few_trials()
        self._test.assertEqual(reading.protocol.patient.lsc_hu, before)
        self._ui.huCohortShowButton.checked = False
        self._ui.huTabs.setCurrentIndex(0)

    def _cohort_folder(self) -> Path:
        return Path(self._folder.name) / f"{Path(COHORT).stem}-result"


def _stop_what_runs() -> None:
    for dialog in slicer.util.mainWindow().findChildren("QProgressDialog"):
        dialog.cancel()
