"""What the panel reports to its user: lines at its foot, where they move nothing, never a box that stops the work."""

import html
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from LumbarHULib.core.errors import InputError
from LumbarHULib.panel.highlight import show_links
from LumbarHULib.panel.session import Session

_PROBLEM_STYLE = "QLabel { background: #c0392b; color: white; padding: 5px; border-radius: 3px; }"

# Target of the link that copies a path, which opens nothing.
_COPY = "copy"


class Messages:
    """The red line.

    Parameters
    ----------
    label : QLabel
    on_change : callable, optional
        Called with the sentence whenever another one is shown, or none.
    on_work : callable, optional
        Called with what is being computed, and with an empty sentence when that is done.
    """

    def __init__(
        self, label, on_change: Callable[[str], None] | None = None, on_work: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._label, self._on_change, self._on_work = label, on_change, on_work
        self._is_of_scene = False
        label.styleSheet = _PROBLEM_STYLE
        self.clear()

    @property
    def text(self) -> str:
        """The sentence that is shown; empty when none is."""
        return self._label.text

    def tell(self, sentence: str, of_scene: bool = False) -> None:
        """Show a sentence until the next action or, where it is of the scene, until that is looked at again."""
        self._is_of_scene = of_scene
        is_news = self._label.text != sentence
        self._label.text = sentence
        self._label.visible = bool(sentence)
        if is_news and self._on_change is not None:
            self._on_change(sentence)

    def clear(self) -> None:
        """Take the sentence away."""
        self.tell("")

    @contextmanager
    def show_work(self, sentence: str):
        """Show what is being computed, and the wait cursor, while it is."""
        self._on_work(sentence)
        # Slicer's own WaitCursor handles waiting events, which would end the placing that calls this.
        qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            yield
        finally:
            qt.QApplication.restoreOverrideCursor()
            self._on_work("")

    @contextmanager
    def show_input_errors(self):
        """Run one action: an InputError is shown here; any other exception is a defect and is raised."""
        self.clear()
        try:
            yield
        except InputError as problem:
            self.tell(str(problem))

    @contextmanager
    def show_scene_errors(self):
        """Look at the scene, which may have changed by itself: the message of an action stays."""
        if self._is_of_scene:
            self.clear()
        try:
            yield
        except InputError as problem:
            self.tell(str(problem), of_scene=True)


class Done:
    """The line that says what was done, until something else is measured or decided.

    Parameters
    ----------
    label : QLabel
    session : Session
    messages : Messages
        Shows that no browser could be opened.
    """

    def __init__(self, label, session: Session, messages: Messages) -> None:
        self._label, self._session, self._messages = label, session, messages
        self._reported_for: tuple = ()
        self._path = ""
        label.connect("linkActivated(QString)", self._open)
        self.tell("")

    def tell(self, text: str, path: Path | None = None) -> None:
        """Show what was done, with a link to the file or folder that was written, and one that copies its path."""
        self._show(f"✓ {text}" if text else "", path)

    def open_page(self, page: Path) -> None:
        """Open a page in the browser, and offer to copy its path: some systems report success without a browser."""
        self._messages.clear()
        if qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page))):
            self.tell(_("Opening {page} in the browser.").format(page=page), page)
        else:
            self._messages.tell(_("No browser could be opened: copy the path of the page, and open it yourself."))
            self._show(str(page), page)

    def _show(self, text: str, path: Path | None) -> None:
        self._reported_for = self._now()
        shown = html.escape(text)
        if path is not None:
            self._path, name = str(path), html.escape(str(path))
            link = html.escape(qt.QUrl.fromLocalFile(str(path)).toString())
            shown = shown.replace(name, f'<a href="{link}">{name}</a>')
            shown += _copy_link(_("Copy path"))
        show_links(self._label, shown)

    def refresh(self, what: str) -> None:
        """Take away what is no longer news."""
        if what == "all" and self._now() != self._reported_for:
            self.tell("")

    def _now(self) -> tuple:
        session = self._session
        return (session.result, len(session.reading.history) if session.is_open else 0)

    def _open(self, link: str) -> None:
        if link == _COPY:
            slicer.app.clipboard().setText(self._path)
            self._label.text = self._label.text.replace(_copy_link(_("Copy path")), _copy_link(_("Path copied")))
        else:
            qt.QDesktopServices.openUrl(qt.QUrl(link))


def _copy_link(words: str) -> str:
    return f' <a href="{_COPY}">{html.escape(words)}</a>'
