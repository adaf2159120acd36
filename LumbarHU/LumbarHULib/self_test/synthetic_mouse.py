"""Clicks and drags in the slice views, as the mouse makes them: for the module's own test."""

import time

import numpy as np
import slicer

from LumbarHULib.panel.views import window_position

_LONGEST_LOOK_S, _PAUSE_S = 10.0, 0.01


def move_to(view: str, point_ras_mm) -> None:
    """Move the mouse to where a slice view draws a point."""
    interactor = _interactor(view)
    interactor.SetEventPosition(*window_position(view, point_ras_mm))
    interactor.MouseMoveEvent()


def click(view: str, point_ras_mm) -> None:
    """Click with the left button where a slice view draws a point."""
    move_to(view, point_ras_mm)
    interactor = _interactor(view)
    interactor.LeftButtonPressEvent()
    interactor.LeftButtonReleaseEvent()
    settle()


def drag(view: str, from_ras_mm, by_mm, steps: int = 5) -> None:
    """Drag what is at a point with the left button, by a distance in mm."""
    start, end = window_position(view, from_ras_mm), window_position(view, np.add(from_ras_mm, by_mm))
    interactor = _interactor(view)
    # A handle is taken hold of only after the mouse has moved over it.
    for x, y in ((start[0] + 1, start[1]), start):
        interactor.SetEventPosition(x, y)
        interactor.MouseMoveEvent()
    slicer.util.clickAndDrag(_slice_view(view), "Left", start, end, steps)
    settle()


def _slice_view(view: str):
    return slicer.app.layoutManager().sliceWidget(view).sliceView()


def _interactor(view: str):
    return _slice_view(view).interactorStyle().GetInteractor()


def settle() -> None:
    """Let timers and views come to rest."""
    for _ in range(10):
        slicer.app.processEvents()


def look(panel) -> None:
    """Look at the current level, as a reader does before the next key: until it counts as seen."""
    latest = time.monotonic() + _LONGEST_LOOK_S
    panel.next_step.refresh("all")
    while not panel.next_step.sight.could_be_seen and time.monotonic() < latest:
        slicer.app.processEvents()
        time.sleep(_PAUSE_S)


def read_step(panel) -> None:
    """Wait, as a reader who reads the next step does, until Enter takes it."""
    while not panel.next_step.was_offered_long_enough:
        slicer.app.processEvents()
        time.sleep(_PAUSE_S)
