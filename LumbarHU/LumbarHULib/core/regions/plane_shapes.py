"""Shapes of regions in a slice: those of the study by any name, a circle of given area, and the eroded outline."""

from dataclasses import dataclass, replace

import numpy as np

from LumbarHULib.core import polygons
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.inner_outline import offset_pieces
from LumbarHULib.core.label_maps import PlaneShapes
from LumbarHULib.core.regions.body import Cut, LevelBody
from LumbarHULib.core.regions.definition import Region
from LumbarHULib.core.roi_shapes import RoiShapes, roi_shapes

# The study's region that has the shape of a definition.
_STUDY_NAMES = {"largest_circle": "round", "largest_ellipse": "oval"}


@dataclass(frozen=True, eq=False)
class PlaneShape:
    """The shape of one region in a slice.

    Parameters
    ----------
    shapes : PlaneShapes
        With the name under which it holds the region's points.
    name : str
    figures : dict of str to float
        Sizes and centers by name, in mm in the frame.
    findings : tuple of Finding
    """

    shapes: PlaneShapes
    name: str
    figures: dict[str, float]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class _Polygon:
    """The inside of a polygon."""

    inner_outline_uv_mm: np.ndarray

    def holds(
        self, roi: str, u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> np.ndarray:
        return in_inner


@dataclass(frozen=True, eq=False)
class _Disk:
    """A disk, inside a square around it."""

    center_uv_mm: np.ndarray
    radius_mm: float

    @property
    def inner_outline_uv_mm(self) -> np.ndarray:
        return self.center_uv_mm + 1.01 * self.radius_mm * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])

    def holds(
        self, roi: str, u_mm: np.ndarray, v_mm: np.ndarray, in_inner: np.ndarray, tolerance_mm: float
    ) -> np.ndarray:
        center_u_mm, center_v_mm = self.center_uv_mm
        return np.hypot(u_mm - center_u_mm, v_mm - center_v_mm) <= self.radius_mm + tolerance_mm


def plane_shape(region: Region, body: LevelBody, cut: Cut) -> PlaneShape:
    """Return a region's shape in one slice of the body.

    Raises
    ------
    InputError
        When it has no room there.
    """
    if region.shape == "circle":
        return _circle(region, cut)
    if region.shape == "eroded":
        return _eroded(region, cut)
    inner_uv_mm = body.inner_of(cut)
    boundary = body.boundary
    if region.part == "body":
        posterior_v_mm = float(polygons.crossings_of_axis(inner_uv_mm).min())
        boundary = replace(boundary, normal_uv=np.array([0.0, 1.0]), offset_mm=posterior_v_mm)
    shapes = roi_shapes(cut.frame, inner_uv_mm, boundary, body.protocol.roi)
    name = region.side or _STUDY_NAMES[region.shape]
    return PlaneShape(shapes, name, shapes.figures.get(name, {}), _findings_of(region, shapes, name))


def _findings_of(region: Region, shapes: RoiShapes, name: str) -> tuple[Finding, ...]:
    """Return the findings on the level and on this region; without the study's boundary, its circle is no measure."""
    if region.part == "body":
        return ()
    return tuple(
        replace(finding, roi=region.name) if finding.roi else finding
        for finding in shapes.findings
        if finding.roi in ("", name)
    )


def _circle(region: Region, cut: Cut) -> PlaneShape:
    polygon = cut.outline.polygon_uv_mm
    disk = _Disk(_centroid(polygon), float(np.sqrt(region["area_mm2"] / np.pi)))
    room_mm = float(polygons.distances_to_edges(disk.center_uv_mm[None], polygon).min())
    findings: tuple[Finding, ...] = ()
    if room_mm < disk.radius_mm:
        findings = (
            Finding(
                "region_leaves_body",
                f"The {region.name} ROI of {cut.frame.level} has a radius of {disk.radius_mm:.1f} mm, but its center "
                f"is only {room_mm:.1f} mm from the outline: it contains cortex or tissue outside the body.",
                "Check the outline; if the body is this small, exclude the level.",
                "severe",
                cut.frame.level,
                region.name,
            ),
        )
    center_u_mm, center_v_mm = disk.center_uv_mm.tolist()
    figures = {"center_u_mm": center_u_mm, "center_v_mm": center_v_mm, "radius_mm": disk.radius_mm}
    return PlaneShape(disk, region.name, figures, findings)


def _centroid(polygon: np.ndarray) -> np.ndarray:
    """Return the centroid of a polygon's area, shape (2,)."""
    following = np.roll(polygon, -1, axis=0)
    cross = polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]
    return ((polygon + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())


def _eroded(region: Region, cut: Cut) -> PlaneShape:
    erosion_mm = region["erosion_mm"]
    pieces = offset_pieces(cut.outline, erosion_mm)
    if not pieces:
        raise InputError(
            f"No point of {cut.frame.level} is {erosion_mm:g} mm inside its outline, as the {region.name} ROI must be: "
            "check the outline, or exclude the level.",
            cut.frame.level,
        )
    largest = max(pieces, key=polygons.signed_area)
    return PlaneShape(_Polygon(largest), region.name, {"erosion_mm": erosion_mm})


def whole_outline(cut: Cut) -> PlaneShapes:
    """Return everything inside the outline as a shape."""
    return _Polygon(cut.outline.polygon_uv_mm)
