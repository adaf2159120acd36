"""A line over the axial view: what is wrong, or which click comes next, where the reader looks."""

from typing import Any

import qt
import slicer

from LumbarHULib.panel.folding import settle_layouts
from LumbarHULib.panel.views import AXIAL

_STYLE = "QLabel { background: %s; color: white; padding: 5px; border-radius: 3px; }"
_PROBLEM, _HINT = "#c0392b", "#2c3e50"
_MARGIN_PX, _SPARE_PX = 8, 24


class ViewLine:
    """A label over the axial view: it takes no click, and moves nothing."""

    def __init__(self) -> None:
        self._label: Any = None
        self._problem = self._hint = self._work = ""
        self._is_on = False

    @property
    def is_on(self) -> bool:
        """Whether it may be shown: not in other modules."""
        return self._is_on

    @is_on.setter
    def is_on(self, is_on: bool) -> None:
        self._is_on = is_on
        if not is_on:
            self.remove()

    @property
    def text(self) -> str:
        """What is shown; empty when nothing is."""
        return (self._work or self._problem or self._hint) if self._is_on else ""

    def show_problem(self, sentence: str) -> None:
        """Show what is wrong; an empty sentence takes it away."""
        self._problem = sentence
        self._show()

    def show_hint(self, sentence: str) -> None:
        """Show which click comes next, while nothing is wrong; an empty sentence takes it away."""
        self._hint = sentence
        self._show()

    def show_work(self, sentence: str) -> None:
        """Show at once what is being computed, before all else; an empty sentence takes it away."""
        self._work = sentence
        self._show()
        if sentence and self._label is not None:
            # Painting one label paints all that changed in the window: what was just shown gets its height first.
            # No other event is handled meanwhile: no click is taken before the work is done.
            settle_layouts()
            self._label.repaint()

    def remove(self) -> None:
        """Take the line out of the view."""
        self._problem = self._hint = self._work = ""
        if self._label is not None:
            self._label.deleteLater()
            self._label = None

    def _show(self) -> None:
        widget = slicer.app.layoutManager().sliceWidget(AXIAL) if slicer.app.layoutManager() is not None else None
        if widget is None or (self._label is None and not self.text):
            return
        view = widget.sliceView()
        if self._label is None:
            self._label = qt.QLabel(view)
            self._label.objectName = "huViewLine"
            self._label.wordWrap = True
            self._label.setAttribute(qt.Qt.WA_TransparentForMouseEvents)
        label = self._label
        is_problem = bool(self._problem) and not self._work
        label.styleSheet = _STYLE % (_PROBLEM if is_problem else _HINT)
        label.text = self.text
        width = max(view.width - 2 * _MARGIN_PX, 1)
        # Qt's own hint for a text that may wrap is a narrow block of several lines.
        one_line = label.fontMetrics().boundingRect(self.text).width() + _SPARE_PX
        natural = width if is_problem else min(one_line, width)
        label.setGeometry(_MARGIN_PX, _MARGIN_PX, natural, label.heightForWidth(natural))
        label.visible = bool(self.text)
        label.raise_()
