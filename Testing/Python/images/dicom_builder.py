"""Small DICOM series of known voxels and place, for the tests that read them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from LumbarHULib.images.dicom_file import write_dataset

AXIAL = (1, 0, 0, 0, 1, 0)


@dataclass(frozen=True)
class Slice:
    """One file of a series and its content."""

    path: Path
    dataset: pydicom.Dataset
    stored: np.ndarray


def write_series(
    folder: Path, count: int = 5, step_lps_mm=(0, 0, 2.5), names=None, shape=(6, 7), **tags
) -> list[Slice]:
    """Write `count` slices of random stored values from caudal to cranial; `tags` go into every header."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(7)
    slices = []
    for k in range(count):
        stored = random.integers(0, 3000, shape).astype(np.uint16)
        dataset = slice_dataset(stored, np.array([-20.0, -30.0, 100.0]) + k * np.array(step_lps_mm), k + 1)
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        path = folder / (names[k] if names else f"{k:03d}.dcm")
        save(dataset, path)
        slices.append(Slice(path, dataset, stored))
    return slices


def slice_dataset(stored: np.ndarray, position_lps_mm, number: int) -> pydicom.Dataset:
    """Return a CT slice of 120 kVp, 2.5 mm thick, pixels 0.7 mm along a column and 0.5 mm along a row."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.826.0.1.1.{number}"
    dataset.SeriesInstanceUID = "1.2.826.0.1.1"
    dataset.SeriesNumber = 3
    dataset.InstanceNumber = number
    dataset.PatientName = "DOE^JANE"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP = "120"
    dataset.XRayTubeCurrent = 200 + number
    dataset.SliceThickness = "2.5"
    dataset.ConvolutionKernel = "B30"
    dataset.Manufacturer = "MAKER"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelSpacing = [0.7, 0.5]
    dataset.ImageOrientationPatient = list(AXIAL)
    dataset.ImagePositionPatient = [round(float(number), 9) for number in position_lps_mm]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = stored.tobytes()
    return dataset


def save(dataset: pydicom.Dataset, path: Path) -> None:
    """Write a dataset as a file with preamble."""
    write_dataset(path, dataset)
