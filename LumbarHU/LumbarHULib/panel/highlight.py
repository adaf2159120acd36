"""Buttons that stand out and links that can be read, in a light and in a dark application alike."""

import qt
import slicer


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


def show_links(label, text: str) -> None:
    """Show a text with links in a label: in the color of the text, as the usual blue is lost on dark ground."""
    color = slicer.app.palette().color(qt.QPalette.WindowText).name()
    label.text = f"<style>a {{ color: {color}; }}</style>{text}" if text else ""
    label.visible = bool(text)
