"""Readings whose CT was deleted: said so, shown, and removed with one click."""

import slicer
from slicer.i18n import tr as _

from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_check import usable_readings
from LumbarHULib.mrml.reading_lifecycle import remove_reading
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services


class LostReadings(Section):
    """The line that is shown while there is a reading without a CT.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._on_click(ui.huRemoveLostButton, self._on_remove)

    @staticmethod
    def found() -> tuple[Reading, ...]:
        """Return the scene's readings whose CT is no longer there."""
        return tuple(reading for reading in usable_readings(slicer.mrmlScene)[0] if reading.ct_node is None)

    def _show(self) -> None:
        lost = () if slicer.mrmlScene.IsBatchProcessing() else self.found()
        self._ui.huLostFrame.visible = bool(lost)
        names = ", ".join(f"“{reading.case or '–'}” {reading.title}" for reading in lost)
        text = _("The CT was deleted: {names} cannot be measured any more. Its markups are still in the scene.")
        self._ui.huLostLabel.text = text.format(names=names)

    def _on_remove(self) -> None:
        with self._messages.show_input_errors():
            lost = self.found()
            signed = ", ".join(reading.title for reading in lost if reading.is_signed_off)
            question = _("{names} was signed off. Remove it with its markups, regions and tables?")
            if signed and not self._questions.confirmed(question.format(names=signed)):
                return
            for reading in lost:
                remove_reading(reading)
            self._session.tell()
