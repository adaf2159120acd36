"""What both tables of the panel need: cells, a height that shows every row, and copying."""

from collections.abc import Callable

import qt
import slicer

from LumbarHULib.files.drawing_colors import Color


def set_cell(table, row: int, column: int, text: str | None):
    """Write a cell, where a text is given, and return its item."""
    item = table.item(row, column)
    if item is None:
        item = qt.QTableWidgetItem()
        item.setTextAlignment(qt.Qt.AlignCenter)
        table.setItem(row, column, item)
    if text is not None and item.text() != text:
        item.setText(text)
    return item


def fit_height(table) -> None:
    """Make a table as high as its rows: nothing in it scrolls."""
    height = table.horizontalHeader().height + 2 * table.frameWidth
    height += sum(table.rowHeight(row) for row in range(table.rowCount))
    table.setFixedHeight(height)


def table_text(table) -> str:
    """Return the whole table with its headers, as spreadsheets take it."""
    columns, rows = range(table.columnCount), range(table.rowCount)
    lines = ["\t".join(["", *(_one_line(table.horizontalHeaderItem(column)) for column in columns)])]
    for row in rows:
        cells = [_one_line(table.item(row, column)) for column in columns]
        lines.append("\t".join([_one_line(table.verticalHeaderItem(row)), *cells]))
    return "\n".join(lines)


def copy_on_request(table, text_of: Callable[[], str]) -> None:
    """Let Ctrl+C copy the text of the table."""
    shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+C"), table)
    shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
    shortcut.connect("activated()", lambda: slicer.app.clipboard().setText(text_of()))


def color_icon(color: Color):
    """Return a small square of a color."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor.fromRgbF(*color))
    return qt.QIcon(pixmap)


def _one_line(item) -> str:
    return "" if item is None else " ".join(item.text().split())
