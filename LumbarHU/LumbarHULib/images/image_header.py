"""Read the text headers of NRRD and MetaImage files, for facts that SimpleITK does not report."""

import gzip
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LumbarHULib.core.errors import InputError

# A header has a few hundred bytes, that of a segmentation of 100 structures 70,000; this limit exceeds both by far.
_HEADER_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 22
# Size of a block of compressed data, which may expand a thousandfold.
_BLOCK_BYTES = 1 << 16

# Makes zlib detect its own format or gzip by the first bytes.
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS

# A gzip file ends with the checksum (CRC-32) and the length of its content.
_GZIP_END = struct.Struct("<II")

# Units of length in mm, by their names in NRRD and MetaImage.
_UNITS_MM = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre"), 10.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers"), 1e-3),
    **dict.fromkeys(("m", "meter", "meters", "metre"), 1e3),
}
_QUOTED = re.compile(r'"([^"]*)"')

_NRRD_SUFFIXES = (".nrrd", ".nhdr")
_NRRD_END = re.compile(rb"\r?\n\r?\n")
_META_IMAGE_END = re.compile(rb"\nElementDataFile")

# The spaces that ITK converts to LPS; it treats any other space as LPS.
_NUMBERS_APART = re.compile(r"\s*,\s*")
_LAS = ("left-anterior-superior", "las")
_NRRD_PATIENT_SPACES = ("left-posterior-superior", "lps", "right-anterior-superior", "ras", *_LAS)


@dataclass(frozen=True)
class ImageHeader:
    """The fields of a header, with keys in lower case, and its length."""

    path: Path
    is_nrrd: bool
    fields: dict[str, str]
    length: int

    @property
    def states_orientation(self) -> bool:
        """Return whether the header states the patient's orientation."""
        if self.is_nrrd:
            return "space directions" in self.fields and self.fields.get("space", "").lower() in _NRRD_PATIENT_SPACES
        # Without a matrix ITK assumes that the axes run to L, P, S, which MetaImage calls RAI after the sides where
        # they start.
        has_matrix = any(key in self.fields for key in ("transformmatrix", "rotation", "orientation"))
        return has_matrix or self.fields.get("anatomicalorientation") == "RAI"

    @property
    def las_geometry(self) -> np.ndarray | None:
        """Return origin and steps of a NRRD file in LAS space as stated, shape (4, 3); None for other files."""
        if not self.is_nrrd or self.fields.get("space", "").lower() not in _LAS:
            return None
        texts = (self.fields.get(name, "") for name in ("space origin", "space directions"))
        vectors = [_NUMBERS_APART.split(vector) for vector in re.findall(r"\(([^)]*)\)", " ".join(texts))]
        if [len(vector) for vector in vectors] != [3, 3, 3, 3]:
            return None
        return np.array(vectors, dtype=float)

    @property
    def unit_mm(self) -> float:
        """Return the header's unit of length in mm; 1 if it states none.

        Raises
        ------
        InputError
            If the unit is not a unit of length, or differs between the axes.
        """
        stated = self.fields.get("space units" if self.is_nrrd else "distanceunits", "")
        named = {unit.casefold() for unit in _QUOTED.findall(stated)} if self.is_nrrd else {stated.casefold()}
        named -= {"", "?", "???", "none"}
        if not named:
            return 1.0
        if len(named) > 1 or not named <= _UNITS_MM.keys():
            raise InputError(
                f"“{self.path.name}” states its positions in {' and '.join(sorted(named))}: save it in millimeters."
            )
        return _UNITS_MM[named.pop()]

    def check_values_are_final(self) -> None:
        """Raise InputError if MetaImage voxels still need rescaling: SimpleITK and Slicer read them unscaled.

        Raises
        ------
        InputError
            If the header states a slope other than 1 or an offset other than 0.
        """
        for key, neutral in (("elementtointensityfunctionslope", 1.0), ("elementtointensityfunctionoffset", 0.0)):
            stated = "" if self.is_nrrd else self.fields.get(key, "")
            try:
                is_neutral = not stated or float(stated) == neutral
            except ValueError:
                is_neutral = False
            if not is_neutral:
                raise InputError(
                    f"“{self.path.name}” states an intensity slope or offset ({stated}), so its voxels are not HU yet: "
                    "save it with rescaled values."
                )

    def check_packed_size(self, size_bytes: int) -> None:
        """Raise InputError if compressed MetaImage data expand to fewer than `size_bytes`.

        SimpleITK would fill the rest with random memory.

        Raises
        ------
        InputError
            If the data end too early.
        """
        if self.is_nrrd or self.fields.get("compresseddata", "").lower() != "true":
            return
        with self.path.open("rb") as stream:
            stream.seek(self.length)
            name = stream.readline().partition(b"=")[2].strip().decode("utf-8", errors="replace")
            start = stream.tell()
        is_inside = name.upper() == "LOCAL"
        path = self.path if is_inside else self.path.parent / name
        if not path.is_file():  # a list of files or a missing file, which SimpleITK reports
            return
        packed_bytes = self.fields.get("compresseddatasize", "")
        left = int(packed_bytes) if packed_bytes.isdecimal() and int(packed_bytes) else path.stat().st_size
        unpacker, unpacked_bytes = zlib.decompressobj(_ZLIB_OR_GZIP), 0
        with path.open("rb") as stream:
            stream.seek(start if is_inside else 0)
            try:
                while unpacked_bytes < size_bytes and (block := stream.read(min(_BLOCK_BYTES, left))):
                    left -= len(block)
                    unpacked_bytes += len(unpacker.decompress(block))
            except zlib.error:  # SimpleITK reports it
                return
        if unpacked_bytes < size_bytes:
            raise InputError(f"“{path.name}” is cut off before its last voxel: copy it again.")

    def check_unpacked(self, voxels: np.ndarray) -> None:
        """Raise InputError if voxels from compressed NRRD data are cut off or damaged.

        SimpleITK does not verify the checksum.

        Parameters
        ----------
        voxels : numpy.ndarray
            The voxels that SimpleITK decompressed.

        Raises
        ------
        InputError
            If they differ from the compressed voxels.
        """
        path = self._gzip_path()
        if path is not None and _checksum_at_end(path) != _checksum(voxels):
            # The checksum also fails for another byte order, or if the file has more data than voxels.
            self.check_compressed_data()

    def check_compressed_data(self) -> None:
        """Decompress NRRD data to the end, and raise InputError if they are cut off or damaged.

        Raises
        ------
        InputError
            If they are.
        """
        path = self._gzip_path()
        if path is None:
            return
        try:
            with path.open("rb") as stream:
                stream.seek(self.length if path == self.path else 0)
                with gzip.GzipFile(fileobj=stream) as unpacked:
                    while unpacked.read(_CHUNK_BYTES):
                        pass
        except EOFError as error:
            raise InputError(f"“{path.name}” is cut off before its last voxel: copy it again.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"The compressed voxels of “{path.name}” are damaged: copy it again.") from error

    def _gzip_path(self) -> Path | None:
        """Return the file with gzip-compressed NRRD data; None if the data are stored in another way."""
        skips = any(key in self.fields for key in ("line skip", "lineskip", "byte skip", "byteskip"))
        if not self.is_nrrd or skips or self.fields.get("encoding", "").lower() not in ("gzip", "gz"):
            return None
        data_file = self.fields.get("data file") or self.fields.get("datafile")
        path = self.path.parent / data_file if data_file else self.path
        return path if path.is_file() else None  # a list of files or a missing file, which SimpleITK reports


def _checksum_at_end(path: Path) -> tuple[int, int] | None:
    """Return the checksum and the length, modulo 2³², of a gzip file's content, from its last eight bytes."""
    with path.open("rb") as stream:
        if stream.seek(0, os.SEEK_END) < _GZIP_END.size:
            return None
        stream.seek(-_GZIP_END.size, os.SEEK_END)
        return _GZIP_END.unpack(stream.read())


def _checksum(voxels: np.ndarray) -> tuple[int, int]:
    return zlib.crc32(np.ascontiguousarray(voxels).data), voxels.nbytes % 2**32


def read_image_header(path: Path) -> ImageHeader:
    """Read the header of a NRRD or MetaImage file.

    Raises
    ------
    InputError
        If the header is not text; SimpleITK would hang on some such files.
    """
    with path.open("rb") as stream:
        data = stream.read(_HEADER_BYTES)
    is_nrrd = path.suffix.lower() in _NRRD_SUFFIXES
    end = (_NRRD_END if is_nrrd else _META_IMAGE_END).search(data)
    text = data[: end.start()] if end else data
    if b"\0" in text:
        raise InputError(f"“{path.name}” has a damaged header: copy it again.")
    fields = {}
    for line in text.decode("utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":" if is_nrrd else "=")
        fields[key.strip().lower()] = value.strip()
    return ImageHeader(path, is_nrrd, fields, end.end() if end else len(data))
