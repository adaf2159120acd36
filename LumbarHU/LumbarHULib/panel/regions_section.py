"""The regions themselves: which are visible, and how they get to Segment Editor and to label-map volumes."""

import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.drawing_colors import ROI_COLORS
from LumbarHULib.mrml.roi_label_maps import write_label_maps
from LumbarHULib.mrml.roi_segmentations import segmentation_node
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.tables import color_icon
from LumbarHULib.panel.words import roi_title

_SHOW = "huShow{}Check"


class RegionsSection(Section):
    """The way to Segment Editor and to label-map volumes.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        for roi in ROIS:
            getattr(ui, _SHOW.format(roi.capitalize())).icon = color_icon(ROI_COLORS[roi])
        for roi in ROIS:
            ui.huEditRoiCombo.addItem(roi_title(roi), roi)
        self._on_click(ui.huSegmentEditorButton, self._on_segment_editor)
        self._on_click(ui.huLabelMapsButton, self._on_label_maps)

    def shown_rois(self) -> tuple[str, ...]:
        """Return the regions that the user wants to see."""
        return tuple(roi for roi in ROIS if getattr(self._choices.parameters, f"show{roi.capitalize()}"))

    def _show(self) -> None:
        ui, session = self._ui, self._session
        for widget in (ui.huEditRoiCombo, ui.huSegmentEditorButton):
            self._enable(widget, self._why_unchangeable() or self._why_unmeasured())
        has_ct = session.is_open and session.reading.ct_node is not None
        no_ct = "" if has_ct else _("The CT of the reading is missing.")
        self._enable(ui.huLabelMapsButton, self._why_unmeasured() or no_ct)

    def _on_segment_editor(self) -> None:
        """Open Segment Editor on one region; when the module is entered again, what was edited there is measured."""
        roi, session = self._ui.huEditRoiCombo.currentData, self._session
        level, reading = session.level, session.reading
        with self._messages.show_input_errors():
            node = segmentation_node(reading, roi)
            if node is None or reading.ct_node is None:
                raise InputError(_("There is no region to edit: place a level first."))
            slicer.util.selectModule("SegmentEditor")
            editor = slicer.modules.SegmentEditorWidget.editor
            editor.setSegmentationNode(node)
            editor.setSourceVolumeNode(reading.ct_node)
            if node.GetSegmentation().GetSegmentIndex(level) >= 0:
                editor.setCurrentSegmentID(level)

    def _on_label_maps(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            self._session.measure()
            nodes = write_label_maps(self._session.reading, self._session.result, self._session.measurer.stack)
            names = ", ".join(node.GetName() for node in nodes)
            self._done.tell(_("Label maps in the scene: {names}.").format(names=names))
