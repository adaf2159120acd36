"""Label maps passed as others, and markups among the files that file managers leave."""

import shutil
from pathlib import Path

import numpy as np
import SimpleITK
from headless.untrue_inputs import Honest, Untrue, means_of


def changed(change):
    """Return arguments: the label maps of the honest audit folder, changed by `change(folder)`."""

    def make(honest: Honest, folder: Path):
        shutil.copytree(honest.spine.audit / "labelmaps", folder / "maps")
        change(folder / "maps")
        spine = honest.spine.files
        return [spine.ct, "--markups", spine.markups, "--label-maps", folder / "maps"]

    return make


def exchanged(first: str, second: str):
    def change(folder: Path) -> None:
        (folder / f"{first}.nrrd").rename(folder / "other")
        (folder / f"{second}.nrrd").rename(folder / f"{first}.nrrd")
        (folder / "other").rename(folder / f"{second}.nrrd")

    return change


def relabeled(roi: str, change_labels):
    """Return a change of the voxels of one region's map."""

    def change(folder: Path) -> None:
        image = SimpleITK.ReadImage(str(folder / f"{roi}.nrrd"))
        labels = change_labels(SimpleITK.GetArrayFromImage(image))
        other = SimpleITK.GetImageFromArray(labels)
        other.CopyInformation(image)
        SimpleITK.WriteImage(other, str(folder / f"{roi}.nrrd"), useCompression=True)

    return change


def levels_exchanged(labels: np.ndarray) -> np.ndarray:
    exchanged_labels = labels.copy()
    exchanged_labels[labels == 20], exchanged_labels[labels == 21] = 21, 20
    return exchanged_labels


def sides_within(labels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(labels[:, :, ::-1])


def moved(voxels: int, axis: int):
    return lambda labels: np.roll(labels, voxels, axis=axis)


def trimmed(labels: np.ndarray) -> np.ndarray:
    """Take the frontmost two rows of each region away, as a reader would who sees a vein there."""
    kept = labels.copy()
    for value in (20, 21, 22, 23):
        rows = np.nonzero((labels == value).any(axis=(0, 2)))[0]
        kept[:, rows[:2]][labels[:, rows[:2]] == value] = 0
    return kept


def right_trimmed(honest: Honest) -> dict[str, float]:
    """Return the honest means but for the round region without its frontmost two rows, by numpy alone."""
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(honest.spine.audit / "labelmaps" / "round.nrrd")))
    kept = trimmed(labels)
    means_hu = means_of(honest.spine.audit)
    voxels_hu = honest.spine.files.phantom.voxels_hu
    return means_hu | {f"L{value - 19} round": float(voxels_hu[kept == value].mean()) for value in (20, 21, 22, 23)}


def as_measured(honest: Honest) -> dict[str, float]:
    return means_of(honest.spine.audit)


def markups_with(strangers: dict[str, bytes]):
    def make(honest: Honest, folder: Path):
        shutil.copytree(honest.markups, folder / "markups")
        for name, content in strangers.items():
            (folder / "markups" / name).write_bytes(content)
        return [honest.files.ct, "--markups", folder / "markups"]

    return make


OTHER = "label maps of another region, level or place"
LABEL_MAPS = (
    Untrue(
        OTHER,
        "left and right exchanged",
        changed(exchanged("left", "right")),
        refused="(left|right) ROI of L1.*(left|right) ROI from the markups",
    ),
    Untrue(OTHER, "front and left exchanged", changed(exchanged("front", "left")), refused="shares .* with the"),
    Untrue(
        OTHER,
        "round and left exchanged",
        changed(exchanged("round", "left")),
        refused="round ROI.*left ROI from the markups",
    ),
    Untrue(
        OTHER,
        "L1 and L2 exchanged",
        changed(relabeled("right", levels_exchanged)),
        refused="right ROI of L2 from the markups",
    ),
    Untrue(
        OTHER,
        "one map mirrored",
        changed(relabeled("left", sides_within)),
        refused="left ROI of L1.*right ROI from the markups",
    ),
    Untrue(OTHER, "moved by four slices", changed(relabeled("oval", moved(3, 0))), refused="oval ROI of L1.*shares"),
    Untrue(OTHER, "moved by 30 mm", changed(relabeled("round", moved(38, 1))), refused="shares no voxel|shares"),
    Untrue("label maps that a reader corrected", "unchanged", changed(lambda folder: None), mean_hu=as_measured),
    Untrue(
        "label maps that a reader corrected",
        "two rows taken away",
        changed(relabeled("round", trimmed)),
        mean_hu=right_trimmed,
    ),
    Untrue(
        "files of file managers",
        "among markups",
        markups_with({"._L3-midline.mrk.json": b"\0\5\x16\7", ".DS_Store": b"x", "Thumbs.db": b"x"}),
    ),
)
