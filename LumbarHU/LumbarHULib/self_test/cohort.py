"""The steps of the module's own test for several readers and for a cohort."""

import csv
from pathlib import Path

import numpy as np
import qt
import slicer

from LumbarHULib.cohort_files.synthetic_files import COHORT, READINGS, write_synthetic_cohort
from LumbarHULib.core.levels import ROIS
from LumbarHULib.mrml.cohort_nodes import cohorts
from LumbarHULib.mrml.compare_readings import comparison_table
from LumbarHULib.mrml.reading import readings_of
from LumbarHULib.self_test.base import WalkBase
from LumbarHULib.self_test.synthetic_mouse import settle


class CohortSteps(WalkBase):
    """Readers beside each other, a cohort worked out, its cutoffs used."""

    def compare_the_readings(self):
        """Two readings stand beside the mean of their values, and the open ones are no longer blinded."""
        ct_node = self._session.reading.ct_node
        self._ui.huReadersSection.collapsed = False
        self._ui.huCompareButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        table = comparison_table(ct_node)
        self._test.assertIs(self._ui.huCompareTable.mrmlTableNode(), table)
        shown = [
            slicer.util.arrayFromTableColumn(table, f"{name} (HU)") for name in ("Reader A 1", "Reader B 1", "mean")
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
        self._ui.huCohortSection.collapsed = False
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

    def work_out_a_cohort(self):
        """The cohort's tables and figures are those of its files, and shown; its mean is over the level chosen."""
        self._ui.huCohortMeanCombo.setEditText("L1")
        self._ui.huCohortRunButton.click()
        settle()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
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
        with (self._cohort_folder() / "roc_levels.csv").open(encoding="utf-8", newline="") as stream:
            self._test.assertEqual([float(row["auc"]) for row in csv.DictReader(stream) if row["level"] == "L1"], areas)
        self._test.assertFalse((self._cohort_folder() / "cutoffs.json").exists())
        for figure in ("roc_L3", "correlation_L3", "roc_outcome"):
            self._test.assertIsNotNone(cohort.chart(figure, "left"))

    def work_it_out_again(self):
        """A result that this panel did not write is replaced only when the user says so."""
        self._ui.huCohortMeanCombo.setEditText("L1–L4")
        questions, summary = self._widget.panel.questions, self._cohort_folder() / "summary.html"
        written = summary.stat().st_mtime_ns
        questions.forget_written()
        questions.answer = False
        self._ui.huCohortRunButton.click()
        self._test.assertRegex(questions.asked[-1], r"result of a cohort already: \d\d files, .*Replace them\?")
        self._test.assertEqual(summary.stat().st_mtime_ns, written)
        questions.answer = True
        stranger = self._cohort_folder() / "somebody's own.txt"
        stranger.touch()
        self._ui.huCohortRunButton.click()
        self._test.assertIn("was not made by LumbarHU", self._ui.huMessageLabel.text)
        self._test.assertEqual(summary.stat().st_mtime_ns, written)
        stranger.unlink()
        self._ui.huCohortRunButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertGreater(summary.stat().st_mtime_ns, written)

    def use_its_cutoffs(self):
        """The reading is judged by the cohort's cutoffs and measurement error, and by the study's again."""
        reading, before = self._session.reading, self._session.reading.protocol.lsc_hu
        self._ui.huCohortCutoffsButton.click()
        self._ui.huCohortErrorButton.click()
        self._test.assertEqual(self._ui.huMessageLabel.text, "")
        self._test.assertIn("SYNTHETIC", reading.cutoffs_document.name)
        self._test.assertNotEqual(reading.protocol.lsc_hu, before)
        own = self._session.result.summaries[0].cutoffs.osteoporosis.cutoff_hu
        self._test.assertEqual(own, reading.cutoffs.rois["round"].osteoporosis.cutoff_hu)
        self._ui.huCutoffsPath.currentPath = self._ui.huProtocolPath.currentPath = ""
        self._ui.huUseFilesButton.click()
        self._test.assertEqual(reading.protocol.lsc_hu, before)
        self._ui.huCohortShowButton.checked = False
        self._ui.huCohortSection.collapsed = True

    def _cohort_folder(self) -> Path:
        return Path(self._folder.name) / f"{Path(COHORT).stem}-result"


def _stop_what_runs() -> None:
    for dialog in slicer.util.mainWindow().findChildren("QProgressDialog"):
        dialog.cancel()
