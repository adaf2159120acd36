"""Learn the shape of vertebral bodies (``core/outline/learned_shape.py``) from bodies traced by hand.

The tracings are in ``real-outlines``, in the folder of the environment variable ``LUMBARHU_DATA``. They follow the
half-maximum of the cortex's profile; the outline follows the periosteal surface, about 0.35 mm inside.
``own_edge`` comes from the tracers' notes on where an edge was visible. It is 0 where the pedicles leave the body,
because the edge visible there belongs to the pedicles.

Run it with ``python Testing/Evidence/body_shape.py``: it prints how well the shape learned from the other scans
predicts each scan's bodies. With ``--write`` it also writes the shape learned from all scans.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np

from LumbarHULib.core.closed_spline import sample_closed_spline, spline_matrices
from LumbarHULib.core.outline.curve import solve_points, spread_points
from LumbarHULib.core.outline.shape import BodyPose, BodyShape, learn_shape
from LumbarHULib.core.polygons import signed_area
from LumbarHULib.phantom.section import Section

ROOT = Path(__file__).resolve().parents[2]
LEARNED = ROOT / "LumbarHU" / "LumbarHULib" / "core" / "outline" / "learned_shape.py"
INWARD_MM = 0.35
MODES = 14
# Additional synthetic bodies: number, and ranges of width and posterior concavity for a depth of 1.
DRAWN = 60
DRAWN_WIDTH, DRAWN_HOLLOW = (1.0, 1.75), (0.0, 0.2)
# Share of the tracings in which an edge was visible, from the anterior midline end along one half of the outline. It is
# set by hand at the seventh to ninth point, where the lateral cortex turns into the pedicle.
OWN_EDGE_OF_HALF = (0.83, 0.82, 0.85, 0.84, 0.91, 0.92, 0.94, 0.40, 0.0, 0.05, 0.85, 0.42)
OWN_EDGE = np.array(OWN_EDGE_OF_HALF + OWN_EDGE_OF_HALF[::-1])


@dataclass(frozen=True, eq=False)
class TracedBody:
    """A vertebral body traced by two readers.

    Parameters
    ----------
    scan, level : str
    midline_ras_mm : numpy.ndarray, shape (2, 3)
        Mean of the two tracings' midlines, anterior end first, both ends in one slice.
    outlines_ras_mm : tuple of numpy.ndarray, each shape (n, 3)
        The two tracings, at the half-maximum.
    """

    scan: str
    level: str
    midline_ras_mm: np.ndarray
    outlines_ras_mm: tuple[np.ndarray, np.ndarray]

    def outlines_uv_mm(self) -> list[np.ndarray]:
        """Return the two outlines in the midline's frame, moved inward, as dense polygons."""
        front, back = self.midline_ras_mm[:, :2]
        v = (front - back) / np.linalg.norm(front - back)
        axes = np.array([[-v[1], v[0]], v])  # u to the patient's left, which is -R
        return [moved_inward((outline[:, :2] - front) @ axes.T) for outline in self.outlines_ras_mm]

    @property
    def depth_mm(self) -> float:
        """Length of the midline."""
        return float(np.linalg.norm(np.subtract(*self.midline_ras_mm)))


def moved_inward(outline_uv_mm: np.ndarray) -> np.ndarray:
    """Return an outline as a dense counterclockwise polygon, moved inward from the half-maximum."""
    points, along = sample_closed_spline(outline_uv_mm)
    if signed_area(points) < 0:
        points, along = points[::-1], -along[::-1]
    inward = np.column_stack([-along[:, 1], along[:, 0]])
    return points + INWARD_MM * inward / np.linalg.norm(inward, axis=1, keepdims=True)


def traced_bodies(folder: Path) -> list[TracedBody]:
    """Return the bodies that both tracers traced."""
    bodies = []
    for path in sorted((folder / "tracing-a").glob("*.json")):
        both = [json.loads((folder / f"tracing-{name}" / path.name).read_text()) for name in "ab"]
        to_ras = np.array([-1.0, -1.0, 1.0])
        midline = np.mean([tracing["midline_lps_mm"] for tracing in both], axis=0) * to_ras
        midline[:, 2] = midline[0, 2]
        outlines = []
        for tracing in both:
            outline = np.array([point[:2] for point in tracing["outline_lps_mm"]])
            outlines.append(np.column_stack([outline, np.full(len(outline), midline[0, 2])]) * (-1, -1, 1))
        bodies.append(TracedBody(both[0]["scan"], both[0]["level"], midline, tuple(outlines)))
    return bodies


def drawn_bodies(count: int) -> list[np.ndarray]:
    """Return outlines of depth 1 that are wider, narrower or posteriorly flatter than the traced ones.

    The nine scans contain too few L4, no L5 and no small or large bodies. Each outline consists of two halves of
    superellipses with a posterior concavity; all sizes are drawn uniformly from the known range of lumbar bodies.
    """
    random = np.random.default_rng(12)
    outlines = []
    for _ in range(count):
        section = Section(
            depth_mm=1.0,
            width_mm=random.uniform(*DRAWN_WIDTH),
            hollow_mm=random.uniform(*DRAWN_HOLLOW),
            anterior_exponent=random.uniform(2.0, 2.6),
            posterior_exponent=random.uniform(2.0, 3.2),
        )
        outlines.append(section.points_mm(720) - (0, section.anterior_mm))
    return outlines


def shape_of(bodies: list[TracedBody]) -> BodyShape:
    """Learn the shape of traced bodies and some synthetic ones."""
    outlines = [outline / body.depth_mm for body in bodies for outline in body.outlines_uv_mm()]
    return learn_shape(outlines + drawn_bodies(DRAWN), OWN_EDGE, MODES)


def closure_error_mm(shape: BodyShape, body: TracedBody) -> np.ndarray:
    """Return the error of the closure at the pedicles when the rest of the outline is known, in mm."""
    truth = np.mean([spread_points(outline, shape.count) for outline in body.outlines_uv_mm()], axis=0)
    value = spline_matrices(shape.count, 4)[0]
    known = np.interp(np.arange(len(value)) / 4, np.arange(shape.count), shape.own_edge) >= 0.4
    pull = value[known].T / 0.3**2
    points = solve_points(
        *shape.information(BodyPose(0.0, 0.0, body.depth_mm)), pull @ value[known], pull @ (value[known] @ truth)
    )
    return np.hypot(*(points - truth)[shape.own_edge < 0.4].T)


def write(shape: BodyShape) -> None:
    """Write the shape as a Python file."""

    def rows(array):
        lines = [row[start : start + 12] for row in array for start in range(0, len(row), 12)]
        return "\n".join("    " + ", ".join(f"{number:.4f}" for number in line) + "," for line in lines)

    modes = shape.modes.transpose(0, 2, 1).reshape(len(shape.modes) * 2, -1)
    LEARNED.write_text(
        f'''"""The shape of vertebral bodies, learned by ``Testing/Evidence/body_shape.py`` from bodies traced by hand.

Of 25 bodies, T9 to L4, on nine public CTs (LIDC-IDRI, ACRIN-FLT-Breast, CPTAC-PDA, TCGA-COAD and HCC-TACE-Seg of The
Cancer Imaging Archive, CC BY; and four more), each traced twice. Made by that script: do not edit.
"""

import numpy as np

from LumbarHULib.core.outline.shape import BodyShape

# fmt: off
_MEAN = (  # u of every control point, then v of every one
{rows(shape.mean.T)}
)
_MODES = (  # for each mode the same
{rows(modes)}
)
_DEVIATIONS = (
{rows([shape.deviations])}
)
_OWN_EDGE = (
{rows([shape.own_edge])}
)
# fmt: on

BODY_SHAPE = BodyShape(
    mean=np.array(_MEAN).reshape(2, -1).T,
    modes=np.array(_MODES).reshape(len(_DEVIATIONS), 2, -1).transpose(0, 2, 1),
    deviations=np.array(_DEVIATIONS),
    own_edge=np.array(_OWN_EDGE),
)
'''
    )


def main() -> None:
    """Print how well the other scans predict each scan, and write the shape learned from all scans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("LUMBARHU_DATA", ROOT.parent / "shared" / "data")) / "real-outlines"
    if not folder.is_dir():
        print(f"No tracings in {folder}: set LUMBARHU_DATA to the folder that contains real-outlines.")
        return
    bodies = traced_bodies(folder)
    for scan in sorted({body.scan for body in bodies}):
        shape = shape_of([body for body in bodies if body.scan != scan])
        errors = np.concatenate([closure_error_mm(shape, body) for body in bodies if body.scan == scan])
        print(f"{scan:13s} closure error {np.sqrt(np.mean(errors**2)):.2f} mm (RMS), {errors.max():.2f} mm (worst)")
    if arguments.write:
        write(shape_of(bodies))


if __name__ == "__main__":
    main()
