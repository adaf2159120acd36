"""A CT of four plain bodies, the midlines of two, and their measurements, all read-only."""

import json

import numpy as np
import pytest
from mrml.conftest import PROTOCOL_DOCUMENT
from mrml.plain_bodies import CENTERS_S_MM, HALF_DEPTH_MM, HALF_WIDTH_MM, plain_bodies

import lumbarhu
from LumbarHULib.core.levels import LABEL_VALUES


@pytest.fixture(scope="session")
def bodies():
    return plain_bodies()


@pytest.fixture(scope="session")
def midlines(bodies):
    """Return the true midlines of two levels: the others would only take time."""
    return {level: bodies.midlines_ras_mm[level] for level in ("L1", "L2")}


@pytest.fixture(scope="session")
def ct(bodies):
    return lumbarhu.ct_from_array(bodies.ct.voxels_hu, bodies.ct.ras_from_ijk)


@pytest.fixture(scope="session")
def few_trials(tmp_path_factory):
    """Return a protocol with few trials of the midlines' places: their number is no matter of the API."""
    path = tmp_path_factory.mktemp("protocol") / "few-trials.json"
    path.write_text(json.dumps(PROTOCOL_DOCUMENT), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def measured(ct, midlines, few_trials):
    return lumbarhu.measure(ct, midlines, protocol=few_trials)


@pytest.fixture(scope="session")
def vertebrae(bodies):
    """Return a label map of the bodies on the CT's grid, by the values that VerSe gives the levels."""
    k, j, i = np.indices(bodies.ct.voxels_hu.shape)
    r, a, s = (bodies.ct.ras_from_ijk[:3, :3] @ [i.ravel(), j.ravel(), k.ravel()]).reshape(3, *k.shape) + (
        bodies.ct.ras_from_ijk[:3, 3, None, None, None]
    )
    inside = ((r - 3) / HALF_WIDTH_MM) ** 2 + ((a + 2) / HALF_DEPTH_MM) ** 2 < 1
    labels = np.zeros(k.shape, np.uint8)
    for level, center in CENTERS_S_MM.items():
        labels[inside & (np.abs(s - center) <= 13)] = LABEL_VALUES[level]
    return labels
