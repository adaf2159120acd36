"""Plain values in mm and HU that describe one vertebra, its surroundings and the scanner.

Positions are in the body's own frame: x toward the patient's left, y anterior, z superior, in mm, with the origin at
the anterior end of the midline in the mid-slice. Directions around the body are angles about its center, in degrees:
0 = the patient's left, 90 = anterior, 180 = right, 270 = posterior. Pairs are (right, left).
"""

from dataclasses import dataclass, field

# Positions of the half-widths of `BodyShape`, as fractions of the depth from the front.
WIDTH_AT = (0.1, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class BodyShape:
    """The periosteal outline of a body at mid-height: a kidney with posterolateral horns.

    Parameters
    ----------
    depth_mm, width_mm : float
        Length of the midline, and the greatest width.
    widths : tuple of float
        Widths at `WIDTH_AT` of the depth as fractions of `width_mm`.
    horn_mm : (right, left)
        How far the horns extend behind the midline's posterior end; negative for a convex back.
    end_width, turn_mm : float
        Width where the lateral walls turn into the pedicles, as a fraction of `width_mm`, and the distance of this
        position in front of the horns' tips.
    tip : float
        Distance of the horns' tips from the midline, as a fraction of half the width.
    canal : float
        Half of the canal's width where the posterior wall meets its sides, as a fraction of half the body's width.
    wall_shape : float
        How far the wall curves back where it meets the canal's sides, as a fraction of the horns.
    side : (right, left)
        Factors of the half-widths: other than 1 makes the body asymmetrical.
    rotation_deg : float
        Rotation in the axial plane, counterclockwise as seen with the left on the right.
    flare_mm : float
        How far the walls widen 10 mm above and below mid-height.
    tilt : float
        Forward shift of the body per mm of height, so that the slice cuts the body obliquely.
    lip : float
        Further forward shift of its front alone, per mm of height.
    """

    depth_mm: float = 30.0
    width_mm: float = 42.0
    widths: tuple[float, ...] = (0.6, 0.82, 0.95, 0.99)
    horn_mm: tuple[float, float] = (3.5, 3.5)
    end_width: float = 0.95
    turn_mm: float = 5.0
    tip: float = 0.63
    canal: float = 0.48
    wall_shape: float = 0.88
    side: tuple[float, float] = (1.0, 1.0)
    rotation_deg: float = 0.0
    flare_mm: float = 1.5
    tilt: float = 0.0
    lip: float = 0.0


@dataclass(frozen=True)
class Bone:
    """The body's cortex and trabecular bone.

    Parameters
    ----------
    cortex_mm, cortex_hu : float
        Mean thickness, and value of compact bone.
    cortex_variation : float
        SD of the thickness around the body, as a fraction of it.
    trabecular_hu : float
        HU in the body's center.
    gradient_hu_per_mm : (x, y, z)
        Change of the trabecular value.
    texture_hu, texture_mm : float
        SD and correlation length (SD of the Gaussian) of the trabecular texture.
    subcortical_hu, subcortical_mm : float
        Denser trabeculae beneath the cortex: their mean additional HU at the outline, and the depth at which it falls
        to 1/e.
    """

    cortex_mm: float = 0.6
    cortex_hu: float = 900.0
    cortex_variation: float = 0.2
    trabecular_hu: float = 130.0
    gradient_hu_per_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    texture_hu: float = 12.0
    texture_mm: float = 1.0
    subcortical_hu: float = 0.0
    subcortical_mm: float = 1.5


@dataclass(frozen=True)
class Vein:
    """The basivertebral vein: a gap in the posterior wall, and a funnel of fat or blood in front of it.

    Parameters
    ----------
    mouth_mm : float
        Width of the gap in the wall's cortex; 0 = the wall is closed.
    center_mm : float
        x of its middle.
    depth_mm, hu : float
        How far the funnel extends forward, and its HU.
    island : bool
        Whether there is a bone fragment in the middle of the gap.
    """

    mouth_mm: float = 0.0
    center_mm: float = 0.0
    depth_mm: float = 5.0
    hu: float = 20.0
    island: bool = False


@dataclass(frozen=True)
class Arch:
    """Pedicles, laminae, processes and the spinal canal.

    Parameters
    ----------
    pedicle_center_mm : (right, left)
        Height z of the pedicles' centers.
    pedicle_half_height_mm : float
    pedicle_angle_deg : float
        Outward angle of the pedicles toward posterior.
    canal_depth_mm : float
        From the posterior wall on the midline to the canal's most posterior point.
    v_shaped : bool
        Whether the canal's sides run straight to its apex.
    medulla_hu, cortex_mm : float
        In the pedicles and processes.
    corner_hu : (right, left)
        Additional HU of denser bone at the pedicles' bases in the body's corners.
    corner_mm : float
        Depth at which this addition falls to 1/e.
    fillet_mm : float
        Radius of the fillet between the lateral walls and the pedicles.
    sac_hu, epidural_fat_hu, epidural_vein_hu : float
        HU of the canal's content.
    process_mm : (right, left)
        Length of the transverse processes in the slices; 0 = no process.
    """

    pedicle_center_mm: tuple[float, float] = (4.0, 4.0)
    pedicle_half_height_mm: float = 8.0
    pedicle_angle_deg: float = 5.0
    canal_depth_mm: float = 16.0
    v_shaped: bool = False
    medulla_hu: float = 220.0
    cortex_mm: float = 1.3
    corner_hu: tuple[float, float] = (60.0, 60.0)
    corner_mm: float = 4.0
    fillet_mm: float = 4.0
    sac_hu: float = 30.0
    epidural_fat_hu: float = -80.0
    epidural_vein_hu: float = 45.0
    process_mm: tuple[float, float] = (16.0, 16.0)


@dataclass(frozen=True)
class Vessel:
    """Aorta or vena cava: an ellipse near the body.

    Parameters
    ----------
    angle_deg, gap_mm : float
        Direction from the body's center, and distance from its outline; 0 = they touch.
    radii_mm : (along the outline, away from it)
    hu, wall_hu : float
    plaque_deg : (from, to)
        Calcified part of the wall as angles about the vessel's center, 0 = the point that faces the body; equal angles
        = no plaque.
    plaque_mm, plaque_hu : float
    """

    angle_deg: float = 75.0
    gap_mm: float = 2.0
    radii_mm: tuple[float, float] = (10.0, 9.0)
    hu: float = 45.0
    wall_hu: float = 45.0
    plaque_deg: tuple[float, float] = (0.0, 0.0)
    plaque_mm: float = 1.5
    plaque_hu: float = 700.0


@dataclass(frozen=True)
class Spur:
    """Bone on the body that does not belong to it: osteophyte, bridging syndesmophyte, rib facet.

    Parameters
    ----------
    angle_deg, width_mm : float
        Direction of its middle, and its width along the outline.
    height_mm : float
        Its height above the outline.
    hu : float
        HU inside it; its shell is compact bone.
    shell_mm : float
    slope : float
        Change of its height per mm of z, as a fraction of it: it leaves the slice upward or downward.
    native_cortex : float
        Remaining fraction of the body's own cortex beneath it.
    """

    angle_deg: float
    width_mm: float
    height_mm: float
    hu: float = 400.0
    shell_mm: float = 0.8
    slope: float = 0.0
    native_cortex: float = 1.0


@dataclass(frozen=True)
class Band:
    """A calcified ligament along the body, with a gap of soft tissue between them.

    Parameters
    ----------
    angle_deg, width_mm : float
        Direction of its middle, and its width along the outline.
    gap_mm, thickness_mm, hu : float
    """

    angle_deg: float
    width_mm: float
    gap_mm: float = 0.8
    thickness_mm: float = 1.5
    hu: float = 700.0


@dataclass(frozen=True)
class RibHead:
    """A rib head at the body's posterolateral corner.

    Parameters
    ----------
    side : int
        -1 = right, 1 = left.
    gap_mm : float
        Joint space between the rib head and the body; 0 = they touch.
    radius_mm, cortex_mm, hu : float
    forward_mm : float
        Distance of its contact with the body in front of the midline's posterior end.
    """

    side: int
    gap_mm: float = 1.0
    radius_mm: float = 5.0
    cortex_mm: float = 0.8
    hu: float = 150.0
    forward_mm: float = 3.0


@dataclass(frozen=True)
class Lesion:
    """A region of another density inside the body: sclerotic corner, Schmorl's node, bone island.

    Parameters
    ----------
    center_mm, radii_mm : (x, y, z)
    hu : float
    rim_mm, rim_hu : float
        A shell around it.
    """

    center_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    hu: float
    rim_mm: float = 0.0
    rim_hu: float = 400.0


@dataclass(frozen=True)
class Surroundings:
    """Soft tissue, fat, lung and other structures around the body.

    Parameters
    ----------
    fat_hu, muscle_hu : float
    fat_gap_mm : float
        Fat between the body and the muscles at its sides.
    psoas_mm : float
        Radius of the psoas muscles; 0 = none.
    crura_mm : float
        Thickness of the diaphragm's crura along the body's front corners; 0 = none.
    ligament_mm : float
        Thickness of soft tissue on the body's front.
    lung_gap_mm : (right, left) or None
        Tissue between the body's sides and the lung on either side; None = no lung.
    lung_front : bool
        Whether the lung also extends around the front corners.
    lung_hu, pleura_hu : float
        HU of the lung, and of the tissue between the lung and the body.
    vessels : tuple of Vessel
    rib_heads : tuple of RibHead
    organ_hu : float
        HU of liver and kidneys, far from the body.
    """

    fat_hu: float = -100.0
    muscle_hu: float = 55.0
    fat_gap_mm: float = 0.5
    psoas_mm: float = 17.0
    crura_mm: float = 0.0
    ligament_mm: float = 0.7
    lung_gap_mm: tuple[float, float] | None = None
    lung_front: bool = False
    lung_hu: float = -850.0
    pleura_hu: float = -60.0
    vessels: tuple[Vessel, ...] = (Vessel(), Vessel(angle_deg=115.0, hu=42.0, wall_hu=42.0))
    rib_heads: tuple[RibHead, ...] = ()
    organ_hu: float = 60.0


@dataclass(frozen=True)
class Scanner:
    """The acquisition and reconstruction of the CT.

    Parameters
    ----------
    pixel_mm, slice_mm, thickness_mm : float
        Spacing in and between the slices, and slice thickness.
    slices : int
        Odd; the mid-slice is the middle one.
    blur_fwhm_mm : float
        In-plane resolution.
    sharpening, sharpening_fwhm_mm : float
        Weight and width of the unsharp mask that causes edge overshoot.
    noise_hu : float
        SD; its spectrum is that of filtered back projection.
    streak_hu : float
        SD of noise that is smeared along x, as at the level of the shoulders.
    metal_hu : float
        SD of streaks that fan out from a metal object outside the field.
    """

    pixel_mm: float = 0.78
    slice_mm: float = 2.5
    thickness_mm: float = 2.5
    slices: int = 5
    blur_fwhm_mm: float = 1.2
    sharpening: float = 0.0
    sharpening_fwhm_mm: float = 3.0
    noise_hu: float = 15.0
    streak_hu: float = 0.0
    metal_hu: float = 0.0


@dataclass(frozen=True)
class Anatomy:
    """The complete description of one case, except its random textures."""

    shape: BodyShape = field(default_factory=BodyShape)
    bone: Bone = field(default_factory=Bone)
    vein: Vein = field(default_factory=Vein)
    arch: Arch = field(default_factory=Arch)
    surroundings: Surroundings = field(default_factory=Surroundings)
    spurs: tuple[Spur, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    bands: tuple[Band, ...] = ()
    scanner: Scanner = field(default_factory=Scanner)
