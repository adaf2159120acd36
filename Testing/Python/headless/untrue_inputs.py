"""False inputs: how each is made, and the right number or the one sentence expected."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from LumbarHULib.images.dicom_file import write_dataset

UID = "1.2.826.0.1.77"

# Called with the slice's index, its header and its stored pixels; a header that is returned takes its place.
Change = Callable[[int, pydicom.Dataset, np.ndarray], object]


@dataclass(frozen=True, eq=False)
class SegmentedSpine:
    """L1 to L4 and the voxels of each vertebra.

    Parameters
    ----------
    files : PhantomFiles
    masks : mapping of str to numpy.ndarray of bool, shape (K, J, I)
    audit : pathlib.Path
        What the markups measured.
    from_masks : pathlib.Path
        What an honest segmentation measured.
    """

    files: PhantomFiles
    masks: Mapping[str, np.ndarray]
    audit: Path
    from_masks: Path

    def labels(self, values: Mapping[str, int]) -> np.ndarray:
        """Return a label map with a value for each level."""
        labels = np.zeros(self.files.phantom.voxels_hu.shape, np.uint8)
        for level, value in values.items():
            labels[self.masks[level]] = value
        return labels

    def write(self, path: Path, labels: np.ndarray) -> Path:
        """Write labels on the CT's grid by SimpleITK."""
        image = SimpleITK.GetImageFromArray(labels)
        image.CopyInformation(SimpleITK.ReadImage(str(self.files.ct)))
        path.parent.mkdir(parents=True, exist_ok=True)
        SimpleITK.WriteImage(image, str(path), useCompression=True)
        return path


@dataclass(frozen=True, eq=False)
class Honest:
    """The honest input that each untrue one is a change of: one level with noise, in 2.5 mm slices.

    Parameters
    ----------
    files : PhantomFiles
    audit : pathlib.Path
        What it measured.
    spine : SegmentedSpine
        Four levels, for inputs that concern several.
    """

    files: PhantomFiles
    audit: Path
    spine: "SegmentedSpine"

    @property
    def voxels_hu(self) -> np.ndarray:
        """The CT, shape (K, J, I)."""
        return self.files.phantom.voxels_hu

    @property
    def markups(self) -> Path:
        """The folder of midlines."""
        return self.files.markups

    @cached_property
    def means_hu(self) -> dict[str, float]:
        """The mean of each region, as the honest CT gives it."""
        return means_of(self.audit)

    @cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """The voxels of each region, as arrays of bool of the CT's shape, read by SimpleITK."""
        return {
            path.stem: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))) > 0
            for path in sorted((self.audit / "labelmaps").iterdir())
        }

    def series(self, folder: Path, change: Change | None = None, intercept=-1024, skip: Sequence[int] = ()) -> Path:
        """Write the CT as DICOM slices, each changed by `change`, and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        phantom = self.files.phantom
        for k, plane_hu in enumerate(self.voxels_hu):
            if k in skip:
                continue
            stored = (plane_hu.astype(int) - intercept).astype(np.uint16 if intercept < 0 else np.int16)
            dataset = slice_of(stored, phantom.ras_from_ijk, k, intercept)
            if change is not None:
                change(k, dataset, stored)
            write_dataset(folder / f"{k:03d}.dcm", dataset)
        return folder


def slice_of(stored: np.ndarray, ras_from_ijk: np.ndarray, k: int, intercept: int) -> pydicom.Dataset:
    """Return one axial slice with all headers that state where it belongs."""
    lps = np.array([-1, -1, 1])
    columns = ras_from_ijk[:3, :3] * lps[:, None]
    spacings = np.linalg.norm(columns, axis=0)
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{UID}.{k + 1}",
        "StudyInstanceUID": f"{UID}.9999",
        "SeriesInstanceUID": UID,
        "FrameOfReferenceUID": f"{UID}.8",
        "PatientID": "ID1",
        "PatientName": "DOE^JANE",
        "PatientBirthDate": "19500101",
        "PatientSex": "F",
        "StudyDate": "20200101",
        "StudyTime": "120000",
        "StudyID": "1",
        "AccessionNumber": "A1",
        "ReferringPhysicianName": "",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SeriesNumber": 3,
        "AcquisitionNumber": 1,
        "AcquisitionTime": "120000",
        "InstanceNumber": k + 1,
        "KVP": "120",
        "XRayTubeCurrent": 250,
        "SliceThickness": "2.5",
        "ConvolutionKernel": "B30",
        "Manufacturer": "MAKER",
        "PatientPosition": "HFS",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "PixelSpacing": [float(spacings[1]), float(spacings[0])],
        "ImageOrientationPatient": [*(columns[:, 0] / spacings[0]), *(columns[:, 1] / spacings[1])],
        "ImagePositionPatient": [round(float(x), 6) for x in (ras_from_ijk @ (0, 0, k, 1))[:3] * lps],
        "RescaleSlope": 1,
        "RescaleIntercept": intercept,
        "RescaleType": "HU",
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    set_pixels(dataset, stored)
    return dataset


def set_pixels(dataset: pydicom.Dataset, stored: np.ndarray) -> None:
    """Put other stored values into a slice."""
    dataset.PixelData = np.ascontiguousarray(stored).tobytes()
    dataset["PixelData"].VR = "OW"


def stated(**tags) -> Change:
    """Return a change that states these headers in every slice."""
    return lambda k, dataset, stored: [setattr(dataset, keyword, value) for keyword, value in tags.items()]


def on(slices: Callable[[int], bool], *changes: Change) -> Change:
    """Return a change that concerns some of the slices only."""
    return lambda k, dataset, stored: [change(k, dataset, stored) for change in changes if slices(k)]


def brighter(k: int, dataset: pydicom.Dataset, stored: np.ndarray) -> None:
    """Make a slice 60 HU brighter, as one of another patient or phase would be."""
    set_pixels(dataset, stored + 60)


@dataclass(frozen=True, eq=False)
class Untrue:
    """One input.

    Parameters
    ----------
    kind : str
        What is untrue about it, in the words that the kind is called by.
    name : str
        What distinguishes this one from the others of its kind.
    make : callable
        Called with `Honest` and a folder; returns the arguments of ``lumbarhu measure``.
    refused : str
        What the sentence says, as a regular expression; empty where the input gives the right number.
    mean_hu : callable or None
        From `Honest` to the right mean of each region by a truth of its own; by default what the honest CT gives.
    within_hu : float
        How far the mean may lie off.
    findings, unsaid : sequence of str
        Codes that must, and that must not, accompany the numbers.
    says : str
        What the findings' sentences say, as a regular expression.
    """

    kind: str
    name: str
    make: Callable[[Honest, Path], Sequence[object]]
    refused: str = ""
    mean_hu: Callable[[Honest], Mapping[str, float]] | None = None
    within_hu: float = 1e-9
    findings: Sequence[str] = ()
    unsaid: Sequence[str] = ()
    says: str = ""


def with_markups(make: Callable[[Honest, Path], Path]) -> Callable[[Honest, Path], Sequence[object]]:
    """Return arguments that measure a CT that `make` made by the honest markups."""
    return lambda honest, folder: [make(honest, folder), "--markups", honest.markups]


def series_with(*changes: Change, **options) -> Callable[[Honest, Path], Sequence[object]]:
    """Return arguments that measure the DICOM series with these changes."""

    def change(k, dataset, stored):
        for one in changes:
            one(k, dataset, stored)

    return with_markups(lambda honest, folder: honest.series(folder / "ct", change, **options))


def means_of(audit: Path) -> dict[str, float]:
    """Return the mean of each level and region in an audit folder, with keys such as “L3 round”."""
    with (audit / "results.csv").open(encoding="utf-8", newline="") as stream:
        return {f"{row['level']} {row['roi']}": float(row["mean_hu"]) for row in csv.DictReader(stream)}


def every_finding(record: Mapping) -> list[Mapping]:
    """Return the findings in a record: on the reading, the means, the levels and the regions."""
    found = [*record["findings"], *(one for summary in record["summaries"] for one in summary["findings"])]
    for level in record["levels"]:
        found += [*level["findings"], *(one for roi in level["rois"].values() for one in roi["findings"])]
    return found


def findings_of(audit: Path) -> dict[str, str]:
    """Return the sentences of all findings in a record, by code."""
    sentences: dict[str, str] = {}
    for one in every_finding(json.loads((audit / "record.json").read_text(encoding="utf-8"))):
        sentences[one["code"]] = f"{sentences.get(one['code'], '')} {one['sentence']} {one['remedy']}".strip()
    return sentences


def measured(honest: Honest, row: Untrue, folder: Path):
    """Run ``lumbarhu measure`` on one input; return the outcome and where its audit folder would be."""
    given = folder / "given"
    given.mkdir()
    arguments = row.make(honest, given)
    destination = folder / "results" / "audit"
    destination.parent.mkdir(exist_ok=True)
    return lumbarhu("measure", *arguments, "--out", destination), destination
