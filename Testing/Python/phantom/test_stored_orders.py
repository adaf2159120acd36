"""The helper that stores a CT in other orders, against walking over its voxels."""

import numpy as np
from phantom.stored_orders import reoriented, stored_orders


def test_every_stored_order_keeps_each_value_at_its_place():
    voxels = np.arange(24).reshape(2, 3, 4)
    ras_from_ijk = np.array([[-0.7, 0, 0, 11], [0, -0.6, 0.4, -5], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])
    expected = places(voxels, ras_from_ijk)
    seen = set()
    for order, flips in stored_orders():
        stored, matrix = reoriented(voxels, ras_from_ijk, order, flips)
        assert places(stored, matrix) == expected
        seen.add((stored.shape, stored.tobytes()))
    assert len(seen) == 48


def places(voxels, ras_from_ijk) -> dict:
    """Return the place of each value, walking over the voxels one by one."""
    return {
        int(voxels[k, j, i]): tuple(np.round(ras_from_ijk @ [i, j, k, 1], 9))
        for k in range(voxels.shape[0])
        for j in range(voxels.shape[1])
        for i in range(voxels.shape[2])
    }
