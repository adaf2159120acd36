"""Comp2Comp's prism of ellipses from its description in words: a second, deliberately dumb implementation.

It counts in whole numbers and fractions, so that no rounding error decides. Where the description leaves a choice open:

- i counts toward the patient's right, j toward anterior, k toward cranial.
- A line without voxels does not take part in a comparison of counts; of equal counts, the line of the slice or row
  itself is taken, then that of the next one toward cranial or anterior. The counts are equal, but their lines start and
  are centered elsewhere, so the choice moves the ellipse.
- A half-axis is at least one voxel.
- ⌊ ⌋ of a number that is whole is that number, also where 0.58 times a count is just below it as a float.
"""

from fractions import Fraction
from math import floor

import numpy as np


def to_ras(stored: np.ndarray, ras_from_ijk: np.ndarray) -> tuple[np.ndarray, list[int], list[int]]:
    """Return an array [k, j, i] as [R, A, S], and the axes and signs that undo it."""
    array = stored.transpose(2, 1, 0)
    steps = ras_from_ijk[:3, :3] / np.linalg.norm(ras_from_ijk[:3, :3], axis=0)
    axes = [int(np.argmax(np.abs(steps[world]))) for world in range(3)]
    signs = [1 if steps[world, axis] > 0 else -1 for world, axis in enumerate(axes)]
    return array.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)], axes, signs


def from_ras(array: np.ndarray, axes: list[int], signs: list[int]) -> np.ndarray:
    turned = array[tuple(slice(None, None, sign) for sign in signs)]
    return turned.transpose(np.argsort(axes)).transpose(2, 1, 0)


def described_prism(mask: np.ndarray, slice_mm: Fraction) -> np.ndarray | None:
    """Return the prism in a mask [R, A, S], or None where the sagittal slice has no more than 200 voxels."""
    voxels = np.argwhere(mask)
    i0 = int(voxels[:, 0].sum()) // len(voxels)
    sagittal = {(int(j), int(k)) for i, j, k in voxels if i == i0}
    if len(sagittal) <= 200:
        return None
    pieces = sorted(_pieces(sagittal), key=len, reverse=True)[:2]
    # The spinous process is the posterior one of two.
    body = max(pieces, key=lambda piece: Fraction(sum(j for j, _ in piece), len(piece)))
    center_j = sum(j for j, _ in body) // len(body)
    column = [int(k) for i, j, k in voxels if i == i0 and j == center_j]
    middle_k = Fraction(sum(column), len(column))
    half = Fraction(15, 2) / slice_mm // 2
    prism = np.zeros_like(mask)
    for k in range(floor(middle_k - half), floor(middle_k + half) + 1):
        depths = [sorted(j for j, height in body if height == at) for at in (k, k + 1, k - 1)]
        depths = [line for line in depths if line]
        if not depths:
            continue
        depth = min(depths, key=len)
        middle_j = depth[0] + Fraction(58, 100) * len(depth)
        half_j = max(Fraction(len(depth), 2) // 2, 1)
        row = floor(middle_j)
        widths = [np.flatnonzero(mask[:, at, k]) for at in (row, row + 1, row - 1)]
        widths = [line for line in widths if len(line)]
        if not widths:
            continue
        width = min(widths, key=len)
        middle_i = Fraction(int(width.sum()), len(width))
        half_i = max(Fraction(65, 100) * len(width) // 2, 1)
        for i in range(mask.shape[0]):
            for j in range(mask.shape[1]):
                prism[i, j, k] = ((i - middle_i) / half_i) ** 2 + ((j - middle_j) / half_j) ** 2 <= 1
    for _ in range(1 if slice_mm >= 3 else 2):
        mask = _eroded_by_one(mask)
    return prism & mask


def _pieces(points: set[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    left, pieces = set(points), []
    while left:
        piece, ahead = set(), [left.pop()]
        while ahead:
            j, k = ahead.pop()
            piece.add((j, k))
            near = {(j + dj, k + dk) for dj in (-1, 0, 1) for dk in (-1, 0, 1)} & left
            left -= near
            ahead += near
        pieces.append(piece)
    return pieces


def _eroded_by_one(mask: np.ndarray) -> np.ndarray:
    """Return the voxels whose six neighbors are in the mask; outside the array is outside the mask."""
    padded = np.pad(mask, 1)
    inner = (slice(1, -1),) * 3
    kept = padded[inner].copy()
    for axis in range(3):
        for shift in (1, -1):
            kept &= np.roll(padded, shift, axis)[inner]
    return kept
