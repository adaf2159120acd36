"""The numbers level by level, and how far the classes can be relied on."""

import html
from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from LumbarHULib.audit.report.words import agreement_sentence, osteopenia_recovered
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS, sorted_levels
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.mrml.protocol_edit import is_protocol_modified
from LumbarHULib.panel.highlight import show_links
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import GoesTo, Services
from LumbarHULib.panel.summary_words import MEAN_DIGITS
from LumbarHULib.panel.tables import copy_on_request, fit_height, set_cell, table_text
from LumbarHULib.panel.words import roi_title

_ROW_HEIGHT_PX = 22


class NumbersSection(Section):
    """A quantity by level and region.

    Parameters
    ----------
    ui : object
    services : Services
    levels : GoesTo
    show_notes : callable
        Shows the notes on the cutoffs.
    """

    def __init__(self, ui, services: Services, levels: GoesTo, show_notes: Callable[[], object]) -> None:
        super().__init__(ui, services)
        self._levels = levels
        self._rows: tuple[str, ...] = ()
        table = ui.huLevelTable
        table.setColumnCount(len(ROIS))
        table.setHorizontalHeaderLabels([roi_title(roi) for roi in ROIS])
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.Fixed)
        table.verticalHeader().defaultSectionSize = _ROW_HEIGHT_PX
        copy_on_request(table, lambda: table_text(table))
        table.connect("cellClicked(int,int)", self._on_cell)
        ui.huRelianceLabel.connect("linkActivated(QString)", lambda _link: show_notes())

    def refresh(self, what: str) -> None:
        """Show the numbers as they are."""
        if what == "level":
            return
        result = self._session.result if self._session.is_open else None
        self._fill(result, what)
        if what == "all":
            fit_height(self._ui.huLevelTable)
            show_links(self._ui.huRelianceLabel, "" if result is None else _reliance(result))
            is_modified = self._session.is_open and is_protocol_modified(self._session.reading)
            self._ui.huModifiedLabel.text = _("<b>protocol modified</b>") if is_modified else ""

    def _fill(self, result, what: str) -> None:
        table = self._ui.huLevelTable
        measured = {} if result is None else {level.level: level for level in result.levels}
        rows = sorted_levels({*MEAN_LEVELS, *measured})
        if rows != self._rows:
            self._rows = rows
            table.setRowCount(len(rows) + 1)
            table.setVerticalHeaderLabels([*rows, _("mean")])
            fit_height(table)
        quantity = self._quantity()
        digits = 0 if quantity.unit == "1" else 1
        for row, level in enumerate(rows):
            of_level = measured.get(level)
            for column, roi in enumerate(ROIS):
                text = "–" if of_level is None else f"{of_level.rois[roi].values[quantity.name]:.{digits}f}"
                is_edited = of_level is not None and of_level.rois[roi].edited
                item = set_cell(table, row, column, f"{text}*" if is_edited else text)
                if what == "all":
                    font = item.font()
                    font.setStrikeOut(of_level is not None and bool(of_level.excluded))
                    font.setBold(level == self._session.level and of_level is not None)
                    item.setFont(font)
        for column, roi in enumerate(ROIS):
            summary = None if result is None else result.summaries[ROIS.index(roi)]
            # The mean of a single level is that level.
            has_mean = quantity.name == "mean_hu" and summary is not None and len(summary.levels) > 1
            mean_hu = summary.mean_hu if summary is not None and has_mean else None
            set_cell(table, len(rows), column, "" if mean_hu is None else f"{mean_hu:.{MEAN_DIGITS}f}")

    def _quantity(self):
        parameters = self._choices.parameters
        title = parameters.quantity if parameters is not None else QUANTITIES[0].title
        return next(quantity for quantity in QUANTITIES if quantity.title == title)

    def _on_cell(self, row: int, _column: int) -> None:
        if row < len(self._rows):
            self._levels.go_to(self._rows[row])


def _reliance(result) -> str:
    """Return what must be read with the classes, as HTML; no sixth, overall class is made of the five."""
    sentences = [agreement_sentence(result.summaries)] if result.class_counts else []
    sentences += filter(None, [osteopenia_recovered(result.summaries)])
    if result.scan_facts.described:
        sentences.append(_("The CT: {facts}.").format(facts=", ".join(result.scan_facts.described)))
    else:
        sentences.append(_("How the CT was acquired is unknown."))
    link = f'<a href="notes">{html.escape(_("Notes on these cutoffs"))}</a>'
    return "".join(f'<p style="margin: 2px">{line}</p>' for line in [*map(html.escape, sentences), link])
