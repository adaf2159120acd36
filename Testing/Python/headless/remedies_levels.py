"""Remedies of findings on a level, its regions and its neighbors."""

import numpy as np
import SimpleITK
from headless.phantom_files import move_point, points_of, write_curve, write_line
from headless.remedies import SUPERIOR_RAS, Bench, Remedy, independent, measure

# Two levels, where the others do not matter: it takes half as long.
TWO = ("--levels", "L2,L3")


@independent
def _spine(bench: Bench) -> list[object]:
    """Measure four levels as they are."""
    return measure(bench.spine.ct, "--markups", bench.spine.markups)


@independent
def _two(bench: Bench) -> list[object]:
    """Measure two levels as they are."""
    return measure(bench.spine.ct, "--markups", bench.spine.markups, *TWO)


def _without(level: str, reason: str, *options: object):
    """Return a function that measures again as before, but excludes a level."""

    def follow(bench: Bench) -> list[object]:
        ct = bench.folder / "ct.nrrd"
        return measure(ct, "--markups", bench.spine.markups, *options, "--exclude", f"{level}={reason}")

    return follow


def _labels(bench: Bench, roi: str) -> np.ndarray:
    path = bench.honest.spine.audit / "labelmaps" / f"{roi}.nrrd"
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


VALUES = {"L1": 20, "L2": 21, "L3": 22, "L4": 23}


def _voxels(change, *options: object):
    """Return a function that measures the four levels in a CT that `change(bench, voxels)` changed in place."""

    def fault(bench: Bench) -> list[object]:
        voxels = bench.spine.phantom.voxels_hu.copy()
        change(bench, voxels)
        return measure(bench.image("ct.nrrd", voxels, bench.spine), "--markups", bench.spine.markups, *options)

    return fault


def _body(bench: Bench, level: str) -> np.ndarray:
    """Return where the trabecular bone of a level is, as an array of bool."""
    return bench.honest.spine.masks[level] & (bench.spine.phantom.voxels_hu < 250)


def _denser(level: str, by_hu: int):
    def change(bench: Bench, voxels: np.ndarray) -> None:
        voxels[_body(bench, level)] += by_hu

    return change


def _metal(bench: Bench, voxels: np.ndarray) -> None:
    k, j, i = (part[len(part) // 2] for part in np.nonzero(_labels(bench, "round") == VALUES["L2"]))
    voxels[k - 1 : k + 2, j, i] = 3000


def _cyst(bench: Bench, voxels: np.ndarray) -> None:
    k, j, i = (part[len(part) // 2] for part in np.nonzero(_labels(bench, "round") == VALUES["L2"]))
    voxels[k - 1 : k + 2, j - 4 : j + 5, i - 4 : i + 5] += 260


def _sclerosis(bench: Bench, voxels: np.ndarray) -> None:
    voxels[_labels(bench, "left") == VALUES["L2"]] += 120


def _moved(level: str, by_ras_mm, points=(0, 1)):
    """Return a function that measures with a level's midline moved."""

    def fault(bench: Bench) -> list[object]:
        for point in points:
            move_point(bench.spine_markups() / f"{level}-midline.mrk.json", point, np.array(by_ras_mm))
        return measure(bench.spine.ct, "--markups", bench.spine_markups(), *TWO)

    return fault


def _named(names: dict[str, str]):
    """Return a function that measures midlines with other names."""

    def fault(bench: Bench) -> list[object]:
        for level, name in names.items():
            ends = bench.spine.phantom.truth[level].midline_ras_mm
            write_line(bench.folder / "named" / f"{name}-midline.mrk.json", ends)
        return measure(bench.spine.ct, "--markups", bench.folder / "named")

    return fault


def _two_in_one_body(bench: Bench) -> list[object]:
    ends = bench.spine.phantom.truth["L1"].midline_ras_mm
    write_line(bench.spine_markups() / "L2-midline.mrk.json", ends - 5 * SUPERIOR_RAS)
    return measure(bench.spine.ct, "--markups", bench.spine_markups(), "--levels", "L1,L2")


def _coarse(bench: Bench) -> list[object]:
    ct = SimpleITK.ReadImage(str(bench.spine.ct))
    shrunk = SimpleITK.Shrink(ct, [3, 3, 1])
    SimpleITK.WriteImage(shrunk, str(bench.folder / "coarse.nrrd"))
    return measure(bench.folder / "coarse.nrrd", "--markups", bench.spine.markups, *TWO)


def _found_otherwise(bench: Bench) -> list[object]:
    """Measure the markups of an audit folder on a noisier CT than that on which the outlines were found."""
    voxels = bench.spine.phantom.voxels_hu + np.random.default_rng(3).normal(0, 40, bench.spine.phantom.voxels_hu.shape)
    ct = bench.image("ct.nrrd", np.clip(voxels, -1024, 3071).astype(np.int16), bench.spine)
    return measure(ct, "--markups", bench.honest.spine.audit / "markups", *TWO)


def _same_ct(bench: Bench) -> list[object]:
    return measure(bench.spine.ct, "--markups", bench.honest.spine.audit / "markups", *TWO)


def _small_outline(bench: Bench) -> list[object]:
    midline = bench.spine.phantom.truth["L2"].midline_ras_mm
    found = points_of(bench.honest.spine.audit / "markups" / "L2-outline.mrk.json")
    write_curve(
        bench.spine_markups() / "L2-outline.mrk.json", midline.mean(axis=0) + 0.5 * (found - midline.mean(axis=0))
    )
    return measure(bench.spine.ct, "--markups", bench.spine_markups(), *TWO)


LEVELS = (
    Remedy("Move the midline into the slice at mid-height", _moved("L2", (0, 0, 7)), _two, "mid_slice_off_middle"),
    Remedy("endplate.* Check the mid-slice", _moved("L2", (0, 0, 9)), _two, "near_endplate"),
    Remedy("Move the end onto the edge of the body", _moved("L2", (0, 3.6, 0), (0,)), _two, "midline_off_outline"),
    Remedy("Move the midline onto the body's plane of", _moved("L2", (7, 0, 0)), _two, "midline_off_center"),
    Remedy("study's circle would cross.*Check the midline", _moved("L2", (9, 0, 0)), _two, "round_shrunk"),
    Remedy(
        "Check which midline belongs to which vertebra",
        _named({"L2": "L3", "L3": "L2"}),
        _two,
        "levels_out_of_order",
    ),
    Remedy("may have been measured as two levels.*Check in a sagittal", _two_in_one_body, _two, "levels_too_close"),
    Remedy("may have been skipped.*Count the", _named({"L1": "L1", "L3": "L2"}), _two, "levels_too_far"),
    Remedy(
        "Look for a fracture.*exclude the level", _voxels(_denser("L2", 120)), _without("L2", "x"), "level_stands_out"
    ),
    Remedy(
        "look for gas, metal.*exclude the level",
        _voxels(_metal, *TWO),
        _without("L2", "metal", *TWO),
        "implausible_voxels",
    ),
    Remedy(
        "Look for a vein, cyst.*exclude the level", _voxels(_cyst, *TWO), _without("L2", "cyst", *TWO), "uneven_bone"
    ),
    Remedy(
        "Look for sclerosis.*on one side", _voxels(_sclerosis, *TWO), _without("L2", "sclerosis", *TWO), "sides_differ"
    ),
    Remedy("Use a reconstruction with smaller pixels", _coarse, _two, "coarse_pixels"),
    Remedy("Check the midline and the outline, or use a CT", _small_outline, _two, "small_roi"),
    Remedy("Use the CT, protocol and version", _found_otherwise, _same_ct, "outline_found_anew"),
)
