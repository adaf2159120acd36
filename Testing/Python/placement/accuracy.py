"""How far a proposed midline is from the truth of a phantom, over all that varies between patients and scans."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from placement.builders import midline_errors, stack_of, study_protocol
from placement.phantom_masks import coarse, holed, leaking, ragged, vertebra_mask

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import PhantomCt, render_on_grid
from LumbarHULib.phantom.spec import SpineSpec, VesselSpec
from LumbarHULib.phantom.spines import lumbar_spine, upright_spine
from LumbarHULib.placement.click_bodies import guess_from_click
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline
from LumbarHULib.placement.proposal import Proposal

RENDERED = ("L1", "L2", "L3", "L4", "L5")
MEASURED = ("L2", "L3", "L4")
PROTOCOL = study_protocol()

# What is promised: the slice's distance from mid-height beyond half a slice (mm), the ends (mm), rotation (deg), HU.
LIMITS = {"slice_mm": 1.0, "ends_mm": 1.0, "rotation_deg": 1.5, "hu": 2.0}
WORST = {"slice_mm": 1.0, "ends_mm": 2.0, "rotation_deg": 4.0, "hu": 2.0}


@dataclass(frozen=True, eq=False)
class Case:
    """A phantom, its CT with and without noise, and its special feature."""

    name: str
    phantom: PhantomCt
    stack: AxialStack
    noise_free: AxialStack


@dataclass(frozen=True)
class Errors:
    """How far a proposal is from the truth; infinite where none was made."""

    slice_mm: float
    ends_mm: float
    rotation_deg: float
    hu: float
    findings: tuple[str, ...]

    def misses(self, factor: float = 1.0) -> tuple[str, ...]:
        """Return the errors larger than `factor` times the promised maximum."""
        return tuple(name for name, limit in WORST.items() if getattr(self, name) > factor * limit)


def random_case(seed: int) -> Case:
    """Return a phantom drawn by `seed`: any size, tilt, rotation, density, noise, slices, contrast, damage."""
    random = np.random.default_rng(seed)
    size = random.uniform(0.85, 1.15)
    fields = {
        "trabecular_hu": float(random.uniform(30, 200)),
        "rotation_deg": {level: float(random.uniform(-12, 12)) for level in RENDERED},
        "cortex_mm": float(random.uniform(0.4, 1.2)),
        "endplate_concavity_mm": float(random.uniform(0.5, 3.0)),
        "posterior_concavity_mm": float(random.uniform(0.5, 3.5)),
        "aorta": VesselSpec(10.0, float(random.choice([45, 180, 350])), float(random.uniform(50, 80)), plaque_hu=700.0),
    }
    if random.random() < 0.5:
        spec, tilted = upright_spine(RENDERED, tilt_deg=float(random.uniform(-15, 15)), **fields), "upright"
    else:
        spec = lumbar_spine(RENDERED, lordosis=float(random.uniform(0.3, 1.5)), table=False, pelvis=False, **fields)
        tilted = "lordosis"
    damage = ("none", "none", "fracture", "posterior wall")[random.integers(4)]
    spec = _damaged(_scaled(spec, size), damage)
    pixel_mm, slice_mm = float(random.choice([0.5, 0.7, 0.9])), float(random.choice([1.0, 1.25, 2.5, 3.0, 5.0]))
    noise_hu, off_mm = float(random.uniform(5, 30)), random.uniform(-2, 2, 3)
    spread = size * np.array([95, 96, 210])
    grid = axial_grid(np.array([0.0, -14.0, 0.0]) * size + off_mm, spread, pixel_mm, slice_mm)
    phantom = render_on_grid(
        spec, grid, blur_fwhm_mm=float(random.uniform(1, 1.6)), noise_hu=noise_hu, noise_fwhm_mm=1.0, seed=seed
    )
    name = f"{seed}: {tilted}, {damage}, slices {slice_mm:g} mm, noise {noise_hu:.0f} HU, size {size:.2f}"
    return Case(name, phantom, stack_of(phantom), stack_of(replace(phantom, voxels_hu=phantom.noise_free_hu)))


def _scaled(spec: SpineSpec, size: float) -> SpineSpec:
    lengths = ("depth_mm", "width_mm", "height_mm", "transverse_mm")
    vertebrae = [
        replace(
            one,
            center_ras_mm=tuple(size * np.array(one.center_ras_mm)),
            **{name: size * getattr(one, name) for name in lengths},
        )
        for one in spec.vertebrae
    ]
    return replace(spec, vertebrae=tuple(vertebrae))


def _damaged(spec: SpineSpec, damage: str) -> SpineSpec:
    """Return the spine with one crushed level, or without posterior walls between the pedicles."""
    if damage == "fracture":
        crushed = replace(spec.vertebra("L3"), height_mm=0.65 * spec.vertebra("L3").height_mm)
        return replace(spec, vertebrae=tuple(crushed if one.level == "L3" else one for one in spec.vertebrae))
    if damage == "posterior wall":
        open_walls = [replace(one, foramen_size_mm=(20.0, 18.0, 5.0)) for one in spec.vertebrae]
        return replace(spec, vertebrae=tuple(open_walls))
    return spec


def masks_of(case: Case, level: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield kinds of masks of a level: perfect ones, and ones with the flaws of programs and brushes."""
    vertebra, grid = case.phantom.spec.vertebra(level), case.phantom.grid
    whole = vertebra_mask(vertebra, grid)
    steps = [max(1, round(3 / spacing)) for spacing in (grid.slice_spacing_mm, grid.pixel_mm[1], grid.pixel_mm[0])]
    yield "whole", whole
    yield "body", vertebra_mask(vertebra, grid, whole=False)
    yield "ragged", ragged(whole)
    yield "holed", holed(ragged(whole), radius=round(3 / grid.pixel_mm[0]))
    yield "coarse", coarse(whole, tuple(steps))
    yield "leaking", leaking(whole, vertebra, grid)


def proposal_from_mask(case: Case, level: str, mask: np.ndarray) -> Proposal:
    """Return the midline that a mask gives."""
    guess = guess_from_mask(level, mask, case.phantom.ras_from_ijk, case.stack, PROTOCOL)
    return propose_midline(case.stack, guess, PROTOCOL)


def clicks_in(case: Case, level: str, count: int, within_mm: float = 6.0) -> np.ndarray:
    """Return points, shape (count, 3), evenly spread over a ball around the middle of a body."""
    random = np.random.default_rng([sum(map(ord, case.name)), ord(level[1])])
    directions = random.normal(size=(count, 3))
    lengths = within_mm * random.random((count, 1)) ** (1 / 3)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.array(case.phantom.spec.vertebra(level).center_ras_mm) + lengths * directions


def proposal_from_click(case: Case, level: str, click_ras_mm: np.ndarray) -> Proposal:
    """Return the midline that a click gives."""
    return propose_midline(case.stack, guess_from_click(case.stack, level, click_ras_mm, PROTOCOL), PROTOCOL)


def means_hu(stack: AxialStack, proposal: Proposal) -> dict[str, float]:
    """Return each region's mean at a proposed midline."""
    measured = measure_level(stack, proposal.landmarks, PROTOCOL)
    return {roi: roi_result.values["mean_hu"] for roi, roi_result in measured.rois.items()}


def errors_of(case: Case, level: str, propose: Callable[[], Proposal]) -> Errors | None:
    """Return the errors of a proposal; None where none was made, in a sentence."""
    try:
        proposal = propose()
    except InputError:
        return None
    vertebra = case.phantom.spec.vertebra(level)
    height_mm, ends_mm, turned_deg = midline_errors(proposal.midline_ras_mm, vertebra, case.stack)
    true = Landmarks(level, case.phantom.truth[level].midline_ras_mm)
    codes = tuple(finding.code for finding in proposal.findings)
    return Errors(
        height_mm - case.stack.slice_spacing_mm / 2,
        ends_mm,
        abs(turned_deg),
        _farthest_hu(case.noise_free, proposal.landmarks, true),
        codes,
    )


def _farthest_hu(stack: AxialStack, proposed: Landmarks, true: Landmarks) -> float:
    """Return by how much a region's mean differs at most; infinite where the body's edge shows one to be off it."""
    try:
        measured, expected = (measure_level(stack, one, PROTOCOL) for one in (proposed, true))
    except InputError:
        return np.inf
    return max(
        abs(roi_result.values["mean_hu"] - expected.rois[roi].values["mean_hu"])
        for roi, roi_result in measured.rois.items()
    )
