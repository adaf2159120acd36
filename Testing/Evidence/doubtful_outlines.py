"""How often the finding on an outline that depends on the midline comes where the outline is off, and where it is not.

Each traced vertebra is measured at its traced midline and at midlines moved by a reader's error (SD of 1 mm along and
across, and of 2° in rotation), in the outline found and in both tracings. An outline is off if a region's mean differs
from that in the tracings by more than the limit: 3 HU for round, 5 HU for oval and front, 12 HU for right and left. It
is good if all means are within half of these limits. For each threshold of the finding, in HU, a line shows the
percentage of outlines with the finding among those that are off, and without it among the good ones and among all that
are not off.

Run it with ``python Testing/Evidence/doubtful_outlines.py [--moved 6] [--held-out]``. With ``--held-out``, the outline
is found with the shape learned from the other scans. It needs the traced vertebrae, and says so where they are missing.
"""

import argparse
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from body_shape import shape_of, traced_bodies
from hostile_outlines import shifted_midline
from real_outlines_sheet import found_with
from traced_vertebrae import REAL_DATA, TracedVertebra, missing_data, traced_vertebrae

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.outline.fit import body_axis
from LumbarHULib.core.outline.learned_shape import BODY_SHAPE
from LumbarHULib.core.outline.shape import BodyShape
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.files.protocol_file import load_protocol

LIMITS_HU = {"round": 3.0, "oval": 5.0, "front": 5.0, "right": 12.0, "left": 12.0}
THRESHOLDS_HU = (4, 5, 6, 7, 8, 10, 12)


@dataclass(frozen=True)
class Trial:
    """One measurement: the errors of its means, and their greatest change when the outline is found again, in HU."""

    errors_hu: np.ndarray
    change_hu: float

    def within(self, share: float) -> bool:
        """Return whether all errors are within this share of their limits."""
        return bool((np.abs(self.errors_hu) <= share * np.array([LIMITS_HU[roi] for roi in ROIS])).all())


def trial(vertebra: TracedVertebra, midline_ras_mm: np.ndarray, protocol: Protocol, shape: BodyShape) -> Trial:
    """Measure a vertebra at a midline in the outline found, in that found again, and in the tracings."""
    landmarks = Landmarks("L2", midline_ras_mm)

    def means_hu(outline_ras_mm: np.ndarray) -> np.ndarray:
        level = measure_level(vertebra.stack, landmarks, protocol, known_outline_ras_mm=outline_ras_mm)
        return np.array([level.rois[roi].values["mean_hu"] for roi in ROIS])

    frame, outline, _ = found_with(shape, vertebra, landmarks, protocol)
    means = means_hu(outline)
    traced = np.mean([means_hu(points) for points in vertebra.outlines_ras_mm], axis=0)
    try:
        axis = frame.to_ras_mm(body_axis(frame.to_uv_mm(outline), frame.depth_mm, shape))
        _, again, _ = found_with(shape, vertebra, Landmarks("L2", axis), protocol)
        change_hu = np.abs(means_hu(again) - means).max()
    except InputError:
        change_hu = 0.0
    return Trial(means - traced, float(change_hu))


def trials(vertebra: TracedVertebra, moved: int, protocol: Protocol, shape: BodyShape) -> tuple[list[Trial], int]:
    """Return the trials of a vertebra, the first at its traced midline, and how many midlines were refused."""
    random = np.random.default_rng([12, *vertebra.name.encode()])
    midlines = [vertebra.midline_ras_mm, *(shifted_midline(vertebra.midline_ras_mm, random) for _ in range(moved))]
    done, refused = [], 0
    for midline in midlines:
        try:
            done.append(trial(vertebra, midline, protocol, shape))
        except InputError:
            refused += 1
    return done, refused


def print_rates(title: str, done: list[Trial]) -> None:
    """Print a line for each threshold."""
    off = np.array([not one.within(1.0) for one in done])
    good = np.array([one.within(0.5) for one in done])
    change_hu = np.array([one.change_hu for one in done])
    print(f"{title}: {len(done)} outlines, {off.sum()} off, {good.sum()} good")
    for threshold in THRESHOLDS_HU:
        noted = change_hu >= threshold
        among_off = f"{100 * noted[off].mean():3.0f} %" if off.any() else "    –"
        among_good, among_others = (100 * (~noted[which]).mean() for which in (good, ~off))
        print(
            f"  from {threshold:2d} HU: a finding on {among_off} of those off, none on {among_good:3.0f} % of the good "
            f"and {among_others:3.0f} % of all not off"
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moved", type=int, default=6, help="moved midlines of each vertebra")
    parser.add_argument("--held-out", action="store_true", help="learn the shape from the other scans")
    given = parser.parse_args()
    missing = missing_data()
    if missing:
        print(missing)
        return
    protocol = load_protocol().protocol
    bodies = traced_bodies(REAL_DATA / "real-outlines")
    at_traced, at_moved, refused = [], [], 0
    for scan, vertebrae in groupby(traced_vertebrae(protocol), key=lambda one: one.scan):
        shape = shape_of([body for body in bodies if body.scan != scan]) if given.held_out else BODY_SHAPE
        for vertebra in vertebrae:
            done, not_measured = trials(vertebra, given.moved, protocol, shape)
            at_traced += done[:1]
            at_moved += done[1:]
            refused += not_measured
    print_rates("At the traced midlines", at_traced)
    print_rates("At moved midlines", at_moved)
    print(f"{refused} midlines were refused.")


if __name__ == "__main__":
    main()
