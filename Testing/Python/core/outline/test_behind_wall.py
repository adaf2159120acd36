"""The finding on outlines that cut a part of the body off: bone is behind their posterior wall."""

import numpy as np
import pytest

from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.phantom.hostile.families import family_case

PROTOCOL = load_protocol().protocol


def findings_of(case, cut_mm):
    """Return the codes of a level's findings if its outline cuts off `cut_mm` of the posterior left horn."""
    stack, landmarks = axial_stack(case.ct, PROTOCOL.frame), Landmarks("L3", case.midline_ras_mm)
    level = measure_level(stack, landmarks, PROTOCOL)
    anterior, posterior = level.midline_ras_mm
    cut = level.outline_ras_mm.copy()
    cut[13:17] += cut_mm * (anterior - posterior) / np.linalg.norm(anterior - posterior)
    level = measure_level(stack, landmarks, PROTOCOL, known_outline_ras_mm=cut, known_doubt_mm=level.outline_doubt_mm)
    return [finding.code for finding in level.findings]


@pytest.mark.parametrize("family", ["horns", "sharp_kernel"])
@pytest.mark.parametrize("index", [1, 3])
def test_an_outline_that_cuts_a_horn_off_gets_a_finding_and_one_along_the_canal_none(family, index):
    case = family_case(family, index)
    assert "bone_behind_wall" not in findings_of(case, 0.0)
    assert "bone_behind_wall" in findings_of(case, 6.0)
