"""Keys that live only while the module is open."""

from collections.abc import Callable, Mapping

import qt
import slicer

LEVEL_KEYS = {"1": "L1", "2": "L2", "3": "L3", "4": "L4"}
_TYPED_INTO = ("QLineEdit", "QAbstractSpinBox", "QTextEdit")


class Keys:
    """Shortcuts of the main window.

    Parameters
    ----------
    on_level : callable
        Called with the level whose number was pressed.
    others : mapping of str to callable
        What every other key does. Space and Enter first belong to the widget that the Tab key went to.
    """

    def __init__(self, on_level: Callable[[str], object], others: Mapping[str, Callable[[], object]]) -> None:
        self._shortcuts = []
        window = slicer.util.mainWindow()
        if window is None:
            return
        for key, level in LEVEL_KEYS.items():
            self._add(window, key, lambda level=level: on_level(level))
        for key, action in others.items():
            self._add(window, key, action)
        self.enable(False)

    def enable(self, enabled: bool) -> None:
        """Let the keys work, or not."""
        for shortcut in self._shortcuts:
            shortcut.enabled = enabled

    def remove(self) -> None:
        """Take the shortcuts away for good."""
        for shortcut in self._shortcuts:
            shortcut.enabled = False
            shortcut.deleteLater()
        self._shortcuts = []

    def _add(self, window, key: str, action: Callable[[], object]) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(key), window)
        shortcut.autoRepeat = False
        is_shared = key in ("Space", "Return", "Enter")
        shortcut.connect("activated()", lambda: action() if not is_shared or not _is_taken_by_focus() else None)
        self._shortcuts.append(shortcut)


def _is_taken_by_focus() -> bool:
    """Let the widget that the Tab key went to have the key, as without the shortcut; tell whether it took it."""
    focus = qt.QApplication.focusWidget()
    if focus is None:
        return False
    if focus.inherits("QAbstractButton") and focus.enabled and focus.objectName.startswith("hu"):
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
    """Take over what is being typed, so that the keys are free again; tell whether anything was."""
    focus = qt.QApplication.focusWidget()
    if focus is None or not any(focus.inherits(kind) for kind in _TYPED_INTO):
        return False
    focus.clearFocus()
    return True
