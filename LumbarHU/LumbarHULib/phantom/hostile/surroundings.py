"""Paint the surroundings of the bone in the axial plane: fat, muscles, vessels, lung, ribs; the same at each height."""

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Anatomy, RibHead, Vessel
from LumbarHULib.phantom.hostile.canvas import Canvas


def paint_surroundings(canvas: Canvas, anatomy: Anatomy, random: np.random.Generator) -> np.ndarray:
    """Return the values around the body and behind it, HU, at the canvas's points."""
    around = anatomy.surroundings
    values = np.full(canvas.shape, around.fat_hu, dtype=np.float32)
    values += canvas.texture(random, 3.0, 8.0)
    _paint_far(canvas, values, anatomy, random)
    _paint_muscles(canvas, values, anatomy, random)
    covering = around.ligament_mm * (1 + 0.5 * canvas.normal_y)
    canvas.fill(values, canvas.body_mm - covering, 45.0)
    if around.crura_mm > 0:
        for angle in (45.0, 135.0):
            index = canvas.body.index_toward(angle, canvas.center_mm)
            height = around.crura_mm * canvas.body.bump(index, 30.0)[canvas.nearest]
            canvas.fill(values, canvas.body_mm - height, around.muscle_hu)
    if around.lung_gap_mm is not None:
        _paint_lung(canvas, values, anatomy, around.lung_gap_mm, random)
    for rib in around.rib_heads:
        _paint_rib(canvas, values, anatomy, rib)
    for vessel in around.vessels:
        _paint_vessel(canvas, values, vessel)
    return values


def _paint_far(canvas: Canvas, values: np.ndarray, anatomy: Anatomy, random: np.random.Generator) -> None:
    """Paint organs and bowel well away from the body."""
    width, depth = anatomy.shape.width_mm, anatomy.shape.depth_mm
    organ_hu = anatomy.surroundings.organ_hu
    canvas.fill(
        values, canvas.ellipse((-width * 0.5 - 38, 0), (24, 30 + 8 * random.random())), organ_hu + 20 * random.random()
    )
    if random.random() < 0.6:
        canvas.fill(values, canvas.ellipse((width * 0.5 + 40, -8), (22, 25)), organ_hu - 20)
    for _ in range(random.integers(0, 4)):
        center = (random.uniform(-30, 30), random.uniform(24, 32))
        radius = random.uniform(5, 9)
        wall = canvas.ellipse(center, (radius * 1.3, radius))
        canvas.fill(values, wall, 35.0)
        canvas.fill(values, wall + 2.0, random.choice([20.0, 10.0, -700.0]))
    canvas.fill(values, canvas.ellipse((0, -depth - 70), (16, 12)), -100.0)


def _paint_muscles(canvas: Canvas, values: np.ndarray, anatomy: Anatomy, random: np.random.Generator) -> None:
    around, shape = anatomy.surroundings, anatomy.shape
    for side in (-1, 1):
        back = canvas.ellipse((side * 24, -shape.depth_mm - 38), (21, 19), tilt_deg=side * 15)
        values += canvas.coverage(back) * (around.muscle_hu + canvas.texture(random, 12.0, 2.5) - values)
        if around.psoas_mm <= 0:
            continue
        radius = around.psoas_mm * random.uniform(0.85, 1.15)
        center = (side * (shape.width_mm / 2 + radius * 0.62), -shape.depth_mm * random.uniform(0.62, 0.85))
        psoas = canvas.ellipse(center, (radius * 0.85, radius * 1.1), tilt_deg=side * random.uniform(-5, 20))
        gap_mm = around.fat_gap_mm * random.uniform(0.3, 1.7)
        canvas.fill(values, np.maximum(psoas, gap_mm - canvas.body_mm), around.muscle_hu)


def _paint_vessel(canvas: Canvas, values: np.ndarray, vessel: Vessel) -> None:
    index = canvas.body.index_toward(vessel.angle_deg, canvas.center_mm)
    normal = canvas.body.normals[index]
    center = canvas.body.points_mm[index] + (vessel.gap_mm + vessel.radii_mm[1]) * normal
    facing = np.degrees(np.arctan2(normal[1], normal[0]))
    wall = canvas.ellipse(center, vessel.radii_mm, tilt_deg=facing - 90)
    # The spine flattens a vessel that would overlap it.
    wall = np.maximum(wall, vessel.gap_mm - canvas.body_mm)
    canvas.fill(values, wall, vessel.wall_hu)
    canvas.fill(values, wall + 1.2, vessel.hu)
    first, last = vessel.plaque_deg
    if first != last:
        toward_body = np.degrees(np.arctan2(canvas.y - center[1], canvas.x - center[0])) - facing - 180
        toward_body = (toward_body + 180) % 360 - 180
        middle, half = (first + last) / 2, abs(last - first) / 2
        # The plaque tapers off toward its ends.
        taper = np.clip(1 - ((toward_body - middle) / half) ** 2, 0, None)
        inside = np.maximum(wall, -wall - vessel.plaque_mm * taper)
        canvas.fill(values, np.where(taper > 0, inside, 1.0), vessel.plaque_hu)


def _paint_lung(
    canvas: Canvas, values: np.ndarray, anatomy: Anatomy, gaps_mm: tuple[float, float], random: np.random.Generator
) -> None:
    around, shape = anatomy.surroundings, anatomy.shape
    lung = np.full(canvas.shape, 100.0, dtype=np.float32)
    gap_by_point = np.interp(
        canvas.body.arc_mm,
        np.linspace(0, canvas.body.length_mm, 13),
        1 + 0.25 * np.clip(random.standard_normal(13), -2, 2),
    )[canvas.nearest]
    front_y = 3.0 if around.lung_front else -0.25 * shape.depth_mm
    for side, gap_mm in zip((-1, 1), gaps_mm, strict=True):
        body_gap_mm = gap_mm * gap_by_point - canvas.body_mm
        half_plane = 4.0 - side * canvas.x
        # The lung is bounded by the mediastinum in front, and by the ribs and the muscles of the back behind.
        front = (canvas.y - front_y) - 0.9 * np.clip(side * canvas.x - shape.width_mm * 0.42, 0, None)
        back = -(canvas.y + shape.depth_mm + 5.0) - 0.35 * (side * canvas.x - shape.width_mm / 2)
        lung = np.minimum(lung, np.maximum.reduce([body_gap_mm, half_plane, front, back]))
    # The tissue between the body and the lung, and the pleura.
    canvas.fill(values, np.maximum(lung - 8.0, canvas.body_mm - 8.0), around.pleura_hu)
    canvas.fill(values, np.maximum(lung - 1.2, 0.6 - canvas.body_mm), 25.0)
    canvas.fill(values, lung, around.lung_hu)
    for _ in range(10):
        center = random.uniform(-48, 48), random.uniform(-50, 30)
        spot = canvas.ellipse(center, random.uniform(0.6, 1.8, 2))
        canvas.fill(values, np.maximum(spot, lung + 3.0), 20.0)


def _paint_rib(canvas: Canvas, values: np.ndarray, anatomy: Anatomy, rib: RibHead) -> None:
    shape = anatomy.shape
    lateral = np.flatnonzero(rib.side * canvas.body.points_mm[:, 0] > shape.width_mm / 4)
    height = canvas.body.points_mm[lateral, 1] + shape.depth_mm - rib.forward_mm
    index = lateral[np.abs(height).argmin()]
    normal = canvas.body.normals[index]
    head = canvas.body.points_mm[index] + (rib.gap_mm + rib.radius_mm) * normal
    neck = head + np.array([rib.side * 14.0, -9.0])
    shaft = neck + np.array([rib.side * 22.0, -12.0])
    bone = np.minimum(
        canvas.capsule(head, neck, rib.radius_mm, rib.radius_mm * 0.7),
        canvas.capsule(neck, shaft, rib.radius_mm * 0.7, rib.radius_mm * 0.7),
    )
    bone = np.maximum(bone, rib.gap_mm - canvas.body_mm)
    canvas.fill(values, np.maximum(bone - 1.5, 0.3 - canvas.body_mm), 40.0)
    canvas.fill_shell(values, bone, rib.cortex_mm, 900.0, rib.hu)
