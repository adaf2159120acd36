"""Time of placing four levels, compared with reading the same CT from disk: 600 slices of 512 × 512 voxels.

Run it with ``python Testing/Benchmarks/placing.py``, or with ``make bench`` after the rest. It takes several minutes
and about 3 GB of memory and disk. The CT is read as a compressed NIfTI and NRRD file and as a DICOM series. Every job
is warmed up, files are in the system's cache, and each figure is the median of the repeats, with minimum and maximum in
parentheses. Placing may take no longer than the fastest reading, and the trials of all levels no longer than a second.
"""

import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "LumbarHU"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

import numpy as np
from images.dicom_builder import save, slice_dataset
from placement.phantom_masks import vertebra_mask
from timing import Figures, time_in_turn
from workload import SLICE_COUNTS, Workload, workloads

from LumbarHULib.api.midlines import GivenSeeds, GivenSegments, given_segments
from LumbarHULib.core.levels import LABEL_VALUES, MEAN_LEVELS
from LumbarHULib.core.pipeline import measure_level
from LumbarHULib.core.sensitivity import placement_trials
from LumbarHULib.images.ct_file import read_ct, write_ct
from LumbarHULib.images.segmentation_file import read_segmentation
from LumbarHULib.phantom.grid import Grid
from LumbarHULib.phantom.spines import demo_spine

TRIALS_AIM_MS = 1000
READ_REPEATS, PLACE_REPEATS = 3, 10

# Offset of the clicks from the body's center.
_CLICK_OFF_MM = (2.0, -1.0, 2.0)

# Slices above and below a body's center, enough to include its processes.
_SLICES_AROUND = 20
_LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])


def main() -> None:
    """Print the table."""
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    load = workloads()[max(SLICE_COUNTS)]
    with tempfile.TemporaryDirectory() as folder:
        cts = _written_cts(Path(folder), load)
        labels = _written_labels(Path(folder) / "labels.nii.gz", load)
        reading = {name: _timed(lambda _, path=path: read_ct(path), READ_REPEATS) for name, path in cts.items()}
        for name, figures in reading.items():
            _print(f"reading the CT, {name}", figures)
        fastest = min(figures.median for figures in reading.values())
        _print("reading the segmentation, .nii.gz", _timed(lambda _: read_segmentation(labels), READ_REPEATS))
        segments = given_segments(read_segmentation(labels), {}, MEAN_LEVELS, {}, load.protocol)
    for name, given in (("the segmentation", segments), ("a click in each body", _seeds())):
        _print(f"placing four levels from {name}", _timed(_placing(load, given), PLACE_REPEATS), fastest)
    _print("trials of placement, four levels", _timed(_trials(load), PLACE_REPEATS), TRIALS_AIM_MS)


def _written_cts(folder: Path, load: Workload) -> dict[str, Path]:
    paths = {name: folder / f"ct{suffix}" for name, suffix in (("NIfTI", ".nii.gz"), ("NRRD", ".nrrd"))}
    for path in paths.values():
        write_ct(path, load.ct.voxels_hu, load.ct.ras_from_ijk)
    series = folder / "series"
    series.mkdir()
    steps = load.ct.ras_from_ijk[:3, :3] * _LPS_FROM_RAS[:, None]
    lengths_mm = np.linalg.norm(steps, axis=0)
    for k, hu in enumerate(load.ct.voxels_hu):
        first_lps_mm = _LPS_FROM_RAS * (load.ct.ras_from_ijk @ (0, 0, k, 1))[:3]
        dataset = slice_dataset((hu + 1024).astype(np.uint16), first_lps_mm, k + 1)
        dataset.PixelSpacing = [float(lengths_mm[1]), float(lengths_mm[0])]
        dataset.ImageOrientationPatient = (steps[:, :2] / lengths_mm[:2]).T.ravel().tolist()
        save(dataset, series / f"{k:04d}.dcm")
    return {**paths, "DICOM": series}


def _written_labels(path: Path, load: Workload) -> Path:
    spine, matrix = demo_spine(), load.ct.ras_from_ijk
    labels = np.zeros(load.ct.voxels_hu.shape, np.uint8)
    for level in MEAN_LEVELS:
        vertebra = spine.vertebra(level)
        middle_k = np.linalg.solve(matrix[:3, :3], vertebra.center_ras_mm - matrix[:3, 3])[2]
        first_k = round(middle_k) - _SLICES_AROUND
        part, part_matrix = labels[first_k : first_k + 2 * _SLICES_AROUND], matrix.copy()
        part_matrix[:3, 3] += first_k * matrix[:3, 2]
        part[vertebra_mask(vertebra, Grid(part.shape, part_matrix))] = LABEL_VALUES[level]
    write_ct(path, labels, matrix)
    return path


def _seeds() -> GivenSeeds:
    spine = demo_spine()
    seeds = {level: np.add(spine.vertebra(level).center_ras_mm, _CLICK_OFF_MM) for level in MEAN_LEVELS}
    return GivenSeeds(seeds, frozenset(MEAN_LEVELS), frozenset(), fill_levels=False)


def _placing(load: Workload, given: GivenSeeds | GivenSegments):
    return lambda _: given.place(load.ct, load.protocol, lambda share, what: None)


def _trials(load: Workload):
    stack = load.stack()
    measured = [measure_level(stack, placed, load.protocol) for placed in load.landmarks.values()]
    return lambda _: [placement_trials(stack, level, load.protocol) for level in measured]


def _timed(job, repeats: int) -> Figures:
    return time_in_turn({0: job}, repeats, warm_up=1)[0]


def _print(job: str, figures: Figures, aim_ms: float | None = None) -> None:
    met = "" if aim_ms is None else f"  < {aim_ms:.0f} ms {'met' if figures.median < aim_ms else 'MISSED'}"
    print(f"{job:<48}{figures!s:>30}{met}", flush=True)


if __name__ == "__main__":
    main()
