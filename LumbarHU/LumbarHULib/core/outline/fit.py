"""Find the outer edge of a vertebral body in one plane of a CT.

The edge is the periosteal surface before blur. It is searched first (`search`), then fitted
(`refine`).
"""

import numpy as np

from LumbarHULib.core.closed_spline import spline_matrices
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline.curve import midline_crossings
from LumbarHULib.core.outline.model import SD_PER_FWHM, SD_PER_PIXEL, OutlineFit, OutlineModel
from LumbarHULib.core.outline.profiles import PlaneSampler
from LumbarHULib.core.outline.refine import EdgeState, refine_outline
from LumbarHULib.core.outline.search import search_outline
from LumbarHULib.core.plane_image import PlaneImage

# Rounds of the fit: profiles for each control point, steps, strictness against profiles that do not fit.
ROUNDS = ((3, 3, 0.7), (3, 2, 1.0), (4, 3, 2.0))

# Beyond the greatest half-width and the midline's ends, profiles reach this much farther.
MARGIN_MM = 9.0

# A cortex counts as seen where the profile fits and the cortex is at least half as high as the model's.
SEEN_AGREEMENT = 0.3
SEEN_RIDGE = 0.5


def fit_outline(plane: PlaneImage, depth_mm: float, model: OutlineModel) -> OutlineFit:
    """Find the outline of the vertebral body that a midline lies on.

    Parameters
    ----------
    plane : PlaneImage
        The CT in the midline's slice, in the midline's frame: the anterior end at (0, 0), the posterior end at (0,
        -depth_mm), u to the patient's left, v anterior.
    depth_mm : float
        Length of the midline.
    model : OutlineModel
        What is taken for granted.

    Returns
    -------
    OutlineFit

    Raises
    ------
    InputError
        If the midline is too long or too short for a vertebral body, if no body's edge is seen around it, or if one of
        its ends is not on the edge.
    """
    least, greatest = model.depth_mm
    if not least <= depth_mm <= greatest:
        raise InputError(
            f"The midline is {depth_mm:.1f} mm long, but a vertebral body is {least:g} to {greatest:g} mm deep",
            remedy="place its ends on the body's anterior and posterior edge",
        )
    pixel_mm = plane.pixel_mm
    sampler = PlaneSampler(plane, depth_mm, model.half_width_mm[1] + MARGIN_MM, MARGIN_MM)
    state = EdgeState.usual(search_outline(sampler, depth_mm, pixel_mm, model), pixel_mm, model)
    for per_span, iterations, strictness in ROUNDS:
        state, quality = refine_outline(sampler, state, pixel_mm, model, per_span, iterations, strictness)
    seen = (quality.agreement > SEEN_AGREEMENT) & (quality.ridge > SEEN_RIDGE)
    support = np.roll(seen, per_span // 2).reshape(-1, per_span).mean(axis=1)
    if support.mean() < model.least_support:
        raise InputError(
            f"No vertebral body's edge is seen around the midline (a cortex on {100 * support.mean():.0f} % of the way "
            f"around it, at least {100 * model.least_support:.0f} % is needed)",
            remedy="place the midline on a vertebral body, or draw the outline by hand",
        )
    variance = np.mean(np.exp(2 * state.log_sd)) - (SD_PER_PIXEL * pixel_mm) ** 2
    return OutlineFit(
        control_points_uv_mm=state.points,
        support=support,
        blur_fwhm_mm=float(np.sqrt(max(variance, 0)) / SD_PER_FWHM),
        cortex_mm=float(np.exp(np.median(state.log_thickness))),
        residual_hu=quality.residual_hu,
        end_offsets_mm=_end_offsets(state.points, depth_mm, model),
    )


def _end_offsets(points, depth_mm, model):
    """Return how far the midline's ends stand outside the outline, along the midline; refuse ends off the edge."""
    dense = spline_matrices(len(points), 24)[0] @ points
    front, back = (dense[int(place), 1] for place in midline_crossings(dense))
    offsets = float(-front), float(back + depth_mm)
    for name, v, offset in (("anterior", 0.0, offsets[0]), ("posterior", -depth_mm, offsets[1])):
        gap_mm = float(np.hypot(dense[:, 0], dense[:, 1] - v).min())
        if gap_mm > model.end_tolerance_mm:
            raise InputError(
                f"The midline's {name} end lies {gap_mm:.1f} mm {'outside' if offset > 0 else 'inside'} the vertebral "
                f"body's edge, more than {model.end_tolerance_mm:g} mm",
                remedy="move it onto the edge",
            )
    return offsets
