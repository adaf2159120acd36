"""The panel's third section: the numbers, the classes, and what makes them doubtful."""

import html

import qt
from slicer.i18n import tr as _

from LumbarHULib.audit.report.words import agreement_told, osteopenia_recovered
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS, sorted_levels
from LumbarHULib.core.quantities import QUANTITIES
from LumbarHULib.mrml.protocol_edit import is_protocol_modified
from LumbarHULib.panel.findings_list import findings_html
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.summary_words import MEAN_DIGITS, summary_headers, summary_hint, summary_text
from LumbarHULib.panel.tables import copy_on_request, fit_height, set_cell
from LumbarHULib.panel.words import roi_title

# Okabe and Ito's colors, which color-blind people tell apart; with the text's own.
CLASS_COLORS = {
    "osteoporosis": ("#d55e00", "#ffffff"),
    "osteopenia": ("#f0e442", "#000000"),
    "normal": ("#56b4e9", "#000000"),
    "not_classified": ("#bbbbbb", "#000000"),
}
_SUMMARY_COLUMNS = ("mean", "class", "cutoffs", "distance", "interval", "error")
_COLUMN_WIDTHS = {"mean": 40, "cutoffs": 50, "distance": 46, "interval": 50, "error": 44}
_ROW_HEIGHT = 22
_SUMMARY_FONT_POINTS = 8


class ResultsSection(Section):
    """Two tables and the list of findings."""

    def __init__(self, ui, panel) -> None:
        super().__init__(ui, panel)
        self._level_rows: tuple[str, ...] = ()
        levels, summary = ui.huLevelTable, ui.huSummaryTable
        levels.setColumnCount(len(ROIS))
        levels.setHorizontalHeaderLabels([roi_title(roi) for roi in ROIS])
        levels.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        summary.setColumnCount(len(_SUMMARY_COLUMNS))
        summary.setRowCount(len(ROIS))
        summary.setVerticalHeaderLabels([roi_title(roi) for roi in ROIS])
        headers = summary_headers()
        summary.setHorizontalHeaderLabels([headers[name][0] for name in _SUMMARY_COLUMNS])
        for column, name in enumerate(_SUMMARY_COLUMNS):
            summary.horizontalHeaderItem(column).setToolTip(headers[name][1])
            is_class = name == "class"
            mode = qt.QHeaderView.Stretch if is_class else qt.QHeaderView.Fixed
            summary.horizontalHeader().setSectionResizeMode(column, mode)
            if not is_class:
                summary.setColumnWidth(column, _COLUMN_WIDTHS[name])
        summary.setWordWrap(True)
        # With a style sheet they would keep their colors when Slicer turns dark.
        for widget in (summary, summary.horizontalHeader(), summary.verticalHeader()):
            small = widget.font
            small.setPointSize(_SUMMARY_FONT_POINTS)
            widget.font = small
        levels.verticalHeader().setSectionResizeMode(qt.QHeaderView.Fixed)
        levels.verticalHeader().defaultSectionSize = _ROW_HEIGHT
        copy_on_request(levels)
        copy_on_request(summary)
        levels.connect("cellClicked(int,int)", self._on_cell)
        ui.huFindingsLabel.connect("linkActivated(QString)", self._on_finding)
        ui.huFindingsLabel.toolTip = _("✖ severe, ▲ warning, • note. A click on a level goes there.")
        ui.huBesideLabel.connect("linkActivated(QString)", lambda _link: panel.show_notes())

    def refresh(self, what: str) -> None:
        """Show the numbers as they are."""
        result = self._session.result if self._session.is_open else None
        self._fill_levels(result, what)
        self._fill_summary(result, what)
        if what == "all":
            self._fill_findings(result)
            fit_height(self._ui.huLevelTable)
            self._ui.huSummaryTable.resizeRowsToContents()
            fit_height(self._ui.huSummaryTable)
            is_modified = self._session.is_open and is_protocol_modified(self._session.reading)
            self._ui.huModifiedLabel.text = _("<b>protocol modified</b>") if is_modified else ""

    def _fill_levels(self, result, what: str) -> None:
        table = self._ui.huLevelTable
        measured = {} if result is None else {level.level: level for level in result.levels}
        rows = sorted_levels({*MEAN_LEVELS, *measured})
        if rows != self._level_rows:
            self._level_rows = rows
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
            is_told = quantity.name == "mean_hu" and summary is not None and summary.mean_hu is not None
            set_cell(table, len(rows), column, f"{summary.mean_hu:.{MEAN_DIGITS}f}" if is_told else "")

    def _quantity(self):
        title = self._panel.parameters.quantity if self._panel.parameters is not None else QUANTITIES[0].title
        return next(quantity for quantity in QUANTITIES if quantity.title == title)

    def _fill_summary(self, result, what: str) -> None:
        table = self._ui.huSummaryTable
        for row, _roi in enumerate(ROIS):
            summary = None if result is None else result.summaries[row]
            for column, name in enumerate(_SUMMARY_COLUMNS):
                text = "" if summary is None else summary_text(summary, name)
                item = set_cell(table, row, column, text)
                if name == "class":
                    _paint(item, "" if summary is None else summary.class_name)
                if what == "all":
                    item.setToolTip("" if summary is None else summary_hint(summary, name))
        self._ui.huBesideLabel.text = "" if result is None else _beside_the_classes(result)
        self._ui.huBesideLabel.visible = result is not None

    def _fill_findings(self, result) -> None:
        reading, label = self._session.reading, self._ui.huFindingsLabel
        label.text = "" if result is None else findings_html(result, reading.protocol, reading.cutoffs)
        label.visible = bool(label.text)

    def _on_cell(self, row: int, _column: int) -> None:
        if row < len(self._level_rows):
            self._panel.levels.go_to(self._level_rows[row])

    def _on_finding(self, level: str) -> None:
        self._panel.levels.go_to(level)


def _paint(item, class_name: str) -> None:
    """Give a cell the color of its class, when that is another one than before."""
    if item.data(qt.Qt.UserRole) != class_name:
        item.setData(qt.Qt.UserRole, class_name)
        background, foreground = CLASS_COLORS.get(class_name, (None, None))
        item.setBackground(qt.QBrush() if background is None else qt.QBrush(qt.QColor(background)))
        item.setForeground(qt.QBrush() if foreground is None else qt.QBrush(qt.QColor(foreground)))


def _beside_the_classes(result) -> str:
    """Return what must be seen with the classes, as HTML; no sixth, overall class is made of the five."""
    told = [agreement_told(result.class_counts)] if result.class_counts else []
    told += filter(None, [osteopenia_recovered(result.summaries)])
    if result.scan_facts.described:
        told.append(_("The CT: {facts}.").format(facts=", ".join(result.scan_facts.described)))
    else:
        told.append(_("The CT does not tell how it was taken."))
    link = f'<a href="notes">{html.escape(_("Notes on these cutoffs"))}</a>'
    return "".join(f'<p style="margin: 2px">{line}</p>' for line in [*map(html.escape, told), link])
