"""Check a level's position against the CT: endplates, mid-height, bone, and patches within the body."""

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.body_height import BodyHeight
from LumbarHULib.core.endplates import Endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.label_maps import on_one_grid, voxel_centers_ras_mm
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.outline.level import outline_of_level
from LumbarHULib.core.outline.outline import Outline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import FindingValues, OutlineValues
from LumbarHULib.core.results import LevelResult

# A mid-slice farther from mid-height than this fraction of the body's height is near an endplate.
_FAR_OFF = 0.3

# Pixel size at which two outlines are compared, in mm.
_GRID_MM = 0.25

# Smallest share of a patch that must be inside the regions.
_PATCH_SHARE = 0.7


def mid_height_findings(
    stack: AxialStack, level: LevelResult, height: BodyHeight, values: FindingValues
) -> tuple[Finding, ...]:
    """Return a finding where the mid-slice is off mid-height, or outside any vertebral body."""
    name = level.level
    off_mm = (height.endplates.middle_slice(stack) - level.frame.mid_slice) * stack.slice_spacing_mm
    limit_mm = stack.slice_spacing_mm / 2 + values.mid_slice_tolerance_mm
    direction = "below" if off_mm > 0 else "above"
    if height.may_be_other:
        return (
            Finding(
                "mid_slice_unchecked",
                f"It is unknown whether the mid-slice of {name} is at mid-height: its body is not recognized, for "
                "example because the scan ends in it or bone bridges it to its neighbors.",
                "Check in a sagittal view that the midline is at mid-height of its body.",
                "warning",
                name,
            ),
        )
    if height.inside_mm <= 0:
        endplate = "lower" if off_mm > 0 else "upper"
        sentence = (
            f"The midline of {name} is not inside a vertebral body: it is {-height.inside_mm:.1f} mm {direction} the "
            f"{endplate} endplate of the nearest body and {abs(off_mm):.1f} mm {direction} its mid-height."
        )
    elif abs(off_mm) > limit_mm:
        sentence = (
            f"The mid-slice of {name} is {abs(off_mm):.1f} mm {direction} mid-height between the endplates, more than "
            f"{limit_mm:.1f} mm."
        )
    else:
        return ()
    is_far = height.inside_mm <= 0 or abs(off_mm) > _FAR_OFF * height.endplates.height_mm
    return (
        Finding(
            "mid_slice_off_middle",
            sentence,
            "Move the midline into the slice at mid-height of the body.",
            "severe" if is_far else "warning",
            name,
        ),
    )


def endplate_findings(
    stack: AxialStack, level: LevelResult, endplates: Endplates, values: FindingValues
) -> tuple[Finding, ...]:
    """Return findings on regions close to an endplate."""
    name, findings = level.level, []
    for roi, measured in level.rois.items():
        nearest_mm = float(endplates.distances_mm(voxel_centers_ras_mm(stack, measured.mask)).min())
        if nearest_mm < values.endplate_distance_min_mm:
            position = f"{nearest_mm:.1f} mm from" if nearest_mm > 0 else "beyond"
            findings.append(
                Finding(
                    "near_endplate",
                    f"The {roi} ROI of {name} has voxels {position} an endplate; the minimum distance is "
                    f"{values.endplate_distance_min_mm:g} mm. It may include dense bone of the endplate.",
                    "Check the mid-slice; if the body is low or steeply tilted, interpret the class with caution or "
                    "exclude the level.",
                    "warning",
                    name,
                    roi,
                )
            )
    return tuple(findings)


def bone_findings(stack: AxialStack, level: LevelResult, protocol: Protocol) -> tuple[Finding, ...]:
    """Return findings on regions that leave the bone, and on a drawn outline that differs from the CT."""
    frame, name = level.frame, level.level
    outline = Outline(frame.to_uv_mm(level.outline_ras_mm)).polygon_uv_mm
    findings = []
    if level.outline_edited:
        in_ct = _outline_in_ct(stack, level, protocol.outline)
        if in_ct is not None:
            agreement = _dice(outline, in_ct)
            if agreement < protocol.findings.outline_agreement_min:
                findings.append(
                    Finding(
                        "outline_unlike_ct",
                        f"The outline drawn for {name} overlaps the one found in the CT by {agreement:.2f} (Dice), "
                        f"less than {protocol.findings.outline_agreement_min:g}.",
                        "Check that the outline follows the edge of the body, or return it to automatic.",
                        "warning",
                        name,
                    )
                )
            outline = in_ct
    elif not any(measured.edited for measured in level.rois.values()):
        return ()  # regions made from an outline found in the CT stay inside it
    for roi, measured in level.rois.items():
        points_uv_mm = frame.to_uv_mm(voxel_centers_ras_mm(stack, measured.mask))
        share = 1 - float(np.mean(polygons.contains(outline, points_uv_mm)))
        if share > protocol.findings.roi_outside_share:
            findings.append(
                Finding(
                    "leaves_bone",
                    f"{100 * share:.0f} % of the voxels of the {roi} ROI of {name} are outside the body's outline.",
                    "Correct the outline or the region.",
                    "severe",
                    name,
                    roi,
                )
            )
    return tuple(findings)


def _outline_in_ct(stack: AxialStack, level: LevelResult, values: OutlineValues) -> np.ndarray | None:
    """Return the outline found in the CT, as a polygon in the frame; None if none is found."""
    try:
        landmarks = Landmarks(level.level, level.midline_ras_mm)
        return outline_of_level(stack, level.frame, landmarks, values).curve.polygon_uv_mm
    except InputError:
        return None


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    low, high = (extreme(np.vstack([first, second]), axis=0) for extreme in (np.min, np.max))
    shape = tuple(np.ceil((high - low)[::-1] / _GRID_MM).astype(int) + 1)
    masks = [polygons.rasterize((polygon - low) / _GRID_MM, (0, 0), shape, 0.0) for polygon in (first, second)]
    return float(2 * np.count_nonzero(masks[0] & masks[1]) / sum(np.count_nonzero(mask) for mask in masks))


def patch_findings(stack: AxialStack, level: LevelResult, protocol: Protocol) -> tuple[Finding, ...]:
    """Return findings on patches in the regions that are much denser or less dense than the rest."""
    values = protocol.findings
    corner_kji, in_rois = on_one_grid({roi: measured.mask for roi, measured in level.rois.items()})
    inside = np.any(list(in_rois.values()), axis=0)
    crop = tuple(slice(start, start + size) for start, size in zip(corner_kji, inside.shape, strict=True))
    voxels_hu = stack.voxels_hu[crop].astype(float)
    disk = _disk(level.frame, stack, values.patch_radius_mm)
    offsets_hu = _patch_means_hu(voxels_hu, inside, disk) - float(np.median(voxels_hu[inside]))
    patch_mm2 = float(disk.sum()) * len(inside) * stack.pixel_area_mm2
    noise_hu = float(voxels_hu[inside].std()) / max(1.0, patch_mm2 / values.noise_patch_mm2) ** 0.5
    limit_hu = max(values.patch_difference_hu, values.noise_limit_sds * noise_hu)
    findings = []
    for roi in (region.name for region in protocol.regions if region.name in level.rois and not region.is_lateral):
        roi_offsets_hu = offsets_hu[in_rois[roi].any(axis=0) & np.isfinite(offsets_hu)]
        worst_hu = max(roi_offsets_hu.tolist(), key=abs, default=0.0)
        if abs(worst_hu) > limit_hu:
            findings.append(
                Finding(
                    "uneven_bone",
                    f"In the {roi} ROI of {level.level}, a patch {2 * values.patch_radius_mm:g} mm wide differs from "
                    f"the median of all regions by {worst_hu:+.0f} HU, more than {limit_hu:.0f} HU.",
                    "Look for a vein, cyst, hemangioma, bone island, cement or artifact there; exclude the level if "
                    "the mean should not include it.",
                    "warning",
                    level.level,
                    roi,
                )
            )
    return tuple(findings)


def _patch_means_hu(voxels_hu: np.ndarray, inside: np.ndarray, disk: np.ndarray) -> np.ndarray:
    """Return the mean around each pixel, over all slices, shape (j, i); NaN where too much of a patch is outside."""
    from scipy import ndimage

    counts = ndimage.convolve(inside.sum(axis=0, dtype=float), disk, mode="constant")
    sums_hu = ndimage.convolve((voxels_hu * inside).sum(axis=0), disk, mode="constant")
    is_whole = counts > _PATCH_SHARE * disk.sum() * len(inside)
    return np.where(is_whole, sums_hu / np.maximum(counts, 1.0), np.nan)


def _disk(frame: Frame, stack: AxialStack, radius_mm: float) -> np.ndarray:
    """Return a disk of this radius in the slice's pixels, as weights of 0 and 1, shape (j, i)."""
    reach = [int(np.ceil(radius_mm / spacing)) for spacing in stack.pixel_spacings_mm]
    j, i = np.mgrid[-reach[1] : reach[1] + 1, -reach[0] : reach[0] + 1]
    u_mm, v_mm = np.tensordot(frame.uv_from_ij[:, :2], np.stack([i, j]), axes=1)
    return (np.hypot(u_mm, v_mm) <= radius_mm).astype(float)
