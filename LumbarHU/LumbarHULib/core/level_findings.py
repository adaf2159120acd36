"""The findings of one level, gathered from the stages that made them, and those of its pixels."""

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.boundary import Boundary
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.frame import Frame
from LumbarHULib.core.label_maps import Slab
from LumbarHULib.core.outline_search import LevelOutline
from LumbarHULib.core.protocol import Protocol
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


def roi_findings(shapes: RoiShapes, roi: str) -> tuple[Finding, ...]:
    """Return what concerns one region alone."""
    return tuple(finding for finding in shapes.findings if finding.roi == roi)


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
