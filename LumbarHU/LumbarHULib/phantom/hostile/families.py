"""Random anatomies, and named families of hostile cases."""

from dataclasses import replace
from zlib import crc32

import numpy as np

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.hostile import bone_hazards as b
from LumbarHULib.phantom.hostile import hazards as h
from LumbarHULib.phantom.hostile import scan_hazards as s
from LumbarHULib.phantom.hostile.anatomy import Anatomy, Arch, BodyShape, Bone, Scanner, Surroundings, Vein, Vessel
from LumbarHULib.phantom.hostile.case import HostileCase, render_case

FAMILIES: dict[str, tuple[h.Hazard, ...]] = {
    "plain": (),
    "horns": (h.Horns(),),
    "flat_back": (h.FlatBack(),),
    "foramen": (h.Foramen(),),
    "v_canal": (h.VCanal(),),
    "open_wall": (h.OpenWall(),),
    "v_canal_open_wall": (h.VCanal(), h.OpenWall()),
    "lung": (h.Thorax(), h.Lung(), h.RibHeads()),
    "lung_ring": (h.Thorax(), h.Lung(gap_mm=(2.0, 4.0), front=True), h.RibHeads(gap_mm=(0.5, 2.0))),
    "lung_sharp_kernel": (h.Thorax(), h.Lung(), h.RibHeads(), s.SharpKernel()),
    "rib_head": (h.Thorax(), h.RibHeads(gap_mm=(0.0, 0.7))),
    "osteophyte": (b.Osteophytes(),),
    "bridging": (b.Bridging(),),
    "ligament": (b.Ligament(),),
    "sclerosis": (b.Sclerosis(),),
    "dense_pedicles": (h.DensePedicles(),),
    "schmorl": (b.SchmorlNode(),),
    "endplate_arc": (b.EndplateArc(),),
    "flared_walls": (h.FlaredWalls(),),
    "double_contour": (s.DoubleContour(),),
    "scoliosis": (h.Scoliosis(),),
    "contrast_vessel": (h.ContrastVessels(),),
    "texture": (b.Texture(),),
    "low_density": (b.LowDensity(),),
    "high_density": (b.HighDensity(),),
    "sharp_kernel": (s.SharpKernel(),),
    "thick_slice": (s.ThickSlice(),),
    "coarse_pixels": (s.CoarsePixels(),),
    "fine_scan": (s.FineScan(),),
    "streaks": (s.Streaks(),),
}

# "mixed" cases combine several hazards, with those of the scanner last.
_ANATOMIES: tuple[h.Hazard, ...] = (
    *(
        h.Horns(),
        h.FlatBack(),
        h.Foramen(),
        h.VCanal(),
        h.OpenWall(),
        b.Osteophytes(),
        b.Bridging(),
        b.Ligament(),
        b.Sclerosis(),
    ),
    *(
        h.DensePedicles(),
        h.FlaredWalls(),
        b.SchmorlNode(),
        h.Scoliosis(),
        h.ContrastVessels(),
        b.Texture(),
        b.LowDensity(),
    ),
    *(b.HighDensity(), h.Lung(one_side=True)),
)
_SCANNERS: tuple[h.Hazard, ...] = (s.SharpKernel(), s.ThickSlice(), s.DoubleContour(), s.Streaks(), s.FineScan())


def family_case(family: str, seed: int) -> HostileCase:
    """Return case number `seed` of a family: one of `FAMILIES`, or "mixed".

    Raises
    ------
    InputError
        If there is no such family.
    """
    if family == "mixed":
        random = np.random.default_rng([seed, 3])
        count = int(random.integers(2, 5))
        chosen = [_ANATOMIES[index] for index in random.permutation(len(_ANATOMIES))[:count]]
        if random.random() < 0.5:
            chosen.append(_SCANNERS[int(random.integers(len(_SCANNERS)))])
    elif family in FAMILIES:
        chosen = list(FAMILIES[family])
    else:
        raise InputError(f"There is no family “{family}” of hostile cases: use one of {', '.join(FAMILIES)} or mixed.")
    case = hostile_case(seed, *chosen)
    return replace(case, name=f"{family} {seed}")


def hostile_case(seed: int, *hazards: h.Hazard) -> HostileCase:
    """Return a case with a random anatomy and the given hazards, applied in their order.

    Parameters
    ----------
    seed : int
        The same seed and hazards give the same case.
    *hazards
        Values of the classes in `hazards`, `bone_hazards` and `scan_hazards`.
    """
    # With the same seed, other hazards produce other anatomies.
    random = np.random.default_rng([seed, crc32(repr(hazards).encode())])
    anatomy = draw_anatomy(random)
    for hazard in hazards:
        anatomy = hazard.applied(anatomy, random)
    return render_case(anatomy, seed)


def draw_anatomy(random: np.random.Generator) -> Anatomy:
    """Return a random lumbar body with the shape of traced bodies and moderate values."""
    shape, bone = _draw_shape(random), _draw_bone(random)
    vein = Vein()
    if random.random() < 0.6:
        vein = Vein(random.uniform(3, 8), random.normal(0, 0.7), random.uniform(2, 8), random.uniform(0, 60))
    arch, around = _draw_arch(random, bone), _draw_surroundings(random)
    spacing = random.uniform(1.0, 3.0)
    scanner = Scanner(
        pixel_mm=random.uniform(0.5, 0.95),
        slice_mm=spacing,
        thickness_mm=spacing,
        blur_fwhm_mm=random.uniform(1.0, 1.6),
        noise_hu=random.uniform(8, 22),
    )
    return Anatomy(shape, bone, vein, arch, around, scanner=scanner)


def _draw_shape(random: np.random.Generator) -> BodyShape:
    depth = random.uniform(24.0, 38.0)
    width = float(np.clip(depth * random.uniform(1.15, 1.5), 33.0, 56.0))
    boxy = random.uniform(0, 1)
    widths = np.array([0.52, 0.76, 0.90, 0.965]) + boxy * np.array([0.18, 0.14, 0.08, 0.025])
    widths = np.minimum(widths + random.uniform(-0.02, 0.02, 4), 1.0)
    horn = random.uniform(1.0, 4.5)
    uneven = random.normal(0, 0.02)
    canal = random.uniform(0.38, 0.55)
    return BodyShape(
        depth_mm=depth,
        width_mm=width,
        widths=tuple(widths),
        horn_mm=tuple(horn + random.normal(0, 0.4, 2)),
        end_width=random.uniform(0.88, 0.99),
        turn_mm=random.uniform(3.0, min(9.0, 0.25 * depth + horn - 2.5)),
        tip=canal + random.uniform(0.08, 0.2),
        canal=canal,
        wall_shape=random.uniform(0.65, 0.97),
        side=(1 - uneven, 1 + uneven),
        rotation_deg=random.normal(0, 2.5),
        flare_mm=random.uniform(0.8, 2.5),
        tilt=random.uniform(-0.1, 0.1),
    )


def _draw_bone(random: np.random.Generator) -> Bone:
    return Bone(
        cortex_mm=random.uniform(0.45, 0.85),
        cortex_hu=random.uniform(750, 1100),
        cortex_variation=random.uniform(0.25, 0.6),
        trabecular_hu=random.uniform(60, 200),
        gradient_hu_per_mm=tuple(random.uniform(-1, 1, 3) * (0.4, 0.8, 1.0)),
        texture_hu=random.uniform(8, 22),
        texture_mm=random.uniform(0.6, 1.3),
        subcortical_hu=random.uniform(20, 120),
        subcortical_mm=random.uniform(0.8, 2.2),
    )


def _draw_arch(random: np.random.Generator, bone: Bone) -> Arch:
    corner = random.uniform(-110, 330)
    return Arch(
        pedicle_center_mm=tuple(random.uniform(2, 6) + random.normal(0, 0.7, 2)),
        pedicle_half_height_mm=random.uniform(7, 9),
        pedicle_angle_deg=random.uniform(-3, 22),
        canal_depth_mm=random.uniform(14, 19),
        medulla_hu=max(bone.trabecular_hu + 1.2 * corner + random.uniform(-20, 150), 0.0),
        cortex_mm=random.uniform(1.0, 1.8),
        corner_hu=tuple(corner + random.normal(0, 25, 2)),
        corner_mm=random.uniform(3.0, 8.0),
        fillet_mm=random.uniform(1.0, 8.0),
        sac_hu=random.uniform(15, 45),
        epidural_fat_hu=random.uniform(-95, -30),
        process_mm=tuple(random.uniform(8, 20, 2)) if random.random() < 0.7 else (0.0, 0.0),
    )


def _draw_surroundings(random: np.random.Generator) -> Surroundings:
    gap_mm = random.uniform(0.5, 5.0, 2)
    vessels = (
        Vessel(random.uniform(55, 88), gap_mm[0], tuple(random.uniform(7, 11, 2)), random.uniform(35, 55)),
        Vessel(random.uniform(108, 135), gap_mm[1], (random.uniform(8, 12), random.uniform(5, 9)), 40.0, 40.0),
    )
    return Surroundings(
        fat_hu=random.uniform(-110, -85),
        muscle_hu=random.uniform(35, 65),
        fat_gap_mm=random.uniform(0, 2),
        psoas_mm=random.uniform(10, 20),
        crura_mm=random.uniform(2, 6) if random.random() < 0.35 else 0.0,
        ligament_mm=random.uniform(0.3, 1.5),
        vessels=vessels,
        organ_hu=random.uniform(40, 90),
    )
