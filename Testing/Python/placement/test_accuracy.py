"""A few of the phantoms that Testing/Evidence/placement_accuracy.py draws many of."""

import pytest
from placement.accuracy import errors_of, masks_of, proposal_from_mask, random_case


@pytest.mark.parametrize("seed", [61])
def test_proposals_keep_their_accuracy_in_every_kind_of_mask(seed):
    case = random_case(seed)
    for kind, mask in masks_of(case, "L3"):
        errors = errors_of(case, "L3", lambda mask=mask: proposal_from_mask(case, "L3", mask))
        assert errors is not None, kind
        assert errors.misses() == (), f"{kind} of {case.name}: {errors}"


def test_a_nearly_round_body_gets_no_finding_on_a_second_plane_of_symmetry():
    # Its canal and arch show the position of the midline; in the body alone only the fine structure of the edges does.
    case = random_case(52032)
    body = dict(masks_of(case, "L2"))["body"]
    assert "symmetry_doubtful" not in errors_of(case, "L2", lambda: proposal_from_mask(case, "L2", body)).findings
