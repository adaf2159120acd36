"""Collect the findings of one level from the stages of the flow, and add those on its pixels."""

from dataclasses import replace

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.label_maps import Slab
from LumbarHULib.core.not_scanned import not_scanned_findings
from LumbarHULib.core.outline.level import LevelOutline
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import FindingValues, PlausibleValues, RoiValues
from LumbarHULib.core.results import RoiResult, Shapes


def level_findings(
    stack: AxialStack,
    frame: Frame,
    outline: LevelOutline,
    boundary: Boundary,
    shapes: Shapes,
    slab: Slab,
    protocol: Protocol,
) -> tuple[Finding, ...]:
    """Return the findings that concern the level as a whole."""
    shape_findings = tuple(finding for finding in shapes.findings if not finding.roi)
    return (
        frame.findings
        + outline.findings
        + boundary.findings
        + shape_findings
        + slab.findings
        + _rotation_findings(frame, protocol.findings)
        + _pixel_findings(stack, frame.level, protocol.roi)
    )


def with_roi_findings(measured: RoiResult, shapes: Shapes, protocol: Protocol) -> RoiResult:
    """Return a region's result with the findings that concern this region alone."""
    shape_findings = tuple(finding for finding in shapes.findings if finding.roi == measured.roi)
    return replace(
        measured,
        findings=shape_findings
        + not_scanned_findings(measured)
        + _voxel_findings(measured, protocol.plausible)
        + _size_findings(measured, protocol.findings),
    )


def _voxel_findings(measured: RoiResult, values: PlausibleValues) -> tuple[Finding, ...]:
    low_hu, high_hu = measured.values["min_hu"], measured.values["max_hu"]
    subject = f"The {measured.roi} ROI of {measured.level} contains"
    if low_hu <= values.padding_hu:
        return (
            Finding(
                "padding_in_roi",
                f"{subject} voxels of {low_hu:g} HU, at or below air ({values.padding_hu:g} HU): they were not "
                "scanned, or are gas.",
                "Use a CT that shows the whole vertebral body, or exclude the level.",
                "severe",
                measured.level,
                measured.roi,
            ),
        )
    if values.voxel_min_hu <= low_hu and high_hu <= values.voxel_max_hu:
        return ()
    return (
        Finding(
            "implausible_voxels",
            f"{subject} voxels from {low_hu:g} to {high_hu:g} HU; trabecular bone ranges from "
            f"{values.voxel_min_hu:g} to {values.voxel_max_hu:g} HU.",
            "Check that the CT is in HU, and look for gas, metal, cement or padding; if there is any, exclude the "
            "level.",
            "severe",
            measured.level,
            measured.roi,
        ),
    )


def _size_findings(measured: RoiResult, values: FindingValues) -> tuple[Finding, ...]:
    area_mm2, voxels = measured.values["area_mm2"], measured.values["voxels"]
    if area_mm2 >= values.roi_area_min_mm2 and voxels >= values.roi_voxels_min:
        return ()
    return (
        Finding(
            "small_roi",
            f"The {measured.roi} ROI of {measured.level} has {area_mm2:.0f} mm² and {voxels} voxels; the minimum is "
            f"{values.roi_area_min_mm2:g} mm² and {values.roi_voxels_min} voxels.",
            "Check the midline and the outline, or use a CT with smaller pixels.",
            "warning",
            measured.level,
            measured.roi,
        ),
    )


def _rotation_findings(frame: Frame, values: FindingValues) -> tuple[Finding, ...]:
    if abs(frame.rotation_deg) <= values.rotation_limit_deg:
        return ()
    return (
        Finding(
            "midline_rotated",
            f"The midline of {frame.level} is rotated by {abs(frame.rotation_deg):.0f}° to the patient's "
            f"{'left' if frame.rotation_deg > 0 else 'right'}, more than {values.rotation_limit_deg:g}°.",
            "Check that it follows the body's plane of symmetry; in scoliosis, interpret the class with caution.",
            "warning",
            frame.level,
        ),
    )


def _pixel_findings(stack: AxialStack, level: str, values: RoiValues) -> tuple[Finding, ...]:
    largest_mm = max(stack.pixel_spacings_mm)
    if largest_mm <= values.coarse_pixel_mm:
        return ()
    return (
        Finding(
            "coarse_pixels",
            f"The CT's pixels of {largest_mm:.2f} mm are larger than {values.coarse_pixel_mm:g} mm: the outline and "
            f"the regions of {level} are less certain.",
            "Use a reconstruction with smaller pixels if there is one.",
            "warning",
            level,
        ),
    )
