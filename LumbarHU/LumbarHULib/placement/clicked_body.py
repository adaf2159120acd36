"""Find the vertebral body around a point, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack
from LumbarHULib.core.endplates import HEIGHT_PER_WIDTH, Endplates, find_endplates
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.posterior_arch import PosteriorArch, posterior_arch
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.protocol_values import PlacementValues
from LumbarHULib.placement.body_box import BodyAxes, sample_hu
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.bridging import bridging_findings
from LumbarHULib.placement.cross_section import CrossSection, cross_section
from LumbarHULib.placement.symmetry import mirror_plane

_ANTERIOR_RAS = np.array([0.0, 1.0, 0.0])

# Each round finds endplates, walls and symmetry from the body of the previous round. The rounds end when the center no
# longer moves; it then no longer depends on the exact position of the point.
_ROUNDS = 5
_SETTLED_MM = 0.2

# Offsets from the point that are tried as starts where the point itself leads to no body around it, mm.
_STARTS_MM = ((0, 0, 5), (0, 0, -5), (0, 5, 0), (0, -5, 0))

# The body to which the point itself leads is accepted without a vote where pedicles and foramina differ clearly, which
# they do not in thick slices of an ankylosed spine, and where the endplates are visible in this share of their columns
# or both discs are this many slices thick. Otherwise the starts at these offsets, mm, vote as well.
_CLEAR_PEDICLES, _CLEAR_FORAMINA = 0.95, 0.3
_CLEAR_ENDPLATES, _CLEAR_DISC_SLICES = 0.95, 3.0
_VOTERS_MM = ((0, 0, 5), (0, 0, -5), (0, 3, 0), (0, -3, 0), (0, 0, 2.5), (0, 0, -2.5))

# If any start leads to a body with clear pedicles and foramina, only such bodies count; otherwise the one elected needs
# this many votes. Bodies whose centers are within this distance are one; the vote ends early when the first bodies, as
# many as the next number, are one. A rival, farther away than the next distance, is reported if it has enough votes.
_LEAST_VOTES = 3
_SAME_MM = 1.5
_UNANIMOUS_VOTES = 4
_RIVAL_MM, _RIVAL_SLICES = 2.0, 0.5
_RIVAL_VOTES = 2

# Behind a body that the scan cuts off, at least this share of the rows still shows pedicles or facets.
_SOME_ARCH = 0.3

# A point up to this far outside the body found, mm, still counts as inside.
_OUTSIDE_MM = 0.5

# Reason for a refusal: in an ankylosed spine, a disc may look like a body.
_BRIDGED = "bone bridges the discs and closes the foramina, so that a body cannot be distinguished from a disc"

# Radius of the ball around the point whose median is checked; below these HU it is air or lung, or fat.
_BALL_MM = 3.0
_AIR_HU, _FAT_HU = -300.0, -40.0


@dataclass(frozen=True, eq=False)
class _Body:
    """The vertebral body found from one start.

    Discs thinner than `thin_disc_mm` may be noise. `is_bridged` where bone bridges a disc and closes the foramina.
    """

    axes: BodyAxes
    endplates: Endplates
    section: CrossSection
    arch: PosteriorArch | None
    thin_disc_mm: float
    is_bridged: bool = False

    def outside_mm(self, point_ras_mm: np.ndarray) -> np.ndarray:
        """Return the signed distance of a point outside the body along x, y and z; 0 inside."""
        half = np.array([self.section.width_mm, self.section.depth_mm, self.endplates.height_mm]) / 2
        offset = self.axes.to_body_mm(point_ras_mm[None])[0]
        return np.sign(offset) * np.maximum(np.abs(offset) - half, 0.0)

    def holds(self, point_ras_mm: np.ndarray) -> bool:
        """Whether a point is in the body."""
        return bool(np.all(np.abs(self.outside_mm(point_ras_mm)) <= _OUTSIDE_MM))

    @property
    def has_clear_endplates(self) -> bool:
        """Whether the endplates are visible in nearly all columns, or both discs are thicker than noise."""
        surfaces = self.endplates.upper.surface, self.endplates.lower.surface
        return self.endplates.support >= _CLEAR_ENDPLATES or min(one.disc_mm for one in surfaces) >= self.thin_disc_mm

    @property
    def is_clear(self) -> bool:
        """Whether pedicles and foramina behind the body leave no doubt about its height."""
        if self.arch is None:
            return True
        return self.arch.pedicles >= _CLEAR_PEDICLES and self.arch.pedicles - self.arch.foramina >= _CLEAR_FORAMINA

    @property
    def is_between_discs(self) -> bool:
        """Whether the body is denser than what is beyond its endplates; a disc between two bodies is not."""
        surfaces = self.endplates.upper.surface, self.endplates.lower.surface
        return all(bone_hu > disc_hu for bone_hu, disc_hu in (surface.amplitudes[:2] for surface in surfaces))

    def problem(self, values: PlacementValues) -> str | None:
        """Return the reason why this is not a vertebral body; None if it is one."""
        if self.arch is not None and not self.arch.is_of_vertebra(values):
            if self.arch.canal_hu > values.canal_max_hu:
                return (
                    f"the position of the spinal canal has {self.arch.canal_hu:.0f} HU, more than "
                    f"{values.canal_max_hu:g} HU"
                )
            if not self.is_bridged:
                return (
                    "no pedicles with foramina below them are visible behind it; the point may be in a disc or outside "
                    "the spine"
                )
            if not self.is_between_discs or min(self.endplates.support, self.section.seen) < values.seen_min:
                return _BRIDGED
        if self.section.seen < values.click_seen_min:
            return _few_walls(self.section.seen, values)
        return None


def guess_from_click(stack: AxialStack, level: str, click_ras_mm: np.ndarray, protocol: Protocol) -> BodyGuess:
    """Return the vertebral body around a point.

    Parameters
    ----------
    stack : AxialStack
        The CT.
    level : str
        One of `LEVELS`.
    click_ras_mm : array_like, shape (3,)
        In the body, within about 6 mm of its center.
    protocol : Protocol

    Raises
    ------
    InputError
        When the point is outside the CT or not in a vertebral body, or the scan ends within that body.
    """
    click = np.asarray(click_ras_mm, dtype=float)
    _check_inside(stack, level, click)
    body, doubts = _body_around(stack, level, click, protocol)
    findings = (
        *doubts,
        *_off_center(level, float(np.linalg.norm(body.axes.center_ras_mm - click)), protocol.placement),
        *_faint("endplates_faint", level, "endplates", body.endplates.support, protocol.placement),
        *_faint("walls_faint", level, "walls", body.section.seen, protocol.placement),
    )
    return _guess(level, body, findings)


def _guess(level: str, body: _Body, findings: tuple[Finding, ...] = ()) -> BodyGuess:
    axes, section = body.axes, body.section
    size_mm = body.endplates.height_mm, section.depth_mm, section.width_mm
    return BodyGuess(level, axes.center_ras_mm, axes.up_ras, axes.anterior_ras, *size_mm, findings, "point")


def _body_around(
    stack: AxialStack, level: str, click: np.ndarray, protocol: Protocol
) -> tuple[_Body, tuple[Finding, ...]]:
    """Return the body around a point, and the findings on its height.

    Raises
    ------
    InputError
        When no body is found around the point.
    """
    air_or_fat = _air_or_fat(stack, click)
    if air_or_fat:
        raise _no_body(level, air_or_fat)
    first_problem: InputError | None = None
    for start in (click, *(click + np.array(_STARTS_MM))):
        try:
            body = _settled_body(stack, level, start, protocol)
        except InputError as problem:
            first_problem = first_problem or problem
            continue
        reason = body.problem(protocol.placement)
        if reason is not None:
            first_problem = first_problem or _no_body(level, reason)
        elif not body.holds(click):
            first_problem = first_problem or _beyond(level, body.outside_mm(click))
        elif body.is_clear and body.has_clear_endplates and start is click:
            return body, ()
        else:
            return _elected(stack, level, click, body, protocol)
    assert first_problem is not None  # every start returns a body or leaves a problem
    raise _unless_cut_off(stack, level, click, first_problem, protocol)


def _elected(
    stack: AxialStack, level: str, click: np.ndarray, first: _Body, protocol: Protocol
) -> tuple[_Body, tuple[Finding, ...]]:
    """Return the body to which most starts around a point lead, and a finding on a rival body at another height."""
    bodies = [first]
    for offset_mm in _VOTERS_MM:
        try:
            body = _settled_body(stack, level, click + np.array(offset_mm), protocol)
        except InputError:
            continue
        if body.problem(protocol.placement) is None and body.holds(click):
            bodies.append(body)
        if len(bodies) == _UNANIMOUS_VOTES and np.ptp(_heights_mm(stack, bodies)) <= _SAME_MM:
            break
    is_any_clear = any(body.is_clear for body in bodies)
    bodies = [body for body in bodies if body.is_clear or not is_any_clear]
    heights_mm = _heights_mm(stack, bodies)
    apart_mm = np.abs(heights_mm[:, None] - heights_mm)
    votes = np.count_nonzero(apart_mm <= _SAME_MM, axis=1)
    off_mm = [float(np.linalg.norm(body.axes.center_ras_mm - click)) for body in bodies]
    # Of equal votes, the body to which the point itself leads if its pedicles leave no doubt, else the nearest.
    is_other = [body is not first or not first.is_clear for body in bodies]
    best = min(range(len(bodies)), key=lambda number: (-votes[number], is_other[number], off_mm[number]))
    if votes[best] < _LEAST_VOTES and not is_any_clear:
        inconsistent = "no endplates are visible at a consistent distance above and below it"
        raise _no_body(level, _BRIDGED if bodies[best].is_bridged else inconsistent)
    rival_mm = max(_RIVAL_MM, _RIVAL_SLICES * stack.slice_spacing_mm)
    rivals = [number for number in range(len(bodies)) if apart_mm[best, number] > rival_mm]
    rivals = [number for number in rivals if votes[number] >= _RIVAL_VOTES]
    if not rivals:
        return bodies[best], ()
    rival = max(rivals, key=lambda number: votes[number])
    finding = Finding(
        "mid_height_ambiguous",
        f"The endplates of {level} are poorly visible: mid-height may also be "
        f"{apart_mm[best, rival]:.0f} mm {'above' if heights_mm[rival] > heights_mm[best] else 'below'} the proposed "
        "mid-slice.",
        "Check in a sagittal view that the midline is halfway between the endplates.",
        "severe",
        level,
    )
    return bodies[best], (finding,)


def _heights_mm(stack: AxialStack, bodies: Sequence[_Body]) -> np.ndarray:
    """Return the heights of the bodies' centers above the lowest slice, mm along the slice normal."""
    heights = [float(stack.slice_heights(body.axes.center_ras_mm)) for body in bodies]
    return np.array(heights) * stack.slice_spacing_mm


def _settled_body(stack: AxialStack, level: str, start: np.ndarray, protocol: Protocol) -> _Body:
    """Return the body found by repeating the search from the center found before.

    Raises
    ------
    InputError
        When an endplate is not visible.
    """
    middle, anterior, depth_mm = start, _ANTERIOR_RAS, protocol.placement.depth_usual_mm
    up: np.ndarray | None = None
    expected_mm: float | None = None
    for number in range(_ROUNDS):
        endplates = find_endplates(
            stack, level, middle, anterior, depth_mm, protocol.endplates, protocol.outline, up, expected_mm
        )
        axes = BodyAxes(endplates.middle_ras_mm, endplates.up_ras, anterior).turned(endplates.up_ras, anterior)
        section = cross_section(stack, axes, endplates.height_mm, protocol)
        axes, depth_mm = axes.moved((*section.center_mm, 0.0)), section.depth_mm
        expected_mm = HEIGHT_PER_WIDTH * section.width_mm
        size_mm = endplates.height_mm, depth_mm, section.width_mm
        guess = BodyGuess(level, axes.center_ras_mm, axes.up_ras, axes.anterior_ras, *size_mm)
        mirror = mirror_plane(stack, axes, guess, near=number > 0)
        axes = axes.mirrored_about(mirror.offset_mm, mirror.angle_deg)
        moved_mm = float(np.linalg.norm(axes.center_ras_mm - middle))
        middle, up, anterior = axes.center_ras_mm, axes.up_ras, axes.anterior_ras
        if number > 0 and moved_mm < _SETTLED_MM:
            break
    arch = posterior_arch(stack, middle, axes.up_ras, anterior, endplates.height_mm, depth_mm)
    is_bridged = False
    if arch is not None and arch.pedicles >= _CLEAR_PEDICLES and not arch.is_of_vertebra(protocol.placement):
        across_mm = section.width_mm, depth_mm
        is_bridged = bool(bridging_findings(stack, level, axes, endplates, across_mm, protocol.placement))
    return _Body(axes, endplates, section, arch, _CLEAR_DISC_SLICES * stack.slice_spacing_mm, is_bridged)


def _unless_cut_off(
    stack: AxialStack, level: str, click: np.ndarray, problem: InputError, protocol: Protocol
) -> InputError:
    """Return the reason why no body was found; missing endplates are a reason only where there is a vertebra."""
    usual_mm = protocol.endplates.height_usual_mm, protocol.placement.depth_usual_mm
    if problem.cause.startswith("The point of"):
        return problem
    axes = BodyAxes(click, stack.normal_ras, _ANTERIOR_RAS).turned(stack.normal_ras, _ANTERIOR_RAS)
    section = cross_section(stack, axes, usual_mm[0], protocol)
    axes = axes.moved((*section.center_mm, 0.0))
    arch = posterior_arch(stack, axes.center_ras_mm, axes.up_ras, axes.anterior_ras, usual_mm[0], section.depth_mm)
    if arch is not None and max(arch.pedicles, arch.foramina) < _SOME_ARCH:
        return _no_body(level, "no pedicles are visible behind it")
    if arch is not None and arch.canal_hu > protocol.placement.canal_max_hu:
        return _no_body(level, f"no spinal canal is visible behind it, where the CT has {arch.canal_hu:.0f} HU")
    if section.seen < protocol.placement.click_seen_min:
        return _no_body(level, _few_walls(section.seen, protocol.placement))
    return problem


def _few_walls(seen: float, values: PlacementValues) -> str:
    return (
        f"cortical walls are visible on {100 * seen:.0f} % of the perimeter; the minimum is "
        f"{100 * values.click_seen_min:.0f} %"
    )


def _check_inside(stack: AxialStack, level: str, click: np.ndarray) -> None:
    ijk = stack.to_ijk(click)
    if not np.all((ijk > -0.5) & (ijk < np.array(stack.voxels_hu.shape[::-1]) - 0.5)):
        raise InputError(
            f"The point of {level} is outside the CT",
            level,
            "place it in the center of the vertebral body, or check that it belongs to this CT",
        )


def _air_or_fat(stack: AxialStack, click: np.ndarray) -> str:
    """Return a description of air or fat around a point; empty where it may be bone."""
    steps = np.arange(-_BALL_MM, _BALL_MM + 0.5)
    offsets = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    around_hu = sample_hu(stack, click + offsets[np.linalg.norm(offsets, axis=1) <= _BALL_MM])
    hu = float(np.median(around_hu))
    if hu >= _FAT_HU:
        return ""
    return f"it has {hu:.0f} HU, as in {'air or lung' if hu < _AIR_HU else 'fat'}"


def _no_body(level: str, reason: str) -> InputError:
    return InputError(
        f"The point of {level} is not in a visible vertebral body ({reason})",
        level,
        f"place it in the center of {level}'s body",
    )


def _beyond(level: str, outside_mm: np.ndarray) -> InputError:
    """Return the refusal of a point outside the nearest body, given its signed distance from it in x, y and z."""
    axis = int(np.argmax(np.abs(outside_mm)))
    where = (
        ("to the right of", "to the left of"),
        ("posterior to", "anterior to"),
        ("below the lower endplate of", "above the upper endplate of"),
    )[axis][int(outside_mm[axis] > 0)]
    return InputError(
        f"The point of {level} is {abs(outside_mm[axis]):.0f} mm {where} the nearest vertebral body",
        level,
        f"place it in the center of {level}'s body",
    )


def _off_center(level: str, off_mm: float, values: PlacementValues) -> tuple[Finding, ...]:
    if off_mm <= values.click_off_mm:
        return ()
    return (
        Finding(
            "click_off_center",
            f"The center of the vertebral body found for {level} is {off_mm:.0f} mm from the point, more than "
            f"{values.click_off_mm:g} mm.",
            "Check that it is the intended body.",
            "warning",
            level,
        ),
    )


def _faint(code: str, level: str, parts: str, seen: float, values: PlacementValues) -> tuple[Finding, ...]:
    if seen >= values.seen_min:
        return ()
    return (
        Finding(
            code,
            f"The {parts} of {level} are visible on {100 * seen:.0f} % of their extent, less than "
            f"{100 * values.seen_min:.0f} %.",
            "Check the proposed midline in the images.",
            "warning",
            level,
        ),
    )
