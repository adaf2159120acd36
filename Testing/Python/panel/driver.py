"""Hands for the tests of the panel: a CT of plain bodies, a reading, clicks and drags."""

import json

import slicer
from mrml.plain_bodies import plain_bodies

from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.ct_node import ct_from_node, volume_node_from_ct
from LumbarHULib.mrml.markup_points import placed_points
from LumbarHULib.mrml.reading_markups import markup_node, placed_levels, read_landmarks
from LumbarHULib.panel.views import AXIAL, jump_to
from LumbarHULib.self_test.synthetic_mouse import click, look, read_step, settle

_UPDATES_PER_SECOND = 20.0  # more often than the panel lets them draw during a drag
_FEW_TRIALS = 3  # the number of trials of placement is no matter of the panel


class Driver:
    """The panel in a scene of its own.

    Parameters
    ----------
    folder : pathlib.Path
        Where files may be written.
    """

    def __init__(self, folder):
        self._protocol = folder / "protocol.json"
        document = json.loads(json.dumps(load_protocol().document))
        document["name"] += " with few trials"
        document["values"]["placement_trials"]["value"] = _FEW_TRIALS
        self._protocol.write_text(json.dumps(document), encoding="utf-8")
        self.new_scene()
        slicer.util.selectModule("LumbarHU")
        layout = slicer.app.layoutManager()
        for name in layout.sliceViewNames():
            # To draw is most of what placing markups costs; a slow computer draws no more often.
            layout.sliceWidget(name).sliceView().maximumUpdateRate = _UPDATES_PER_SECOND
        settle()

    @property
    def widget(self):
        return slicer.modules.LumbarHUWidget

    @property
    def ui(self):
        return self.widget.ui

    @property
    def panel(self):
        return self.widget.panel

    @property
    def session(self):
        return self.panel.session

    def new_scene(self):
        """Close the scene and load the CT into the next."""
        slicer.mrmlScene.Clear(0)
        self.ct_node = volume_node_from_ct(slicer.mrmlScene, plain_bodies().ct, "CT")
        settle()

    def start_reading(self, reader="Reader A"):
        self.ui.huReaderEdit.text = reader
        self.ui.huNewReadingButton.click()
        assert self.session.is_open, self.ui.huMessageLabel.text
        self.ui.huProtocolPath.currentPath = str(self._protocol)
        self.ui.huUseFilesButton.click()
        assert self.ui.huMessageLabel.text == ""

    def place(self, levels=MEAN_LEVELS):
        """Place levels with two clicks each, and accept what is then shown."""
        for level in levels:
            midline_ras_mm = plain_bodies().midlines_ras_mm[level]
            self.panel.placing.arm(level)
            jump_to(midline_ras_mm.mean(axis=0))
            for point_ras_mm in midline_ras_mm:
                click(AXIAL, point_ras_mm)
        self.panel.placing.cancel()
        for level in self.session.unreviewed:
            if level in levels:
                self.panel.levels.go_to(level)
                self.panel.levels.accept(level)

    def accept_seen(self):
        """Accept the current level with Space, after a look at it."""
        look(self.panel)
        self.panel.next_step.take(by_space=True)

    def end(self):
        """Take the next step that ends the work on a patient, with Enter, after a look at what it is."""
        read_step(self.panel)
        self.panel.next_step.take()

    def points(self, level, role):
        return placed_points(markup_node(self.session.reading, level, role))

    def shown(self) -> dict:
        """Return the numbers that the panel has."""
        return means_of(self.session.result)

    def measured_afresh(self) -> dict:
        """Measure the markups, as they are now, without the panel."""
        reading = self.session.reading
        landmarks = [read_landmarks(reading, level) for level in placed_levels(reading)]
        ct, facts = ct_from_node(reading.ct_node), reading.scan_facts
        result = measure_ct(ct, landmarks, reading.protocol, reading.cutoffs, facts, reading.exclusions)
        return means_of(result)


def means_of(result) -> dict:
    """Return level → region → mean of a reading's result."""
    return {
        level.level: {roi: measured.values["mean_hu"] for roi, measured in level.rois.items()}
        for level in result.levels
    }
