"""Find the best closed path around a vertebral body on lines that cross its edge."""

import numpy as np


def best_closed_path(scores: np.ndarray, bend_cost: float, reach: int) -> np.ndarray:
    """Find the closed path of greatest score by dynamic programming.

    Both halves run from line 0 to the opposite line in parallel. If their best starts differ, the better of the two
    starts is used for both; otherwise the path is optimal.

    Parameters
    ----------
    scores : array, shape (lines, places)
        Score of each place on each line, very negative where the path may not pass. The number of lines is even.
    bend_cost : float
        Cost of a squared step of one place from line to line.
    reach : int
        Greatest step from line to line, in places.

    Returns
    -------
    array of int, shape (lines,)
        The place on each line.
    """
    node = _side_by_side(scores)
    path, score = _paths(node[:, None], bend_cost, reach)
    path = path[0]
    if path[0, 0] != path[1, 0]:
        tries = np.repeat(node[:, None], 2, axis=1)
        for which, start in enumerate(path[:, 0]):
            tries[0, which] = -np.inf
            tries[0, which, :, start] = node[0, :, start]
        paths, score = _paths(tries, bend_cost, reach)
        path = paths[int(score[1] > score[0])]
    return np.concatenate([path[0], path[1, -2:0:-1]])


def _side_by_side(scores):
    """Return the scores on both halves, shape (lines / 2 + 1, 2, places); shared lines count half on each."""
    lines = len(scores)
    half = lines // 2
    node = scores[np.stack([np.arange(half + 1), -np.arange(half + 1) % lines], axis=1)]
    node[[0, half]] /= 2
    return node


def _paths(node, bend_cost, reach):
    """Return the best paths where both halves end in one place; their starts may differ.

    Parameters
    ----------
    node : array, shape (lines / 2 + 1, tries, 2, places)
    bend_cost, reach
        As for `best_closed_path`.

    Returns
    -------
    path : array of int, shape (tries, 2, lines / 2 + 1)
    score : array, shape (tries,)
    """
    length, tries, _, places = node.shape
    penalty = bend_cost * np.arange(-reach, reach + 1) ** 2.0
    best = np.full((length, tries, 2, places + 2 * reach), -np.inf)
    inner = best[..., reach : reach + places]
    inner[0] = node[0]
    # A view of the places from which each place can be reached: (line, step, try, half, place).
    line_stride, try_stride, half_stride, place_stride = best.strides
    reached = np.lib.stride_tricks.as_strided(
        best,
        (length, 2 * reach + 1, tries, 2, places),
        (line_stride, place_stride, try_stride, half_stride, place_stride),
    )
    step_penalty = penalty[:, None, None, None]
    for line in range(1, length):
        np.add((reached[line - 1] - step_penalty).max(axis=0), node[line], out=inner[line])
    whole = inner[-1].sum(axis=1)
    end = whole.argmax(axis=1)
    steps = (reached[:-1].transpose(0, 2, 3, 4, 1) - penalty).argmax(axis=-1) - reach
    path = np.empty((tries, 2, length), dtype=int)
    for which in range(tries):
        for half in (0, 1):
            place = int(end[which])
            path[which, half, -1] = place
            for line in range(length - 2, -1, -1):
                place += int(steps[line, which, half, place])
                path[which, half, line] = place
    return path, whole[np.arange(tries), end]
