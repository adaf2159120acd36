"""The table in the panel's head: each region's mean, class and place next to its cutoffs."""

import html

import qt
from slicer.i18n import tr as _

from LumbarHULib.audit.report.numbers import single_measurement_error_hu
from LumbarHULib.audit.report.words import agreement_sentence
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.drawing_colors import ROI_COLORS
from LumbarHULib.mrml.reading_calibration import calibration_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.strip import draw_strip, strip_axis, strip_marks
from LumbarHULib.panel.summary_words import MEAN_DIGITS, badge, badge_hint, class_header, summaries_text, summary_hint
from LumbarHULib.panel.tables import color_icon, copy_on_request, fit_height, set_cell
from LumbarHULib.panel.words import class_word, roi_title

# Okabe and Ito's colors, which color-blind people can distinguish; with the text's own.
CLASS_COLORS = {
    "osteoporosis": ("#d55e00", "#ffffff"),
    "osteopenia": ("#f0e442", "#000000"),
    "normal": ("#56b4e9", "#000000"),
    "not_classified": ("#bbbbbb", "#000000"),
}
_MEAN, _CLASS, _BADGE, STRIP, _DENSITY = range(5)
_ROW_HEIGHT_PX, _STRIP_HEIGHT_PX, STRIP_MARGIN_PX = 21, 17, 8
_SPARE_PX = 12
_WIDEST = {_MEAN: "−199.9", _CLASS: "not classified", _BADGE: "Certain?", _DENSITY: "−199.9"}


class ClassTable(Section):
    """A row for each region; it is filled at every move of a drag."""

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._drawn: dict[int, tuple] = {}
        table = ui.huSummaryTable
        table.setRowCount(len(ROIS))
        table.setColumnCount(len(_WIDEST) + 1)
        table.setVerticalHeaderLabels([roi_title(roi) for roi in ROIS])
        for row, roi in enumerate(ROIS):
            table.verticalHeaderItem(row).setIcon(color_icon(ROI_COLORS[roi]))
        header, side = table.horizontalHeader(), table.verticalHeader()
        side.setSectionResizeMode(qt.QHeaderView.Fixed)
        side.minimumSectionSize = side.defaultSectionSize = _ROW_HEIGHT_PX
        metrics = table.fontMetrics()
        for column, widest in _WIDEST.items():
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
            table.setColumnWidth(column, metrics.boundingRect(widest).width() + _SPARE_PX)
        header.setSectionResizeMode(STRIP, qt.QHeaderView.Stretch)
        header.moveSection(_DENSITY, _CLASS)  # next to the mean in HU; it is hidden without a calibration
        table.setColumnHidden(_DENSITY, True)
        header.connect("sectionResized(int,int,int)", self._on_section_resized)
        copy_on_request(table, lambda: summaries_text(self._summaries()))

    def refresh(self, what: str) -> None:
        """Show the means as they are."""
        if what == "level":
            return
        table, summaries = self._ui.huSummaryTable, self._summaries()
        for row, _roi in enumerate(ROIS):
            summary = summaries[row] if summaries else None
            mean = "–" if summary is None or summary.mean_hu is None else f"{summary.mean_hu:.{MEAN_DIGITS}f}"
            class_name = "" if summary is None else summary.class_name
            set_cell(table, row, _MEAN, mean.replace("-", "−"))
            set_cell(table, row, _DENSITY, _density_text(summary))
            _paint(set_cell(table, row, _CLASS, class_word(class_name) if class_name else ""), class_name)
            set_cell(table, row, _BADGE, "" if summary is None else badge(summary))
            if what == "all":
                hint = "" if summary is None else summary_hint(summary)
                for column in range(table.columnCount):
                    set_cell(table, row, column, None).setToolTip(hint)
                if summary is not None:
                    set_cell(table, row, _BADGE, None).setToolTip(badge_hint(summary) + hint)
        if what == "all":
            table.setColumnHidden(_DENSITY, not any(summary.density for summary in summaries))
            self._show_headers(summaries)
            self._show_agreement()
            fit_height(table)
        self._draw_strips()

    def _show_agreement(self) -> None:
        """Say below the table that the regions disagree; where they agree, the table shows it."""
        result, label = self._session.result if self._session.is_open else None, self._ui.huAgreementLabel
        summaries = () if result is None or len(result.class_counts) < 2 else result.summaries
        label.text = agreement_sentence(summaries) if summaries else ""
        label.visible = bool(label.text)
        self._fit_agreement()

    def _fit_agreement(self) -> None:
        """Ask for the height of a sentence that wraps: in a low window Qt would print it over the table."""
        label = self._ui.huAgreementLabel
        label.minimumHeight = label.heightForWidth(self._ui.huSummaryTable.width) if label.text else 0

    def _on_section_resized(self, column: int, _old_px: int, new_px: int) -> None:
        if column == STRIP:
            self._draw_strips(new_px)  # the table itself still has the old width
            self._fit_agreement()

    def _summaries(self) -> tuple:
        result = self._session.result if self._session.is_open else None
        return () if result is None else result.summaries

    def _unit(self) -> str:
        """Return the unit of the densities in two short lines."""
        calibration = calibration_of(self._session.reading) if self._session.is_open else None
        return "" if calibration is None else calibration.unit.replace(" ", "\n")

    def _error_hu(self) -> float:
        return single_measurement_error_hu(self._session.reading.protocol.patient)

    def _show_headers(self, summaries) -> None:
        whose = (self._session.result.whose_cutoffs if summaries else None) or "the"
        axis = ""
        if summaries:
            low_hu, high_hu = strip_axis(summaries, self._error_hu())
            text = _("HU scale\n{low} to {high}")
            axis = text.format(low=f"{low_hu:.0f}", high=f"{high_hu:.0f}")
        table = self._ui.huSummaryTable
        table.setHorizontalHeaderLabels([_("Mean\nHU"), class_header(whose), _("Certain?"), axis, self._unit()])
        hints = (
            _("The mean over the measured levels of L1–L4, each counting once."),
            _("The class of the mean by the two cutoffs. For research only: it is not a diagnosis."),
            _(
                "Whether the class is certain: ≈ the mean is near a cutoff, ✓ it is far enough from both; hold the "
                "mouse over a row for the reasons."
            ),
            _(
                "Square: the mean, with the error of one measurement. Upper mark: the cutoff for osteoporosis; lower "
                "mark: the cutoff for normal. Gray bars: the 95 % intervals of the cutoffs."
            ),
            _("The mean by the calibration; hold the mouse over a row for its 95 % interval. Classes are by HU only."),
        )
        for column, hint in enumerate(hints):
            # As rich text it is wrapped.
            table.horizontalHeaderItem(column).setToolTip(f"<p>{html.escape(hint)}</p>")

    def _draw_strips(self, column_px: int = 0) -> None:
        """Draw the strips that changed, for a width of their column, px, or for its present one."""
        table, summaries = self._ui.huSummaryTable, self._summaries()
        width_px = max((column_px or table.columnWidth(STRIP)) - STRIP_MARGIN_PX, 1)
        table.setIconSize(qt.QSize(width_px, _STRIP_HEIGHT_PX))
        error_hu = self._error_hu() if summaries else 0.0
        axis_hu = strip_axis(summaries, error_hu) if summaries else None
        color = table.palette.color(qt.QPalette.Text).name()
        for row, _roi in enumerate(ROIS):
            marks: tuple = ()
            if axis_hu is not None:
                marks = (strip_marks(summaries[row], axis_hu, error_hu, width_px), width_px, color)
            if self._drawn.get(row) != marks:
                self._drawn[row] = marks
                icon = qt.QIcon(draw_strip(marks[0], width_px, _STRIP_HEIGHT_PX)) if marks else qt.QIcon()
                set_cell(table, row, STRIP, None).setIcon(icon)


def _density_text(summary) -> str:
    if summary is None or summary.density is None:
        return ""
    return f"{summary.density.mean_mg_cc:.1f}".replace("-", "−")


def _paint(item, class_name: str) -> None:
    """Give a cell the color of its class, when that is another one than before."""
    if item.data(qt.Qt.UserRole) != class_name:
        item.setData(qt.Qt.UserRole, class_name)
        background, foreground = CLASS_COLORS.get(class_name, (None, None))
        item.setBackground(qt.QBrush() if background is None else qt.QBrush(qt.QColor(background)))
        item.setForeground(qt.QBrush() if foreground is None else qt.QBrush(qt.QColor(foreground)))
