"""The findings of one level, gathered from the stages that made them, and those of its pixels."""

from dataclasses import replace

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.label_maps import Slab
from LumbarHULib.core.outline_search import LevelOutline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.results import RoiResult
from LumbarHULib.core.roi_shapes import RoiShapes


def level_findings(
    stack: AxialStack,
    frame: Frame,
    outline: LevelOutline,
    boundary: Boundary,
    shapes: RoiShapes,
    slab: Slab,
    protocol: Protocol,
) -> tuple[Finding, ...]:
    """Return what concerns the level as a whole."""
    of_shapes = tuple(finding for finding in shapes.findings if not finding.roi)
    return (
        frame.findings
        + outline.findings
        + boundary.findings
        + of_shapes
        + slab.findings
        + _pixel_findings(stack, frame.level, protocol)
    )


def with_roi_findings(measured: RoiResult, shapes: RoiShapes, protocol: Protocol) -> RoiResult:
    """Return a region's result together with what concerns this region alone."""
    of_shape = tuple(finding for finding in shapes.findings if finding.roi == measured.roi)
    return replace(measured, findings=of_shape + _implausible_findings(measured, protocol))


def _implausible_findings(measured: RoiResult, protocol: Protocol) -> tuple[Finding, ...]:
    low_hu, high_hu = measured.values["min_hu"], measured.values["max_hu"]
    if protocol.plausible_voxel_min_hu <= low_hu and high_hu <= protocol.plausible_voxel_max_hu:
        return ()
    return (
        Finding(
            "implausible_voxels",
            f"The {measured.roi} ROI of {measured.level} holds voxels from {low_hu:g} to {high_hu:g} HU; trabecular "
            f"bone stays within {protocol.plausible_voxel_min_hu:g} to {protocol.plausible_voxel_max_hu:g} HU.",
            "Look for gas, metal, cement or padding there, and whether the CT is in HU; if so, exclude the level.",
            "severe",
            measured.level,
            measured.roi,
        ),
    )


def _pixel_findings(stack: AxialStack, level: str, protocol: Protocol) -> tuple[Finding, ...]:
    largest_mm = max(stack.pixel_spacings_mm)
    if largest_mm <= protocol.coarse_pixel_mm:
        return ()
    return (
        Finding(
            "coarse_pixels",
            f"The CT's pixels of {largest_mm:.2f} mm are coarser than {protocol.coarse_pixel_mm:g} mm: outline and "
            f"regions of {level} are the less certain.",
            "Use a reconstruction with smaller pixels where there is one.",
            "warning",
            level,
        ),
    )
