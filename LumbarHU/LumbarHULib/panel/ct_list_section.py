"""The part of the panel that goes from one CT of a list to the next."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.ct_list import CtOfList, next_ct, read_ct_list
from LumbarHULib.mrml.ct_case import name_case
from LumbarHULib.mrml.ct_node import ct_state, keep_scan, volume_node_from_ct
from LumbarHULib.mrml.export_reading import folder_of_reader
from LumbarHULib.mrml.reading import ask_for_level
from LumbarHULib.mrml.reading_lifecycle import unsaved_names
from LumbarHULib.panel.section import Section
from LumbarHULib.panel.services import (
    Exports,
    ListsLevels,
    Services,
    StartsReadings,
)

_SETTING = "LumbarHU/CtList"
_SHOWN_NAMES = 4


class CtListSection(Section):
    """The list of CTs, chosen once, and the way to the next one that this reader has not read.

    Parameters
    ----------
    ui : object
    services : Services
    exports : Exports
    setup : StartsReadings
    levels : ListsLevels
    """

    def __init__(self, ui, services: Services, exports: Exports, setup: StartsReadings, levels: ListsLevels) -> None:
        super().__init__(ui, services)
        self._exports, self._setup, self._levels = exports, setup, levels
        self._opened: tuple = ("", ())
        self._finished: tuple | None = None
        menu = qt.QMenu(ui.huListButton)
        for text, choose in ((_("Folder of CTs…"), self._on_folder), (_("Table of CTs (CSV)…"), self._on_table)):
            menu.addAction(text).connect("triggered(bool)", lambda _checked=False, choose=choose: choose())
        ui.huListButton.setMenu(menu)
        ui.huListButton.setPopupMode(qt.QToolButton.InstantPopup)
        ui.huListEdit.text = slicer.app.userSettings().value(_SETTING) or ""
        ui.huListEdit.connect("editingFinished()", self._on_list)
        self._on_click(ui.huNextButton, self.on_next)

    @property
    def has_list(self) -> bool:
        """Whether a list of CTs is chosen."""
        return bool(self._ui.huListEdit.text.strip())

    @property
    def has_next(self) -> bool:
        """Whether the list may have another CT that this reader has not read."""
        return self.has_list and self._finished != self._now()

    def _now(self) -> tuple:
        """Return a value that changes when another CT may come next."""
        parameters = self._choices.parameters
        reader, case = ("", "") if parameters is None else (parameters.readerName, parameters.caseName)
        return (self._ui.huListEdit.text, self._exports.export_root, reader, case)

    def _look_ahead(self, cts) -> None:
        """Note whether the CT that is open is the last one."""
        is_last = next_ct(cts, self._choices.parameters.caseName, self._was_read) is None
        self._finished = self._now() if is_last else None

    def _show(self) -> None:
        ui = self._ui
        is_measured = self._session.is_open and self._session.result is not None and bool(self._session.result.levels)
        is_last = is_measured and self.has_list and not self.has_next
        next_text = _("Export and next CT") if is_measured else _("Open the next CT")
        ui.huNextButton.text = _("Export the last CT") if is_last else next_text
        missing = "" if self.has_list else _("Choose a folder or a table of CTs first.")
        self._enable(ui.huNextButton, missing if self._choices.parameters is not None else _("No scene is open."))

    def _on_folder(self) -> None:
        self._choose(self._questions.chosen_folder(_("Folder of CTs")))

    def _on_table(self) -> None:
        title, kinds = _("Table of CTs, with the columns case and ct"), _("Tables (*.csv);;All files (*)")
        self._choose(self._questions.chosen_file(title, kinds))

    def _choose(self, path: str) -> None:
        if path:
            self._ui.huListEdit.text = path
            self._on_list()

    def _on_list(self) -> None:
        with self._messages.show_input_errors():
            path = self._ui.huListEdit.text.strip()
            slicer.app.userSettings().setValue(_SETTING, path)
            self._session.tell()
            if path:
                self._done.tell(self._progress(read_ct_list(Path(path))))

    def _progress(self, cts) -> str:
        read = sum(self._was_read(item.case) for item in cts) if self._exports.export_root else 0
        return _("{read} of {count} CTs of the list are exported by this reader.").format(read=read, count=len(cts))

    def _was_read(self, case: str) -> bool:
        return folder_of_reader(self._root(), case, self._choices.parameters.readerName).is_dir()

    def _root(self) -> Path:
        root = self._exports.export_root
        if not root:
            raise InputError(_("The folder to export to is missing: choose it. Its content shows which CTs were read."))
        return Path(root)

    def on_next(self) -> None:
        """Export what was measured, and open the next CT; nothing is closed before that CT was read from its file."""
        with self._messages.show_input_errors(), slicer.util.WaitCursor():
            cts = read_ct_list(Path(self._ui.huListEdit.text.strip()))
            root, reader = self._root(), self._choices.parameters.readerName
            folder_of_reader(root, "-", reader)  # refuses a reader without a name before anything is done
            exported = None
            if self._session.result is not None and self._session.result.levels:
                if not self._exports.export():
                    return
                exported = self._session.reading
            following = next_ct(cts, self._choices.parameters.caseName, self._was_read)
            if following is None:
                self._finished = self._now()
                self._session.tell()
                self._done.tell(_("Every CT of the list is exported by this reader."))
            elif self._may_close(exported):
                self._open(following)
                self._look_ahead(cts)
                self._session.tell()
                self._done.tell(self._progress(cts))

    def _may_close(self, exported) -> bool:
        names = unsaved_names(slicer.mrmlScene, exported, self._untouched())
        if not names:
            return True
        shown = ", ".join(names[:_SHOWN_NAMES]) + ("…" if len(names) > _SHOWN_NAMES else "")
        return self._questions.confirmed(
            _("The scene is closed, and these nodes are not saved: {names}. Go on without saving them?").format(
                names=shown
            )
        )

    def _untouched(self) -> tuple[str, ...]:
        """Return the ID of the CT that came from the list, if it still is as its file has it."""
        key, state = self._opened
        node = slicer.mrmlScene.GetNodeByID(key) if key else None
        return () if node is None or ct_state(node) != state else (key,)

    def _open(self, following: CtOfList) -> None:
        reader = self._choices.parameters.readerName
        skipped = self._session.reading.skipped_levels if self._session.is_open else ()
        ct_file = read_ct(following.path)
        slicer.mrmlScene.Clear(0)
        node = volume_node_from_ct(slicer.mrmlScene, ct_file.ct, following.case)
        keep_scan(node, ct_file.scan_facts, ct_file.findings)
        name_case(node, following.case)
        self._opened = (node.GetID(), ct_state(node))
        parameters = self._choices.parameters
        parameters.caseName, parameters.readerName, parameters.ctVolume = following.case, reader, node
        self._setup.start_reading()
        for level in skipped:
            ask_for_level(self._session.reading, level, False)
        self._session.tell()
        # The work on the next CT begins at the top: the list itself was chosen far below.
        self._ui.huScrollArea.verticalScrollBar().value = 0
        unplaced = self._levels.unplaced()
        if unplaced:
            self._levels.place(unplaced[0])
