"""Hands that click and press keys in the panel and count both: by Qt's events, or by those of the X server."""

import subprocess
import time

_QUIET_SECONDS = 0.1


class QtHands:
    """Sends events of QTest to the widgets of the tests' stand-in for Slicer, and of VTK to its views."""

    def __init__(self):
        self.clicks = self.keys = 0

    def press(self, key):
        """Press a key, such as ``Space``, in the main window."""
        import slicer
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        from LumbarHULib.self_test.synthetic_mouse import settle

        self.keys += 1
        QTest.keyClick(slicer.util.mainWindow().qt_object(), getattr(Qt.Key, f"Key_{key}"))
        settle()

    def click_button(self, button):
        """Click a button with the left mouse button."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        from LumbarHULib.self_test.synthetic_mouse import settle

        self.clicks += 1
        QTest.mouseClick(button.qt_object(), Qt.MouseButton.LeftButton)
        settle()

    def click_view(self, view, point_ras_mm):
        """Click into a slice view where it draws a point."""
        from LumbarHULib.self_test.synthetic_mouse import click

        self.clicks += 1
        click(view, point_ras_mm)


class XHands:
    """Moves the real pointer and presses real keys, by xdotool, while Slicer goes on working."""

    def __init__(self):
        self.clicks = self.keys = 0

    def press(self, key):
        """Press a key, such as ``Space``, in the window that has the keyboard."""
        self.keys += 1
        _send("key", {"Space": "space"}.get(key, key))

    def click_button(self, button):
        """Click a button with the left mouse button, after scrolling to it."""
        import qt
        import slicer

        slicer.modules.LumbarHUWidget.ui.huScrollArea.ensureWidgetVisible(button)
        slicer.app.processEvents()
        self._click(button, qt.QPoint(button.width // 2, button.height // 2))

    def click_view(self, view, point_ras_mm):
        """Click into a slice view where it draws a point."""
        import qt
        import slicer

        from LumbarHULib.panel.views import window_position

        widget = slicer.app.layoutManager().sliceWidget(view).sliceView()
        scale = widget.devicePixelRatio() if callable(widget.devicePixelRatio) else widget.devicePixelRatio
        x, y = (round(value / scale) for value in window_position(view, point_ras_mm))
        self._click(widget, qt.QPoint(x, widget.height - 1 - y))

    def _click(self, widget, point):
        self.clicks += 1
        place = widget.mapToGlobal(point)
        # A handle or the ring of an edge follows the mouse: it moves first, as a hand does.
        _send("mousemove", str(place.x() + 2), str(place.y()), "mousemove", str(place.x()), str(place.y()))
        _send("click", "1")


def _send(*arguments):
    """Let xdotool act, and let Slicer come to rest."""
    import slicer

    with subprocess.Popen(["xdotool", *arguments]) as process:
        while process.poll() is None:
            slicer.app.processEvents()
    if process.returncode:
        raise RuntimeError(f"xdotool {' '.join(arguments)} ended with {process.returncode}")
    until = time.perf_counter() + _QUIET_SECONDS
    while time.perf_counter() < until:
        began = time.perf_counter()
        slicer.app.processEvents()
        if time.perf_counter() - began > _QUIET_SECONDS / 2:  # it worked: what follows from it comes next
            until = time.perf_counter() + _QUIET_SECONDS
