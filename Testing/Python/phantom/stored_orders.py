"""One CT in the 48 ways in which a file may store it."""

from itertools import permutations, product

import numpy as np


def stored_orders() -> list[tuple[tuple[int, int, int], tuple[bool, bool, bool]]]:
    """Return all 48 pairs of an order of the array's axes and of which of the new axes run backward."""
    return [(order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)]


def reoriented(voxels: np.ndarray, ras_from_ijk: np.ndarray, order, flips) -> tuple[np.ndarray, np.ndarray]:
    """Return the same CT in another storage order: (voxels [k, j, i], ras_from_ijk).

    Parameters
    ----------
    voxels : (k, j, i) array
    ras_from_ijk : (4, 4) array
    order : (3,) permutation
        Which axis of `voxels` becomes the first, second and third one.
    flips : (3,) bools
        Which of these then run backward.
    """
    stored = np.transpose(voxels, order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    # Old indices [k, j, i] from new ones, then both turned around to [i, j, k].
    old_from_new = np.zeros((4, 4))
    old_from_new[3, 3] = 1
    for new_axis, (old_axis, flip) in enumerate(zip(order, flips, strict=True)):
        old_from_new[2 - old_axis, 2 - new_axis] = -1 if flip else 1
        old_from_new[2 - old_axis, 3] = voxels.shape[old_axis] - 1 if flip else 0
    return np.ascontiguousarray(stored), ras_from_ijk @ old_from_new
