"""One phantom through the command line, compared with its truth by construction."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import SimpleITK
from core.builders import dense_spline
from headless.analytic_rois import ROIS, AnalyticBody, dice, label_maps, resampled, slices_of_slab
from headless.command_runner import lumbarhu
from headless.phantom_files import one_level_phantom, points_of, write_line
from scipy.spatial import cKDTree

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.render import PhantomCt
from LumbarHULib.phantom.spec import VesselSpec
from LumbarHULib.phantom.truth import true_outline_in_slice

TRABECULAR_HU = 120.0

# As in the protocol file; the record of each run must state the same.
CORTICAL_MARGIN_MM = 2.5


@dataclass(frozen=True)
class Setting:
    """How a phantom is made and where its midline is placed."""

    pixel_mm: float = 0.7
    slice_mm: float = 2.5
    noise_hu: float = 0.0
    tilt_deg: float = 0.0
    rotation_deg: float = 0.0
    cortex_mm: float = 0.7
    blur_fwhm_mm: float = 1.2
    trabecular_hu: float = TRABECULAR_HU
    aorta_hu: float | None = None
    plaque_hu: float | None = None
    midline_off_mm: float = 0.0

    def __str__(self):
        usual = Setting()
        parts = [f"{name}={value:g}" for name, value in vars(self).items() if value != getattr(usual, name)]
        return " ".join(part.replace("_", " ") for part in parts) or "usual"


@dataclass(frozen=True, eq=False)
class Accuracy:
    """What a phantom shows.

    Parameters
    ----------
    dice : dict of str to float
        Saved label map against the analytic one.
    error_hu : dict of str to float
        Mean of the noise-free voxels under the saved label map minus the trabecular bone's HU.
    outline_mean_mm, outline_worst_mm, outline_signed_mm : float
        Distance between the saved outline and the true edge; signed is positive outside.
    round_share, oval_share : float
        Area of the recorded circle and ellipse over that of the largest ones found by trying out in the saved outline.
    least_depth_mm : float
        Distance of the outermost voxel center of any label map inside the saved outline.
    least_before_boundary_mm : float
        Distance of the most posterior voxel center of round, oval and front in front of the boundary.
    """

    dice: dict[str, float]
    error_hu: dict[str, float]
    outline_mean_mm: float
    outline_worst_mm: float
    outline_signed_mm: float
    round_share: float
    oval_share: float
    least_depth_mm: float
    least_before_boundary_mm: float


def accuracy_of(setting: Setting, folder: Path) -> Accuracy:
    """Render, measure through files and compare."""
    phantom = rendered(setting)
    truth = phantom.truth["L3"]
    normal_ras = phantom.grid.normal_ras
    outline_ras_mm = true_outline_in_slice(
        phantom.spec.vertebra("L3"), phantom.grid.slice_origin_ras(truth.mid_slice), normal_ras, count=4000
    )
    midline_ras_mm = midline_next_to(truth.midline_ras_mm, outline_ras_mm, normal_ras, setting.midline_off_mm)
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    write_line(folder / "L3-midline.mrk.json", midline_ras_mm)
    run = lumbarhu("measure", folder / "ct.nrrd", "--markups", folder / "L3-midline.mrk.json", "--out", folder / "out")
    if run.exit_code:
        raise AssertionError(run.err)
    body = AnalyticBody(outline_ras_mm, midline_ras_mm, normal_ras, CORTICAL_MARGIN_MM)
    slices = slices_of_slab(setting.slice_mm)
    expected = label_maps(body, phantom.voxels_hu.shape, phantom.ras_from_ijk, truth.mid_slice, slices)
    found = {roi: label_map(folder / "out", roi) == 22 for roi in ROIS}
    saved = body.to_uv_mm(points_of(folder / "out" / "markups" / "L3-outline.mrk.json"))
    curve = resampled(dense_spline(saved), 0.05)
    off_mm = np.abs(body.depth_inside_mm(curve))
    worst_mm = max(off_mm.max(), cKDTree(curve).query(body.outline_uv_mm)[0].max())
    in_saved = replace(body, outline_ras_mm=body.to_ras_mm(dense_spline(saved)))
    centers = {roi: body.to_uv_mm(voxel_centers_ras_mm(found[roi], phantom.ras_from_ijk)) for roi in ROIS}
    hindmost_v_mm = min(centers[roi][:, 1].min() for roi in ("round", "oval", "front"))
    (level,) = json.loads((folder / "out" / "record.json").read_text(encoding="utf-8"))["levels"]
    oval = level["shapes"]["oval"]
    return Accuracy(
        {roi: dice(found[roi], expected[roi]) for roi in ROIS},
        {roi: float(phantom.noise_free_hu[found[roi]].mean()) - setting.trabecular_hu for roi in ROIS},
        float(off_mm.mean()),
        float(worst_mm),
        float(-body.depth_inside_mm(curve).mean()),
        (level["shapes"]["round"]["radius_mm"] / in_saved.round[1]) ** 2,
        oval["half_axis_u_mm"] * oval["half_axis_v_mm"] / (in_saved.oval[1] * in_saved.oval[2]),
        min(float(in_saved.depth_inside_mm(uv).min()) for uv in centers.values()),
        float(hindmost_v_mm - body.boundary_v_mm),
    )


def voxel_centers_ras_mm(mask: np.ndarray, ras_from_ijk: np.ndarray) -> np.ndarray:
    """Return the centers of a label map's voxels."""
    return np.argwhere(mask)[:, ::-1] @ ras_from_ijk[:3, :3].T + ras_from_ijk[:3, 3]


def rendered(setting: Setting) -> PhantomCt:
    """Return the phantom of a setting: L3 with pedicles and foramen open."""
    spine = {}
    if setting.aorta_hu is not None or setting.plaque_hu is not None:
        spine["aorta"] = touching_aorta(setting.aorta_hu or 45.0, setting.plaque_hu)
    return one_level_phantom(
        setting.pixel_mm,
        setting.slice_mm,
        slices_of_slab(setting.slice_mm) + 2,
        setting.noise_hu,
        setting.blur_fwhm_mm,
        tilt_deg=setting.tilt_deg,
        rotation_deg=setting.rotation_deg,
        cortex_mm=setting.cortex_mm,
        trabecular_hu=setting.trabecular_hu,
        **spine,
    )


def touching_aorta(hu: float, plaque_hu: float | None) -> VesselSpec:
    """Return an aorta next to the body, calcified there or not."""
    return VesselSpec(radius_mm=10.0, hu=hu, angle_deg=60.0, gap_mm=0.0, plaque_hu=plaque_hu)


def midline_next_to(midline_ras_mm, outline_ras_mm, normal_ras, off_mm: float) -> np.ndarray:
    """Return the midline moved to the patient's left by `off_mm`, its ends on the outline again."""
    if off_mm == 0:
        return midline_ras_mm
    body = AnalyticBody(outline_ras_mm, midline_ras_mm, normal_ras, 0.0)
    u, v = body.outline_uv_mm.T
    here = np.abs(u - off_mm) < 0.02
    front_v, back_v = v[here].max(), v[here].min()
    anterior, posterior = midline_ras_mm
    v_ras = (anterior - posterior) / np.linalg.norm(anterior - posterior)
    u_ras = np.cross(normal_ras, v_ras)
    return np.array([anterior + off_mm * u_ras + end * v_ras for end in (front_v, back_v)])


def label_map(folder: Path, roi: str) -> np.ndarray:
    """Return a saved label map as SimpleITK reads it."""
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "labelmaps" / f"{roi}.nrrd")))


_USUAL = Setting()

# A dozen representative cases; Testing/Evidence/phantom_accuracy.py covers many more.
SETTINGS = MappingProxyType(
    {
        "upright": _USUAL,
        "rotated to the left": replace(_USUAL, rotation_deg=8, noise_hu=15),
        "rotated to the right, thin slices": replace(_USUAL, rotation_deg=-8, slice_mm=1.25),
        "tilted forward, thin slices": replace(_USUAL, tilt_deg=-12, slice_mm=0.6, noise_hu=25),
        "tilted backward": replace(_USUAL, tilt_deg=12, rotation_deg=5),
        "fine pixels": replace(_USUAL, pixel_mm=0.3, noise_hu=20, cortex_mm=0.4, blur_fwhm_mm=1.0),
        "coarse pixels": replace(_USUAL, pixel_mm=1.0, slice_mm=5.0, noise_hu=10),
        "coarse pixels, tilted and rotated": replace(_USUAL, pixel_mm=1.0, slice_mm=5.0, tilt_deg=12, rotation_deg=-8),
        "noise": replace(_USUAL, noise_hu=25),
        "thin cortex, noise": replace(_USUAL, cortex_mm=0.4, blur_fwhm_mm=1.6, noise_hu=25),
        "thick cortex": replace(_USUAL, cortex_mm=1.2, blur_fwhm_mm=1.0),
        "thick blurred cortex": replace(_USUAL, cortex_mm=1.2, blur_fwhm_mm=1.6),
        "touching aorta": replace(_USUAL, aorta_hu=45, noise_hu=15),
        "touching aorta with contrast": replace(_USUAL, aorta_hu=300, noise_hu=15),
        "aorta like bone, dense bone": replace(_USUAL, aorta_hu=150, trabecular_hu=200, noise_hu=10),
        "touching calcified aorta": replace(_USUAL, plaque_hu=620, noise_hu=10),
        "midline off the center": replace(_USUAL, midline_off_mm=3, noise_hu=10),
        "osteoporotic": replace(_USUAL, trabecular_hu=50, noise_hu=25),
    }
)
