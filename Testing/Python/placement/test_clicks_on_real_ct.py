"""Clicks on a real CT, where an expert drew the body."""

import numpy as np
import pytest
import SimpleITK
from placement.builders import study_protocol

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.placement.click_bodies import guess_from_click, guesses_between_clicks
from LumbarHULib.placement.midline import propose_midline

L3 = 22
CORPUS = (49, 50)
CLICKS = 5
# Of 100 random clicks those that led farthest apart while noise decided where the plane of symmetry lay.
FARTHEST_MM = ((-1.7, -3.1, -0.5), (-2.5, 0.5, 1.4))
SUBPIXELS = 5


@pytest.fixture(scope="module")
def placed(real_data):
    """Return the axial stack, the expert's corpus in it, and what clicks within 5 mm of its middle give."""
    folder = real_data("l3-crop-nifti")
    ct = read_ct(folder / "sub-ct_label-22_ct.nii.gz").ct
    stack = axial_stack(ct, study_protocol())
    parts, vertebrae = (
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / f"sub-ct_seg-{name}_label-22_msk.nii.gz")))
        for name in ("subreg", "vert")
    )
    corpus = stack.canonical_crop(np.isin(parts, CORPUS) & (vertebrae == L3), (0, 0, 0))[0]
    middle = stack.ras_from_ijk[:3, :3] @ np.argwhere(corpus).mean(axis=0)[::-1] + stack.ras_from_ijk[:3, 3]
    random = np.random.default_rng(2)
    offsets = random.normal(size=(CLICKS, 3))
    offsets *= 5 * random.random((CLICKS, 1)) ** (1 / 3) / np.linalg.norm(offsets, axis=1, keepdims=True)
    proposals = [
        propose_midline(stack, guess_from_click(stack, "L3", middle + offset, study_protocol()), study_protocol())
        for offset in (*offsets, *FARTHEST_MM)
    ]
    return stack, corpus, proposals, [measure_level(stack, one.landmarks, study_protocol()) for one in proposals]


def dice_of(corpus, level) -> float:
    """Return the overlap of outline and corpus in the mid-slice; a pixel at the edge counts by its part inside."""
    frame = level.frame
    polygon_uv = Outline(frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm
    polygon_ij = np.linalg.solve(frame.uv_from_ij[:, :2], (polygon_uv - frame.uv_from_ij[:, 2]).T).T
    # A pixel's own square reaches from half a pixel before its center to half a pixel behind it.
    polygon_ij = (polygon_ij + 0.5) * SUBPIXELS - 0.5
    if polygons.signed_area(polygon_ij) < 0:
        polygon_ij = polygon_ij[::-1]
    drawn = corpus[frame.mid_slice]
    rows, columns = drawn.shape
    inside = polygons.rasterize(polygon_ij, (0, 0), (rows * SUBPIXELS, columns * SUBPIXELS), 0.0)
    share = inside.reshape(rows, SUBPIXELS, columns, SUBPIXELS).mean(axis=(1, 3))
    return float(2 * (share * drawn).sum() / (share.sum() + drawn.sum()))


def test_the_outline_is_the_experts(placed):
    _, corpus, _, levels = placed
    assert min(dice_of(corpus, level) for level in levels) >= 0.96


def test_clicks_agree_on_the_plane_of_symmetry(placed):
    assert np.ptp([level.frame.rotation_deg for level in placed[3]]) < 0.6


def test_clicks_agree_on_every_region_where_they_choose_the_same_slice(placed):
    means = {}
    for level in placed[3]:
        means.setdefault(level.frame.mid_slice, []).append([roi.values["mean_hu"] for roi in level.rois.values()])
    for of_slice in means.values():
        assert np.ptp(of_slice, axis=0).max() <= 3.0
        assert np.std(of_slice, axis=0).max() <= 2.0


def test_the_middle_lies_between_two_slices_and_every_proposal_says_so(placed):
    # Stored slices 20 and 21, counted from above; 25 and 26 from below.
    assert {level.frame.mid_slice for level in placed[3]} <= {25, 26}
    for proposal in placed[2]:
        (told,) = (one for one in proposal.findings if one.code == "mid_slice_ambiguous")
        assert told.severity == "warning"


@pytest.fixture(scope="module")
def five_bodies(real_data):
    return axial_stack(read_ct(real_data("t12-s1-3mm-nifti") / "example_ct.nii.gz").ct, study_protocol())


@pytest.mark.parametrize("height_mm", [334.0, 258.0])
def test_a_single_click_into_a_disc_measures_no_disc(height_mm, five_bodies):
    # Read off the screen: the discs below L2 and below L4.
    with pytest.raises(InputError, match=r"walls of a body are seen on \d+ % .* may lie in a disc"):
        guess_from_click(five_bodies, "L3", (-5.4, 143.0, height_mm), study_protocol())


def test_a_step_between_two_clicks_into_a_disc_is_no_readers_point(five_bodies):
    clicks = {"L1": np.array([-7.1, 124.9, 385.0]), "L3": np.array([-6.3, 134.8, 352.0])}
    with pytest.raises(InputError, match=r"^The levels between the clicks .*\([^:]*\): click each level\.$"):
        guesses_between_clicks(five_bodies, clicks, study_protocol())
