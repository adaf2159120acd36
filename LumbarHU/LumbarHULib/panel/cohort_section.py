"""The tab for a cohort: from its table to the study's statistics, and to cutoffs to read with."""

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.cohort.analysis import AnalysisOptions
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort_files.columns import HU_COLUMNS
from LumbarHULib.cohort_files.folder import OWN_COHORT_FOLDER
from LumbarHULib.cohort_files.job import CohortJob, run_cohort_job
from LumbarHULib.cohort_files.new_table import TO_FILL_IN, example_lines, write_new_table
from LumbarHULib.cohort_files.page import figures_text, sizes_and_curves_text
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import parse_levels
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.mrml.cohort_nodes import CohortNodes, cohorts, write_cohort
from LumbarHULib.mrml.node_types import MaybeNone
from LumbarHULib.mrml.protocol_edit import use_measurement_error
from LumbarHULib.panel.cohort_views import CohortLayout
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services

_FIRST_TABLE = "roc"
_SUFFIX = "-result"


class StoppedByUserError(Exception):
    """The user stopped the work."""


class CohortSection(Section):
    """Analyzes a cohort, shows its figures and tables, and lets a reading use its cutoffs.

    Parameters
    ----------
    ui : object
    services : Services
    use_cutoffs : callable
        Classifies the reading by a cutoffs file; raises InputError.
    """

    def __init__(self, ui, services: Services, use_cutoffs: Callable[[Path], CutoffsDocument]) -> None:
        super().__init__(ui, services)
        self._use_cutoffs = use_cutoffs
        self._layout = CohortLayout()
        self._listed: tuple = ()
        ui.huCohortPath.toolTip = _table_hint()
        self._on_click(ui.huCohortMakeButton, self._on_make)
        self._on_click(ui.huCohortRunButton, self._on_run)
        self._on_click(ui.huCohortSummaryButton, self._on_summary)
        self._on_click(ui.huCohortCutoffsButton, self._on_cutoffs)
        self._on_click(ui.huCohortErrorButton, self._on_error)
        ui.huCohortShowButton.connect("toggled(bool)", self._on_show)
        ui.huTabs.connect("currentChanged(int)", lambda _index: self._on_tab())
        for combo in (ui.huCohortFigureCombo, ui.huCohortTableCombo):
            combo.connect("activated(int)", lambda _index=0: self._on_chosen())
        ui.huCohortPath.connect("currentPathChanged(QString)", lambda _path="": self._show())
        ui.huCohortFolderPath.connect("currentPathChanged(QString)", lambda _path="": self._show())

    def leave(self) -> None:
        """Give the user's own arrangement of views back."""
        self._ui.huCohortShowButton.checked = False

    def _show(self) -> None:
        ui, cohort, folder = self._ui, self._cohort(), self._folder()
        table, root = (path.currentPath.strip() for path in (ui.huCohortPath, ui.huCohortFolderPath))
        self._enable(ui.huCohortRunButton, self._missing({_("table"): table, _("results folder"): root}))
        missing = "" if cohort is not None else _("No cohort is analyzed in this scene yet.")
        for widget in (ui.huCohortFigureCombo, ui.huCohortTableCombo, ui.huCohortShowButton):
            self._enable(widget, missing)
        lacks = _("The results folder has no {name}: analyze a cohort first.")
        for button, name, frozen in (
            (ui.huCohortSummaryButton, "summary.html", ""),
            (ui.huCohortCutoffsButton, "cutoffs.json", self._why_unchangeable()),
            (ui.huCohortErrorButton, "protocol.json", self._why_unchangeable()),
        ):
            self._enable(button, frozen if _is_file(folder, name) else lacks.format(name=name))
        if cohort is None:
            ui.huCohortShowButton.checked = False
        self._list_choices(cohort)

    def _list_choices(self, cohort: CohortNodes | None) -> None:
        figures = {} if cohort is None else {figure.name: figure.title for figure in cohort.figures}
        tables = {} if cohort is None else cohort.table_titles
        if (figures, tables) == self._listed:
            return
        self._listed = figures, tables
        for combo, choices in ((self._ui.huCohortFigureCombo, figures), (self._ui.huCohortTableCombo, tables)):
            chosen = combo.currentData or _FIRST_TABLE
            combo.clear()
            for name, title in choices.items():
                combo.addItem(title, name)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))

    @staticmethod
    def _cohort() -> CohortNodes | None:
        """Return the cohort that came into the scene last."""
        found = cohorts(slicer.mrmlScene)
        return found[-1] if found else None

    def _folder(self) -> Path | MaybeNone:
        """Return the folder of the cohort's files; None as long as table and folder are not chosen."""
        table, root = (path.currentPath.strip() for path in (self._ui.huCohortPath, self._ui.huCohortFolderPath))
        return Path(root) / f"{Path(table).stem}{_SUFFIX}" if table and root else None

    def _on_tab(self) -> None:
        """Give the views back to the reading when the user goes to another tab."""
        if self._ui.huTabs.currentWidget() != self._ui.huCohortTab:
            self.leave()

    def _on_make(self) -> None:
        """Make a table from exported readings, and choose it."""
        root = self._questions.chosen_folder(_("The folder that the readings were exported to"))
        if not root:
            return
        self._tell("")
        with self._messages.show_input_errors():
            path, cases = write_new_table(Path(root))
            self._ui.huCohortPath.currentPath = str(path)
            text = _("Cases in the new table: {cases}. Fill in {columns} where they are known: {path}")
            self._tell(text.format(cases=cases, columns=", ".join(TO_FILL_IN), path=path))

    def _on_run(self) -> None:
        folder, readings = self._folder(), self._ui.huCohortReadingsPath.currentPath.strip()
        parameters = self._choices.parameters
        self._tell("")
        with self._messages.show_input_errors():
            job = CohortJob(
                table=Path(self._ui.huCohortPath.currentPath.strip()),
                destination=folder,
                options=AnalysisOptions(
                    prevalences={
                        "osteoporosis": parameters.osteoporosisPercent / 100,
                        "low_bmd": parameters.lowBmdPercent / 100,
                    }
                ),
                readings=Path(readings) if readings else None,
                mean_levels=parse_levels(self._ui.huCohortMeanCombo.currentText),
                overwrite=folder.is_dir(),
            )
            check_destination(folder, overwrite=True, ours=OWN_COHORT_FOLDER)
            if not self._questions.may_replace(folder, _replacing(folder)):
                return
            try:
                with work_progress(_("Analyzing the cohort")) as progress:
                    outcome = run_cohort_job(job, progress)
            except StoppedByUserError:
                self._tell(_("Stopped; no file was changed."))
                return
            self._questions.has_written(folder)
            _require_hu(outcome.analysis.cohort)
            write_cohort(slicer.mrmlScene, outcome.analysis, outcome.tables)
            cohort, gaps = outcome.analysis.cohort, outcome.tables["gaps"]
            texts = sizes_and_curves_text(cohort), figures_text(gaps).rstrip(".")
            self._tell(
                _(
                    "{sizes}. Findings: {findings}, in the table “Findings”; missing results: {missing}, in the table "
                    "“Missing results”. Files: {folder}"
                ).format(
                    sizes=". ".join(filter(None, texts)),
                    findings=len(outcome.findings),
                    missing=len(gaps.rows),
                    folder=folder,
                )
            )
            for path in (self._ui.huCohortPath, self._ui.huCohortFolderPath):
                path.addCurrentPathToHistory()
            self._show()
            self._ui.huCohortShowButton.checked = True
            self._on_chosen()

    def _on_show(self, is_on: bool) -> None:
        if is_on:
            self._layout.show()
            self._on_chosen()
        else:
            self._layout.give_back()

    def _on_chosen(self) -> None:
        cohort = self._cohort()
        if cohort is not None and self._layout.is_shown:
            ui = self._ui
            self._layout.fill(cohort, ui.huCohortFigureCombo.currentData or "", ui.huCohortTableCombo.currentData or "")

    def _on_summary(self) -> None:
        self._done.open_page(self._folder() / "summary.html")

    def _on_cutoffs(self) -> None:
        with self._messages.show_input_errors():
            path = self._folder() / "cutoffs.json"
            document = self._use_cutoffs(path)
            self._tell(_("The reading is classified by {name}.").format(name=document.name))

    def _on_error(self) -> None:
        with self._messages.show_input_errors():
            path = self._folder() / "protocol.json"
            document = load_protocol(path)
            use_measurement_error(self._session.reading, document.document)
            self._ui.huProtocolPath.currentPath = str(path)
            text = _("The reading is compared with a least significant change of {lsc:g} HU, from {name}.")
            self._tell(text.format(name=document.name, lsc=document.protocol.patient.lsc_hu))
            self._session.measure()

    def _tell(self, text: str) -> None:
        self._ui.huCohortLabel.text = text
        self._ui.huCohortLabel.visible = bool(text)


def _table_hint() -> str:
    """Return the tooltip of the table's path: its columns, and a row as an example."""
    text = _(
        "A table with a row per case: its audit folders, relative to the table, or its HU in columns such as {hu}, and "
        "its DXA. Other columns are in the documentation. An example:"
    )
    lines = "<br>".join(map(html.escape, example_lines()))
    return f"<p>{html.escape(text.format(hu=next(iter(HU_COLUMNS))))}</p><pre>{lines}</pre>"


def _require_hu(cohort: Cohort) -> None:
    """Raise InputError with the first reason if no case has HU: there is nothing to show."""
    if not cohort.measured_levels:
        reasons = [f"{one.sentence} {one.remedy}".strip() for one in cohort.findings if one.severity == "severe"]
        reason = reasons[0] if reasons else _("The table gives neither HU nor an audit folder.")
        raise InputError(_("No case of the table has HU: {reason}").format(reason=reason))


def _replacing(folder: Path) -> str:
    """Return the question whether a cohort's result may be replaced: what is there, and of when."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    newest = max((path.stat().st_mtime for path in files), default=0.0)
    when = qt.QDateTime.fromSecsSinceEpoch(int(newest)).toString("yyyy-MM-dd HH:mm")
    question = _(
        "“{folder}” already contains the result of a cohort: {count} files, the newest of {when}. Replace them?"
    )
    return question.format(folder=folder, count=len(files), when=when)


def _is_file(folder: Path | None, name: str) -> bool:
    return folder is not None and (folder / name).is_file()


@contextmanager
def work_progress(title: str) -> Iterator:
    """Give what a long work calls as it goes on; it keeps the application alive, and raises when the user stops it."""
    dialog = slicer.util.createProgressDialog(windowTitle=title, labelText=title, maximum=100)
    dialog.setWindowModality(qt.Qt.ApplicationModal)

    def report(share: float, what: str) -> None:
        dialog.labelText = what
        # At its end the dialog would close itself, and open again.
        dialog.value = min(99, round(100 * share))
        slicer.app.processEvents()
        if dialog.wasCanceled:
            raise StoppedByUserError

    try:
        yield report
    finally:
        dialog.close()
        dialog.deleteLater()
