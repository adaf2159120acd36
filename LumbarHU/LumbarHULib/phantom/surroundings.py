"""Everything around the vertebrae, placed relative to them: a simple model of an abdomen."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.phantom.arch import RoundedBox
from LumbarHULib.phantom.parts import Blob, BonePart, DiscPart, Part, Trunk, Tube, VertebraPart
from LumbarHULib.phantom.spec import SpineSpec, VesselSpec
from LumbarHULib.phantom.vertebra import VertebraSpec


def parts_of(spec: SpineSpec) -> list[Part]:
    """Return the parts of the phantom in painting order."""
    column = _Column(spec)
    parts: list[Part] = _abdomen(spec, column) if spec.trunk else []
    parts += _muscles(spec, column)
    for vessel, ends_at in ((spec.vena_cava, "L5"), (spec.aorta, "L4")):
        if vessel is not None:
            parts += _vessel(spec, column, vessel, ends_at)
    parts += _canal(spec, column)
    if spec.pelvis and "S1" in spec.levels:
        parts += _pelvis(spec.vertebra("S1"))
    if spec.trunk and "T12" in spec.levels:
        parts += _ribs(spec.vertebra("T12"))
    parts += [DiscPart(*pair, spec.disc_hu) for pair in pairwise(spec.vertebrae)]
    parts += [VertebraPart(vertebra) for vertebra in spec.vertebrae]
    return parts


class _Column:
    """Positions along the spine, as smooth functions of S."""

    def __init__(self, spec: SpineSpec) -> None:
        self.vertebrae = spec.vertebrae
        first, last = spec.vertebrae[0], spec.vertebrae[-1]
        self.s_mm = np.arange(last.center_ras_mm[2] - 70.0, first.center_ras_mm[2] + 70.0, 2.0)

    def along(self, values_of: Callable[[VertebraSpec], ArrayLike]) -> np.ndarray:
        """Return (n, ...) values at `s_mm`, from one value per vertebra at its center's S."""
        from scipy.interpolate import PchipInterpolator

        heights = np.array([vertebra.center_ras_mm[2] for vertebra in self.vertebrae])[::-1]
        values = np.array([values_of(vertebra) for vertebra in self.vertebrae], dtype=float)[::-1]
        if len(heights) == 1:
            return np.repeat(values, len(self.s_mm), axis=0)
        return PchipInterpolator(heights, values)(np.clip(self.s_mm, heights[0], heights[-1]))

    def offset_path(self, x_mm: float, y_mm: float) -> np.ndarray:
        """Return (n, 2) R and A of a position in the frame of each vertebra, projected along S."""
        return self.along(lambda vertebra: vertebra.to_ras([x_mm, y_mm, 0])[:2])


def _vessel(spec: SpineSpec, column: _Column, vessel: VesselSpec, ends_at: str) -> list[Part]:
    places = {vertebra.level: _vessel_center(vertebra, vessel) for vertebra in spec.vertebrae}
    centers = column.along(lambda vertebra: places[vertebra.level][0])
    radii = np.full_like(centers, vessel.radius_mm)
    keep = np.ones(len(column.s_mm), dtype=bool)
    parts: list[Part] = []
    if ends_at in spec.levels and spec.levels[-1] != ends_at:
        end = spec.vertebra(ends_at)
        end_s = end.center_ras_mm[2] - end.height_mm / 2
        keep = column.s_mm >= end_s
        # The common iliac vessels diverge to both sides.
        start = centers[keep][0]
        for side in (-1, 1):
            drop = np.array([0.0, 10, 30, 60, 110])
            path = start + np.outer(drop, [0.55 * side, -0.20])
            size = np.full((5, 2), 0.62 * vessel.radius_mm)
            parts.append(Tube(end_s + 4 - drop[::-1], path[::-1], size, vessel.hu))
    parts.append(Tube(column.s_mm[keep], centers[keep], radii[keep], vessel.hu, fine=True))
    if vessel.plaque_hu is not None:
        for vertebra in spec.vertebrae:
            center, outward = places[vertebra.level]
            thickness, width, height = vessel.plaque_mm
            wall = center - outward * (vessel.radius_mm - thickness / 2)
            angle = np.degrees(np.arctan2(outward[1], outward[0]))
            parts.append(
                Blob(
                    (*wall, vertebra.center_ras_mm[2]),
                    (thickness / 2, width / 2, height / 2),
                    vessel.plaque_hu,
                    angle,
                    fine=True,
                )
            )
    return parts


def _vessel_center(vertebra: VertebraSpec, vessel: VesselSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return R and A of the vessel's center, and the outward direction of the body's surface there."""
    points = vertebra.section.points_mm(1440)
    tangent = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normal = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    index = round((180 - vessel.angle_deg) % 360 * 4) % len(points)
    place = points[index] + normal[index] * (vessel.radius_mm + vessel.gap_mm)
    center = vertebra.to_ras([place[0], place[1] + vertebra.section_offset_mm, 0])[:2]
    outward = vertebra.axes_ras.T[:2, :2] @ normal[index]
    return center, outward / np.linalg.norm(outward)


def _canal(spec: SpineSpec, column: _Column) -> list[Part]:
    def center_at(vertebra: VertebraSpec, behind_mm: float) -> np.ndarray:
        return vertebra.to_ras([0, -vertebra.depth_mm / 2 - behind_mm, 0])[:2]

    count = len(column.s_mm)
    around = column.along(lambda v: center_at(v, 9.0))
    fat = Tube(column.s_mm, around, np.tile([11.0, 9.5], (count, 1)), spec.epidural_fat_hu)
    sac = Tube(column.s_mm, column.along(lambda v: center_at(v, 7.5)), np.tile([8.8, 7.3], (count, 1)), spec.sac_hu)
    parts: list[Part] = [fat, sac]
    if "T12" in spec.levels or "L1" in spec.levels:
        conus = spec.vertebrae[min(1, len(spec.levels) - 1)].center_ras_mm[2]
        keep = column.s_mm >= conus
        size = np.clip((column.s_mm[keep] - conus) / 25, 0.15, 1)[:, None] * [4.6, 3.8]
        path = column.along(lambda v: center_at(v, 7.5))[keep]
        parts.append(Tube(column.s_mm[keep], path, size, spec.sac_hu + 14))
    return parts


def _muscles(spec: SpineSpec, column: _Column) -> list[Part]:
    top = spec.vertebra("L1") if "L1" in spec.levels else spec.vertebrae[0]
    # The psoas widens from L1 downward; the muscles of the back end at the sacrum.
    below_top = top.center_ras_mm[2] + 10 - column.s_mm
    grown = np.clip(below_top / 110, 0.25, 1) if len(spec.levels) > 1 else np.full_like(column.s_mm, 0.8)
    bottom = spec.vertebra("L5").center_ras_mm[2] if "L5" in spec.levels else column.s_mm[0] - 100
    left_over = np.clip(1 + (column.s_mm - bottom) / 90, 0.1, 1)
    # (position in the vertebra's frame, half axes, HU below that of psoas, angle)
    dorsal = (((62, -30), (21, 9), 3, 25), ((44, -54), (25, 16), 4, -8), ((17, -52), (13.5, 18), 8, 5))
    parts: list[Part] = []
    for side in (1, -1):
        half_width = column.along(lambda vertebra: vertebra.width_mm / 2)
        psoas = column.offset_path(0, -8) + np.column_stack([side * (half_width + 19 * grown - 3), 6 * grown - 3])
        parts.append(Tube(column.s_mm, psoas, np.outer(grown, [19, 24]), spec.muscle_hu, side * 70))
        for (x_mm, y_mm), half_axes, less_hu, angle_deg in dorsal:
            path, size = column.offset_path(side * x_mm, y_mm), np.outer(left_over, half_axes)
            parts.append(Tube(column.s_mm, path, size, spec.muscle_hu - less_hu, side * angle_deg))
    return parts


def _abdomen(spec: SpineSpec, column: _Column) -> list[Part]:
    middle = spec.vertebra("L3") if "L3" in spec.levels else spec.vertebrae[len(spec.vertebrae) // 2]
    origin = np.array(middle.center_ras_mm)
    r, a, s = middle.center_ras_mm
    fat, muscle = spec.fat_hu, spec.muscle_hu
    parts = _table(r, a) if spec.table else []
    parts.append(
        Trunk(
            (r, a + 17.0),
            (
                (0, (166, 118), 20.0),
                (0, (164, 116), fat),
                (6, (146, 93), muscle - 5),
                (6, (133, 82), fat),
            ),
        )
    )
    for side in (1, -1):
        kidney_s = s + (36 if side < 0 else 26)
        parts += [
            Blob((r + side * 68, a - 12, kidney_s), (29, 24, 56), 34.0, side * -35, side * -9),
            Blob((r + side * 52, a - 4, kidney_s), (14, 9, 22), fat, side * -35),
        ]
    parts += [
        # Ascending and descending colon, with anterior gas as in a supine patient.
        Blob((r + 106, a + 16, s - 30), (24, 26, 84), 28.0),
        Blob((r + 106, a + 28, s - 22), (16, 10, 58), -850.0),
        Blob((r - 112, a + 6, s - 20), (15, 17, 100), 26.0),
        Blob((r - 112, a + 13, s + 4), (8, 5, 40), -800.0),
    ]
    parts += [
        Blob((r + 78, a + 32, s + 112), (62, 66, 78), 56.0, 12),  # liver
        Blob((r - 104, a - 8, s + 104), (26, 42, 46), 50.0, 25),  # spleen
        Blob((r - 52, a + 58, s + 98), (50, 30, 48), 24.0, -12),  # stomach
        Blob((r - 50, a + 74, s + 98), (38, 10, 36), -900.0),
        Blob((r - 6, a + 58, s + 48), (52, 10, 15), 42.0, 8),  # pancreas
    ]
    # Small bowel: loops at fixed positions.
    random = np.random.default_rng(7)
    for _ in range(34):
        place = random.uniform([-78, 46, -120], [78, 82, 58])
        half_axes = random.uniform([12, 10, 12], [24, 15, 24])
        parts.append(Blob(tuple(place + origin), tuple(half_axes), random.uniform(22, 40), random.uniform(-40, 40)))
    for _ in range(5):
        place = random.uniform([-60, 72, -110], [60, 84, 40])
        parts.append(Blob(tuple(place + origin), tuple(random.uniform([7, 3, 7], [15, 6, 15])), -820.0))
    return parts


def _table(r: float, a: float) -> list[Part]:
    """Return a curved carbon shell around foam, under the back."""
    top = a + 17.0 - 119.5 + 300.0
    layers = (
        (0, (300, 300), -250.0),
        (0, (298.2, 298.2), -930.0),
        (0, (284, 284), -250.0),
        (0, (282.2, 282.2), -1000.0),
    )
    return [Trunk((r, top - 13.0), layers, 0.0)]


def _pelvis(sacrum: VertebraSpec) -> list[Part]:
    """Return the iliac wings: a plate next to the sacrum that flares forward and outward."""
    center = np.array(sacrum.center_ras_mm)
    wings: list[Part] = []
    for side in (1, -1):
        offsets = np.array([[side * 50, -54, -6], [side * 68, -6, 8], [side * 114, 38, 18]])
        back, bend, front = center + offsets
        plates = tuple(
            _plate(start, end, [side * 0.45, -0.1, 0.9], radius, 30.0)
            for start, end, radius in ((back, bend, (6.5, 5.0)), (bend, front, (5.0, 3.5)))
        )
        wings.append(BonePart(plates, 1.6, 700.0, 140.0))
    return wings


def _ribs(thoracic: VertebraSpec) -> list[Part]:
    """Return the twelfth ribs."""
    ribs: list[Part] = []
    for side in (1, -1):
        path = [thoracic.to_ras([side * x, y, z]) for x, y, z in ((21, -19, 6), (52, -42, -6), (92, -38, -34))]
        pieces = tuple(_plate(start, end, [0, 0, 1], (3.4, 3.0), 1.5) for start, end in pairwise(path))
        ribs.append(BonePart(pieces, 1.0, 650.0, 150.0))
    return ribs


def _plate(
    start: np.ndarray, end: np.ndarray, upward: ArrayLike, radius_mm: tuple[float, float], half_height_mm: float
) -> RoundedBox:
    along = (end - start) / np.linalg.norm(end - start)
    upward = np.array(upward, dtype=float)
    upward -= (upward @ along) * along
    upward /= np.linalg.norm(upward)
    axes = np.stack([along, np.cross(upward, along), upward])
    half = np.array([np.linalg.norm(end - start) / 2, 0.0, half_height_mm])
    return RoundedBox((start + end) / 2, axes, half, radius_mm)
