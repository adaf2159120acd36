"""Convert fine samples of a slice to the CT's pixels: blur, edge enhancement, noise and streaks."""

import numpy as np

from LumbarHULib.phantom.hostile.anatomy import Scanner
from LumbarHULib.phantom.render import SIGMA_PER_FWHM


def filtered(fine_hu: np.ndarray, step_mm: float, scanner: Scanner) -> np.ndarray:
    """Return fine samples of a slice after the scanner's kernel."""
    from scipy.ndimage import gaussian_filter

    sigma = SIGMA_PER_FWHM * scanner.blur_fwhm_mm / step_mm
    blurred = gaussian_filter(fine_hu, sigma, mode="nearest") if sigma > 0 else fine_hu
    if scanner.sharpening == 0:
        return blurred
    wide = gaussian_filter(fine_hu, SIGMA_PER_FWHM * scanner.sharpening_fwhm_mm / step_mm, mode="nearest")
    return blurred + scanner.sharpening * (blurred - wide)


def noise(shape: tuple[int, int], scanner: Scanner, random: np.random.Generator) -> np.ndarray:
    """Return the noise of one slice, HU: a ramp filter's spectrum up to the kernel's limit, and streaks."""
    total = np.zeros(shape)
    frequency_y = np.fft.fftfreq(shape[0], scanner.pixel_mm)[:, None]
    frequency_x = np.fft.rfftfreq(shape[1], scanner.pixel_mm)[None, :]
    radius = np.hypot(frequency_x, frequency_y)
    if scanner.noise_hu > 0:
        sigma = SIGMA_PER_FWHM * scanner.blur_fwhm_mm
        response = np.exp(-2 * (np.pi * sigma * radius) ** 2)
        if scanner.sharpening:
            wide = SIGMA_PER_FWHM * scanner.sharpening_fwhm_mm
            response *= 1 + scanner.sharpening * (1 - np.exp(-2 * (np.pi * wide * radius) ** 2))
        total += scanner.noise_hu * _shaped(np.sqrt(radius) * response, shape, random)
    if scanner.streak_hu > 0:
        smear = np.exp(-2 * (np.pi * 12.0 * frequency_x) ** 2 - 2 * (np.pi * 0.6 * frequency_y) ** 2)
        smear[0, 0] = 0
        total += scanner.streak_hu * _shaped(smear, shape, random)
    if scanner.metal_hu > 0:
        total += scanner.metal_hu * _fan(shape, scanner.pixel_mm, random)
    return total


def _shaped(amplitude: np.ndarray, shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return noise of SD 1 with the given amplitudes in the half spectrum."""
    white = np.fft.rfft2(random.standard_normal(shape))
    field = np.fft.irfft2(white * amplitude, s=shape)
    return field / max(field.std(), 1e-12)


def _fan(shape: tuple[int, int], pixel_mm: float, random: np.random.Generator) -> np.ndarray:
    """Return bright and dark rays of SD 1 from a point next to the field of view."""
    from scipy.ndimage import gaussian_filter1d

    rows, columns = np.indices(shape, dtype=float)
    side = random.choice([-1, 1])
    source = np.array([random.uniform(0.2, 0.8) * shape[0], shape[1] / 2 + side * random.uniform(0.6, 0.9) * shape[1]])
    angle = np.arctan2(rows - source[0], columns - source[1])
    bins = 720
    rays = gaussian_filter1d(random.standard_normal(bins), 1.5, mode="wrap")
    values = np.interp(angle.ravel(), np.linspace(-np.pi, np.pi, bins), rays / rays.std()).reshape(shape)
    apart_mm = pixel_mm * np.hypot(rows - source[0], columns - source[1])
    values *= 60.0 / (30.0 + apart_mm)
    return values / values.std()
