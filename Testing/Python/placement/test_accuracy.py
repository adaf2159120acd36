"""A few of the phantoms that Testing/Evidence/placement_accuracy.py draws many of."""

import pytest
from placement.accuracy import errors_of, masks_of, proposal_from_mask, random_case


@pytest.mark.parametrize("seed", [61])
def test_proposals_keep_what_is_promised_whatever_the_mask_is_like(seed):
    case = random_case(seed)
    for kind, mask in masks_of(case, "L3"):
        errors = errors_of(case, "L3", lambda mask=mask: proposal_from_mask(case, "L3", mask))
        assert errors is not None, kind
        assert errors.misses() == (), f"{kind} of {case.name}: {errors}"


def test_a_body_that_is_nearly_round_is_not_told_to_be_symmetrical_about_another_plane():
    # Its canal and arch show where the midline lies; of the body alone only the edges' fine structure does.
    case = random_case(52032)
    body = dict(masks_of(case, "L2"))["body"]
    assert "symmetry_doubtful" not in errors_of(case, "L2", lambda: proposal_from_mask(case, "L2", body)).findings
