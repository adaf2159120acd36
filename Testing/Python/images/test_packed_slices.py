"""Slices packed one after another are plain gzip to everybody, and come back as they were."""

import gzip
import io

import numpy as np
import pytest

from LumbarHULib.images.packed_slices import PackedSlices, unpacked_slices

SLICE_BYTES = 3000


def packed(slices) -> bytes:
    stream = io.BytesIO()
    packer = PackedSlices(stream, SLICE_BYTES)
    for content in slices:
        packer.write(packer.empty if content is None else content)
    packer.close()
    return stream.getvalue()


def random_slices(seed):
    """Return slices of noise, of few values, of zeros, and of end markers of packed slices, and repeated slices."""
    random = np.random.default_rng(seed)
    kinds = [
        lambda: random.integers(0, 256, SLICE_BYTES, dtype=np.uint8).tobytes(),
        lambda: random.integers(0, 2, SLICE_BYTES, dtype=np.uint8).tobytes(),
        lambda: (b"\x00\x00\xff\xff" * SLICE_BYTES)[random.integers(0, 4) :][:SLICE_BYTES],
        lambda: bytes(SLICE_BYTES),
        lambda: None,
    ]
    slices = [kinds[kind]() for kind in random.integers(0, len(kinds), 30)]
    return [content for content in slices for _ in range(random.integers(1, 4))]


@pytest.mark.parametrize("seed", range(20))
def test_packed_slices_are_read_back_by_gzip_and_slice_by_slice(seed):
    slices = random_slices(seed)
    true = [bytes(SLICE_BYTES) if content is None else content for content in slices]
    data = packed(slices)
    assert gzip.decompress(data) == b"".join(true)
    assert list(unpacked_slices(data, SLICE_BYTES)) == true


@pytest.mark.parametrize("seed", range(10))
def test_zeros_around_the_content_of_large_slices_come_back_as_well(seed):
    size = 200_000
    random = np.random.default_rng(seed)
    stream = io.BytesIO()
    packer = PackedSlices(stream, size)
    true = []
    for _ in range(6):
        begin, end = np.sort(random.integers(0, size, 2)).tolist() if random.random() < 0.7 else (0, size)
        content = bytes(begin) + random.integers(0, 5, end - begin, dtype=np.uint8).tobytes() + bytes(size - end)
        packer.write(content, begin, end)
        packer.write(packer.empty)
        true += [content, bytes(size)]
    packer.close()
    assert gzip.decompress(stream.getvalue()) == b"".join(true)
    assert list(unpacked_slices(stream.getvalue(), size)) == true


def test_zeros_around_the_content_need_almost_no_memory():
    size = 1 << 20
    stream = io.BytesIO()
    packer = PackedSlices(stream, size)
    packer.write(bytes(size // 2) + b"1" + bytes(size // 2 - 1), size // 2, size // 2 + 1)
    packer.close()
    assert len(stream.getvalue()) < 2000


def test_no_slices_are_an_empty_gzip_file():
    assert gzip.decompress(packed([])) == b""
    assert list(unpacked_slices(packed([]), SLICE_BYTES)) == []


def test_a_repeated_slice_is_compressed_as_by_itself():
    random = np.random.default_rng(3)
    one, other = (random.integers(0, 2, SLICE_BYTES, dtype=np.uint8).tobytes() for _ in range(2))
    overhead = len(packed([]))
    alone, alone_other = (len(packed([content])) - overhead for content in (one, other))
    assert len(packed([one, bytes(list(one)), one, other, None, other])) - overhead == (
        3 * alone + 2 * alone_other + len(packed([None])) - overhead
    )


def test_empty_slices_need_almost_no_memory():
    assert len(packed([None] * 1000)) < 1000 * 30
