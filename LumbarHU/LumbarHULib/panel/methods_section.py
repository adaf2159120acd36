"""The comparison of regions, levels or protocols over a cohort, on the tab for cohorts."""

from collections.abc import Mapping
from pathlib import Path

import qt
from slicer.i18n import tr as _

from LumbarHULib.api.comparisons import compare_methods
from LumbarHULib.cohort.methods.method import Method
from LumbarHULib.cohort_files.methods.folder import COMPARISON, OWN_COMPARISON_FOLDER
from LumbarHULib.cohort_files.methods.page import summary_sentences
from LumbarHULib.cohort_files.methods.read import results_file, results_of_protocols
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS, parse_levels
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.files.csv_table import read_csv_table
from LumbarHULib.mrml.node_types import MaybeNone
from LumbarHULib.panel.cohort_section import StoppedByUserError, work_progress
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import Services

_SUFFIX = "-comparison"
_ROW_HEIGHT_PX, _MOST_ROWS, _FRAME_PX = 20, 10, 6


class MethodsSection(Section):
    """Which regions of which protocols are compared, over which levels, and the page with the result.

    Parameters
    ----------
    ui : object
    services : Services
    """

    def __init__(self, ui, services: Services) -> None:
        super().__init__(ui, services)
        self._listed: tuple = ()
        self._results: dict[str, Path] = {}
        ui.huMethodsPath.connect("currentPathChanged(QString)", lambda _path="": self._on_folder())
        for path in (ui.huCohortPath, ui.huCohortFolderPath):
            path.connect("currentPathChanged(QString)", lambda _path="": self._show())
        ui.huMethodsSection.connect("contentsCollapsed(bool)", lambda _is_collapsed: self._show())
        ui.huMethodsList.connect("itemChanged(QListWidgetItem*)", lambda _item: self._enable_buttons())
        self._on_click(ui.huMethodsRunButton, self._on_run)
        self._on_click(ui.huMethodsOpenButton, self._on_open)
        self._tell("")

    def _show(self) -> None:
        if not self._ui.huMethodsSection.collapsed:
            self._list()
        self._enable_buttons()

    def _enable_buttons(self) -> None:
        ui, folder = self._ui, self._destination()
        fields = {_("results folder"): folder, _("two or more ticked methods"): len(self._chosen()) > 1}
        self._enable(ui.huMethodsRunButton, self._missing(fields))
        is_written = folder is not None and (folder / COMPARISON).is_file()
        self._enable(ui.huMethodsOpenButton, "" if is_written else _("No comparison is written yet: press “Compare”."))

    def _on_folder(self) -> None:
        with self._messages.show_input_errors():
            text = self._ui.huMethodsPath.currentPath.strip()
            self._results = {}
            if text:
                folder = Path(text)
                # The output of one protocol is compared by its regions; that of several by protocols as well.
                is_single = results_file(folder).is_file()
                self._results = {folder.name: folder} if is_single else results_of_protocols(folder)
        self._show()

    def _list(self) -> None:
        """List every region of every table of results when it changed; what is ticked stays."""
        names = [("", roi) for roi in ROIS] if self._table() else []
        for protocol, path in self._results.items():
            names += [(protocol, roi) for roi in _regions_in(results_file(path))]
        if tuple(names) == self._listed:
            return
        ticked = self._chosen()
        self._listed = tuple(names)
        shown = self._ui.huMethodsList
        shown.blockSignals(True)
        shown.clear()
        for protocol, roi in names:
            item = qt.QListWidgetItem(f"{protocol}: {roi}" if protocol else roi)
            item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
            item.setCheckState(qt.Qt.Checked if (protocol, roi) in ticked else qt.Qt.Unchecked)
            shown.addItem(item)
        shown.blockSignals(False)
        shown.setFixedHeight(min(max(len(names), 2), _MOST_ROWS) * _ROW_HEIGHT_PX + _FRAME_PX)

    def _chosen(self) -> list[tuple[str, str]]:
        shown = self._ui.huMethodsList
        ticked = [shown.item(row).checkState() == qt.Qt.Checked for row in range(len(self._listed))]
        return [one for one, is_ticked in zip(self._listed, ticked, strict=True) if is_ticked]

    def _table(self) -> Path | None:
        text = self._ui.huCohortPath.currentPath.strip()
        return Path(text) if text else None

    def _destination(self) -> Path | MaybeNone:
        """Return the folder of the comparison; None as long as there is nothing to compare, or nowhere to write."""
        root, folder = (path.currentPath.strip() for path in (self._ui.huCohortFolderPath, self._ui.huMethodsPath))
        table = self._table()
        source = Path(folder).name if folder else "" if table is None else table.stem
        return Path(root) / f"{source}{_SUFFIX}" if root and source else None

    def _on_run(self) -> None:
        folder, chosen = self._destination(), self._chosen()
        with self._messages.show_input_errors():
            levels = parse_levels(self._ui.huMethodsLevelsCombo.currentText)
            check_destination(folder, overwrite=True, ours=OWN_COMPARISON_FOLDER)
            question = _("“{folder}” already contains a comparison. Replace it?").format(folder=folder)
            if not self._questions.may_replace(folder, question):
                return
            methods = [Method(roi, levels, protocol).name for protocol, roi in chosen]
            protocols = {protocol for protocol, _roi in chosen}
            used = {name: path for name, path in self._results.items() if name in protocols}
            try:
                done = self._compared(methods, used, folder)
            except StoppedByUserError:
                self._tell(_("Stopped; no file was changed."))
                return
            self._questions.has_written(folder)
            lines = [*summary_sentences(done.comparison), _("Files: {folder}").format(folder=folder)]
            self._tell("\n".join(lines))
        self._enable_buttons()

    def _compared(self, methods: list[str], results: Mapping[str, Path], folder: Path):
        with work_progress(_("Comparing")) as progress:
            return compare_methods(
                self._table(), methods, folder, results=results, overwrite=folder.is_dir(), progress=progress
            )

    def _on_open(self) -> None:
        self._done.open_page(self._destination() / COMPARISON)

    def _tell(self, text: str) -> None:
        self._ui.huMethodsLabel.text = text
        self._ui.huMethodsLabel.visible = bool(text)


def _regions_in(path: Path) -> list[str]:
    """Return the regions of a table of results, in its order; raises InputError when it cannot be read."""
    table = read_csv_table(path)
    if "roi" not in table.header:
        raise InputError(_("“{path}” lacks the column “roi”: choose the output of a batch.").format(path=path))
    column = table.header.index("roi")
    return list(dict.fromkeys(cells[column] for _line, cells in table.rows if len(cells) > column))
