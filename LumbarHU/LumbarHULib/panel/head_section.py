"""The top of the panel's head: case and CT, and a chip for each level."""

from collections.abc import Callable
from functools import partial

import qt
from slicer.i18n import tr as _

from LumbarHULib.core.levels import LEVELS, MEAN_LEVELS
from LumbarHULib.mrml.reading_markups import placed_levels
from LumbarHULib.panel.highlight import highlight
from LumbarHULib.panel.level_words import LevelState, severe_titles, state_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services

_CHIP_ROI = "round"


class HeadSection(Section):
    """What is seen of a patient at a glance, whatever else is open below.

    Parameters
    ----------
    ui : object
    services : Services
    on_level : callable
        Called with the level whose chip is clicked.
    """

    def __init__(self, ui, services: Services, on_level: Callable[[str], object]) -> None:
        super().__init__(ui, services)
        self._lines: tuple[str, ...] = ()
        layout = qt.QHBoxLayout(ui.huChipsFrame)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._chips = {level: _make_chip(layout, level) for level in LEVELS}
        for level, chip in self._chips.items():
            self._on_click(chip, partial(on_level, level))
        self._put_in_tab_order(ui.huLayoutButton, self._chips.values())
        ui.huSummaryTable.horizontalHeader().connect("sectionResized(int,int,int)", lambda *_sizes: self._fit_lines())

    def chip(self, level: str):
        """Return the chip of a level."""
        return self._chips[level]

    def refresh(self, what: str) -> None:
        """Show the session as it is; during a drag only the numbers change."""
        super().refresh(what)
        session = self._session
        if what == "numbers":
            self._chips[session.level].text = self._chip_text(session.level, _sign_of(self._chips[session.level].text))

    def _show(self) -> None:
        session, ui = self._session, self._ui
        placed = placed_levels(session.reading) if session.is_open else ()
        for level, chip in self._chips.items():
            state = state_of(session, level, self._placing)
            chip.visible = level in MEAN_LEVELS or level in placed or self._choices.has_outer_levels
            chip.enabled = session.is_open
            chip.checked = session.is_open and level == session.level
            chip.text = self._chip_text(level, state.sign)
            chip.toolTip = self._chip_hint(level, state)
        self._lines = self._head_lines()
        self._fit_lines()
        # Where Reopen is offered, there is nothing to undo: they make room for the line that says who signed.
        is_signed = session.is_open and session.reading.is_signed_off
        ui.huUndoButton.visible = ui.huRedoButton.visible = not is_signed
        frozen = self._why_unchangeable()
        self._enable(ui.huUndoButton, frozen or ("" if session.history.can_undo else _("There is nothing to undo.")))
        self._enable(ui.huRedoButton, frozen or ("" if session.history.can_redo else _("There is nothing to redo.")))

    def _chip_text(self, level: str, sign: str) -> str:
        result = self._session.level_result(level)
        number = "–" if result is None else f"{result.rois[_CHIP_ROI].values['mean_hu']:.0f}".replace("-", "−")
        if result is not None and result.excluded:
            number = f"({number})"
        return f"{level} {sign}\n{number}"

    def _chip_hint(self, level: str, state: LevelState) -> str:
        number = LEVELS.index(level) if level in MEAN_LEVELS else 0
        key = _(" Key {number}.").format(number=number) if number else ""
        text = _("Go to {level}: {state}. The number is the mean HU of the round region.").format(
            level=level, state=state.text or _("no reading")
        )
        result = self._session.level_result(level)
        if result is not None and result.excluded:
            text += _(" It is not in the means.")
        elif result is not None and (severe := severe_titles(self._session, level)):
            text += _(" Severe: {findings}.").format(findings=", ".join(severe))
        return text + key

    def _head_lines(self) -> tuple[str, str]:
        session, ct_node = self._session, self._choices.ct_node
        if ct_node is None:
            return (_("No CT"), _("From a file: “Add Data”"))
        case = self._choices.parameters.caseName.strip()
        # The end of a line may be cut off in a narrow panel: what distinguishes patients comes first.
        line = _("{case} · {ct}") if case else _("{ct} · no case")
        first = line.format(case=case, ct=ct_node.GetName())
        if not session.is_open:
            return (first, _("no reading is open"))
        signed = _("signed off · ") if session.reading.is_signed_off else ""
        return (first, signed + session.reading.title)

    def _fit_lines(self) -> None:
        """Show as much of the lines as fits; the tooltip has the rest."""
        label = self._ui.huHeadLabel
        metrics, width = label.fontMetrics(), max(label.width, 1)
        label.text = "\n".join(metrics.elidedText(line, qt.Qt.ElideRight, width) for line in self._lines)
        label.toolTip = "\n".join(self._lines)


def _make_chip(layout, level: str):
    chip = qt.QToolButton()
    chip.objectName = f"hu{level}Chip"
    chip.checkable = True
    chip.setFocusPolicy(qt.Qt.TabFocus)
    chip.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    chip.connect("toggled(bool)", lambda checked: highlight(chip, checked, is_readable=False))
    layout.addWidget(chip)
    return chip


def _sign_of(text: str) -> str:
    return text.partition("\n")[0].partition(" ")[2]
