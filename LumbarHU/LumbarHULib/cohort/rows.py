"""Columns as they come in: complete rows, counted; numbers that are none, refused."""

from collections.abc import Mapping, Sequence

import numpy as np

from LumbarHULib.core.errors import InputError

# Beyond this the squares of values lose the digits that tell them apart; no HU, density or age comes near.
LARGEST_VALUE = 1e9
# Below this they vanish altogether: it is taken for 0.
SMALLEST_VALUE = 1e-30


def as_column(values, name: str) -> np.ndarray:
    """Return `values` as numbers, shape (n,), NaN where None or NaN stood.

    Raises
    ------
    InputError
        If there is text, an infinite or absurdly large value, or more than one dimension.
    """
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"Column “{name}” holds text or uneven rows where numbers are due: correct it.") from None
    if column.ndim != 1:
        raise InputError(f"Column “{name}” has {column.ndim} dimensions: give one value per case.")
    wrong = np.abs(column) > LARGEST_VALUE
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"Column “{name}”, row {row + 1} holds {column[row]:g}, more than {LARGEST_VALUE:g}: correct it."
        )
    return np.where(np.abs(column) < SMALLEST_VALUE, 0.0, column)


def complete_rows(columns: Mapping[str, object]) -> tuple[dict[str, np.ndarray], int]:
    """Return the rows in which every column has a number, and how many were left out.

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
        If the columns differ in length, or hold what is no number.
    """
    arrays = {name: as_column(values, name) for name, values in columns.items()}
    sizes = {name: array.size for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"The columns differ in length ({told} rows): give one value per case, empty where unknown.")
    complete = np.all([~np.isnan(array) for array in arrays.values()], axis=0)
    return {name: array[complete] for name, array in arrays.items()}, int(complete.size - complete.sum())


def is_missing(label) -> bool:
    """Tell whether a label is None, empty or NaN."""
    return label is None or label == "" or label != label


def labeled_rows(values, labels: Sequence, allowed: Sequence[str], name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return values and labels of the rows that have both, and how many were left out.

    Parameters
    ----------
    values : array_like, shape (n,)
    labels : sequence of str, shape (n,)
        One of `allowed`, or None, NaN or "" where unknown.
    allowed : sequence of str
    name : str
        What the values are called in sentences.

    Returns
    -------
    numpy.ndarray, shape (n complete,)
    numpy.ndarray of int, shape (n complete,)
        Index in `allowed`.
    int
        Number of rows left out.
    """
    column = as_column(values, name)
    codes = label_codes(labels, allowed)
    if codes.size != column.size:
        raise InputError(f"“{name}” has {column.size} rows and the labels have {codes.size}: give one label per case.")
    complete = ~np.isnan(column) & (codes >= 0)
    return column[complete], codes[complete], int(complete.size - complete.sum())


def label_codes(labels: Sequence, allowed: Sequence[str]) -> np.ndarray:
    """Return for each label its index in `allowed`, or −1 where it is missing, shape (n,).

    Raises
    ------
    InputError
        If a label is neither missing nor allowed.
    """
    places = {label: index for index, label in enumerate(allowed)}
    unknown = len(places)
    codes = np.array([places.get(label, unknown) for label in labels], dtype=np.int64)
    for row in np.flatnonzero(codes == unknown):
        if not is_missing(labels[row]):
            raise InputError(f"Row {row + 1} is labeled “{labels[row]}”: use one of {', '.join(allowed)}.")
    codes[codes == unknown] = -1
    return codes


def is_constant(values: np.ndarray) -> bool:
    """Tell whether all values are the same."""
    return bool(values.size) and bool(np.all(values == values[0]))


def require(count: int, least: int, what: str, purpose: str) -> None:
    """Refuse fewer than `least` of something.

    Raises
    ------
    InputError
    """
    if count < least:
        raise InputError(f"{purpose} needs at least {least} {what}, and there {'is' if count == 1 else 'are'} {count}.")
