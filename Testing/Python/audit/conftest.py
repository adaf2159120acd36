"""What the tests of audit folders share."""

import hashlib
import pickle

import pytest

from LumbarHULib.audit import replay
from LumbarHULib.core.pipeline import measure_ct


@pytest.fixture(scope="session", autouse=True)
def equal_readings_are_replayed_once():
    """Cache the results of `measure_ct`: most tests verify the same CT and markups in a folder changed elsewhere."""
    remembered = {}

    def measured(*arguments):
        key = hashlib.sha256(pickle.dumps(arguments)).digest()
        if key not in remembered:
            remembered[key] = measure_ct(*arguments)
        return remembered[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(replay, "measure_ct", measured)
        yield
