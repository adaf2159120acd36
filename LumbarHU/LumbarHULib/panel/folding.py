"""The sections that fold: the keys stay with the next step, and what a click opens comes into sight."""

from contextlib import suppress

import qt
import slicer

# In less than this, neither the fields of a reading nor its findings can be read.
_LEAST_HEIGHT_PX = 200
_DATA_PROBE = "DataProbeCollapsibleWidget"


def settle_layouts() -> None:
    """Give everything that was just shown or rewritten its height, without handling any other event.

    Qt does so only when the action is over. Until then, a form is squeezed into its old height, whatever is painted at
    once shows it so, and scrolling ends at the old height.
    """
    qt.QCoreApplication.sendPostedEvents(None, qt.QEvent.LayoutRequest)


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


def show_from_top(area, contents, widget) -> None:
    """Scroll a section or list to the top of the area, unless all of it is in sight."""
    settle_layouts()
    bar, top = area.verticalScrollBar(), widget.mapTo(contents, qt.QPoint(0, 0)).y()
    if not bar.value <= top <= bar.value + area.viewport().height - widget.height:
        bar.setValue(top)


def show_grown(area, contents, widget) -> None:
    """Scroll down until the end of a list that grew is in sight, but not past its top."""
    settle_layouts()
    bar, top = area.verticalScrollBar(), widget.mapTo(contents, qt.QPoint(0, 0)).y()
    bar.setValue(max(bar.value, min(top, top + widget.height - area.viewport().height)))


class RoomForSections:
    """Room for the sections in a low window: Slicer's Data Probe below them is collapsed while the module is open.

    Parameters
    ----------
    area : QScrollArea
        Area that scrolls the sections.
    """

    def __init__(self, area) -> None:
        self._area = area
        self._is_collapsed_here, self._probe_px = False, 0
        # When the window becomes higher, as it does when Slicer starts, there is room for both.
        area.verticalScrollBar().connect("rangeChanged(int,int)", lambda *_range: self._later(self._give_back_if_high))

    def make(self) -> None:
        """Collapse Data Probe where the sections are too low to be read; the user may open it again."""
        self._later(self._make)

    def give_back(self) -> None:
        """Open Data Probe again if it was collapsed here."""
        probe = _data_probe()
        if self._is_collapsed_here and probe is not None:
            probe.collapsed = False
        self._is_collapsed_here = False

    def _make(self) -> None:
        settle_layouts()
        probe = _data_probe()
        if probe is not None and not probe.collapsed and self._area.visible and self._area.height < _LEAST_HEIGHT_PX:
            self._is_collapsed_here, self._probe_px = True, probe.sizeHint.height()
            probe.collapsed = True

    def _give_back_if_high(self) -> None:
        if self._is_collapsed_here and self._area.height >= _LEAST_HEIGHT_PX + self._probe_px:
            self.give_back()

    @staticmethod
    def _later(action) -> None:
        def act() -> None:
            with suppress(ValueError):  # the panel was closed meanwhile
                action()

        qt.QTimer.singleShot(0, act)


def _data_probe():
    """Return Slicer's Data Probe; None where the application has none."""
    window = slicer.util.mainWindow()
    return None if window is None else next(iter(window.findChildren("ctkCollapsibleButton", _DATA_PROBE)), None)
