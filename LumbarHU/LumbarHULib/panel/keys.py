"""Keys that live only while the module is open."""

from collections.abc import Callable

import qt
import slicer

LEVEL_KEYS = {"1": "L1", "2": "L2", "3": "L3", "4": "L4"}


class Keys:
    """Shortcuts of the main window: 1 to 4 for the levels, Esc to break off placing, the usual ones to undo and redo.

    Parameters
    ----------
    on_level : callable
        Called with the level.
    on_escape, on_undo, on_redo : callable
    """

    def __init__(
        self,
        on_level: Callable[[str], None],
        on_escape: Callable[[], None],
        on_undo: Callable[[], None],
        on_redo: Callable[[], None],
    ):
        self._shortcuts = []
        window = slicer.util.mainWindow()
        if window is None:
            return
        for key, level in LEVEL_KEYS.items():
            self._add(window, key, lambda level=level: on_level(level))
        others = {"Esc": on_escape, "Ctrl+Z": on_undo, "Ctrl+Y": on_redo, "Ctrl+Shift+Z": on_redo}
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

    def _add(self, window, key: str, action: Callable[[], None]) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(key), window)
        shortcut.connect("activated()", action)
        self._shortcuts.append(shortcut)
