"""Make the CT that `lumbarhu demo` measures."""

from LumbarHULib.phantom.grid import Grid, axial_grid
from LumbarHULib.phantom.render import PhantomCt, render_on_grid
from LumbarHULib.phantom.spines import demo_spine


def demo_grid(pixel_mm: float = 0.7, slice_mm: float = 2.5) -> Grid:
    """Return a field of view of 350 × 266 × 215 mm from the lower part of T12 to the upper sacrum, centered on L3."""
    return axial_grid((0.0, 7.0, -12.5), (350.0, 266.0, 215.0), pixel_mm, slice_mm)


def demo_ct(pixel_mm: float = 0.7, slice_mm: float = 2.5, noise_hu: float = 12.0, seed: int = 2022) -> PhantomCt:
    """Return the CT of an abdomen without contrast medium, with the scanner's blur and noise."""
    return render_on_grid(demo_spine(), demo_grid(pixel_mm, slice_mm), noise_hu=noise_hu, noise_fwhm_mm=1.0, seed=seed)
