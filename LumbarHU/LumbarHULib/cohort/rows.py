"""Check input columns: select and count complete rows, and refuse invalid numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.core.errors import InputError

# The squares of larger values lose significant digits; no HU, density or age is this large.
LARGEST_VALUE = 1e9
# The squares of smaller values vanish, so they are treated as 0.
SMALLEST_VALUE = 1e-30


# Words by row: None, "" or NaN where missing.
Labels = Sequence[Any] | np.ndarray


def as_column(values: ArrayLike, name: str) -> np.ndarray:
    """Return `values` as numbers, shape (n,), with NaN for None.

    Raises
    ------
    InputError
        If there is text, an infinite or excessively large value, or more than one dimension.
    """
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"Column “{name}” contains text or uneven rows instead of numbers: correct it.") from None
    if column.ndim != 1:
        raise InputError(f"Column “{name}” has {column.ndim} dimensions: give one value per case.")
    wrong = np.abs(column) > LARGEST_VALUE
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"Column “{name}”, row {row + 1} is {column[row]:g}, beyond ±{LARGEST_VALUE:g}: correct it.")
    return np.where(np.abs(column) < SMALLEST_VALUE, 0.0, column)


def complete_rows(columns: Mapping[str, ArrayLike]) -> tuple[dict[str, np.ndarray], int]:
    """Return the rows in which every column has a number, and the number of omitted rows.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n,)

    Returns
    -------
    dict of str to numpy.ndarray, shape (n complete,)
    int
        Number of rows left out.

    Raises
    ------
    InputError
        If the columns differ in length or contain an invalid number.
    """
    arrays = {name: as_column(values, name) for name, values in columns.items()}
    sizes = {name: array.size for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"The columns differ in length ({lengths} rows): give one value per case, or an empty cell.")
    complete = np.all([~np.isnan(array) for array in arrays.values()], axis=0)
    return {name: array[complete] for name, array in arrays.items()}, int(complete.size - complete.sum())


def is_missing(label: Any) -> bool:
    """Return whether a label is None, empty or NaN."""
    return label is None or label == "" or label != label


def labeled_rows(
    values: ArrayLike, labels: Labels, allowed: Sequence[str], name: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return values and labels of the rows that have both, and the number of omitted rows.

    Parameters
    ----------
    values : array_like, shape (n,)
    labels : sequence of str, shape (n,)
        One of `allowed`, or None, NaN or "" where unknown.
    allowed : sequence of str
    name : str
        Name of the values in messages.

    Returns
    -------
    numpy.ndarray, shape (n complete,)
    numpy.ndarray of int, shape (n complete,)
        Index in `allowed`.
    int
        Number of rows left out.

    Raises
    ------
    InputError
        When `values` and `labels` differ in length, or a value or a label is not valid.
    """
    column = as_column(values, name)
    codes = label_codes(labels, allowed)
    if codes.size != column.size:
        raise InputError(f"“{name}” has {column.size} rows and the labels have {codes.size}: give one label per case.")
    complete = ~np.isnan(column) & (codes >= 0)
    return column[complete], codes[complete], int(complete.size - complete.sum())


def label_codes(labels: Labels, allowed: Sequence[str]) -> np.ndarray:
    """Return the index of each label in `allowed`, or −1 if it is missing, shape (n,).

    Raises
    ------
    InputError
        If a label is neither missing nor allowed.
    """
    places = {label: index for index, label in enumerate(allowed)}
    unknown = len(places)
    codes = np.array([places.get(label, unknown) for label in labels], dtype=np.int64)
    for row in np.flatnonzero(codes == unknown).tolist():
        if not is_missing(labels[row]):
            raise InputError(f"Row {row + 1} is labeled “{labels[row]}”: use one of {', '.join(allowed)}.")
    codes[codes == unknown] = -1
    return codes


def is_constant(values: np.ndarray) -> bool:
    """Return whether all values are the same."""
    return bool(values.size) and bool(np.all(values == values[0]))


def require(count: int, least: int, what: str, purpose: str) -> None:
    """Raise InputError if `count` is below `least`.

    Raises
    ------
    InputError
    """
    if count < least:
        raise InputError(f"{purpose} needs at least {least} {what}, but there {'is' if count == 1 else 'are'} {count}.")
