"""Voxels that were not scanned: declared as padding with any value, or filled with one value."""

from pathlib import Path

import numpy as np
from headless.untrue_inputs import Honest, Untrue, series_with, set_pixels, with_markups

from LumbarHULib.images.ct_file import write_ct


def block_of(honest: Honest) -> np.ndarray:
    """Return a block of voxels with about a third of the round region, as a boolean array of the CT's shape."""
    _, j, i = np.nonzero(honest.labels["round"])
    block = np.zeros(honest.voxels_hu.shape, bool)
    block[:, : int(np.quantile(j, 0.35)) + 1, i.min() : i.max() + 1] = True
    block[:, : j.min()] = False
    return block


def means_without(honest: Honest, block: np.ndarray) -> dict[str, float]:
    """Return the mean of the round region's voxels outside the block."""
    return {"L3 round": float(honest.voxels_hu[honest.labels["round"] & ~block].mean())}


def means_without_block(honest: Honest) -> dict[str, float]:
    return means_without(honest, block_of(honest))


def padded(value_hu: int, intercept: int = -1024, signed_as_unsigned: bool = False, limit_hu: int | None = None):
    """Return arguments that measure a series whose headers declare a block of this value as padding."""

    def make(honest, folder):
        block = block_of(honest)

        def change(k, dataset, stored):
            stored = stored.astype(np.int64)
            fill = value_hu - intercept
            if limit_hu is None:
                stored[block[k]] = fill
            else:  # any value from one to the other
                ramp = np.linspace(fill, limit_hu - intercept, int(block[k].sum())).round()
                stored[block[k]] = ramp
            kind = np.int16 if intercept == 0 else np.uint16
            set_pixels(dataset, stored.astype(kind))
            vr = "SS" if intercept == 0 and not signed_as_unsigned else "US"
            dataset.add_new(0x00280120, vr, fill % 65536 if vr == "US" else fill)
            if limit_hu is not None:
                dataset.add_new(0x00280121, vr, limit_hu - intercept)

        return [honest.series(folder / "ct", change, intercept=intercept), "--markups", honest.markups]

    return make


def filled(value_hu: float, suffix: str = ".nrrd", where=block_of, kind=np.int16):
    """Return arguments that measure a file in which a block is filled with one value, and nothing says so."""

    def make(honest: Honest, folder: Path) -> Path:
        voxels_hu = honest.voxels_hu.astype(kind)
        voxels_hu[where(honest)] = value_hu
        path = folder / f"ct{suffix}"
        write_ct(path, voxels_hu, honest.files.phantom.ras_from_ijk)
        return path

    return with_markups(make)


def around(honest: Honest) -> np.ndarray:
    """Return the voxels far from the body."""
    _, j, i = np.nonzero(honest.labels["round"])
    outside = np.ones(honest.voxels_hu.shape, bool)
    outside[:, max(j.min() - 30, 0) : j.max() + 40, max(i.min() - 35, 0) : i.max() + 36] = False
    return outside


def whole_region(honest: Honest) -> np.ndarray:
    """Return a block with two thirds of the round region."""
    _, j, i = np.nonzero(honest.labels["round"])
    block = np.zeros(honest.voxels_hu.shape, bool)
    block[:, j.min() : int(np.quantile(j, 0.7)) + 1, i.min() : i.max() + 1] = True
    return block


def undeclared_slice(honest: Honest, folder: Path):
    """Only the mid-slice declares padding; the other slices have measured values in the same block."""
    block = block_of(honest)
    middle = int(np.nonzero(honest.labels["round"])[0][0])

    def change(k, dataset, stored):
        if k == middle:
            stored = stored.copy()
            stored[block[k]] = 1124
            set_pixels(dataset, stored)
            dataset.add_new(0x00280120, "US", 1124)

    return [honest.series(folder / "ct", change), "--markups", honest.markups]


# The outline around a filled block differs by some hundredths of a millimeter.
LACKS = {"mean_hu": means_without_block, "within_hu": 0.3, "findings": ("padding_in_roi",), "says": "were not scanned"}
NOT_TOLD = {"unsaid": ("padding_in_roi",)}

PADDING = (
    *(
        Untrue("padding declared by the header", f"{hu} HU", padded(hu), **LACKS)
        for hu in (-1024, -999, -500, -200, -50, 0, 50, 100, 200, 400)
    ),
    Untrue("padding declared by the header", "signed, −2000", padded(-2000, intercept=0), **LACKS),
    Untrue(
        "padding declared by the header", "signed, written as 63536", padded(-2000, 0, signed_as_unsigned=True), **LACKS
    ),
    Untrue("padding declared by the header", "range limit, −60 to −20 HU", padded(-60, limit_hu=-20), **LACKS),
    Untrue("padding declared by the header", "range limit, 600 down to 500 HU", padded(600, limit_hu=500), **LACKS),
    Untrue("padding declared by the header", "in only one slice", undeclared_slice, **LACKS),
    Untrue(
        "padding declared by the header",
        "a value that no voxel has",
        series_with(lambda k, dataset, stored: dataset.add_new(0x00280120, "US", 60000)),
        **NOT_TOLD,
    ),
    Untrue(
        "padding declared by the header",
        "an empty element",
        series_with(lambda k, dataset, stored: dataset.add_new(0x00280120, "US", None)),
        **NOT_TOLD,
    ),
    *(
        Untrue("one value filled in, undeclared", f"{hu:g} HU in the body", filled(hu), **LACKS)
        for hu in (-3024, -2000, -1024, -100, 0, 1, 99, 500)
    ),
    Untrue("one value filled in, undeclared", "0.5 HU, floating point", filled(0.5, kind=np.float32), **LACKS),
    Untrue("one value filled in, undeclared", "0 HU, MetaImage", filled(0, suffix=".mha"), **LACKS),
    *(
        Untrue("one value filled in around the body", f"{hu} HU", filled(hu, where=around), **NOT_TOLD)
        for hu in (-3024, -2000, 1)
    ),
    Untrue("one value filled in around the body", "0 HU", filled(0, where=around), refused="exactly 0.*original CT"),
    Untrue(
        "most of a region not scanned", "filled with 0", filled(0, where=whole_region), refused="round ROI of L3.*50 %"
    ),
)
