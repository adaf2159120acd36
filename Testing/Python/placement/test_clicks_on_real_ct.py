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
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline

L3 = 22
CORPUS = (49, 50)
CLICKS = 5
# Of 100 random clicks those that led farthest apart while noise decided where the plane of symmetry lay.
FARTHEST_MM = ((-1.7, -3.1, -0.5), (-2.5, 0.5, 1.4))
SUBPIXELS = 5


@pytest.fixture(scope="module")
def placed(real_data):
    """Return the axial stack, the expert's corpus in it, and the proposals of clicks within 5 mm of its middle."""
    folder = real_data("l3-crop-nifti")
    ct = read_ct(folder / "sub-ct_label-22_ct.nii.gz").ct
    stack = axial_stack(ct, study_protocol().frame)
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
    for slice_means in means.values():
        # One voxel at the cortex, in or out, changes the mean of a region of 29 voxels by 3.5 HU.
        assert np.ptp(slice_means, axis=0).max() <= 4.0
        assert np.std(slice_means, axis=0).max() <= 2.0


def test_the_middle_lies_between_two_slices_and_every_proposal_says_so(placed):
    # Stored slices 20 and 21, counted from above; 25 and 26 from below.
    assert {level.frame.mid_slice for level in placed[3]} <= {25, 26}
    for proposal in placed[2]:
        assert [one.code for one in proposal.findings].count("mid_slice_ambiguous") == 1


@pytest.fixture(scope="module")
def five_bodies(real_data):
    return axial_stack(read_ct(real_data("t12-s1-3mm-nifti") / "example_ct.nii.gz").ct, study_protocol().frame)


@pytest.mark.parametrize("height_mm", [334.0, 258.0])
def test_a_single_click_into_a_disc_measures_no_disc(height_mm, five_bodies):
    # Read off the screen: the discs below L2 and below L4.
    with pytest.raises(InputError, match=r"^The point of L3 is (not in a visible vertebral body|\d+ mm (above|below))"):
        guess_from_click(five_bodies, "L3", (-5.4, 143.0, height_mm), study_protocol())


@pytest.mark.parametrize(
    ("place", "point_mm"),
    [
        ("aorta", (-12.0, 167.0, 316.0)),
        ("psoas", (-45.0, 140.0, 316.0)),
        ("canal", (-3.0, 113.0, 316.0)),
        ("ilium", (-90.0, 135.0, 260.0)),
        ("bowel", (-115.0, 160.0, 316.0)),
    ],
)
def test_a_click_outside_the_spine_is_refused(place, point_mm, five_bodies):
    with pytest.raises(InputError, match=r"^The point of L3 is .*: place it in the center of L3's body\.$"):
        guess_from_click(five_bodies, "L3", point_mm, study_protocol())


def test_segment_and_click_put_a_level_in_the_same_slice_or_both_report_a_tie(real_data, five_bodies):
    # Another program's labels, 28 to 31 for L4 to L1; a click in the middle of what it calls the body.
    folder = real_data("t12-s1-3mm-nifti")
    labels, bodies = (SimpleITK.ReadImage(str(folder / f"totalseg{name}.nii.gz")) for name in ("", "_vertebrae_body"))
    inside, body = (SimpleITK.GetArrayFromImage(one) for one in (labels, bodies))
    ras_from_ijk = np.eye(4)
    steps = np.array(labels.GetDirection()).reshape(3, 3) * labels.GetSpacing()
    ras_from_ijk[:3, :3] = np.diag([-1, -1, 1]) @ steps
    ras_from_ijk[:3, 3] = np.array([-1, -1, 1]) * labels.GetOrigin()
    protocol = study_protocol()
    for level, value in (("L4", 28), ("L3", 29), ("L2", 30), ("L1", 31)):
        mask = inside == value
        middle = ras_from_ijk[:3, :3] @ np.argwhere(mask & (body == 1)).mean(axis=0)[::-1] + ras_from_ijk[:3, 3]
        from_mask = guess_from_mask(level, mask, ras_from_ijk, five_bodies, protocol)
        from_click = guess_from_click(five_bodies, level, middle, protocol)
        proposals = [propose_midline(five_bodies, one, protocol) for one in (from_mask, from_click)]
        slices = [measure_level(five_bodies, one.landmarks, protocol).frame.mid_slice for one in proposals]
        if slices[0] != slices[1]:
            assert abs(slices[0] - slices[1]) == 1, level
            for proposal in proposals:
                assert "mid_slice_ambiguous" in {one.code for one in proposal.findings}, level


def test_bone_that_bridges_a_disc_gets_a_finding(real_data):
    stack = axial_stack(read_ct(real_data("t11-t12-contrast-dicom") / "dicom").ct, study_protocol().frame)
    proposal = propose_midline(
        stack, guess_from_click(stack, "T12", (7.0, 114.0, -786.0), study_protocol()), study_protocol()
    )
    assert "bridging_bone" in {finding.code for finding in proposal.findings}


def test_a_disc_without_a_bridge_gets_no_finding(placed):
    assert all("bridging_bone" not in {one.code for one in proposal.findings} for proposal in placed[2])


def test_a_point_derived_between_two_clicks_in_a_disc_is_not_a_readers_point(five_bodies):
    clicks = {"L1": np.array([-7.1, 124.9, 385.0]), "L3": np.array([-6.3, 134.8, 352.0])}
    with pytest.raises(InputError, match=r"^The levels between the clicks .*\([^:]*\): click each level\.$"):
        guesses_between_clicks(five_bodies, clicks, study_protocol())
