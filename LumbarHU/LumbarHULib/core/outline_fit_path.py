"""The best closed path around a vertebral body on rays from its middle."""

import numpy as np


def best_closed_path(scores: np.ndarray, bend_cost: float, reach: int, starts: np.ndarray) -> np.ndarray:
    """Find the closed path of greatest score, exactly, by dynamic programming.

    Parameters
    ----------
    scores : array, shape (rays, places)
        Score of each place; very negative where the path may not pass. The number of rays is even.
    bend_cost : float
        Cost of one squared step of a place from ray to ray.
    reach : int
        Greatest step from ray to ray, in places.
    starts : array of int
        Places where the path may cross ray 0.

    Returns
    -------
    array of int, shape (rays,)
        The place on each ray.
    """
    rays, places = scores.shape
    half = rays // 2
    order = np.stack([np.arange(half + 1), -np.arange(half + 1) % rays])
    node = scores[order]
    penalty = bend_cost * np.arange(-reach, reach + 1) ** 2.0
    padded = np.full((half + 1, 2, len(starts), places + 2 * reach), -1e9)
    padded[0, :, np.arange(len(starts)), reach + starts] = scores[0, starts, None] / 2
    for step in range(1, half + 1):
        before, now = padded[step - 1], padded[step, :, :, reach : reach + places]
        np.subtract(before[..., :places], penalty[0], out=now)
        for shift in range(1, 2 * reach + 1):
            np.maximum(now, before[..., shift : shift + places] - penalty[shift], out=now)
        now += node[:, step, None]
    total = padded[half, 0, :, reach : reach + places] + padded[half, 1, :, reach : reach + places] - scores[half]
    start, end = np.unravel_index(np.argmax(total), total.shape)
    path = np.empty(rays, dtype=int)
    for side in (0, 1):
        place = end
        for step in range(half, -1, -1):
            path[order[side, step]] = place
            if step:
                place = place - reach + np.argmax(padded[step - 1, side, start, place : place + 2 * reach + 1] - penalty)
    return path
