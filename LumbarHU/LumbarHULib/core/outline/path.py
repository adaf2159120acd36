"""The best closed path around a vertebral body on lines that cross its edge."""

import numpy as np


def best_closed_path(scores: np.ndarray, bend_cost: float, reach: int) -> np.ndarray:
    """Find the closed path of greatest score by dynamic programming.

    Both halves run from line 0 to the line opposite, side by side. Where they want to start from different places, the
    better of the two places is kept for both; otherwise the path is the best of all.

    Parameters
    ----------
    scores : array, shape (lines, places)
        Score of each place, very negative where the path may not pass. The number of lines is even.
    bend_cost : float
        Cost of one squared step of a place from line to line.
    reach : int
        Greatest step from line to line, in places.

    Returns
    -------
    array of int, shape (lines,)
        The place on each line.
    """
    path, _ = _path(scores, bend_cost, reach)
    if path[0, 0] != path[1, 0]:
        tries = []
        for start in path[:, 0]:
            kept = np.full_like(scores[0], -np.inf)
            kept[start] = scores[0, start]
            tries.append(_path(np.vstack([kept, scores[1:]]), bend_cost, reach))
        path = max(tries, key=lambda found: found[1])[0]
    return np.concatenate([path[0], path[1, -2:0:-1]])


def _path(scores, bend_cost, reach):
    """Return the places on the two halves, shape (2, lines / 2 + 1), and the path's score; the starts may differ."""
    lines, places = scores.shape
    half = lines // 2
    node = scores[np.stack([np.arange(half + 1), -np.arange(half + 1) % lines], axis=1)]
    node[[0, half]] /= 2
    penalty = bend_cost * np.arange(-reach, reach + 1)[:, None, None] ** 2.0
    best = np.full((half + 1, 2, places + 2 * reach), -np.inf)
    best[0, :, reach : reach + places] = node[0]
    # One view of where each place can be reached from: (line, step, half, place).
    line, side, place = best.strides
    reached = np.lib.stride_tricks.as_strided(best, (half + 1, 2 * reach + 1, 2, places), (line, place, side, place))
    for step in range(1, half + 1):
        np.add((reached[step - 1] - penalty).max(axis=0), node[step], out=best[step, :, reach : reach + places])
    end = np.argmax(best[half].sum(axis=0)) - reach
    path = np.empty((2, half + 1), dtype=int)
    path[:, half] = end
    penalty = penalty[:, 0, 0]
    for side in (0, 1):
        for step in range(half, 0, -1):
            place = path[side, step]
            path[side, step - 1] = (
                place - reach + np.argmax(best[step - 1, side, place : place + 2 * reach + 1] - penalty)
            )
    return path, best[half, :, end + reach].sum()
