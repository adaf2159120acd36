"""Keys that live only while the module is open."""

from collections.abc import Callable, Mapping
from functools import partial

import qt
import slicer

LEVEL_KEYS = {"1": "L1", "2": "L2", "3": "L3", "4": "L4"}
_ENTRY_FIELDS = ("QLineEdit", "QAbstractSpinBox", "QTextEdit", "QPlainTextEdit", "QComboBox")
_SHARED = ("Space", "Return", "Enter")
_EVERYWHERE = "Esc"


class Keys:
    """Shortcuts of the main window.

    Parameters
    ----------
    on_level : callable
        Called with the level whose number was pressed.
    others : mapping of str to callable
        What every other key does. Space and Enter first belong to the widget that the Tab key went to. Where an entry
        field has the focus, the first press of any key but Esc only ends the entry.
    tabs, patient_tab : object
        While another tab hides what the keys act on, Esc alone works.
    """

    def __init__(
        self, on_level: Callable[[str], object], others: Mapping[str, Callable[[], object]], tabs, patient_tab
    ) -> None:
        self._shortcuts: dict = {}
        self._is_enabled, self._tabs, self._patient_tab = False, tabs, patient_tab
        window = slicer.util.mainWindow()
        if window is None:
            return
        for key, level in LEVEL_KEYS.items():
            self._add(window, key, partial(on_level, level))
        for key, action in others.items():
            self._add(window, key, action)
        self.enable(False)
        tabs.connect("currentChanged(int)", lambda _index: self._look())

    def enable(self, enabled: bool) -> None:
        """Let the keys work, or not."""
        self._is_enabled = enabled
        self._look()

    def _look(self) -> None:
        is_patient_shown = self._tabs.currentWidget() == self._patient_tab
        for key, shortcut in self._shortcuts.items():
            shortcut.enabled = self._is_enabled and (is_patient_shown or key == _EVERYWHERE)

    def remove(self) -> None:
        """Take the shortcuts away for good."""
        for shortcut in self._shortcuts.values():
            shortcut.enabled = False
            shortcut.deleteLater()
        self._shortcuts = {}

    def _add(self, window, key: str, action: Callable[[], object]) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(key), window)
        shortcut.autoRepeat = False
        shortcut.connect("activated()", lambda: None if _is_taken_by_focus(key) else action())
        self._shortcuts[key] = shortcut


def _is_taken_by_focus(key: str) -> bool:
    """Let the widget that the Tab key went to have the key, as without the shortcut; return whether it took it."""
    focus = qt.QApplication.focusWidget()
    if focus is None or key == _EVERYWHERE:
        return False
    if focus.inherits("QAbstractButton") and focus.enabled and focus.objectName.startswith("hu") and key in _SHARED:
        focus.click()
        return True
    return end_typing()


def collapse(section, is_collapsed: bool) -> None:
    """Collapse or open a section; the keys are not left to whatever widget Qt would move the focus to."""
    focus = qt.QApplication.focusWidget()
    if is_collapsed and focus is not None and section.isAncestorOf(focus):
        focus.clearFocus()
    section.collapsed = is_collapsed


def end_typing() -> bool:
    """Take over what is being typed, so that the keys are free again; return whether anything was."""
    focus = qt.QApplication.focusWidget()
    if focus is None or not any(focus.inherits(kind) for kind in _ENTRY_FIELDS):
        return False
    focus.clearFocus()
    return True
