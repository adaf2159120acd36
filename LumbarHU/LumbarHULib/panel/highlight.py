"""Buttons that stand out and links that can be read, in a light and in a dark application alike."""

from contextlib import suppress

import qt
import slicer

# How much of the highlight's color is in that of a button that is checked.
_ACCENT = 0.4
_FLASH_MS = 1200
_PARTS = (lambda color: color.red(), lambda color: color.green(), lambda color: color.blue())


def highlight(button, is_on: bool, is_readable: bool = True) -> None:
    """Let a button stand out, or not; where it says something, its text is readable even while it is disabled.

    By its palette: one with a style sheet keeps all its colors when Slicer turns dark, this one its highlight, and only
    until it is set again.
    """
    palette, usual = qt.QPalette(), slicer.app.palette()
    if is_on:
        palette.setColor(qt.QPalette.Button, usual.color(qt.QPalette.Highlight))
        palette.setColor(qt.QPalette.ButtonText, usual.color(qt.QPalette.HighlightedText))
    elif is_readable:
        palette.setColor(qt.QPalette.Disabled, qt.QPalette.ButtonText, usual.color(qt.QPalette.WindowText))
    button.palette = palette


def set_checked(button, is_on: bool) -> None:
    """Check a button, or not, as if it had always been so."""
    button.blockSignals(True)
    button.checked = is_on
    button.blockSignals(False)
    show_checked(button)


def show_checked(button) -> None:
    """Let a checked button be told from others in a dark application, too, without standing out."""
    palette, usual = qt.QPalette(), slicer.app.palette()
    if button.checked:
        ground, accent = usual.color(qt.QPalette.Button), usual.color(qt.QPalette.Highlight)
        mixed = (round((1 - _ACCENT) * of(ground) + _ACCENT * of(accent)) for of in _PARTS)
        palette.setColor(qt.QPalette.Button, qt.QColor(*mixed))
    button.palette = palette


def flash(label) -> None:
    """Let a label stand out for a moment."""
    palette, usual = qt.QPalette(), slicer.app.palette()
    palette.setColor(qt.QPalette.Window, usual.color(qt.QPalette.Highlight))
    palette.setColor(qt.QPalette.WindowText, usual.color(qt.QPalette.HighlightedText))
    label.palette = palette
    label.autoFillBackground = True
    qt.QTimer.singleShot(_FLASH_MS, lambda: _end_flash(label))


def _end_flash(label) -> None:
    with suppress(ValueError):  # the panel was closed meanwhile
        label.autoFillBackground = False
        label.palette = qt.QPalette()


def show_links(label, text: str) -> None:
    """Show a text with links in a label: in the color of the text, as the usual blue is lost on dark ground."""
    color = slicer.app.palette().color(qt.QPalette.WindowText).name()
    label.text = f"<style>a {{ color: {color}; }}</style>{text}" if text else ""
    label.visible = bool(text)
