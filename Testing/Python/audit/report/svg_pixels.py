"""Convert a drawing's path back to pixels, by testing whether each pixel's center is inside."""

import re

import numpy as np


def pixels_inside(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Return which pixel centers of an array of `shape` are inside a path of corners: even-odd rule, by ray casting."""
    loops = [
        [tuple(map(float, corner.split())) for corner in loop.split("L")] for loop in re.findall(r"M([^Z]*)Z", path)
    ]
    inside = np.zeros(shape, bool)
    for row, column in np.ndindex(shape):
        x, y = column + 0.5, row + 0.5
        crossings = 0
        for loop in loops:
            for (x1, y1), (x2, y2) in zip(loop, [*loop[1:], loop[0]], strict=True):
                if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                    crossings += 1
        inside[row, column] = crossings % 2 == 1
    return inside
