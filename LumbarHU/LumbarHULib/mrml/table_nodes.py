"""Write columns into table nodes, for display only: the scene file keeps six digits of a number, exports keep all."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import vtk

from LumbarHULib.mrml.node_types import TableNode


def fill_table(node: TableNode, columns: Mapping[str, Sequence[Any]]) -> None:
    """Replace a table node's columns.

    Parameters
    ----------
    node : vtkMRMLTableNode
    columns : mapping of str to sequence
        Cells by title; all cells of a column are float, int or str.
    """
    state_before = node.StartModify()
    node.SetUseColumnTitleAsColumnHeader(True)
    node.RemoveAllColumns()
    for title, values in columns.items():
        column = node.AddColumn(_column(values))
        column.SetName(title)
        node.SetColumnTitle(title, title)
    node.EndModify(state_before)


def display_cells(cells: Sequence[Any]) -> list[Any]:
    """Return cells for a column of a table node: numbers where all cells are numbers, otherwise text."""
    if cells and all(type(cell) is int for cell in cells):
        return list(cells)
    if cells and all(type(cell) in (int, float) for cell in cells):
        return [float(cell) for cell in cells]
    return [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _column(values: Sequence[Any]) -> Any:
    kind = {float: vtk.vtkDoubleArray, int: vtk.vtkIntArray}.get(type(values[0]) if values else str, vtk.vtkStringArray)
    column = kind()
    for value in values:
        # A tab or a quotation mark would break the file in which Slicer saves the table.
        column.InsertNextValue(" ".join(value.replace('"', "”").split()) if isinstance(value, str) else value)
    return column
