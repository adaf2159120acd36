"""The readings of a CT next to each other."""

from slicer.i18n import tr as _

from LumbarHULib.mrml.compare_readings import compare_readings, comparison_table, unblind, write_comparison
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading_check import usable_readings_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services


class ReadersSection(Section):
    """The mean of the readers' values, as the study used it, with each reader's own and their difference.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._reported_of = None
        self._on_click(ui.huCompareButton, self._on_compare)

    def _show(self) -> None:
        ui, ct_node = self._ui, self._choices.ct_node
        readings = () if ct_node is None else usable_readings_of(ct_node)
        table = None if ct_node is None else comparison_table(ct_node)
        missing = "" if len(readings) > 1 else _("Comparing needs two readings of this CT.")
        self._enable(ui.huCompareButton, missing)
        ui.huCompareTable.setMRMLTableNode(table)
        ui.huCompareTable.visible = table is not None
        if len(readings) < 2:
            self._tell(_("Comparing needs two readings of this CT."))
        elif table is None or self._reported_of is not table:
            self._tell("")

    def _on_compare(self) -> None:
        with self._messages.show_input_errors():
            ct_node, session = self._choices.ct_node, self._session
            results = {
                reading: session.result
                if reading == session.reading and session.result is not None
                else ReadingMeasurer(reading).measure()
                for reading in usable_readings_of(ct_node)
            }
            combined = compare_readings(results)
            protocols = {reading.protocol_text for reading in results}
            write_comparison(ct_node, combined, next(iter(results)).protocol.patient.minimum_levels)
            sentences = [_("The mean is that of the readers' values, as in the study.")]
            if len(protocols) > 1:
                sentences.append(_("The readings are by different protocols: measure them alike."))
            for level in combined.excluded_by_one:
                sentences.append(_("{level} is excluded by one reading and omitted.").format(level=level))
            seen = [reading.title for reading in results if unblind(reading)]
            if seen:
                sentences.append(
                    _("No longer blinded, because not signed off: {titles}.").format(titles=", ".join(seen))
                )
            self._reported_of = comparison_table(ct_node)
            self._tell(" ".join(sentences))
            session.tell()

    def _tell(self, text: str) -> None:
        self._ui.huCompareLabel.text = text
        self._ui.huCompareLabel.visible = bool(text)
