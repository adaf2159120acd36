import io

import numpy as np
from PIL import Image

from LumbarHULib.audit.report.png_image import gray_png


def test_another_program_reads_the_same_pixels():
    pixels = np.random.default_rng(3).integers(0, 256, (7, 300), dtype=np.uint8)
    with Image.open(io.BytesIO(gray_png(pixels))) as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(picture), pixels)


def test_a_view_of_a_larger_array_is_written_correctly():
    pixels = np.arange(200, dtype=np.uint8).reshape(10, 20)[::-2, 3:17]
    with Image.open(io.BytesIO(gray_png(pixels))) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
