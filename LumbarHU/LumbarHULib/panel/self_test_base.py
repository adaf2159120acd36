"""What every step of the module's own test needs: the panel's parts, and the core's numbers of the same markups."""

import tempfile

import numpy as np
import slicer

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.mrml.ct_node import ct_from_node
from LumbarHULib.mrml.reading_markups import markup_node, placed_levels, placed_points, read_landmarks
from LumbarHULib.panel.synthetic_mouse import click
from LumbarHULib.panel.views import AXIAL, jump_to


class WalkBase:
    """The panel under test.

    Parameters
    ----------
    test : unittest.TestCase
        Whose assertions are used.
    """

    def __init__(self, test):
        self._test = test
        self._truth = {}
        self._folder = tempfile.TemporaryDirectory(prefix="lumbarhu-self-test-")

    @property
    def _widget(self):
        return slicer.modules.LumbarHUWidget

    @property
    def _ui(self):
        return self._widget.ui

    @property
    def _session(self):
        return self._widget.panel.session

    def _points(self, level: str, role: str) -> np.ndarray:
        return placed_points(markup_node(self._session.reading, level, role))

    def _numbers(self) -> dict:
        return _means(self._session.result)

    def _core_numbers(self) -> dict:
        """Measure the same markups without scene and panel."""
        reading = self._session.reading
        landmarks = [read_landmarks(reading, level) for level in placed_levels(reading)]
        ct = ct_from_node(reading.ct_node)
        cutoffs, facts = reading.cutoffs, reading.scan_facts
        return _means(measure_ct(ct, landmarks, reading.protocol, cutoffs, facts, reading.exclusions))

    def _place_all(self) -> None:
        self._widget.panel.levels.on_key("L1")
        for level in MEAN_LEVELS:
            self._test.assertEqual(self._widget.panel.placing.level, level)
            midline_ras_mm = self._truth[level].midline_ras_mm
            jump_to(midline_ras_mm.mean(axis=0))
            for point_ras_mm in midline_ras_mm:
                click(AXIAL, point_ras_mm)


def _means(result) -> dict:
    return {
        of_level.level: {roi: of_roi.values["mean_hu"] for roi, of_roi in of_level.rois.items()}
        for of_level in result.levels
    }
