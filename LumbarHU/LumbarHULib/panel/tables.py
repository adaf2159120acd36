"""What both tables of the panel need: cells, a height that shows every row, and copying."""

import qt
import slicer


def set_cell(table, row: int, column: int, text: str):
    """Write a cell, and return its item."""
    item = table.item(row, column)
    if item is None:
        item = qt.QTableWidgetItem()
        item.setTextAlignment(qt.Qt.AlignCenter)
        table.setItem(row, column, item)
    if item.text() != text:
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


def copy_on_request(table) -> None:
    """Let Ctrl+C copy the table."""
    shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+C"), table)
    shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
    shortcut.connect("activated()", lambda: slicer.app.clipboard().setText(table_text(table)))


def _one_line(item) -> str:
    return "" if item is None else " ".join(item.text().split())
