"""What the tests of audit folders share."""

import pytest
from remembered import remembered

from LumbarHULib.audit import replay
from LumbarHULib.core.pipeline import measure_ct


@pytest.fixture(scope="session", autouse=True)
def equal_readings_are_replayed_once():
    """Remember the results of `measure_ct`: most tests verify the same CT and markups in a folder changed elsewhere."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(replay, "measure_ct", remembered(measure_ct, "stages"))
        yield
