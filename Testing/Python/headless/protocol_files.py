"""A vertebra with its segmentation and a gradient in its bone, as files, for tests of protocols."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from headless.phantom_files import write_midlines
from placement.phantom_masks import vertebra_mask

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import PhantomCt, render_on_grid
from LumbarHULib.phantom.spines import upright_spine

SHIPPED = ("lumbarhu-2022-study", "circle-200mm2-2025", "ellipse-prism", "eroded-7mm-2021", "three-slice")
REGIONS = {
    "circle-200mm2-2025": "circle_200mm2",
    "three-slice": "three_ellipses",
    "ellipse-prism": "ellipse_prism",
    "eroded-7mm-2021": "eroded_7mm",
}


@dataclass(frozen=True, eq=False)
class VertebraFiles:
    """L1 as files."""

    phantom: PhantomCt
    ct: Path
    markups: Path
    segmentation: Path


def write_vertebra(folder: Path, slice_mm: float = 1.5, off_mm: float = 0.0) -> VertebraFiles:
    """Write L1 alone, whole, with noise; its mid-height is `off_mm` above the middle slice."""
    spec = upright_spine(("L1",), trunk=False, rotation_deg=3, trabecular_gradient_hu_per_mm=(0.3, -0.8, 1.1))
    (vertebra,) = spec.vertebrae
    right, anterior, superior = vertebra.center_ras_mm
    center = (right, anterior - 12.0, superior - off_mm)
    slices = 2 * int(21 / slice_mm) + 1
    grid = axial_grid(center, (88.0, 84.0, slices * slice_mm), 0.8, slice_mm)
    phantom = render_on_grid(spec, grid, noise_hu=8, noise_fwhm_mm=1.0, seed=3)
    folder.mkdir(parents=True, exist_ok=True)
    ct, segmentation = folder / "ct.nrrd", folder / "vertebrae.nrrd"
    write_ct(ct, phantom.voxels_hu, phantom.ras_from_ijk)
    labels = SimpleITK.GetImageFromArray(20 * vertebra_mask(vertebra, grid).astype(np.uint8))
    labels.CopyInformation(SimpleITK.ReadImage(str(ct)))
    SimpleITK.WriteImage(labels, str(segmentation), True)
    return VertebraFiles(phantom, ct, write_midlines(folder / "markups", phantom), segmentation)


def by(*protocols) -> list[str]:
    """Return the options that name these protocols."""
    return [word for protocol in protocols for word in ("--protocol", str(protocol))]
