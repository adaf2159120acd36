"""Open a DICOM file with a preamble, without one, or with a truncated one."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pydicom import Dataset

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"

# The first element of a file without preamble is in group 0008 or, with meta information, in group 0002, least
# significant byte first. The first element of group 0002 is the group's length, an unsigned long.
_GROUP_0008 = b"\x08\x00"
_META_INFORMATION = b"\x02\x00\x00\x00UL\x04\x00"


def is_dicom(path: Path) -> bool:
    """Return whether a file begins like DICOM: with a preamble, without one, or with its last four characters."""
    with path.open("rb") as stream:
        start = stream.read(_PREAMBLE_BYTES + len(_MAGIC))
    return (
        start[_PREAMBLE_BYTES:] == _MAGIC
        or start[:2] == _GROUP_0008
        or start.startswith((_META_INFORMATION, _MAGIC + _META_INFORMATION))
    )


def header_of(path: Path, keywords: Sequence[str] | None = None) -> "Dataset":
    """Return a file's data set without its pixels; with `keywords`, only these elements."""
    import pydicom

    with _opened(path) as stream:
        tags = list(keywords) if keywords else None
        return pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=tags)


def dataset_of(path: Path) -> "Dataset":
    """Return a file's whole data set; if the file does not state its transfer syntax, guess it."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    with _opened(path) as stream:
        dataset = pydicom.dcmread(stream, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        with path.open("rb") as stream:
            # Without a preamble, letters after the first tag are an explicit value representation.
            is_explicit = stream.read(6)[4:].isalpha()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if is_explicit else ImplicitVRLittleEndian
    return dataset


def write_dataset(path: Path, dataset: "Dataset") -> None:
    """Write a data set with its meta information as a file with preamble, with pydicom 2 and 3 alike."""
    import pydicom

    if int(pydicom.__version__.partition(".")[0]) >= 3:
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return
    # pydicom 2, as in Slicer 5.10, does not take these from the transfer syntax.
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.is_little_endian = syntax != pydicom.uid.ExplicitVRBigEndian
    dataset.is_implicit_VR = syntax == pydicom.uid.ImplicitVRLittleEndian
    pydicom.dcmwrite(path, dataset, write_like_original=False)


def transfer_syntax_of(dataset: "Dataset") -> str:
    """Return the UID of a data set's transfer syntax; empty if it states none."""
    return str(dataset.file_meta.get("TransferSyntaxUID") or "")


def _opened(path: Path) -> BinaryIO:
    stream = path.open("rb")
    if stream.read(len(_MAGIC)) == _MAGIC:
        # Only the last characters of the preamble are left; the data set follows them.
        with stream:
            return io.BytesIO(stream.read())
    stream.seek(0)
    return stream
