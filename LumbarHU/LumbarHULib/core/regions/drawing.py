"""The voxels of a protocol's regions in one level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.label_maps import (
    Slab,
    label_masks,
    on_one_grid,
    slab_around,
    slab_of,
    trimmed_mask,
    voxel_centers_ras_mm,
)
from LumbarHULib.core.regions.body import LevelBody
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.regions.mask_shapes import endplate_distances_mm, eroded_mask, mask_ellipses
from LumbarHULib.core.regions.plane_shapes import PlaneShape, plane_shape
from LumbarHULib.core.results import Groups, RoiMask, Shapes
from LumbarHULib.core.roi_shapes import roi_shapes

# A slab that ends exactly at its limit must not be refused by a rounding error.
_TOLERANCE_MM = 1e-6


@dataclass(frozen=True, eq=False)
class RegionShapes:
    """The shapes of a protocol's regions, as `Shapes`."""

    figures: Mapping[str, Mapping[str, float]]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class DrawnRegions:
    """The regions of one level.

    Parameters
    ----------
    masks : dict of str to RoiMask
        In the protocol's order.
    shapes : Shapes
    slab : Slab
        The slices around the mid-slice.
    groups : mapping of str to tuple of tuple of int
        For regions whose mean is that of groups of slices: first and last slice k of each.
    """

    masks: dict[str, RoiMask]
    shapes: Shapes
    slab: Slab
    groups: Mapping[str, Groups] = field(default_factory=dict)


def draw_regions(body: LevelBody) -> DrawnRegions:
    """Return the regions that the protocol defines.

    Raises
    ------
    InputError
        When one has no room in the body, or needs endplates that the CT does not show.
    """
    stack, frame, protocol = body.stack, body.frame, body.protocol
    slab = slab_around(stack, frame, protocol.roi)
    if protocol.is_of_study_regions:
        shapes = roi_shapes(frame, body.inner_uv_mm, body.boundary, protocol.roi)
        return DrawnRegions(label_masks(stack, frame, shapes, slab, protocol.roi), shapes, slab)
    drawn = {region.name: _draw(region, body, slab) for region in protocol.regions}
    findings = dict.fromkeys(finding for one in drawn.values() for finding in one.findings)
    return DrawnRegions(
        {name: one.mask for name, one in drawn.items()},
        RegionShapes({name: one.figures for name, one in drawn.items()}, tuple(findings)),
        slab,
        {name: one.groups for name, one in drawn.items() if one.groups},
    )


@dataclass(frozen=True, eq=False)
class _Drawn:
    mask: RoiMask
    figures: Mapping[str, float]
    findings: tuple[Finding, ...] = ()
    groups: Groups = ()


def _draw(region: Region, body: LevelBody, slab: Slab) -> _Drawn:
    if region.shape == "mask_ellipse":
        return _Drawn(mask_ellipses(region, body), {}, _made_mask_findings(region, body))
    if region.slices == "body":
        if body.vertebra is not None:
            return _Drawn(eroded_mask(region, body), {"erosion_mm": region["erosion_mm"]})
        return _eroded_body(region, body)
    if region.slices == "endplates_and_mid_slice":
        return _in_three_slabs(region, body, slab)
    if region.slices == "around_mid_slice":
        reach = region["half_height_mm"] / body.stack.slice_spacing_mm
        slab = slab_of(body.stack, body.frame, int(np.floor(reach + _TOLERANCE_MM)))
    shape = plane_shape(region, body, body.cut(body.frame.mid_slice))
    findings = shape.findings if region.slices == "mid_slice" else (*shape.findings, *slab.findings)
    return _Drawn(_mask(shape, body, slab), shape.figures, findings)


def _mask(shape: PlaneShape, body: LevelBody, slab: Slab, k: int | None = None) -> RoiMask:
    frame = body.frame if k is None else body.cut(k).frame
    return label_masks(body.stack, frame, shape.shapes, slab, body.protocol.roi, (shape.name,))[shape.name]


def _made_mask_findings(region: Region, body: LevelBody) -> tuple[Finding, ...]:
    if body.vertebra is not None:
        return ()
    return (
        Finding(
            "mask_from_outline",
            f"The {region.name} ROI of {body.level} was made from the outline and the endplates, because no "
            "segmentation of the vertebra was given.",
            "Give a segmentation to compare with numbers that were measured in one.",
            "note",
            body.level,
            region.name,
        ),
    )


def _eroded_body(region: Region, body: LevelBody) -> _Drawn:
    """Return the points of the body, which is the outline between the endplates, that far from its surface."""
    shape = plane_shape(region, body, body.cut(body.frame.mid_slice))
    mask = _mask(shape, body, body.slices_between_endplates())
    inside = mask.inside & (endplate_distances_mm(body, mask) >= region["erosion_mm"] - _TOLERANCE_MM)
    if not inside.any():
        raise InputError(
            f"No voxel of {body.level} is {region['erosion_mm']:g} mm from both its endplates, as the {region.name} "
            "ROI must be: exclude the level if the body is this low.",
            body.level,
        )
    return _Drawn(trimmed_mask(inside, mask.offset_kji), shape.figures)


def _in_three_slabs(region: Region, body: LevelBody, slab: Slab) -> _Drawn:
    """Return a region drawn again in a slab below the upper endplate, in the mid-slab, and above the lower endplate."""
    middle = plane_shape(region, body, body.cut(body.frame.mid_slice))
    drawn = [
        _at_endplate(region, body, slab, "lower"),
        (middle, _mask(middle, body, slab), slab),
        _at_endplate(region, body, slab, "upper"),
    ]
    groups = tuple((one.first, one.last) for _, _, one in drawn)
    for below, above in pairwise(groups):
        if above[0] <= below[1]:
            raise InputError(
                f"The three groups of slices of the {region.name} ROI of {body.level} overlap: three slabs of "
                f"{slab.thickness_mm:g} mm have no room between its endplates. Use a CT with thinner slices, or "
                "exclude the level if the body is this low.",
                body.level,
            )
    figures = {
        f"{place}_{name}": figure
        for place, (shape, _, _) in zip(("lower", "middle", "upper"), drawn, strict=True)
        for name, figure in shape.figures.items()
    }
    findings = (*middle.findings, *(finding for _, _, one in drawn for finding in one.findings if one is not slab))
    mask = _joined([mask for _, mask, _ in drawn])
    return _Drawn(mask, figures, findings, groups if region.mean == "slices" else ())


def _at_endplate(region: Region, body: LevelBody, slab: Slab, name: str) -> tuple[PlaneShape, RoiMask, Slab]:
    """Return the region in the slab nearest to an endplate that keeps the defined distance from it.

    The distance is that of the region's nearest voxel, including the half of its slice toward the endplate.
    """
    endplate = getattr(body.endplates, name)
    inward = -1 if name == "upper" else 1
    spacing_mm, half = body.stack.slice_spacing_mm, (slab.last - slab.first) // 2
    least_mm = region["endplate_distance_mm"] + spacing_mm / 2 - _TOLERANCE_MM
    height = float(body.stack.slice_heights(endplate.center_ras_mm)) + inward * (least_mm / spacing_mm + half)
    k = int(np.ceil(height) if inward > 0 else np.floor(height))
    while k * inward < body.frame.mid_slice * inward:
        cut = body.cut(k)
        shape = plane_shape(region, body, cut)
        here = slab_of(body.stack, cut.frame, half)
        mask = _mask(shape, body, here, k)
        points_ras_mm = voxel_centers_ras_mm(body.stack, mask)
        if len(points_ras_mm) and endplate.distances_mm(points_ras_mm).min() >= least_mm:
            return shape, mask, here
        k += inward
    raise InputError(
        f"No slice between the mid-slice and the {name} endplate of {body.level} is {region['endplate_distance_mm']:g} "
        f"mm from the endplate over the whole {region.name} ROI, with half its thickness of {spacing_mm:.3g} mm: use a "
        "CT with thinner slices, or exclude the level if the body is low or tilted.",
        body.level,
    )


def _joined(masks: Sequence[RoiMask]) -> RoiMask:
    corner_kji, on_grid = on_one_grid({str(number): mask for number, mask in enumerate(masks)})
    return trimmed_mask(np.any(list(on_grid.values()), axis=0), corner_kji.tolist())
