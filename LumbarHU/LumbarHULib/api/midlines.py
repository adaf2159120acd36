"""Where the midlines of a measurement come from: a reader's markups, or proposals from a segmentation or from seeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import COUNT_CODES, Finding
from LumbarHULib.core.landmarks import Landmarks, missing_midline
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.regions.given_mask import mask_on_stack
from LumbarHULib.core.results import LevelResult, ReadingResult, RoiMask
from LumbarHULib.files.markup_file import read_markups
from LumbarHULib.images.segment_levels import levels_of_segments
from LumbarHULib.images.segmentation_file import Segment
from LumbarHULib.placement.body_guess import BodyGuess
from LumbarHULib.placement.click_bodies import check_order, guesses_between_clicks
from LumbarHULib.placement.clicked_body import guess_from_click
from LumbarHULib.placement.mask_bodies import guess_from_mask
from LumbarHULib.placement.midline import propose_midline
from LumbarHULib.placement.proposal import Proposal

# What another machine may round otherwise is far less.
_SAME_OUTLINE_MM = 1e-3


@dataclass(frozen=True)
class Midlines(Mapping[str, np.ndarray]):
    """Midlines in a CT, by level: each an array of shape (2, 3), anterior and posterior end in RAS mm.

    Parameters
    ----------
    landmarks : tuple of Landmarks
        From cranial to caudal.
    findings : tuple of Finding
        Of the source as a whole.
    level_findings : tuple of Finding
        Of the placement of single levels.
    found_outlines_ras_mm : mapping of str to numpy.ndarray, shape (n, 3)
        By level, the outline that LumbarHU found earlier at the same midline.
    unplaced : mapping of str to InputError
        By level, why it has no landmarks.
    segments : mapping of str to Segment
        By level, the segmented vertebra from which it was placed.
    proposals : tuple of Proposal
        Those among the landmarks that were proposed.
    """

    landmarks: tuple[Landmarks, ...]
    findings: tuple[Finding, ...] = ()
    level_findings: tuple[Finding, ...] = ()
    found_outlines_ras_mm: Mapping[str, np.ndarray] = field(default_factory=dict)
    unplaced: Mapping[str, InputError] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()

    def judged_by(self, protocol: Protocol) -> "Midlines":
        """Return the same midlines with the findings that another protocol has on their placement."""
        placed = {finding for proposal in self.proposals for finding in proposal.findings}
        others = tuple(finding for finding in self.level_findings if finding not in placed)
        own = tuple(finding for proposal in self.proposals for finding in proposal.findings_by(protocol))
        return replace(self, level_findings=(*others, *own))

    def vertebrae(self, stack: AxialStack) -> dict[str, RoiMask]:
        """Return the segmented vertebrae of the placed levels on the grid of the CT; empty if none were given."""
        return {
            level: mask_on_stack(level, segment.inside, segment.ras_from_ijk, stack)
            for level, segment in self.segments.items()
            if level in self
        }

    def __getitem__(self, level: str) -> np.ndarray:
        for landmarks in self.landmarks:
            if landmarks.level == level:
                return landmarks.midline_ras_mm
        raise KeyError(level)

    def __iter__(self) -> Iterator[str]:
        return (landmarks.level for landmarks in self.landmarks)

    def __len__(self) -> int:
        return len(self.landmarks)

    def all_level_findings(self, result: ReadingResult) -> tuple[Finding, ...]:
        """Return the findings of single levels, with those that only show when the levels are measured."""
        return self.level_findings + tuple(
            finding
            for level in result.levels
            if level.level in self.found_outlines_ras_mm
            for finding in _outline_findings(level, self.found_outlines_ras_mm[level.level])
        )


@dataclass(frozen=True)
class GivenMarkups:
    """Markups that were read, of the levels to measure."""

    landmarks: tuple[Landmarks, ...]
    findings: tuple[Finding, ...]
    level_findings: tuple[Finding, ...]
    found_outlines_ras_mm: Mapping[str, np.ndarray]
    problems: Mapping[str, InputError]

    @property
    def points_ras_mm(self) -> np.ndarray:
        """The midlines' ends, shape (n, 3)."""
        points = [landmarks.midline_ras_mm for landmarks in self.landmarks]
        return np.concatenate(points) if points else np.empty((0, 3))

    @property
    def midlines(self) -> Midlines:
        """The midlines as they were read."""
        return Midlines(self.landmarks, self.findings, self.level_findings, self.found_outlines_ras_mm, self.problems)

    def place(self, ct: CtVolume, protocol: Protocol, progress: Callable[..., None]) -> Midlines:
        """Return `midlines`: nothing needs to be placed."""
        return self.midlines


@dataclass(frozen=True)
class GivenSegments:
    """Segments of the vertebrae to measure."""

    segments: Mapping[str, Segment]
    findings: tuple[Finding, ...]

    @property
    def points_ras_mm(self) -> np.ndarray:
        """The segments' middles, shape (n, 3)."""
        return np.array([segment.middle_ras_mm for segment in self.segments.values()])

    def place(self, ct: CtVolume, protocol: Protocol, progress: Callable[..., None]) -> Midlines:
        """Return a proposed midline for each segment, and why others have none."""
        stack = axial_stack(ct, protocol.frame)
        proposals: list[Proposal] = []
        unplaced: dict[str, InputError] = {}
        for number, (level, segment) in enumerate(self.segments.items()):
            progress(number / len(self.segments), f"Placing {level}")
            with _noting(unplaced, level):
                guess = guess_from_mask(level, segment.inside, segment.ras_from_ijk, stack, protocol)
                proposals.append(propose_midline(stack, guess, protocol))
        return replace(_midlines(proposals, unplaced, self.findings), segments=self.segments)


@dataclass(frozen=True)
class GivenSeeds:
    """A point in each of the bodies to measure."""

    seeds_ras_mm: Mapping[str, np.ndarray]
    wanted: frozenset[str]
    fill_levels: bool

    @property
    def points_ras_mm(self) -> np.ndarray:
        """The seeds, shape (n, 3)."""
        return np.array(list(self.seeds_ras_mm.values()))

    def place(self, ct: CtVolume, protocol: Protocol, progress: Callable[..., None]) -> Midlines:
        """Return a proposed midline for each body, and why others have none.

        Raises
        ------
        InputError
            When the points cannot all be in the bodies that they are named after.
        """
        stack = axial_stack(ct, protocol.frame)
        proposals: list[Proposal] = []
        unplaced: dict[str, InputError] = {}
        for guess in self._guesses(stack, protocol, progress, unplaced):
            if guess.level not in self.wanted:
                continue
            with _noting(unplaced, guess.level):
                proposals.append(propose_midline(stack, guess, protocol))
        return _midlines(proposals, unplaced)

    def _guesses(
        self,
        stack: AxialStack,
        protocol: Protocol,
        progress: Callable[..., None],
        unplaced: dict[str, InputError],
    ) -> Sequence[BodyGuess]:
        if self.fill_levels:
            return guesses_between_clicks(stack, self.seeds_ras_mm, protocol, progress)
        guesses = []
        for number, (level, seed) in enumerate(self.seeds_ras_mm.items()):
            progress(number / len(self.seeds_ras_mm), f"Placing {level}")
            with _noting(unplaced, level):
                guesses.append(guess_from_click(stack, level, seed, protocol))
        check_order(guesses, protocol.placement)
        return guesses


@contextmanager
def _noting(unplaced: dict[str, InputError], level: str) -> Iterator[None]:
    """Note why a level cannot be placed, and go on with the next."""
    try:
        yield
    except InputError as problem:
        unplaced[level] = problem


def _midlines(
    proposals: Sequence[Proposal], unplaced: Mapping[str, InputError], findings: tuple[Finding, ...] = ()
) -> Midlines:
    """Return proposals; a count of vertebrae that is not the usual one concerns each of their levels as well."""
    count_findings = [
        replace(finding, sentence=f"{proposal.landmarks.level}: {finding.sentence}", level=proposal.landmarks.level)
        for proposal in proposals
        for finding in findings
        if finding.code in COUNT_CODES
    ]
    return Midlines(
        tuple(proposal.landmarks for proposal in proposals),
        findings,
        (*count_findings, *(finding for proposal in proposals for finding in proposal.findings)),
        unplaced=unplaced,
        proposals=tuple(proposals),
    )


def _outline_findings(level: LevelResult, before_ras_mm: np.ndarray) -> tuple[Finding, ...]:
    """Return a finding if a new search at the same midline finds another outline."""
    now_ras_mm = level.outline_ras_mm
    if level.outline_edited:
        return ()
    if now_ras_mm.shape == before_ras_mm.shape:
        farthest_mm = float(np.linalg.norm(now_ras_mm - before_ras_mm, axis=1).max())
        if farthest_mm <= _SAME_OUTLINE_MM:
            return ()
    else:
        distances_mm = np.linalg.norm(now_ras_mm[:, None] - before_ras_mm, axis=2)
        farthest_mm = float(distances_mm.min(axis=1).max())
    return (
        Finding(
            "outline_found_anew",
            f"The outline of {level.level} that LumbarHU finds now is up to {farthest_mm:.2f} mm from the one in "
            "its markup file, at the same midline; the new outline is measured.",
            "Use the CT, protocol and version of LumbarHU that the markups were made with, or check the outline "
            "in the images.",
            "warning",
            level.level,
        ),
    )


def given_markups(paths: Sequence[Path], levels: Sequence[str] | None, exclusions: Mapping[str, str]) -> GivenMarkups:
    """Read markups and choose those of the levels to measure.

    Raises
    ------
    InputError
        When they cannot be read, a level that was asked for has no midline and is not excluded, or none is left.
    """
    markup_set = read_markups(list(paths))
    by_level = {landmarks.level: landmarks for landmarks in markup_set.landmarks}
    wanted = list(levels) if levels is not None else list(markup_set.levels)
    for level in wanted:
        if level not in markup_set.levels and level not in exclusions:
            raise missing_midline(
                level,
                f"give a markup named {level}-midline, omit {level} from the levels, or exclude it with a reason",
            )
    _check_exclusions(levels, exclusions)
    chosen = tuple(by_level[level] for level in LEVELS if level in wanted and level in by_level)
    problems = {
        level: markup_set.problems[level] for level in LEVELS if level in wanted and level in markup_set.problems
    }
    if not chosen and not problems:
        raise InputError("No level has a midline: give at least one markup named like L1-midline.")
    return GivenMarkups(
        chosen, markup_set.findings, markup_set.level_findings, markup_set.found_outlines_ras_mm, problems
    )


def given_segments(
    segments: Sequence[Segment],
    assignments: Mapping[str, str],
    levels: Sequence[str] | None,
    exclusions: Mapping[str, str],
    mean_levels: Sequence[str],
) -> GivenSegments:
    """Choose the segments of the levels to measure.

    Raises
    ------
    InputError
        When they do not say which level is which, or a level that was asked for has no segment and is not excluded.
    """
    by_level, findings = levels_of_segments(segments, assignments)
    wanted = levels
    if wanted is None:
        wanted = [level for level in by_level if level in mean_levels or level in assignments]
    for level in wanted:
        if level not in by_level and level not in exclusions:
            raise InputError(
                f"{level} has no segment in the segmentation: assign one, such as --segment “{level}=NAME”, "
                f"omit {level} from the levels, or exclude it with a reason.",
                level,
            )
    _check_exclusions(levels, exclusions)
    chosen = {level: segment for level, segment in by_level.items() if level in wanted}
    if not chosen:
        raise InputError(
            f"The segmentation contains none of {', '.join(mean_levels)}, only {', '.join(by_level)}: "
            "name the levels to measure, such as --levels T12."
        )
    return GivenSegments(chosen, findings)


def given_seeds(
    seeds: Mapping[str, np.ndarray], fill_levels: bool, levels: Sequence[str] | None, exclusions: Mapping[str, str]
) -> GivenSeeds:
    """Choose the seeds of the levels to measure; with `fill_levels`, and those between them.

    Raises
    ------
    InputError
        When a level that was asked for has none and is not excluded.
    """
    numbers = [LEVELS.index(level) for level in seeds]
    placeable = LEVELS[min(numbers) : max(numbers) + 1] if fill_levels else tuple(seeds)
    wanted = placeable if levels is None else levels
    for level in wanted:
        if level not in placeable and level not in exclusions:
            raise InputError(
                f"{level} has no seed: add a point named {level} to the point list, omit {level} from the levels, "
                "or exclude it with a reason.",
                level,
            )
    _check_exclusions(levels, exclusions)
    # Bodies between the clicks are counted, so all clicks are looked at then.
    chosen = {level: seed for level, seed in seeds.items() if fill_levels or level in wanted}
    if not set(placeable) & set(wanted):
        raise InputError("None of the levels to measure has a seed: add at least one point named like L1.")
    return GivenSeeds(chosen, frozenset(wanted), fill_levels)


def _check_exclusions(levels: Sequence[str] | None, exclusions: Mapping[str, str]) -> None:
    if levels is None:
        return
    stray = [level for level in exclusions if level not in levels]
    if stray:
        raise InputError(
            f"{stray[0]} is excluded but is not among the levels {', '.join(levels)}: add it to the levels, or "
            "omit the exclusion."
        )
