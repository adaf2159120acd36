"""The sections that fold: the keys stay with the next step, and what a click opens comes into sight."""

import qt


def prepare_sections(area, contents) -> None:
    """Let a click on a section's title leave the keys to the next step and show what it opens.

    Parameters
    ----------
    area : QScrollArea
    contents : QWidget
        What it scrolls, with all sections.
    """
    for title in contents.findChildren("ctkCollapsibleButton"):
        title.setFocusPolicy(qt.Qt.TabFocus)
        title.connect("clicked(bool)", lambda _checked=False, title=title: _show_soon(area, contents, title))


def _show_soon(area, contents, title) -> None:
    if not title.collapsed:
        # The layout gives the section its height first.
        qt.QTimer.singleShot(0, lambda: show_from_top(area, contents, title))


def show_from_top(area, contents, title) -> None:
    """Scroll a section to the top of the area where it does not wholly fit in what is seen."""
    if contents.layout() is not None:
        contents.layout().activate()
    bar, top = area.verticalScrollBar(), title.mapTo(contents, qt.QPoint(0, 0)).y()
    if not bar.value <= top <= bar.value + area.viewport().height - title.height:
        bar.setValue(top)
