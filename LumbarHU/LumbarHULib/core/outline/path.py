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


def _side_by_side(scores: np.ndarray) -> np.ndarray:
    """Return the scores on both halves, shape (lines / 2 + 1, 2, places); shared lines count half on each."""
    lines = len(scores)
    half = lines // 2
    node = scores[np.stack([np.arange(half + 1), -np.arange(half + 1) % lines], axis=1)]
    node[[0, half]] /= 2
    return node


def _paths(node: np.ndarray, bend_cost: float, reach: int) -> tuple[np.ndarray, np.ndarray]:
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
    # All halves in one row, with places that no path passes between them: one row for each line.
    width = places + 2 * reach
    rows = np.full((2, length, tries * 2 * width), -np.inf)
    gains, best = rows
    gains.reshape(length, tries, 2, width)[..., reach : reach + places] = node
    best[0] = gains[0]
    # A view of the places from which each place can be reached: (line, step, place).
    inner = slice(reach, best.shape[1] - reach)
    stride = best.strides[1]
    reached = np.lib.stride_tricks.as_strided(
        best, (length, 2 * reach + 1, best.shape[1] - 2 * reach), (best.strides[0], stride, stride)
    )
    tries_of_step = np.empty(reached.shape[1:])
    step_penalty = penalty[:, None]
    for before, gain, row in zip(reached, gains[1:, inner], best[1:, inner], strict=False):
        np.subtract(before, step_penalty, out=tries_of_step)
        np.maximum.reduce(tries_of_step, axis=0, out=row)
        row += gain
    whole = best[-1].reshape(tries, 2, width).sum(axis=1)[:, reach : reach + places]
    end = whole.argmax(axis=1)
    steps = ((reached[:-1].transpose(0, 2, 1) - penalty).argmax(axis=-1) - reach).tolist()
    path = np.empty((tries, 2, length), dtype=int)
    for which in range(tries):
        for half in (0, 1):
            start = (2 * which + half) * width
            place = start + int(end[which])
            along = [place]
            for step in reversed(steps):
                place += step[place]
                along.append(place)
            path[which, half] = along[::-1]
            path[which, half] -= start
    return path, whole[np.arange(tries), end]
