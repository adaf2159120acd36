"""The edge of a set of pixels, along the pixels' own sides."""

from collections import defaultdict

import numpy as np

Corner = tuple[int, int]


def pixel_edges(inside: np.ndarray) -> list[list[Corner]]:
    """Return the closed loops around the pixels of a mask.

    Parameters
    ----------
    inside : numpy.ndarray of bool, shape (rows, columns)

    Returns
    -------
    list of list of (x, y)
        Corners where a loop turns; x counts columns, y rows, and pixel (row, column) covers column to column + 1 and
        row to row + 1. Outer loops run clockwise as pictures are seen, holes the other way.
    """
    next_corners = _sides(inside)
    loops = []
    while next_corners:
        start = corner = next(iter(next_corners))
        loop: list[Corner] = []
        while True:
            ends = next_corners[corner]
            following = ends.pop()
            if not ends:
                del next_corners[corner]
            if len(loop) > 1 and _is_straight(loop[-2], loop[-1], corner):
                loop.pop()
            loop.append(corner)
            corner = following
            if corner == start:
                break
        loops.append(_without_straight_ends(loop))
    return loops


def svg_path(loops: list[list[Corner]]) -> str:
    """Return loops as the path of an SVG drawing."""
    return "".join("M" + "L".join(f"{x} {y}" for x, y in loop) + "Z" for loop in loops)


def _sides(inside: np.ndarray) -> dict[Corner, list[Corner]]:
    """Return, from each corner, where the sides lead that have a pixel of the set on their right only."""
    padded = np.pad(inside, 1)
    own = padded[1:-1, 1:-1]
    # Neighbor across the side; the side's two ends as (x, y) from the pixel's upper left corner.
    neighbors = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    sides: dict[Corner, list[Corner]] = defaultdict(list)
    for neighbor, (start_x, start_y), (end_x, end_y) in neighbors:
        for y, x in np.argwhere(own & ~neighbor).tolist():
            sides[x + start_x, y + start_y].append((x + end_x, y + end_y))
    return dict(sides)


def _is_straight(first: Corner, second: Corner, third: Corner) -> bool:
    return first[0] == second[0] == third[0] or first[1] == second[1] == third[1]


def _without_straight_ends(loop: list[Corner]) -> list[Corner]:
    """Return a loop without corners at which it does not turn, where it was closed."""
    if _is_straight(loop[-2], loop[-1], loop[0]):
        loop = loop[:-1]
    return loop[1:] if _is_straight(loop[-1], loop[0], loop[1]) else loop
