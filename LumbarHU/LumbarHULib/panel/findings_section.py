"""The panel's list of findings, and their count in the head."""

from slicer.i18n import tr as _

from LumbarHULib.mrml.node_types import MaybeNone
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.panel.findings_list import (
    FOLDED,
    MOVE,
    SIGNS,
    FindingLine,
    finding_lines,
    findings_html,
    severity_counts,
)
from LumbarHULib.panel.folding import show_from_top, show_grown
from LumbarHULib.panel.highlight import flash, show_links
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import MovesLevels, Services

_DETAILS = "details "


class FindingsSection(Section):
    """What is doubtful; a click on a finding shows its details, a click on a level goes there.

    Parameters
    ----------
    ui : object
    services : Services
    levels : MovesLevels

    Attributes
    ----------
    lines : list of FindingLine
        What is listed.
    """

    def __init__(self, ui, services: Services, levels: MovesLevels) -> None:
        super().__init__(ui, services)
        self._levels = levels
        self._opened: set[str] = set()
        self._reading: Reading | None = None
        self.lines: list[FindingLine] = []
        ui.huFindingsLabel.connect("linkActivated(QString)", self._on_link)
        self._on_click(ui.huFindingsButton, self.bring_into_sight)

    @property
    def severe(self) -> list[str]:
        """What is severe and not accepted for the reading, in a few words each."""
        accepts = self._session.is_open and self._session.reading.accepts_off_protocol
        severe = [line for line in self.lines if line.severity == "severe"]
        return [line.words for line in severe if not (accepts and line.is_off_protocol)]

    def bring_into_sight(self) -> None:
        """Show every line, and let the list stand out for a moment."""
        self._opened.add(FOLDED)
        self._write()
        show_from_top(self._ui.huScrollArea, self._ui.huScrollContents, self._ui.huFindingsLabel)
        flash(self._ui.huFindingsLabel)

    def _show(self) -> None:
        session = self._session
        reading: Reading | MaybeNone = session.reading if session.is_open else None
        if reading != self._reading:
            self._reading, self._opened = reading, set()
        result = session.result if session.is_open else None
        lines = [] if result is None else finding_lines(result, reading.protocol.patient, reading.cutoffs)
        is_begun = result is not None and bool(result.levels or result.refused)
        self.lines = [line for line in lines if is_begun or not line.is_about_count]
        counts, button = severity_counts(self.lines), self._ui.huFindingsButton
        button.text = "  ".join(f"{SIGNS[name]} {count}" for name, count in counts.items() if count) or "–"
        self._enable(button, "" if self.lines else _("There is no finding."))
        self._write()

    def _write(self) -> None:
        show_links(self._ui.huFindingsLabel, findings_html(self.lines, self._opened, self._session.may_change))

    def _on_link(self, link: str) -> None:
        if link.startswith(_DETAILS) or link == FOLDED:
            self._opened ^= {link.removeprefix(_DETAILS)}
            self._write()
            show_grown(self._ui.huScrollArea, self._ui.huScrollContents, self._ui.huFindingsLabel)
        elif link.startswith(MOVE):
            self._levels.move_to_mid_height(link.removeprefix(MOVE))
        else:
            self._levels.go_to(link)
