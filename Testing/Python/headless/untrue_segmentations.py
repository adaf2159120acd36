"""Segmentations with incomplete or false headers, names or values."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from headless.untrue_inputs import Honest, Untrue, means_of

# A NIfTI file keeps the geometry in single precision; this moves a proposed midline by some hundredths of a millimeter.
ROUNDED = 0.2
LEVELS = ("L1", "L2", "L3", "L4")
TERMS = {"L1": "66794005", "L2": "14293000", "L3": "36470004"}


def measured_levels(*levels: str):
    """Return the right means: those of the honest segmentation, of these levels."""

    def right(honest: Honest) -> dict[str, float]:
        means_hu = means_of(honest.spine.from_masks)
        return {name: mean_hu for name, mean_hu in means_hu.items() if name.split()[0] in levels}

    return right


def called(names: Mapping[str, str]):
    """Return the right means where each true level is called otherwise: from its true name to that in the input."""

    def right(honest: Honest) -> dict[str, float]:
        means_hu = means_of(honest.spine.from_masks)
        return {
            f"{names[name.split()[0]]} {name.split()[1]}": mean_hu
            for name, mean_hu in means_hu.items()
            if name.split()[0] in names
        }

    return right


ALL = measured_levels(*LEVELS)


def of(path: Path, honest: Honest, *options) -> list[object]:
    return [honest.spine.files.ct, "--segmentation", path, *options]


def seg_nrrd(path: Path, honest: Honest, labels: np.ndarray, segments: Sequence[Mapping[str, object]]) -> Path:
    """Write a .seg.nrrd as another program may, with these keys for its segments."""
    steps = honest.spine.files.phantom.ras_from_ijk * np.array([-1, -1, 1, 1])[:, None]
    *vectors, origin = (f"({','.join(map(repr, column[:3].tolist()))})" for column in steps.T)
    lines = [
        "NRRD0004",
        "type: uint8",
        f"dimension: {labels.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in labels.shape[::-1])}",
        f"space directions: {'none ' * (labels.ndim - 3)}{' '.join(vectors)}",
        f"kinds: {'list ' * (labels.ndim - 3)}domain domain domain",
        "encoding: gzip",
        f"space origin: {origin}",
    ]
    lines += [f"Segment{n}_{key}:={value}" for n, keys in enumerate(segments) for key, value in keys.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + gzip.compress(labels.tobytes(), 1))
    return path


def header(*segments: Mapping[str, object], order: Sequence[str] = LEVELS, empty: Sequence[str] = ()):
    """Return arguments: a .seg.nrrd with these segments; the levels have the values 1, 2 … in this order."""

    def make(honest, folder):
        values = {level: n for n, level in enumerate(order, start=1) if level not in empty}
        return of(seg_nrrd(folder / "a.seg.nrrd", honest, honest.spine.labels(values), segments), honest)

    return make


def segment(name: str, value: int, **keys) -> dict[str, object]:
    return {"Name": name, "LabelValue": value, **keys}


def tagged(name: str, value: int, level: str) -> dict[str, object]:
    """Return a segment with the terminology of a level."""
    term = f"TerminologyEntry:x~SCT^123037004^Anatomy~SCT^{TERMS[level]}^{level} vertebra~^^~~^^~^^|"
    return segment(name, value, Layer=0, Tags=term)


def layered(without_layer: bool):
    """Return arguments: each segment has a layer of its own, said or, as before Slicer 4.11, not."""

    def make(honest, folder):
        layers = np.stack([honest.spine.masks[level] for level in LEVELS], axis=-1).astype(np.uint8)
        said = [{"Name": level} if without_layer else segment(level, 1, Layer=n) for n, level in enumerate(LEVELS)]
        return of(seg_nrrd(folder / "a.seg.nrrd", honest, np.ascontiguousarray(layers), said), honest)

    return make


def values(by_level: Mapping[str, int], *options):
    """Return arguments: a label map of values alone."""
    return lambda honest, folder: of(
        honest.spine.write(folder / "labels.nii.gz", honest.spine.labels(by_level)), honest, *options
    )


def files(names: Mapping[str, str], empty: Sequence[str] = (), strangers: Mapping[str, bytes] | None = None):
    """Return arguments: a folder with a file for each true level, called as `names` says."""

    def make(honest, folder):
        for level, name in names.items():
            labels = honest.spine.labels({} if level in empty else {level: 1})
            honest.spine.write(folder / "masks" / f"vertebrae_{name}.nii.gz", labels)
        for name, content in (strangers or {}).items():
            (folder / "masks" / name).write_bytes(content)
        return of(folder / "masks", honest)

    return make


def own_name(folder_name: str, segment_name: str):
    """Return arguments: a folder of .seg.nrrd files, one with a segment name unlike its file name."""

    def make(honest, folder):
        for level in LEVELS:
            name = segment_name if level == folder_name else level
            labels = honest.spine.labels({level: 1})
            seg_nrrd(folder / "masks" / f"{level}.seg.nrrd", honest, labels, [segment(name, 1, Layer=0)])
        return of(folder / "masks", honest)

    return make


def shifted(k: int) -> dict[str, str]:
    """Return true levels called by the name of the vertebra `k` below."""
    names = ("T12", "L1", "L2", "L3", "L4", "L5", "L6")
    return {level: names[n + 1 + k] for n, level in enumerate(LEVELS)}


HEADER = "a .seg.nrrd whose header says too little"
COUNT = "a spine that is not counted as most are"
EMPTY = "a level that is named but empty"
ONE_VALUE = "one label value for two segments"
CONTRADICTS = "a name that contradicts the meaning"

SEGMENTATIONS = (
    Untrue(
        HEADER,
        "no Layer",
        header(*(segment(name, n) for n, name in enumerate(LEVELS, 1))),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
    Untrue(
        HEADER,
        "no Layer, from caudal",
        header(*(segment(name, n) for n, name in enumerate(LEVELS[::-1], 1)), order=LEVELS[::-1]),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
    Untrue(HEADER, "a layer each, as today", layered(without_layer=False), mean_hu=ALL, within_hu=ROUNDED),
    Untrue(
        HEADER,
        "a layer each, unsaid, as before Slicer 4.11",
        layered(without_layer=True),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
    Untrue(
        ONE_VALUE,
        "L3 and L4",
        header(*(segment(name, min(n, 3), Layer=0) for n, name in enumerate(LEVELS, 1))),
        refused="“L3” and “L4” in “a.seg.nrrd” have the same label value 3",
    ),
    Untrue(
        ONE_VALUE,
        "L1 and L2, no Layer",
        header(*(segment(name, max(n, 2)) for n, name in enumerate(LEVELS, 1))),
        refused="“L1” and “L2” in “a.seg.nrrd” have the same label value 2",
    ),
    Untrue(
        ONE_VALUE,
        "two ribs",
        header(
            *(segment(name, n, Layer=0) for n, name in enumerate(LEVELS, 1)),
            segment("rib a", 9, Layer=0),
            segment("rib b", 9, Layer=0),
        ),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
    Untrue(
        EMPTY,
        "no voxel has the value",
        header(*(segment(name, n, Layer=0) for n, name in enumerate(LEVELS, 1)), empty=["L2"]),
        within_hu=ROUNDED,
        mean_hu=measured_levels("L1", "L3", "L4"),
        findings=["segment_empty", "levels_missing"],
        says="has no voxels for L2 .“L2”.",
    ),
    Untrue(
        EMPTY,
        "another value is stated",
        header(*(segment(name, 9 if name == "L2" else n, Layer=0) for n, name in enumerate(LEVELS, 1))),
        within_hu=ROUNDED,
        mean_hu=measured_levels("L1", "L3", "L4"),
        findings=["segment_empty"],
    ),
    Untrue(
        EMPTY,
        "a file of zeros",
        files({level: level for level in LEVELS}, empty=["L4"]),
        within_hu=ROUNDED,
        mean_hu=measured_levels("L1", "L2", "L3"),
        findings=["segment_empty"],
    ),
    Untrue(
        EMPTY, "all of them", files({level: level for level in LEVELS}, empty=LEVELS), refused="no segment of a ver"
    ),
    Untrue(
        COUNT,
        "L6 by value",
        values({"L1": 22, "L2": 23, "L3": 24, "L4": 25}),
        within_hu=ROUNDED,
        mean_hu=called({"L1": "L3", "L2": "L4"}),
        findings=["sixth_lumbar_vertebra"],
        says="L3: The segmentation contains an L6",
    ),
    Untrue(
        COUNT,
        "T13 by value, VerSe 28",
        values({"L1": 28, "L2": 20, "L3": 21, "L4": 22}),
        within_hu=ROUNDED,
        mean_hu=called({"L2": "L1", "L3": "L2", "L4": "L3"}),
        findings=["thirteenth_thoracic_vertebra"],
        says="L2: The segmentation contains a T13",
    ),
    Untrue(
        COUNT,
        "T13 and sacrum, VerSe 28 and 26",
        values({"L1": 28, "L2": 20, "L3": 24, "L4": 26}),
        within_hu=ROUNDED,
        mean_hu=called({"L2": "L1"}),
        findings=["thirteenth_thoracic_vertebra"],
    ),
    Untrue(
        COUNT,
        "no L5 above the sacrum, VerSe 26",
        values({"L1": 21, "L2": 22, "L3": 23, "L4": 26}),
        within_hu=ROUNDED,
        mean_hu=called({"L1": "L2", "L2": "L3", "L3": "L4"}),
        findings=["vertebra_skipped"],
        says="contains L4 and S1 but no L5",
    ),
    Untrue(
        COUNT,
        "L6 by file name",
        files(shifted(2)),
        within_hu=ROUNDED,
        mean_hu=called({"L1": "L3", "L2": "L4"}),
        findings=["sixth_lumbar_vertebra"],
        says="L4: The segmentation contains an L6",
    ),
    Untrue(
        COUNT,
        "T13 by file name",
        files({"L1": "T13", "L2": "L1", "L3": "L2", "L4": "L3"}),
        within_hu=ROUNDED,
        mean_hu=called({"L2": "L1", "L3": "L2", "L4": "L3"}),
        findings=["thirteenth_thoracic_vertebra"],
    ),
    Untrue(
        COUNT,
        "T13 by segment name",
        header(*(segment(name, n, Layer=0) for n, name in enumerate(("T13", "L1", "L2", "L3"), 1))),
        within_hu=ROUNDED,
        mean_hu=called({"L2": "L1", "L3": "L2", "L4": "L3"}),
        findings=["thirteenth_thoracic_vertebra"],
    ),
    Untrue(
        COUNT,
        "no L5 by segment name",
        header(*(segment(name, n, Layer=0) for n, name in enumerate(("L2", "L3", "L4", "S1"), 1))),
        within_hu=ROUNDED,
        mean_hu=called({"L1": "L2", "L2": "L3", "L3": "L4"}),
        findings=["vertebra_skipped"],
    ),
    Untrue(
        CONTRADICTS,
        "terminology of L3",
        header(*(tagged(name, n, "L3" if name == "L2" else name) for n, name in enumerate(LEVELS[:3], 1))),
        refused="“L2” is L2 by its name and L3 by its terminology",
    ),
    Untrue(
        CONTRADICTS,
        "terminology agrees",
        header(*(tagged(name, n, name) for n, name in enumerate(LEVELS[:3], 1)), segment("L4", 4, Layer=0)),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
    Untrue(
        CONTRADICTS, "file of another level", own_name("L2", "L3"), refused="“L3” is L3 by its name and L2 by its file"
    ),
    Untrue(
        "files of file managers",
        "among masks",
        files({level: level for level in LEVELS}, strangers={"._vertebrae_L1.nii.gz": b"x", "Thumbs.db": b"x"}),
        mean_hu=ALL,
        within_hu=ROUNDED,
    ),
)
