"""Files other than DICOM with false headers, and misleading output paths."""

import struct
from pathlib import Path

import numpy as np
import SimpleITK
from headless.untrue_inputs import Honest, Untrue, with_markups

from LumbarHULib.images.ct_file import write_ct


def with_text(suffix: str, change, scale: float = 1.0):
    """Return arguments: a NRRD or MetaImage file whose text header `change` changes; `scale` in mm to its unit."""

    def make(honest: Honest, folder: Path) -> Path:
        matrix = honest.files.phantom.ras_from_ijk.copy()
        matrix[:3] *= scale
        image = SimpleITK.GetImageFromArray(honest.voxels_hu)
        steps = matrix[:3, :3] * np.array([-1, -1, 1])[:, None]
        spacings = np.linalg.norm(steps, axis=0)
        image.SetSpacing(spacings.tolist())
        image.SetDirection((steps / spacings).ravel().tolist())
        image.SetOrigin((matrix[:3, 3] * (-1, -1, 1)).tolist())
        path = folder / f"ct{suffix}"
        SimpleITK.WriteImage(image, str(path), useCompression=False)
        path.write_bytes(change(path.read_bytes()))
        return path

    return with_markups(make)


def inserted(before: bytes, line: bytes):
    return lambda data: data.replace(before, line + b"\n" + before, 1)


def units(unit: str):
    """Return a change: a NRRD header states its lengths in this unit."""
    quoted = " ".join([f'"{unit}"'] * 3).encode()
    return inserted(b"space origin", b"space units: " + quoted)


def four_dimensions(data: bytes) -> bytes:
    """Let a MetaImage say that it has a fourth dimension of one frame."""
    header, mark, voxels = data.partition(b"ElementDataFile = LOCAL\n")
    lines = {}
    for line in header.decode().splitlines():
        key, _, value = line.partition(" = ")
        lines[key] = value
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(lines["TransformMatrix"].split(), float).reshape(3, 3)
    lines |= {
        "NDims": "4",
        "DimSize": f"{lines['DimSize']} 1",
        "ElementSpacing": f"{lines['ElementSpacing']} 1",
        "Offset": f"{lines['Offset']} 0",
        "CenterOfRotation": "0 0 0 0",
        "TransformMatrix": " ".join(f"{number:g}" for number in matrix.ravel()),
    }
    lines.pop("AnatomicalOrientation", None)
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode() + mark + voxels


def nifti(change):
    """Return arguments: a NIfTI file whose header `change` changes."""

    def make(honest: Honest, folder: Path) -> Path:
        nrrd, path = folder / "ct.nrrd", folder / "ct.nii"
        write_ct(nrrd, honest.voxels_hu, honest.files.phantom.ras_from_ijk)
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(nrrd)), str(path))
        nrrd.unlink()
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        return path

    return with_markups(make)


def zero_sform(data: bytearray) -> None:
    data[254:256] = struct.pack("<h", 1)
    data[280:328] = bytes(48)


def nan_sform(data: bytearray) -> None:
    data[254:256] = struct.pack("<h", 1)
    data[280:328] = struct.pack("<12f", *[float("nan")] * 12)


def next_to(existing: str):
    """Return arguments: at the output path there is a folder with a name that differs only in form."""

    def make(honest: Honest, folder: Path):
        (folder.parent / "results" / existing).mkdir(parents=True)
        return [honest.files.ct, "--markups", honest.markups]

    return make


UNIT = "lengths in another unit than millimeters"
DAMAGED = "one of two geometries is damaged"
ROUNDED = {"within_hu": 0.1}
FILES = (
    Untrue(UNIT, "NRRD in cm", with_text(".nrrd", units("cm"), 0.1), **ROUNDED),
    Untrue(UNIT, "NRRD in µm", with_text(".nrrd", units("µm"), 1e3), **ROUNDED),
    Untrue(UNIT, "NRRD in um", with_text(".nrrd", units("um"), 1e3), **ROUNDED),
    Untrue(UNIT, "NRRD in mm", with_text(".nrrd", units("mm")), **ROUNDED),
    Untrue(UNIT, "NRRD in inches", with_text(".nrrd", units("inch")), refused="positions in inch: save it in mill"),
    Untrue(
        UNIT, "MetaImage in cm", with_text(".mha", inserted(b"ElementDataFile", b"DistanceUnits = cm"), 0.1), **ROUNDED
    ),
    Untrue(
        UNIT, "MetaImage in um", with_text(".mha", inserted(b"ElementDataFile", b"DistanceUnits = um"), 1e3), **ROUNDED
    ),
    Untrue(
        UNIT,
        "MetaImage, unit not known",
        with_text(".mha", inserted(b"ElementDataFile", b"DistanceUnits = ?")),
        **ROUNDED,
    ),
    Untrue("a fourth dimension of one frame", "MetaImage", with_text(".mha", four_dimensions), **ROUNDED),
    Untrue(DAMAGED, "sform of zeros", nifti(zero_sform), findings=("two_geometries",), says="sform", **ROUNDED),
    Untrue(DAMAGED, "sform of NaN", nifti(nan_sform), findings=("two_geometries",), **ROUNDED),
    Untrue("a name that exists in another form", "other case", next_to("AUDIT"), refused="already exists as “AUDIT”"),
    Untrue("a name that exists in another form", "wide letters are others", next_to("ａudit")),
)
