"""What the panel asks before it does something that cannot be taken back; every dialog of the panel is opened here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _


class Questions:
    """Asks the user; a test answers for itself, and looks up what was asked.

    Attributes
    ----------
    answer : bool or None
        What every question is answered with; None asks the user.
    asked : list of str
        Every question so far.
    folder, file, entered : str
        The folder and the file that are chosen, and the line that is entered, where the user is not asked; empty for
        none.
    """

    def __init__(self) -> None:
        self.answer: bool | None = True if slicer.app.testingEnabled() else None
        self.asked: list[str] = []
        self.folder = self.file = self.entered = ""
        self._written: dict[Path, str] = {}

    def confirmed(self, question: str, yes: str = "", no: str = "") -> bool:
        """Ask, and return whether the user wants to go on; the Enter key alone says no.

        Parameters
        ----------
        question : str
        yes, no : str
            What the buttons say; empty for yes and no.
        """
        self.asked.append(question)
        if self.answer is not None:
            return self.answer
        with _usual_cursor():
            box = question_box(question)
            for kind, text in ((qt.QMessageBox.Yes, yes), (qt.QMessageBox.No, no)):
                if text:
                    box.button(kind).text = text
            return bool(box.exec_() == qt.QMessageBox.Yes)

    def may_replace(self, folder: Path, question: str, uid: str = "") -> bool:
        """Ask before a folder is replaced; what this panel wrote of the same reading is renewed without asking again.

        Parameters
        ----------
        folder : pathlib.Path
        question : str
        uid : str
            The reading's, where the folder is of one: another reading of the same name asks.
        """
        is_there = folder.is_dir() and any(folder.iterdir())
        return not is_there or self._written.get(folder) == uid or self.confirmed(question)

    def has_written(self, folder: Path, uid: str = "") -> None:
        """Note a folder that need not be asked for again."""
        self._written[folder] = uid

    def forget_written(self) -> None:
        """Ask again for every folder: another scene may hold another reading of the same name."""
        self._written.clear()

    def chosen_folder(self, title: str) -> str:
        """Ask for a folder; return an empty text when the user gives none."""
        self.asked.append(title)
        if self.answer is not None:
            return self.folder
        with _usual_cursor():
            return qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)

    def chosen_file(self, title: str, kinds: str) -> str:
        """Ask for a file of some kinds; return an empty text when the user gives none."""
        self.asked.append(title)
        if self.answer is not None:
            return self.file
        with _usual_cursor():
            return qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds)

    def entered_text(self, title: str, question: str) -> str:
        """Ask for a line of text; return an empty text when the user gives none."""
        self.asked.append(question)
        if self.answer is not None:
            return self.entered
        with _usual_cursor():
            return qt.QInputDialog.getText(slicer.util.mainWindow(), title, question)


def question_box(question: str):
    """Return a box that asks for yes or no, with no as the default."""
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.setIcon(qt.QMessageBox.Question)
    box.windowTitle = _("Lumbar HU")
    box.text = question
    box.addButton(qt.QMessageBox.Yes)
    box.setDefaultButton(box.addButton(qt.QMessageBox.No))
    return box


@contextmanager
def _usual_cursor() -> Iterator[None]:
    """Take wait cursors away for as long as the application waits for its user."""
    shapes = []
    while qt.QApplication.overrideCursor() is not None:
        shapes.append(qt.QApplication.overrideCursor().shape())
        qt.QApplication.restoreOverrideCursor()
    try:
        yield
    finally:
        for shape in reversed(shapes):
            qt.QApplication.setOverrideCursor(qt.QCursor(shape))
