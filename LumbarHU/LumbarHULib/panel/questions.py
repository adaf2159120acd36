"""What the panel asks before it does something that cannot be taken back."""

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
    folder : str
        The folder that is chosen where the user is not asked; empty for none.
    """

    def __init__(self):
        self.answer: bool | None = True if slicer.app.testingEnabled() else None
        self.asked: list[str] = []
        self.folder = ""

    def confirmed(self, question: str) -> bool:
        """Ask, and tell whether the user wants to go on."""
        self.asked.append(question)
        if self.answer is not None:
            return self.answer
        return bool(slicer.util.confirmYesNoDisplay(question, windowTitle=_("Lumbar HU")))

    def chosen_folder(self, question: str) -> str:
        """Ask for a folder; return an empty text when the user gives none."""
        self.asked.append(question)
        if self.answer is not None:
            return self.folder
        return qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), question)
