"""Remedies of what is wrong with segmentations and seeds, and of findings on midlines proposed from them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK
from headless.remedies import LEFT_RAS, SUPERIOR_RAS, Bench, Remedy, independent, measure
from headless.untrue_segmentations import seg_nrrd, segment, tagged

HONEST = {"L2": 21, "L3": 22}


def _labels(change=None, values: Mapping[str, int] = HONEST, *options: object, name: str = "labels.nii.gz"):
    """Return a function that measures a label map that `change(bench, labels)` changed in place."""

    def command(bench: Bench) -> list[object]:
        labels = bench.honest.spine.labels(values)
        changed = labels if change is None else change(bench, labels)
        path = bench.image(name, labels if changed is None else changed, bench.spine)
        return measure(bench.spine.ct, "--segmentation", path, *options)

    return command


def _seg(*segments, values: Mapping[str, int] = HONEST, options: tuple[object, ...] = ()):
    """Return a function that measures a .seg.nrrd with these segments."""

    def command(bench: Bench) -> list[object]:
        path = seg_nrrd(bench.folder / "a.seg.nrrd", bench.honest, bench.honest.spine.labels(values), segments)
        return measure(bench.spine.ct, "--segmentation", path, *options)

    return command


def _changed(change):
    """Return a function that measures L2 alone, its segment changed by `change(bench, labels)`."""

    def command(bench: Bench) -> list[object]:
        labels = bench.honest.spine.labels({"L2": 21})
        labels = labels if change is None else change(bench, labels)
        path = seg_nrrd(bench.folder / "a.seg.nrrd", bench.honest, labels, [segment("L2", 21, Layer=0)])
        return measure(bench.spine.ct, "--segmentation", path)

    return command


ONE = ("--levels", "L2")
HONEST_SEG = independent(_seg(segment("L2", 21, Layer=0), segment("L3", 22, Layer=0), options=ONE))
HONEST_LABELS = independent(_labels(None, HONEST, *ONE))


def _bytes(content: bytes, name: str = "labels.nii.gz"):
    def fault(bench: Bench) -> list[object]:
        (bench.folder / name).write_bytes(content)
        return measure(bench.spine.ct, "--segmentation", bench.folder / name)

    return fault


def _in_pieces(bench: Bench, labels: np.ndarray) -> None:
    cut = int(np.quantile(np.nonzero(labels == 21)[2], 0.3))
    slab = labels[:, :, cut - 4 : cut + 5]
    slab[slab == 21] = 0


def _with_holes(bench: Bench, labels: np.ndarray) -> None:
    k, j, i = (int(np.median(part)) for part in np.nonzero((labels == 21) & (bench.spine.phantom.voxels_hu < 250)))
    labels[k - 1 : k + 2, j - 9 : j + 10, i - 9 : i + 10] = 0


def _shifted_up(bench: Bench, labels: np.ndarray) -> np.ndarray:
    return np.roll(labels, 2, axis=0)


def _outside(bench: Bench) -> list[object]:
    bench.image("labels.nii.gz", bench.honest.spine.labels(HONEST), bench.spine)
    image = SimpleITK.ReadImage(str(bench.folder / "labels.nii.gz"))
    image.SetOrigin([1000.0, 0.0, 0.0])
    SimpleITK.WriteImage(image, str(bench.folder / "labels.nii.gz"))
    return measure(bench.spine.ct, "--segmentation", bench.folder / "labels.nii.gz")


def _levels(*levels: str):
    """Return a function that measures the label map of both, with options."""
    return _labels(None, HONEST, "--levels", ",".join(levels))


def _cranial_part(bench: Bench) -> list[object]:
    """Measure in a CT that ends within L2, with the segmentation of the whole."""
    ct = SimpleITK.ReadImage(str(bench.spine.ct))
    top = int(np.nonzero(bench.honest.spine.masks["L2"].any(axis=(1, 2)))[0].max())
    SimpleITK.WriteImage(ct[:, :, : top - 1], str(bench.folder / "ct.nrrd"))
    bench.image("labels.nii.gz", bench.honest.spine.labels(HONEST), bench.spine)
    return measure(bench.folder / "ct.nrrd", "--segmentation", bench.folder / "labels.nii.gz", "--levels", "L2")


def _excluded(bench: Bench) -> list[object]:
    ct, labels = bench.folder / "ct.nrrd", bench.folder / "labels.nii.gz"
    return measure(ct, "--segmentation", labels, "--levels", "L2,L3", "--exclude", "L2=out of the scan")


SEGMENTATIONS = (
    Remedy(
        "“L2” is L2 by its name and L3 by its terminology: .*such as --segment “L2=L2”",
        _seg(tagged("L2", 21, "L3"), segment("L3", 22, Layer=0)),
        _seg(tagged("L2", 21, "L3"), segment("L3", 22, Layer=0), options=("--segment", "L2=L2")),
    ),
    Remedy(
        "“L2” and “L3” .* have the same label value 21: save the segmentation again, with a value for each",
        _seg(segment("L2", 21, Layer=0), segment("L3", 21, Layer=0)),
        HONEST_SEG,
    ),
    Remedy(
        "Two segments are named L2, .*: choose one, such as --segment “L2=",
        _seg(segment("L2", 21, Layer=0), segment("vertebra L2", 22, Layer=0), segment("L3", 23, Layer=0)),
        _seg(
            *(segment("L2", 21, Layer=0), segment("vertebra L2", 22, Layer=0), segment("L3", 23, Layer=0)),
            values={"L2": 21, "L3": 23},
            options=("--segment", "L2=L2"),
        ),
    ),
    Remedy(
        "No segment is named after a level .*: assign each level",
        _seg(segment("a", 21, Layer=0), segment("b", 22, Layer=0)),
        _seg(segment("a", 21, Layer=0), segment("b", 22, Layer=0), options=("--segment", "L2=a", "--segment", "L3=b")),
    ),
    Remedy(
        "label values .*: assign each level",
        _labels(None, {"L2": 1, "L3": 2}),
        _labels(None, {"L2": 1, "L3": 2}, "--segment", "L2=1", "--segment", "L3=2"),
    ),
    Remedy(
        "L2 is assigned to “9”, but .*: choose one of",
        _labels(None, HONEST, "--segment", "L2=9"),
        _labels(None, HONEST, "--segment", "L2=21"),
    ),
    Remedy(
        "segment of L3 is not below that of L2.*assign the level, such as --segment “L3=NAME”",
        _labels(None, {"L2": 22, "L3": 21}, "--segment", "L3=22"),
        _labels(None, {"L2": 22, "L3": 21}, "--segment", "L2=22", "--segment", "L3=21"),
    ),
    Remedy(
        "L1 has no segment .*or exclude it with a reason",
        _levels("L1", "L2"),
        _labels(None, HONEST, "--levels", "L1,L2", "--exclude", "L1=not segmented"),
    ),
    Remedy(
        "contains none of L1, .*name the levels to measure, such as --levels T12",
        _seg(segment("T12", 19, Layer=0), values={"L2": 19}),
        _seg(segment("T12", 19, Layer=0), values={"L2": 19}, options=("--levels", "T12")),
    ),
    Remedy(
        "--segment needs a segmentation.*give --segmentation as well",
        lambda bench: measure(bench.files.ct, "--markups", bench.files.markups, "--segment", "L2=21"),
        _labels(None, HONEST, "--segment", "L2=21"),
    ),
    Remedy("no segment of a vertebra: check that it is the right file", _labels(None, {}), HONEST_LABELS),
    Remedy("unsupported segmentation format: choose", _bytes(b"x", "labels.txt"), HONEST_LABELS),
    Remedy(
        r"not a number \(NaN\): save the segmentation with whole numbers",
        _labels(lambda bench, labels: np.where(labels == 0, np.nan, labels).astype(np.float32)),
        HONEST_LABELS,
    ),
    Remedy(
        "is not a segmentation: choose one with a whole number for each",
        lambda bench: measure(bench.spine.ct, "--segmentation", bench.spine.ct),
        HONEST_LABELS,
    ),
    Remedy("segment of L2 is outside the CT: check that the segmentation belongs", _outside, HONEST_LABELS),
    Remedy("reaches the .* of the CT.*: omit L2, or exclude it with", _cranial_part, _excluded),
    Remedy(
        "segment of L2 contains several vertebrae.*: use a segmentation with one segment for each",
        _seg(segment("L2", 21, Layer=0), values=dict.fromkeys(("L1", "L2", "L3", "L4"), 21)),
        HONEST_SEG,
    ),
    Remedy(
        "has no voxels for L2.*Draw the missing segment",
        _seg(segment("L2", 9, Layer=0), segment("L3", 22, Layer=0)),
        HONEST_SEG,
        "segment_empty",
    ),
    Remedy("in the numbering of .*Check that the levels are right", HONEST_LABELS, HONEST_SEG, "labels_read_by_value"),
    Remedy("pieces", _labels(_in_pieces, HONEST, *ONE), HONEST_LABELS, "mask_in_pieces"),
    Remedy("holes", _labels(_with_holes, HONEST, *ONE), HONEST_LABELS, "mask_with_holes"),
    Remedy("end of its segment", _changed(_shifted_up), _changed(None), "mask_and_ct_disagree"),
)


def _seeds_file(bench: Bench, seeds: Mapping[str, np.ndarray], name: str = "seeds.mrk.json", lists: int = 1) -> Path:
    points = [{"label": label.rstrip("'"), "position": list(map(float, point))} for label, point in seeds.items()]
    markup = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}
    return bench.text(name, json.dumps({"markups": [markup] * lists}))


def _centers(bench: Bench, *levels: str) -> dict[str, np.ndarray]:
    return {level: bench.spine.phantom.truth[level].midline_ras_mm.mean(axis=0) for level in levels}


def _seeds(change=None, *options: object, levels=("L2", "L3"), lists: int = 1):
    """Return a function that measures seeds in the centers of the bodies, changed by `change(seeds)`."""

    def command(bench: Bench) -> list[object]:
        seeds = _centers(bench, *levels)
        changed = seeds if change is None else change(seeds)
        path = _seeds_file(bench, seeds if changed is None else changed, lists=lists)
        return measure(bench.spine.ct, "--seeds", path, *options)

    return command


HONEST_SEEDS = independent(_seeds(levels=["L2"]))


def _named(**names: str):
    """Return a change of the names of seeds."""
    return lambda seeds: {names.get(name, name): point for name, point in seeds.items()}


def _placed(level: str, by_ras_mm):
    """Return a change of the position of one seed."""
    return lambda seeds: seeds | {level: seeds[level] + by_ras_mm}


SEEDS = (
    Remedy(
        "is a folder: choose the point list in it",
        lambda bench: measure(bench.spine.ct, "--seeds", bench.folder),
        HONEST_SEEDS,
    ),
    Remedy("contains 2 .*: save one list with a point in each body", _seeds(lists=2), HONEST_SEEDS),
    Remedy("point list .* is empty: place a point", _seeds(lambda seeds: {}), HONEST_SEEDS),
    Remedy("“F-1” .* is not a level: name each point after its vertebral body", _seeds(_named(L2="F-1")), HONEST_SEEDS),
    Remedy(
        "L1 has no seed: add a point named L1 to the point list",
        _seeds(None, "--levels", "L1,L2"),
        _seeds(None, "--levels", "L1,L2", levels=("L1", "L2")),
    ),
    Remedy(
        "outside the CT.*: place it in the center", _seeds(_placed("L2", 500 * LEFT_RAS), levels=["L2"]), HONEST_SEEDS
    ),
    Remedy(
        "L2.*: place it in the center of L2's body", _seeds(_placed("L2", 45 * LEFT_RAS), levels=["L2"]), HONEST_SEEDS
    ),
    Remedy(
        "L3 are in the same vertebral body: place each point in its own",
        lambda bench: _seeds(lambda seeds: {"L2": seeds["L2"], "L3": seeds["L2"] - 4 * SUPERIOR_RAS})(bench),
        HONEST_SEEDS,
    ),
    Remedy("L2 is .* mm below L3: name the points", _seeds(_named(L2="L3", L3="L2")), HONEST_SEEDS),
    Remedy(
        "L2 was not clicked.*Check in the images that no level",
        _seeds(None, "--fill-levels", levels=("L1", "L3")),
        _seeds(None, levels=("L1", "L2", "L3")),
        "level_filled_in",
    ),
    Remedy(
        "Check that it is the intended body",
        _seeds(_placed("L2", 11 * LEFT_RAS), levels=["L2"]),
        HONEST_SEEDS,
        "click_off_center",
    ),
    Remedy(
        "--fill-levels needs seeds.*give --seeds as well",
        lambda bench: measure(bench.spine.ct, "--markups", bench.spine.markups, "--fill-levels"),
        _seeds(None, "--fill-levels"),
    ),
)
