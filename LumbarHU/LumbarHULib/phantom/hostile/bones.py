"""The bone at one height: body with cortex, trabecular bone and vein, and the arch with the canal."""

from functools import cached_property

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Anatomy, Spur
from LumbarHULib.phantom.hostile.canvas import Canvas
from LumbarHULib.phantom.hostile.curves import wall_corners_mm

# Thinnest cortex outside the vein's mouth.
_THINNEST_MM = 0.3
_THICKEST_MM = 1.2


class Bones:
    """Values that are independent of height, computed once.

    Parameters
    ----------
    canvas : Canvas
    anatomy : Anatomy
    random : numpy.random.Generator
    """

    def __init__(self, canvas: Canvas, anatomy: Anatomy, random: np.random.Generator) -> None:
        self.canvas, self.anatomy = canvas, anatomy
        self.cortex_by_point = self._cortex_by_point(random)
        self._cortex_mm = self.cortex_by_point[canvas.nearest].astype(np.float32)
        self._texture = self._texture_planes(random)
        self._subcortical_hu = self._subcortical(random)

    def trabecular_field(self, z_mm: float) -> np.ndarray:
        """Return the values inside the cortex at a height, HU: trabecular bone, vein and lesions."""
        canvas, bone = self.canvas, self.anatomy.bone
        by_x, by_y, by_z = bone.gradient_hu_per_mm
        field = bone.trabecular_hu + by_x * canvas.x + by_y * (canvas.y - canvas.center_mm[1]) + by_z * z_mm
        field = (field + self._texture_at(z_mm) + self._subcortical_hu + self._corners_hu).astype(np.float32)
        for lesion in self.anatomy.lesions:
            center, radii = lesion.center_mm, lesion.radii_mm
            share = 1 - ((z_mm - center[2]) / radii[2]) ** 2
            outer = lesion.rim_mm
            if share <= 0 and (abs(z_mm - center[2]) > radii[2] + outer or outer == 0):
                continue
            inside = canvas.ellipse(center[:2], np.array(radii[:2]) * np.sqrt(max(share, 1e-3)))
            if outer > 0:
                canvas.fill(field, inside - outer, lesion.rim_hu)
            if share > 0:
                # The edge is gradual because it follows trabeculae.
                field += np.clip(0.5 - inside / 1.5, 0, 1) * (lesion.hu - field)
        self._paint_vein(field)
        return field

    def paint(self, values: np.ndarray, z_mm: float, field: np.ndarray) -> None:
        """Paint spurs, arch, canal and body at a height in place, over their surroundings."""
        canvas, bone, arch = self.canvas, self.anatomy.bone, self.anatomy.arch
        body_mm = self._body_at(z_mm)
        for spur in self.anatomy.spurs:
            height = self._spur_height(spur, z_mm)
            canvas.fill_shell(
                values,
                np.where(height > 0, body_mm - height, 9.0).astype(np.float32),
                np.minimum(spur.shell_mm, 0.4 * height),
                bone.cortex_hu,
                spur.hu,
            )
        self._paint_canal(values, body_mm)
        for band in self.anatomy.bands:
            index = canvas.body.index_toward(band.angle_deg, canvas.center_mm)
            half_mm = (band.thickness_mm / 2 * canvas.body.bump(index, band.width_mm))[canvas.nearest]
            middle_mm = band.gap_mm + band.thickness_mm / 2
            canvas.fill(values, np.abs(body_mm - middle_mm) - half_mm.astype(np.float32), band.hu)
        arch_mm = self.joined_arch_mm(body_mm, z_mm)
        is_arch = arch_mm < body_mm
        bone_mm = np.minimum(body_mm, arch_mm)
        cortex_mm = np.where(is_arch, np.float32(arch.cortex_mm), self._cortex_mm)
        inside_hu = np.where(body_mm > 0, np.float32(arch.medulla_hu) + self._texture_at(z_mm), field)
        canvas.fill_shell(values, bone_mm, cortex_mm, np.float32(bone.cortex_hu), inside_hu)

    def joined_arch_mm(self, body_mm: np.ndarray, z_mm: float) -> np.ndarray:
        """Return signed distances from the arch at a height, joined to the body by fillets and cut by the canal."""
        arch_mm, fillet_mm = self._arch_at(z_mm), max(self.anatomy.arch.fillet_mm, 1e-3)
        overlap = np.clip(fillet_mm - np.abs(arch_mm - body_mm), 0, None)
        joined_mm = np.minimum(arch_mm, body_mm) - overlap**2 / (4 * fillet_mm)
        # Points that belong only to the body stay the body's.
        joined_mm = np.where(overlap > 0, np.minimum(joined_mm, arch_mm), arch_mm)
        return np.maximum(joined_mm, -self.canvas.canal_mm)

    def _body_at(self, z_mm: float) -> np.ndarray:
        shape, canvas = self.anatomy.shape, self.canvas
        flare = shape.flare_mm * (z_mm / 10) ** 2
        shift = (shape.tilt + shape.lip * np.clip(canvas.normal_y, 0, 1)) * z_mm
        # The posterior wall hardly flares.
        return canvas.body_mm - flare * np.clip(canvas.normal_y + 0.9, 0, 1) - shift * canvas.normal_y

    @cached_property
    def _corners_hu(self) -> np.ndarray:
        """Return the additional HU of denser bone at the bases of the pedicles present at mid-height."""
        canvas, shape, arch = self.canvas, self.anatomy.shape, self.anatomy.arch
        added = np.zeros(canvas.shape, dtype=np.float32)
        for which, rod in enumerate(self._rods["pedicle"]):
            if self._pedicle_share(which, 0.0) > 0.05:
                in_front = canvas.y + shape.depth_mm + shape.horn_mm[which]
                apart_mm = np.clip(np.maximum(rod, in_front), 0, None)
                added += np.float32(arch.corner_hu[which]) * np.exp(-apart_mm / arch.corner_mm)
        return added

    def _spur_height(self, spur: Spur, z_mm: float) -> np.ndarray:
        canvas = self.canvas
        index = canvas.body.index_toward(spur.angle_deg, canvas.center_mm)
        grown = max(0.0, 1 + spur.slope * z_mm)
        return (spur.height_mm * grown * canvas.body.bump(index, spur.width_mm))[canvas.nearest].astype(np.float32)

    def _cortex_by_point(self, random: np.random.Generator) -> np.ndarray:
        """Return the cortex's thickness at each point of the outline; 0 in the vein's mouth."""
        body, bone, vein = self.canvas.body, self.anatomy.bone, self.anatomy.vein
        thickness = bone.cortex_mm * (1 + bone.cortex_variation * self._wave(random))
        # A cortex specified as thinner than usual stays that thin.
        thickness = np.clip(thickness, min(_THINNEST_MM, bone.cortex_mm), max(_THICKEST_MM, bone.cortex_mm))
        for spur in self.anatomy.spurs:
            index = body.index_toward(spur.angle_deg, self.canvas.center_mm)
            thickness *= 1 - (1 - spur.native_cortex) * body.bump(index, spur.width_mm)
        apart = np.abs(body.points_mm[:, 0] - vein.center_mm)
        at_back = body.points_mm[:, 1] < self.canvas.center_mm[1]
        open_here = at_back & (apart < vein.mouth_mm / 2)
        if vein.island:
            open_here &= apart > 1.2
        return np.where(open_here, 0.0, thickness)

    def _subcortical(self, random: np.random.Generator) -> np.ndarray:
        bone, canvas = self.anatomy.bone, self.canvas
        share = np.clip(1 + 0.6 * self._wave(random), 0, None)[canvas.nearest]
        return (bone.subcortical_hu * share * np.exp(np.minimum(canvas.body_mm, 0) / bone.subcortical_mm)).astype(
            np.float32
        )

    def _wave(self, random: np.random.Generator) -> np.ndarray:
        """Return a smooth function of SD 1 along the outline."""
        body = self.canvas.body
        phase = 2 * np.pi * body.arc_mm / body.length_mm
        return (
            sum(
                (
                    random.standard_normal() * np.cos(n * phase) + random.standard_normal() * np.sin(n * phase)
                    for n in range(1, 8)
                ),
                start=np.zeros_like(phase),
            )
            / 7**0.5
        )

    def _paint_vein(self, field: np.ndarray) -> None:
        vein, canvas = self.anatomy.vein, self.canvas
        if vein.mouth_mm <= 0:
            return
        forward = canvas.y + self.anatomy.shape.depth_mm
        # A funnel that narrows toward its tip.
        half = np.clip(vein.mouth_mm / 2 * (1 - forward / vein.depth_mm), -2.0, None)
        funnel = np.abs(canvas.x - vein.center_mm) - half
        funnel = np.maximum(funnel, forward - vein.depth_mm)
        if vein.island:
            funnel = np.maximum(funnel, np.where(forward < 2.5, 1.2 - np.abs(canvas.x - vein.center_mm), -9.0))
        field += np.clip(0.5 - funnel / 0.8, 0, 1) * (vein.hu - field)

    def _paint_canal(self, values: np.ndarray, body_mm: np.ndarray) -> None:
        canvas, arch = self.canvas, self.anatomy.arch
        # Without an arch, the canal opens into the fat of the neural foramen.
        canvas.fill(values, canvas.canal_mm, arch.epidural_fat_hu)
        canvas.fill(values, self._sac_mm, arch.sac_hu)
        veins = np.maximum(body_mm - 1.6, np.abs(canvas.x) - 6.0)
        canvas.fill(values, np.maximum(veins, canvas.canal_mm + 0.3), arch.epidural_vein_hu)

    @cached_property
    def _sac_mm(self) -> np.ndarray:
        canvas, back_mm = self.canvas, self.anatomy.arch.canal_depth_mm
        half_width = float(np.ptp(canvas.canal.points_mm[:, 0])) / 2
        center = (0, -self.anatomy.shape.depth_mm - 0.48 * back_mm)
        return np.maximum(canvas.ellipse(center, (half_width * 0.78, back_mm * 0.42)), canvas.canal_mm + 0.8)

    @cached_property
    def _rods(self) -> dict[str, list[np.ndarray]]:
        """Return distances from the arch's parts, unlimited in height, by part; pedicles and processes: right, left."""
        canvas, shape, arch = self.canvas, self.anatomy.shape, self.anatomy.arch
        back_mm = -shape.depth_mm - arch.canal_depth_mm
        rods: dict[str, list[np.ndarray]] = {"pedicle": [], "process": [], "rest": []}
        spinous = np.array([0.0, back_mm - 3.5])
        rods["rest"].append(canvas.capsule(spinous, spinous - (0, 24.0), 2.6, 3.2))
        # The laminae follow the posterior half of the canal; in a V-shaped canal they extend farther forward.
        reach = 0.3 if arch.v_shaped else 0.5
        behind = canvas.y + shape.depth_mm + reach * arch.canal_depth_mm
        rods["rest"].append(np.maximum(canvas.canal_mm - 3.5, behind))
        for which, side in enumerate((-1, 1)):
            corners = wall_corners_mm(shape, side)
            outer, inner = abs(corners["turn"][0]), abs(corners["canal"][0])
            half = (outer - inner) / 2
            middle = side * (outer + inner) / 2
            start = np.array([middle, corners["tip"][1] + half + 0.5])
            lean = np.tan(np.radians(arch.pedicle_angle_deg))
            length = 9.0 + half
            pillar = start + np.array([side * length * lean, -length])
            rods["pedicle"].append(canvas.capsule(start, pillar, half, half * 1.05))
            knee = np.array([side * max(inner * 0.9, 6.0) + side * 3.0, 0.55 * pillar[1] + 0.45 * spinous[1]])
            rods["rest"].append(canvas.capsule(pillar, knee, 4.5, 3.6))
            rods["rest"].append(canvas.capsule(knee, spinous, 3.6, 3.2))
            process_mm = max(arch.process_mm[which], 1.0)
            process = canvas.capsule(pillar, pillar + np.array([side * (process_mm + half), -6.0]), 5.0, 2.6)
            rods["process"].append(process)
            at_joint = pillar + np.array([side * 2.0, -7.0])
            facet = canvas.ellipse(at_joint, (6.0, 5.0), tilt_deg=side * 40)
            joint = np.abs(canvas.ellipse(at_joint, (4.0, 3.0), tilt_deg=side * 40)) - 0.7
            rods["rest"].append(np.maximum(facet, -joint))
        return rods

    def _arch_at(self, z_mm: float) -> np.ndarray:
        arch, shape = self.anatomy.arch, self.anatomy.shape
        parts = list(self._rods["rest"])
        for which, side in enumerate((-1, 1)):
            share = self._pedicle_share(which, z_mm)
            if share <= 0.05:
                continue
            corners = wall_corners_mm(shape, side)
            half = (abs(corners["turn"][0]) - abs(corners["canal"][0])) / 2
            # A pedicle's section is a superellipse: nearly as wide over most of its height.
            parts.append(self._rods["pedicle"][which] + half * (1 - share**0.35))
            if arch.process_mm[which] > 0 and share > 0.3:
                parts.append(self._rods["process"][which])
        return np.minimum.reduce(parts)

    def _pedicle_share(self, which: int, z_mm: float) -> float:
        """Return a weight that is 1 at a pedicle's mid-height, 0 at its upper and lower end, and negative beyond."""
        arch = self.anatomy.arch
        return 1 - ((z_mm - arch.pedicle_center_mm[which]) / arch.pedicle_half_height_mm) ** 2

    def _texture_planes(self, random: np.random.Generator) -> list[np.ndarray]:
        bone, scanner = self.anatomy.bone, self.anatomy.scanner
        reach = (scanner.slices // 2) * scanner.slice_mm + scanner.thickness_mm / 2
        self._plane_mm = max(1.5 * bone.texture_mm, 0.8)
        count = int(np.ceil(2 * reach / self._plane_mm)) + 2
        self._first_plane_mm = -reach - self._plane_mm / 2
        return [self.canvas.texture(random, bone.texture_hu, bone.texture_mm) for _ in range(count)]

    def _texture_at(self, z_mm: float) -> np.ndarray:
        at = (z_mm - self._first_plane_mm) / self._plane_mm
        low = int(np.clip(np.floor(at), 0, len(self._texture) - 2))
        share = float(np.clip(at - low, 0, 1))
        # The squares of the weights add up to 1, which keeps the SD between two planes.
        first, second = np.cos(share * np.pi / 2), np.sin(share * np.pi / 2)
        return np.float32(first) * self._texture[low] + np.float32(second) * self._texture[low + 1]
