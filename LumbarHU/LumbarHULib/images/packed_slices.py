"""Compress slices one after another as gzip; repeated slices, nearly all of a label map's, are compressed only once."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

# Ten bytes that state no file name, time or system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# The last block of the compressed data, which is empty.
_END_OF_DATA = b"\x03\x00"
# The end of a compressed slice (RFC 1951, 3.2.4: a stored block of no bytes).
_END_OF_SLICE = b"\x00\x00\xff\xff"
# Zeros before and after the content of a slice are written in pieces of this size times a power of two, which are
# compressed once and recognized when they are read.
_LEAST_ZEROS = 1 << 14
# The best compression, 9, takes three times as long for 3 % less.
_LEVEL = 6


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
        self._of_empty = _packed_empty(slice_bytes)
        self._last, self._of_last = self.empty, self._of_empty
        self._stream = stream
        self._checksum, self._length = 0, 0
        stream.write(_HEADER)

    def write(self, content: bytes, begin: int = 0, end: int | None = None) -> None:
        """Add a slice; one that is `empty`, or equal to the slice before, is not compressed again.

        Parameters
        ----------
        content : bytes
        begin, end : int
            All bytes before the first and from the second on are zero.
        """
        if content is self.empty:
            packed = self._of_empty
        else:
            if content is not self._last and content != self._last:
                self._last, self._of_last = content, _packed_slice(content, begin, end)
            packed = self._of_last
        self._stream.write(packed.data)
        self._checksum = _joined_checksum(self._checksum, packed.checksum, len(content))
        self._length += len(content)

    def close(self) -> None:
        """End the data; the stream stays open."""
        self._stream.write(_END_OF_DATA + struct.pack("<LL", self._checksum, self._length & 0xFFFFFFFF))


def unpacked_slices(packed: bytes, slice_bytes: int) -> Iterator[bytes]:
    """Yield each slice of gzip data that `PackedSlices` wrote; a slice equal to the one before is not decompressed."""
    empty, packed_empty = bytes(slice_bytes), _packed_empty(slice_bytes).data
    last, packed_last = empty, packed_empty
    at = len(_HEADER)
    while not packed.startswith(_END_OF_DATA, at):
        if packed.startswith(packed_empty, at):
            at += len(packed_empty)
            yield empty
            continue
        # The compressed bytes of a slice refer to no earlier data, so the same bytes are the same slice.
        if packed.startswith(packed_last, at):
            at += len(packed_last)
            yield last
            continue
        begin, unpacker, parts, missing = at, zlib.decompressobj(-zlib.MAX_WBITS), [], slice_bytes
        while missing:
            count, end = _zeros_at(packed, at, missing)
            if count:
                parts.append(bytes(count))
            else:
                end = packed.index(_END_OF_SLICE, at) + len(_END_OF_SLICE)
                parts.append(unpacker.decompress(packed[at:end]))
            at, missing = end, missing - len(parts[-1])
        content = b"".join(parts)
        last, packed_last = content, packed[begin:at]
        yield content


@dataclass(frozen=True)
class _Packed:
    """A slice's compressed bytes and its CRC-32.

    The bytes can be joined with those of other slices: they end at a byte boundary and refer to no earlier data.
    """

    data: bytes
    checksum: int

    @classmethod
    def of(cls, content: bytes) -> "_Packed":
        packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
        return cls(packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH), zlib.crc32(content))


@lru_cache(maxsize=1)
def _packed_empty(slice_bytes: int) -> _Packed:
    return _Packed.of(bytes(slice_bytes))


def _packed_slice(content: bytes, begin: int, end: int | None) -> _Packed:
    """Return a slice, packed in three parts: the zeros before `begin`, the content, and the zeros from `end` on."""
    before, after = (count // _LEAST_ZEROS * _LEAST_ZEROS for count in (begin, len(content) - (end or len(content))))
    filled = _Packed.of(content[before : len(content) - after])
    return _Packed(_packed_zeros(before) + filled.data + _packed_zeros(after), zlib.crc32(content))


def _packed_zeros(count: int) -> bytes:
    """Return this many zeros in pieces, the largest first; the count is a multiple of the smallest."""
    pieces = []
    while count:
        size = 1 << (count.bit_length() - 1)
        pieces.append(_piece_of_zeros(size))
        count -= size
    return b"".join(pieces)


@lru_cache(maxsize=16)
def _piece_of_zeros(size: int) -> bytes:
    return _Packed.of(bytes(size)).data


def _zeros_at(packed: bytes, at: int, most: int) -> tuple[int, int]:
    """Return the number of zeros of the piece that begins there, and where it ends; 0 where none of these begins."""
    size = _LEAST_ZEROS
    while size <= most:
        piece = _piece_of_zeros(size)
        if packed.startswith(piece, at):
            return size, at + len(piece)
        size *= 2
    return 0, at


def _joined_checksum(first: int, second: int, second_bytes: int) -> int:
    """Return the CRC-32 of joined data from the CRC-32 of both parts, as zlib's crc32_combine does."""
    for changes in _changes_by_byte(second_bytes):
        second ^= changes[first & 0xFF]
        first >>= 8
    return second


@lru_cache(maxsize=1)
def _changes_by_byte(count: int) -> list[list[int]]:
    """Return how each value of each byte of a CRC-32, lowest first, changes that of the data with `count` bytes more.

    Each bit changes it independently of the other bits, and of what the bytes are.
    """
    zeros = bytes(count)
    alone = zlib.crc32(zeros)
    tables = []
    for byte in range(4):
        changes = [0]
        for bit in range(8 * byte, 8 * byte + 8):
            of_bit = zlib.crc32(zeros, 1 << bit) ^ alone
            changes += [change ^ of_bit for change in changes]
        tables.append(changes)
    return tables
