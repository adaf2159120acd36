"""Whether the slice views show the CT that is read: a click means nothing on any other volume."""

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from LumbarHULib.mrml.ct_node import is_ct
from LumbarHULib.mrml.node_types import nodes_of_class
from LumbarHULib.panel.views import show_ct, shown_volumes
from LumbarHULib.panel.words import short_name


class ShownVolume(VTKObservationMixin):
    """Watches the slice views, and says which volume they show in place of the reading's CT.

    Parameters
    ----------
    session : LumbarHULib.panel.session.Session
        Its `foreign_volume` is kept up to date.
    on_change : callable
        Called when another volume comes to be shown, or the reading's CT is shown again.
    """

    def __init__(self, session, on_change):
        VTKObservationMixin.__init__(self)
        self._session, self._on_change = session, on_change

    def watch(self) -> None:
        """Observe every slice view that the scene has now."""
        for node in nodes_of_class(slicer.mrmlScene, "vtkMRMLSliceCompositeNode"):
            if not self.hasObserver(node, vtk.vtkCommand.ModifiedEvent, self.look):
                self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.look)
        self.look()

    def look(self, *_) -> None:
        """See what the views show."""
        found = self._foreign()
        if found != self._session.foreign_volume:
            self._session.foreign_volume = found
            self._on_change()

    @property
    def ct_node(self):
        """The CT that is read; None where no reading is open."""
        return self._session.reading.ct_node if self._session.is_open else None

    @property
    def other_ct(self):
        """The CT that is shown in place of the reading's; None where there is none."""
        others = self._others()
        return others[0] if others and is_ct(others[0]) else None

    def restore(self) -> None:
        """Show the reading's CT in every slice view, and nothing over it."""
        ct_node = self.ct_node
        if ct_node is not None:
            slicer.util.setSliceViewerLayers(foreground=None)
            show_ct(ct_node)
        self.look()

    def _foreign(self) -> str:
        ct_node = self.ct_node
        if ct_node is None or slicer.mrmlScene.IsBatchProcessing():
            return ""
        others = self._others()
        if others:
            return _("“{name}”").format(name=others[0].GetName())
        return _("no volume") if None in shown_volumes() else ""

    def _others(self) -> list:
        """Return the volumes that are shown and are not the CT that is read."""
        ct_node = self.ct_node
        return [node for node in shown_volumes() if ct_node is not None and node is not None and node is not ct_node]


def foreign_sentence(session) -> str:
    """Return which volume is shown and which one is read; empty while they are the same."""
    if not session.foreign_volume:
        return ""
    read = _("“{name}”").format(name=session.reading.ct_node.GetName())
    if read == session.foreign_volume:
        return _(
            "The views show another volume that is named {read} as well: clicks are ignored until you choose."
        ).format(read=read)
    return _("The views show {shown}, but {read} is read: clicks are ignored until you choose.").format(
        shown=session.foreign_volume, read=read
    )


def show_bar(ui, sentence: str, shown: ShownVolume) -> None:
    """Show a sentence in the red bar, with a button for the reading's CT and one for a CT that is shown; or hide it."""
    ui.huShownLabel.text = sentence
    ui.huShownFrame.visible = bool(sentence)
    if sentence:
        ui.huShowCtButton.text = _("Show “{name}”").format(name=short_name(shown.ct_node.GetName()))
    other_ct = shown.other_ct
    can_read = bool(sentence) and other_ct is not None
    ui.huReadShownButton.visible = can_read
    if can_read:
        name = other_ct.GetName()
        tooltip = _("Read “{name}”: continue its reading, or start one. The current reading stays in the scene.")
        ui.huReadShownButton.text = _("Read “{name}”").format(name=short_name(name))
        ui.huReadShownButton.toolTip = tooltip.format(name=name)
