"""How a DICOM file is opened: with or without preamble, or with half of one."""

import io
from collections.abc import Sequence
from pathlib import Path

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"

# The first element of a file without preamble is in group 0008 or, with its meta information, in group 0002, least
# significant byte first; the latter's first element is its length, an unsigned long.
_GROUP_0008 = b"\x08\x00"
_META_INFORMATION = b"\x02\x00\x00\x00UL\x04\x00"


def is_dicom(path: Path) -> bool:
    """Tell whether a file begins as DICOM files do: with a preamble, without it, or with its last four letters."""
    with path.open("rb") as stream:
        start = stream.read(_PREAMBLE_BYTES + len(_MAGIC))
    return (
        start[_PREAMBLE_BYTES:] == _MAGIC
        or start[:2] == _GROUP_0008
        or start.startswith((_META_INFORMATION, _MAGIC + _META_INFORMATION))
    )


def header_of(path: Path, keywords: Sequence[str] | None = None):
    """Return a file's data set without its pixels, only of these keywords where some are named."""
    import pydicom

    with _opened(path) as stream:
        return pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=keywords and list(keywords))


def dataset_of(path: Path):
    """Return a file's whole data set, its transfer syntax guessed where the file does not state it."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    with _opened(path) as stream:
        dataset = pydicom.dcmread(stream, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        with path.open("rb") as stream:
            # Without preamble: letters after the first tag are an explicit type.
            is_explicit = stream.read(6)[4:].isalpha()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if is_explicit else ImplicitVRLittleEndian
    return dataset


def transfer_syntax_of(dataset) -> str:
    """Return the UID of how a data set's pixels are stored; empty where it does not say."""
    return str(dataset.file_meta.get("TransferSyntaxUID") or "")


def _opened(path: Path):
    stream = path.open("rb")
    if stream.read(len(_MAGIC)) == _MAGIC:
        # The preamble was cut off but for its last letters: what follows is the data set.
        with stream:
            return io.BytesIO(stream.read())
    stream.seek(0)
    return stream
