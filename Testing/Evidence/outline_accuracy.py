"""Evidence for the outline search: distance of the outline found from the true outline.

Slices through bodies of eight shapes are painted, blurred and sampled with one property changed at a time. Then all
properties are changed at once, at random, far beyond the usual range: narrow bodies with wide pedicles, midlines that
are off-center, rotated and off by up to a millimeter at each end, plaques, gas, correlated noise. Distances, in mm, are
those between the spline that Slicer draws and the true outline; "signed" counts outside as positive.

Run it with ``python Testing/Evidence/outline_accuracy.py``; it takes several minutes and prints one line for each
condition.
"""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))

import numpy as np
from core.slice_phantom import SHAPES, SlicePhantom, outline_errors, render

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.outline.fit import fit_outline
from LumbarHULib.core.outline.model import OutlineModel
from LumbarHULib.files.protocol_file import load_protocol

NOISE_HU = 15.0
CONDITIONS = {
    "usual (0.5 mm, 15 HU)": {},
    "no noise": {"noise_hu": 0.0},
    "noise 25 HU": {"noise_hu": 25.0},
    "noise 25 HU, correlated": {"noise_hu": 25.0, "noise_correlation_mm": 0.6},
    "cortex 0.4 mm": {"cortex_mm": 0.4},
    "cortex 1.2 mm": {"cortex_mm": 1.2},
    "cortex 0.4 mm, blur 1.6 mm, 25 HU": {"cortex_mm": 0.4, "blur_fwhm_mm": 1.6, "noise_hu": 25.0},
    "cortex uneven, 35 %": {"cortex_variation": 0.35},
    "blur 1.0 mm": {"blur_fwhm_mm": 1.0},
    "blur 1.6 mm": {"blur_fwhm_mm": 1.6},
    "pixels 0.3 mm": {"pixel_mm": (0.3, 0.3)},
    "pixels 0.7 mm": {"pixel_mm": (0.7, 0.7)},
    "pixels 1.0 mm": {"pixel_mm": (1.0, 1.0)},
    "pixels 1.0 mm, cortex 0.4 mm, 25 HU": {"pixel_mm": (1.0, 1.0), "cortex_mm": 0.4, "noise_hu": 25.0},
    "pixels 0.5 x 0.8 mm, turned 20 deg, sheared": {
        "pixel_mm": (0.5, 0.8),
        "grid_angle_deg": 20.0,
        "grid_shear": 0.1,
    },
    "trabecular 0 HU": {"trabecular_hu": 0.0},
    "trabecular 200 HU": {"trabecular_hu": 200.0},
    "trabecular 300 HU": {"trabecular_hu": 300.0},
    "trabecular texture 20 HU": {"trabecular_texture_hu": 20.0},
    "aorta 45 HU": {"aorta_hu": 45.0},
    "aorta 300 HU": {"aorta_hu": 300.0},
    "aorta 300 HU, cortex 0.4 mm": {"aorta_hu": 300.0, "cortex_mm": 0.4},
    "aorta 150 HU, plaque 900 HU": {"aorta_hu": 150.0, "plaque_hu": 900.0},
    "bowel gas": {"gas": True},
    "pedicles 10 mm, foramen 8 mm": {"pedicle_width_mm": 10.0, "foramen_mm": 8.0},
    "slab shifted by 1.06 mm (5 mm, 12 deg)": {"slab_shift_mm": 1.06},
    "midline 5 mm off-center": {"off_center_mm": 5.0},
    "midline turned 10 deg": {"midline_rotation_deg": 10.0},
    "midline ends 1 mm out": {"end_error_mm": (1.0, -1.0)},
    "midline ends 1 mm in": {"end_error_mm": (-1.0, 1.0)},
    "small, 35 x 25 mm": {"width_mm": 35.0, "depth_mm": 25.0},
    "large, 60 x 40 mm": {"width_mm": 60.0, "depth_mm": 40.0},
    "wide and flat, 56 x 30 mm": {"width_mm": 56.0, "depth_mm": 30.0},
    "nearly circular, 40 x 38 mm": {"width_mm": 40.0, "depth_mm": 38.0},
    "cortex truly 550 HU": {"cortex_hu": 550.0},
    "cortex truly 1100 HU": {"cortex_hu": 1100.0},
}


def mixed(count: int, seed: int) -> list[SlicePhantom]:
    """Return phantoms with all properties drawn at random."""
    random = np.random.default_rng(seed)
    phantoms = []
    for index in range(count):
        depth_mm = random.uniform(25, 40)
        pixel_mm = float(random.choice([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0]))
        phantoms.append(
            SlicePhantom(
                shape=SHAPES[index % len(SHAPES)],
                depth_mm=depth_mm,
                width_mm=float(np.clip(depth_mm * random.uniform(1.05, 1.6), 35, 60)),
                cortex_mm=random.uniform(0.4, 1.2),
                cortex_variation=random.uniform(0, 0.35),
                trabecular_hu=random.uniform(50, 200),
                soft_hu=random.uniform(40, 60),
                pedicle_width_mm=random.uniform(6, 10),
                foramen_mm=random.uniform(4, 8),
                aorta_hu=random.choice([None, 45, 150, 300]),
                plaque_hu=random.choice([None, None, 400, 900]),
                gas=bool(random.integers(2)),
                psoas=bool(random.integers(2)),
                blur_fwhm_mm=random.uniform(1, 1.6),
                slab_shift_mm=random.choice([0, 0, 1.06]),
                pixel_mm=(pixel_mm, pixel_mm * random.choice([1, 1, 1.2])),
                grid_angle_deg=random.uniform(-10, 10),
                grid_shear=random.choice([0, 0, 0.1]),
                noise_hu=random.uniform(0, 25),
                noise_correlation_mm=random.choice([0, 0.6]),
                off_center_mm=random.uniform(-5, 5),
                midline_rotation_deg=random.uniform(-10, 10),
                end_error_mm=tuple(random.uniform(-1, 1, 2)),
                trabecular_texture_hu=random.choice([0, 0, 15]),
                seed=index,
            )
        )
    return phantoms


def report(name: str, phantoms: Iterable[SlicePhantom]) -> None:
    """Print one line: distances over all phantoms of a condition, refusals, and time per outline."""
    model = OutlineModel.from_values(load_protocol().protocol.outline)
    errors, seconds, refused = [], [], 0
    for phantom in phantoms:
        rendered = render(phantom)
        start = time.perf_counter()
        try:
            fit = fit_outline(rendered.plane, rendered.depth_mm, model)
        except InputError as problem:
            print(f"  refused: {problem}")
            refused += 1
            continue
        seconds.append(time.perf_counter() - start)
        errors.append(outline_errors(fit.control_points_uv_mm, rendered.outline_uv_mm))
    mean, worst, signed = np.array(errors).T
    print(
        f"{name:44s} {len(errors):4d} {mean.mean():7.3f} {np.quantile(mean, 0.95):7.3f} {mean.max():7.3f} "
        f"{np.median(worst):7.2f} {np.quantile(worst, 0.95):7.2f} {worst.max():7.2f} {signed.mean():+8.3f} "
        f"{(mean > 0.15).sum():5d} {(worst > 1).sum():5d} {refused:4d} {1000 * np.median(seconds):6.1f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    print(f"{'':49s} {'mean distance':>23s} {'worst distance':>23s}")
    print(
        f"{'condition':44s} {'n':>4s} {'mean':>7s} {'95 %':>7s} {'most':>7s} {'median':>7s} {'95 %':>7s} {'most':>7s} "
        f"{'signed':>8s} {'>.15':>5s} {'>1mm':>5s} {'ref.':>4s} {'ms':>6s}"
    )
    for name, change in CONDITIONS.items():
        settings = {"noise_hu": NOISE_HU, **change}
        report(name, (SlicePhantom(shape=shape, seed=seed, **settings) for seed, shape in enumerate(SHAPES)))
    report("everything at once, at random", mixed(200, seed=7))


if __name__ == "__main__":
    main()
