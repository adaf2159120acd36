"""Slices packed one after another as gzip; the empty ones, nearly all of a label map's, are packed only once."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

# Ten bytes that name neither file nor time nor system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# The last block of the packed data, with nothing in it.
_END_OF_DATA = b"\x03\x00"
# With this a packed slice ends (RFC 1951, 3.2.4: a block of no bytes, stored).
_END_OF_SLICE = b"\x00\x00\xff\xff"


class PackedSlices:
    """Writes slices of one size as the gzip data of a file.

    Parameters
    ----------
    stream : binary file
        Where they go.
    slice_bytes : int
        Of a slice, unpacked.

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
        """Add a slice; one that is `empty` itself costs its checksum alone."""
        self._checksum = zlib.crc32(content, self._checksum)
        self._length += len(content)
        self._stream.write(self._packed_empty if content is self.empty else _packed(content))

    def close(self) -> None:
        """End the data; the stream stays open."""
        self._stream.write(_END_OF_DATA + struct.pack("<LL", self._checksum, self._length & 0xFFFFFFFF))


def unpacked_slices(packed: bytes, slice_bytes: int) -> Iterator[bytes]:
    """Yield each slice of gzip data that `PackedSlices` wrote; empty ones are known by their looks, not unpacked."""
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
    """Return bytes packed so that they can stand between others: they end with a byte and refer to none before."""
    packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
