"""The tab for a patient's follow-up: readings of several CTs with their dates, and which changes count."""

import html
import re
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.audit.ct_date import CT_DATE
from LumbarHULib.audit.verify import read_record
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.follow_up.folder import OWN_FOLLOW_UP_FOLDER, write_follow_up
from LumbarHULib.follow_up.job import FollowUp
from LumbarHULib.follow_up.tables import MEAN, NO, NOT_COMPARABLE, YES, changes_by_pair
from LumbarHULib.mrml.ct_date import state_date, stated_date_of
from LumbarHULib.mrml.follow_up_nodes import FollowUpNodes, follow_ups, write_follow_up_nodes
from LumbarHULib.mrml.follow_up_readings import TimePoints, follow_up_of
from LumbarHULib.mrml.level_review import require_reviewed
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.node_types import MaybeNone
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.mrml.reading_check import usable_readings
from LumbarHULib.panel.cohort_views import CohortLayout
from LumbarHULib.panel.findings_list import SIGNS
from LumbarHULib.panel.scan_header import scan_facts_of
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services
from LumbarHULib.panel.tables import fit_height
from LumbarHULib.panel.words import roi_title

# Next to those of the layouts for reading and for a cohort.
_LAYOUT_ID = 52024
_USED, _DATE = 0, 1
_ROW_HEIGHT_PX = 24
_SPARE_PX = 16
_FOLDER = "{case} follow-up"
# What the command line calls the fields of this tab.
_FIELDS = (
    (r"state with --case NAME that all are of this patient", "enter under “Patient” whose readings all of them are"),
    (r"state it with --case NAME", "enter the patient under “Patient”"),
    (r"state it with --accept-unknown", "tick “I checked: scanner, tube voltage and contrast medium agree”"),
    (
        r"state with --accept-unknown that they agree",
        "tick “I checked: scanner, tube voltage and contrast medium agree”",
    ),
    (r"make the study with --audits", "make the study from audit folders"),
    (r"omit --precision", "leave “Precision” empty"),
    (r"with --precision", "under “Precision”"),
    (r"write \S.*?=2024-03-15, with the date of the CT", "enter it in the list"),
    (r", such as \S+=2024-03-15", ""),
)


class FollowUpSection(Section):
    """Compares readings of one patient, shows the changes, and exports them.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._layout = CohortLayout(_LAYOUT_ID)
        self._folders: dict[Path, str] = {}
        self._left_out: set[str] = set()
        self._listed: tuple = ()
        self._found: FollowUp | MaybeNone = None
        table = ui.huFollowTable
        table.setColumnCount(2)
        header = table.horizontalHeader()
        header.setSectionResizeMode(_USED, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(_DATE, qt.QHeaderView.Fixed)
        table.setColumnWidth(_DATE, table.fontMetrics().boundingRect(_("Date of the CT")).width() + _SPARE_PX)
        # Readings of a patient often differ in the last words of their names only: these go on in another line.
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.verticalHeader().minimumSectionSize = _ROW_HEIGHT_PX
        table.verticalHeader().visible = False
        table.verticalHeader().connect("sectionResized(int,int,int)", lambda *_sizes: fit_height(table))
        table.connect("cellChanged(int,int)", self._on_cell)
        ui.huTabs.connect("currentChanged(int)", lambda _index: self._show())
        self._on_click(ui.huFollowAddButton, self._on_add)
        self._on_click(ui.huFollowRemoveButton, self._on_remove)
        self._on_click(ui.huFollowRunButton, self._on_run)
        self._on_click(ui.huFollowExportButton, self._on_export)
        ui.huFollowShowButton.connect("toggled(bool)", self._on_show)
        ui.huFollowTableCombo.connect("activated(int)", lambda _index=0: self._fill_views())

    @property
    def found(self) -> FollowUp | None:
        """What was compared last; None where nothing was, or another scene was opened since."""
        return self._found

    def leave(self) -> None:
        """Give the user's own arrangement of views back."""
        self._ui.huFollowShowButton.checked = False

    def forget(self) -> None:
        """Forget what was compared: its scene is being closed."""
        self._found, self._listed = None, ()
        self._folders.clear()
        self._left_out.clear()
        self._tell("")

    def _show(self) -> None:
        ui, nodes = self._ui, self._nodes()
        if ui.huTabs.currentWidget() != ui.huFollowTab:
            ui.huFollowShowButton.checked = False
            return  # what is not seen costs nothing
        self._list()
        self._enable(ui.huFollowRunButton, self._missing({_("two or more ticked CTs"): len(self._chosen_keys()) > 1}))
        missing = _("Nothing is compared yet: press “{button}”.").format(button=ui.huFollowRunButton.text)
        for widget in (ui.huFollowShowButton, ui.huFollowTableCombo):
            self._enable(widget, "" if nodes is not None else missing)
        self._enable(ui.huFollowExportButton, "" if self._found is not None else missing)
        if nodes is None:
            ui.huFollowShowButton.checked = False
        self._list_tables(nodes)

    def _readings(self) -> dict[str, Reading]:
        """Return the scene's readings with a CT, by the ID of their node."""
        found = usable_readings(slicer.mrmlScene)[0]
        return {reading.node.GetID(): reading for reading in found if reading.ct_node is not None}

    def _list(self) -> None:
        """Fill the list of readings and folders when it changed."""
        rows = [(key, _named(reading), _date_of(reading)) for key, reading in self._readings().items()]
        rows += [(str(folder), str(folder), date) for folder, date in self._folders.items()]
        listed = tuple(rows)
        if listed == self._listed:
            return
        self._listed = listed
        table = self._ui.huFollowTable
        table.blockSignals(True)
        table.setRowCount(len(rows))
        table.setHorizontalHeaderLabels([_("Reading"), _("Date of the CT")])
        for row, (key, title, date) in enumerate(rows):
            name = qt.QTableWidgetItem(title)
            name.setData(qt.Qt.UserRole, key)
            name.setToolTip(title)
            name.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            name.setCheckState(qt.Qt.Unchecked if key in self._left_out else qt.Qt.Checked)
            table.setItem(row, _USED, name)
            table.setItem(row, _DATE, qt.QTableWidgetItem(date))
        table.blockSignals(False)
        fit_height(table)

    def _list_tables(self, nodes: FollowUpNodes | None) -> None:
        titles = {} if nodes is None else nodes.table_titles
        combo = self._ui.huFollowTableCombo
        if [combo.itemText(index) for index in range(combo.count)] == list(titles.values()):
            return
        chosen = combo.currentData
        combo.clear()
        for name, title in titles.items():
            combo.addItem(title, name)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))

    @staticmethod
    def _nodes() -> FollowUpNodes | None:
        """Return the follow-up that came into the scene last."""
        found = follow_ups(slicer.mrmlScene)
        return found[-1] if found else None

    def _chosen_keys(self) -> list[str]:
        return [key for key, _title, _when in self._listed if key not in self._left_out]

    def _on_cell(self, row: int, column: int) -> None:
        key, item = self._listed[row][0], self._ui.huFollowTable.item(row, column)
        with self._messages.show_input_errors():
            if column == _USED:
                is_used = item.checkState() == qt.Qt.Checked
                self._left_out = self._left_out - {key} if is_used else self._left_out | {key}
            elif key in self._readings():
                state_date(self._readings()[key].ct_node, item.text())
            else:
                self._folders[Path(key)] = item.text().strip()
        self._listed = ()
        self._show()

    def _on_add(self) -> None:
        with self._messages.show_input_errors():
            chosen = self._questions.chosen_folder(_("Audit folder of an earlier or later CT"))
            if chosen:
                record, _documents = read_record(Path(chosen))
                self._folders[Path(chosen)] = str(record["extra"].get(CT_DATE, ""))
        self._show()

    def _on_remove(self) -> None:
        row = self._ui.huFollowTable.currentRow()
        key = self._listed[row][0] if 0 <= row < len(self._listed) else ""
        with self._messages.show_input_errors():
            if Path(key) not in self._folders:
                raise InputError(
                    _("Choose an audit folder in the list. A reading of the scene is left out by its check mark.")
                )
            del self._folders[Path(key)]
        self._show()

    def _on_run(self) -> None:
        ui = self._ui
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            self._found = None
            try:
                found = self._compared()
            except InputError as problem:
                self._tell("")
                raise InputError(in_panel(str(problem))) from problem
            write_follow_up_nodes(slicer.mrmlScene, found)
            self._found = found
            self._tell(found_html(found))
            self._show()
            ui.huFollowShowButton.checked = True
            self._fill_views()
            slicer.app.processEvents()  # the text gets its height
            ui.huFollowScrollArea.ensureWidgetVisible(ui.huFollowLabel)

    def _compared(self) -> FollowUp:
        ui, keys, readings = self._ui, self._chosen_keys(), self._readings()
        results: dict[Reading, ReadingResult] = {}
        dates: dict[Reading | Path, str] = {}
        for reading in (readings[key] for key in keys if key in readings):
            is_open = self._session.is_open and reading == self._session.reading
            if is_open:
                self._session.measure()
            results[reading] = self._session.result if is_open else ReadingMeasurer(reading).measure()
            require_reviewed(reading, results[reading])
            if not stated_date_of(reading.ct_node) and _date_of(reading):
                dates[reading] = _date_of(reading)
        folders = [Path(key) for key in keys if key not in readings]
        for folder in folders:
            record, _documents = read_record(folder)
            if self._folders[folder] and not record["extra"].get(CT_DATE):
                dates[folder] = self._folders[folder]
        precision = ui.huFollowPrecisionPath.currentPath.strip()
        return follow_up_of(
            TimePoints(results, folders, dates),
            Path(precision) if precision else None,
            ui.huFollowCaseEdit.text.strip(),
            ui.huFollowUnknownCheck.checked,
        )

    def _on_show(self, is_on: bool) -> None:
        if is_on:
            self._layout.show()
            self._fill_views()
        else:
            self._layout.give_back()

    def _fill_views(self) -> None:
        nodes = self._nodes()
        if nodes is not None and self._layout.is_shown:
            self._layout.fill(nodes, nodes.figures[0].name, self._ui.huFollowTableCombo.currentData or "")

    def _on_export(self) -> None:
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            root = self._ui.huFollowExportPath.currentPath.strip() or self._questions.chosen_folder(
                _("Folder for the follow-up")
            )
            if not root:
                raise InputError(_("Choose the folder to export to."))
            self._ui.huFollowExportPath.currentPath = root
            folder = Path(root) / _FOLDER.format(case=_folder_name(self._found.case))
            check_destination(folder, overwrite=True, ours=OWN_FOLLOW_UP_FOLDER)
            question = _("There is a follow-up of “{case}” already. Replace it?").format(case=self._found.case)
            if not self._questions.may_replace(folder, question):
                return
            write_follow_up(folder, self._found, overwrite=folder.is_dir())
            self._questions.has_written(folder)
            self._ui.huFollowExportPath.addCurrentPathToHistory()
            report = folder / "report.html"
            self._done.tell(_("Follow-up written; open {report}.").format(report=report), report)

    def _tell(self, text: str) -> None:
        self._ui.huFollowLabel.text = text
        self._ui.huFollowLabel.visible = bool(text)


def in_panel(text: str) -> str:
    """Return a sentence that names this tab's fields in place of the options of the command line."""
    for option, field in _FIELDS:
        text = re.sub(option, field, text)
    return text


def found_html(found: FollowUp) -> str:
    """Return the changes from the first date, then what makes them doubtful, as HTML."""
    parts = []
    for later in found.audits[1:]:
        title = _("Change from {first} to {later}").format(first=found.audits[0].when, later=later.when)
        parts.append(f'<p style="margin: 4px 0px 1px 0px"><b>{html.escape(title)}</b></p>')
        parts += [
            f'<p style="margin: 1px">{html.escape(_subject(record))}: {_change_html(record)}</p>'
            for record in changes_by_pair(found.changes).get((found.audits[0].position, later.position), ())
        ]
    if found.findings:
        parts.append(f'<p style="margin: 4px 0px 1px 0px"><b>{html.escape(_("Findings"))}</b></p>')
    for finding in found.findings:
        text = in_panel(f"{SIGNS[finding.severity]} {finding.sentence} {finding.remedy}".rstrip())
        parts.append(f'<p style="margin: 2px">{html.escape(text)}</p>')
    return "".join(parts)


def _subject(record) -> str:
    """Return the region, and the level where no mean is compared."""
    title = roi_title(record["roi"])
    return title if record["level"] == MEAN else f"{record['level']} {title}"


def _change_html(record) -> str:
    if record["changed"] == NOT_COMPARABLE:
        return html.escape(_("not comparable: {reason}.").format(reason=record["reason"]))
    numbers = "{from_hu:.1f} → {to_hu:.1f} HU, {change_hu:+.1f} ({change_low_hu:+.1f} to {change_high_hu:+.1f})"
    parts = [f"{html.escape(_signed(numbers.format(**record)))}: {_counts_html(record['changed'])}"]
    if record.get("change_mg_cc") is not None:
        density = _signed(f"{record['change_mg_cc']:+.1f} mg/cm³ {record['mineral']}")
        parts.append(f"{html.escape(density)}: {_counts_html(record['changed_mg_cc'])}")
    return "; ".join(parts)


def _counts_html(changed: str) -> str:
    words = {YES: _("a change"), NO: _("within the LSC"), NOT_COMPARABLE: _("not comparable")}
    return f"<b>{html.escape(words[changed])}</b>"


def _signed(text: str) -> str:
    return text.replace("-", "−")


def _named(reading: Reading) -> str:
    case = f"{reading.case}: " if reading.case else ""
    return f"{case}{reading.ct_node.GetName()} – {reading.title}"


def _date_of(reading: Reading) -> str:
    """Return the date that the user stated, or else that of the CT's headers, which the scene does not store."""
    return stated_date_of(reading.ct_node) or scan_facts_of(reading.ct_node)[0].acquired_on or ""


def _folder_name(text: str) -> str:
    return "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in text).strip(
        " ."
    )
