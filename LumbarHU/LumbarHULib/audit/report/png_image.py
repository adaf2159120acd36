"""Write gray pictures as PNG.

Pillow could as well, but these few lines always give the same bytes, whatever version of Pillow there is.
"""

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY_8_BIT = (8, 0, 0, 0, 0)  # bits, color type, compression, filter, interlace


def gray_png(pixels: np.ndarray) -> bytes:
    """Return a PNG file (ISO/IEC 15948) of 8-bit gray pixels, shape (rows, columns), uint8."""
    rows, columns = pixels.shape
    # Each row begins with its filter: none.
    lines = np.zeros((rows, columns + 1), np.uint8)
    lines[:, 1:] = pixels
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, *_GRAY_8_BIT)),
            _chunk(b"IDAT", zlib.compress(lines.tobytes())),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
