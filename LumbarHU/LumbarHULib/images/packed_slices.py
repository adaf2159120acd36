"""Compress slices one after another as gzip; empty slices, nearly all of a label map's, are compressed only once."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

# Ten bytes that state no file name, time or system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# The last block of the compressed data, which is empty.
_END_OF_DATA = b"\x03\x00"
# The end of a compressed slice (RFC 1951, 3.2.4: a stored block of no bytes).
_END_OF_SLICE = b"\x00\x00\xff\xff"


class PackedSlices:
    """Writes slices of one size as the gzip data of a file.

    Parameters
    ----------
    stream : binary file
        The file to write to.
    slice_bytes : int
        Size of an uncompressed slice.

    Attributes
    ----------
    empty : bytes
        A slice of zeros.
    """

    def __init__(self, stream: BinaryIO, slice_bytes: int) -> None:
        self.empty = bytes(slice_bytes)
        self._packed_empty = _packed(self.empty)
        self._stream = stream
        self._checksum, self._length = 0, 0
        stream.write(_HEADER)

    def write(self, content: bytes) -> None:
        """Add a slice; for `empty` itself only the checksum is computed."""
        self._checksum = zlib.crc32(content, self._checksum)
        self._length += len(content)
        self._stream.write(self._packed_empty if content is self.empty else _packed(content))

    def close(self) -> None:
        """End the data; the stream stays open."""
        self._stream.write(_END_OF_DATA + struct.pack("<LL", self._checksum, self._length & 0xFFFFFFFF))


def unpacked_slices(packed: bytes, slice_bytes: int) -> Iterator[bytes]:
    """Yield each slice of gzip data that `PackedSlices` wrote; empty slices are recognized without decompression."""
    empty = bytes(slice_bytes)
    packed_empty = _packed(empty)
    at = len(_HEADER)
    while not packed.startswith(_END_OF_DATA, at):
        if packed.startswith(packed_empty, at):
            at += len(packed_empty)
            yield empty
            continue
        unpacker, content = zlib.decompressobj(-zlib.MAX_WBITS), b""
        while len(content) < slice_bytes:
            end = packed.index(_END_OF_SLICE, at) + len(_END_OF_SLICE)
            content += unpacker.decompress(packed[at:end])
            at = end
        yield content


def _packed(content: bytes) -> bytes:
    """Return compressed bytes that can be joined: they end at a byte boundary and refer to no earlier data."""
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
