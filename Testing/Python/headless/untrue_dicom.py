"""DICOM series with slices that do not belong together, or with false headers."""

import shutil

import pydicom
from headless.untrue_inputs import Honest, Untrue, brighter, on, series_with, set_pixels, stated

from LumbarHULib.images.dicom_file import write_dataset


def odd(k: int) -> bool:
    return k % 2 == 1


def upper(k: int) -> bool:
    return k >= 7


def alternate(**tags):
    """Return arguments: every other slice states other headers, and is brighter."""
    return series_with(on(odd, stated(**tags), brighter))


def upper_half(**tags):
    return series_with(on(upper, stated(**tags), brighter))


NAMES = {
    "patient ID": {"PatientID": "OTHER"},
    "patient name": {"PatientName": "OTHER^P"},
    "birth date": {"PatientBirthDate": "19600101"},
    "Study Instance UID": {"StudyInstanceUID": "1.2.9"},
    "Frame of Reference UID": {"FrameOfReferenceUID": "1.2.10"},
    "series number": {"SeriesNumber": 4},
    "image type": {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]},
    "tube voltage": {"KVP": "80"},
    "kernel": {"ConvolutionKernel": "B70"},
    "reconstruction diameter": {"ReconstructionDiameter": "200"},
    "manufacturer": {"Manufacturer": "OTHER"},
    "scanner's serial number": {"DeviceSerialNumber": "2"},
}
ALTERNATING = {
    "acquisition number": {"AcquisitionNumber": 2},
    "acquisition time": {"AcquisitionTime": "120130"},
    "temporal position": {"TemporalPositionIdentifier": 2},
    "cardiac phase": {"NominalPercentageOfCardiacPhase": 70},
    "slice thickness": {"SliceThickness": "5"},
    "contrast medium": {"ContrastBolusAgent": "OMNIPAQUE"},
}
# What the others state where the honest slices state nothing.
FIRST = {
    "reconstruction diameter": {"ReconstructionDiameter": "350"},
    "scanner's serial number": {"DeviceSerialNumber": "1"},
    "temporal position": {"TemporalPositionIdentifier": 1},
    "cardiac phase": {"NominalPercentageOfCardiacPhase": 40},
    "contrast medium": {"ContrastBolusAgent": "NONE"},
}


def one_file_chooses(honest: Honest, folder):
    """The upper half is another patient; a file of the lower one says which is meant."""
    honest.series(folder / "ct", on(upper, stated(PatientID="OTHER"), brighter))
    return [folder / "ct" / "004.dcm", "--markups", honest.markups]


def copies(**tags):
    """Return arguments: each slice is there twice, and the copy states something else that concerns no voxel."""

    def make(honest, folder):
        series = honest.series(folder / "ct")
        for path in sorted(series.iterdir()):
            dataset = pydicom.dcmread(path)
            for keyword, value in tags.items():
                setattr(dataset, keyword, value)
            write_dataset(series / f"copy-{path.name}", dataset)
        return [series, "--markups", honest.markups]

    return make


def brighter_copy(honest: Honest, folder):
    series = honest.series(folder / "ct")
    dataset = pydicom.dcmread(series / "004.dcm")
    set_pixels(dataset, dataset.pixel_array + 1)
    write_dataset(series / "copy.dcm", dataset)
    return [series, "--markups", honest.markups]


def copy_with_another_rescale(honest: Honest, folder):
    series = honest.series(folder / "ct")
    dataset = pydicom.dcmread(series / "004.dcm")
    dataset.RescaleIntercept = -1000
    write_dataset(series / "copy.dcm", dataset)
    return [series, "--markups", honest.markups]


def two_series_one_folder(honest: Honest, folder):
    honest.series(folder / "ct" / "a")
    honest.series(folder / "ct" / "b", stated(SeriesInstanceUID="1.2.3", PatientID="OTHER"))
    return [folder / "ct", "--markups", honest.markups]


def moved(slices, by_mm):
    """Return a change that moves some slices along the patient."""

    def change(k, dataset, stored):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, round(float(z) + by_mm(k), 6)]

    return on(slices, change)


def without_slices(*numbers):
    return series_with(skip=numbers)


def variable_far_below(honest: Honest, folder):
    """Two slices far below the level are 5 mm apart, those around it 2.5 mm: it is measured in these."""
    return series_with(moved(lambda k: k < 2, lambda k: -2.5 * (2 - k)))(honest, folder)


def rewritten(change_bytes):
    """Return arguments: the bytes of each file are changed."""

    def make(honest, folder):
        series = honest.series(folder / "ct")
        for path in series.iterdir():
            path.write_bytes(change_bytes(path.read_bytes()))
        return [series, "--markups", honest.markups]

    return make


def with_stranger(name: str, content: bytes, below: str = ""):
    """Return arguments: the series' folder contains a file left by a file manager."""

    def make(honest, folder):
        series = honest.series(folder / "ct")
        (series / below).mkdir(exist_ok=True)
        (series / below / name).write_bytes(content)
        return [series, "--markups", honest.markups]

    return make


def apple_double_of_a_slice(honest: Honest, folder):
    series = honest.series(folder / "ct")
    shutil.copy(series / "004.dcm", series / "._004.dcm")
    return [series, "--markups", honest.markups]


def step_and_shoot(k, dataset, stored):
    """Four slices a rotation, two seconds apart."""
    dataset.AcquisitionNumber = 1 + k // 4
    dataset.AcquisitionTime = f"1200{2 * (k // 4):02d}.5"


def slices_in_disorder(k, dataset, stored):
    dataset.InstanceNumber = 100 - k
    dataset.AcquisitionTime = f"1200{k:02d}"


META_LENGTH_AT = 140


def after_preamble(data: bytes) -> bytes:
    return data[132:]


def after_meta(data: bytes) -> bytes:
    return data[144 + int.from_bytes(data[META_LENGTH_AT : META_LENGTH_AT + 4], "little") :]


DIFFERS = "2 CTs with the same SeriesInstanceUID that differ in {}.*choose any file"

DICOM = (
    *(
        Untrue(
            "slices of two CTs alternate",
            name,
            series_with(on(lambda k: not odd(k), stated(**FIRST.get(name, {}))), on(odd, stated(**tags), brighter)),
            refused=DIFFERS.format(name),
        )
        for name, tags in (NAMES | ALTERNATING).items()
    ),
    *(
        Untrue("slices of two CTs one after the other", name, upper_half(**NAMES[name]), refused=DIFFERS.format(name))
        for name in ("patient ID", "Study Instance UID", "Frame of Reference UID", "kernel")
    ),
    Untrue(
        "slices of two CTs one after the other",
        "a quarter of an hour later",
        upper_half(AcquisitionNumber=2, AcquisitionTime="121500"),
        refused=DIFFERS.format("acquisition time"),
    ),
    Untrue(
        "slices of two CTs one after the other",
        "the next day",
        series_with(stated(AcquisitionDate="20200101"), on(upper, stated(AcquisitionDate="20200102"))),
        refused=DIFFERS.format("acquisition time"),
    ),
    Untrue(
        "slices of two CTs one after the other",
        "one slice without a patient",
        series_with(on(lambda k: k == 4, stated(PatientID="", PatientName=""))),
        refused=DIFFERS.format("patient ID and patient name"),
    ),
    Untrue(
        "slices of two CTs one after the other",
        "another acquisition, no times",
        series_with(stated(AcquisitionTime=""), on(upper, stated(AcquisitionNumber=2))),
        findings=("mixed_series",),
        says="differ in acquisition number",
    ),
    Untrue(
        "one file of two CTs is named",
        "the lower part",
        one_file_chooses,
        findings=("files_left_aside",),
        says="2 slices of another CT in the same series",
    ),
    Untrue("two series in one folder", "two patients", two_series_one_folder, refused="contains 2 CT series"),
    Untrue("slices that only look like two CTs", "one rotation after another", series_with(step_and_shoot)),
    Untrue("slices that only look like two CTs", "instance numbers run down", series_with(slices_in_disorder)),
    Untrue(
        "slices that only look like two CTs",
        "case and blanks of a name",
        series_with(on(odd, stated(PatientName="Doe^Jane^^"))),
    ),
    Untrue("slices that only look like two CTs", "120 and 120.0 kV", series_with(on(odd, stated(KVP="120.0")))),
    *(
        Untrue("copies that differ in one harmless element", name, copies(**tags), findings=("files_left_aside",))
        for name, tags in {
            "creation time": {"InstanceCreationTime": "235959"},
            "comment": {"ImageComments": "copied"},
            "SOP Instance UID": {"SOPInstanceUID": "1.2.3.4"},
            "window": {"WindowCenter": 400, "WindowWidth": 2000},
        }.items()
    ),
    Untrue("copies that differ in their pixels", "1 HU brighter", brighter_copy, refused="two phases or reconstruct"),
    Untrue("copies that differ in their pixels", "another rescale", copy_with_another_rescale, refused="two phases"),
    Untrue(
        "copies of another patient",
        "same pixels",
        copies(PatientID="OTHER"),
        refused=DIFFERS.format("patient ID"),
    ),
    Untrue(
        "variable spacing",
        "2.5 mm around the level, 5 mm below",
        variable_far_below,
        findings=("slices_uneven",),
        says="7 evenly spaced slices .* 2 were omitted",
    ),
    Untrue(
        "variable spacing",
        "within the level",
        series_with(moved(lambda k: k > 4, lambda k: 1.5 * (k - 4))),
        refused="spacing varies from 2.50 to 4.00 mm .*2.50 mm from .*4.00 mm from .*no even part contains all levels",
    ),
    Untrue(
        "variable spacing",
        "one slice off its place",
        series_with(moved(lambda k: k == 4, lambda k: 0.7)),
        refused="spacing varies from 1.80 to 3.20 mm",
    ),
    Untrue("a slice is missing", "at the level", without_slices(4), refused="a slice is missing.*5.00 mm"),
    Untrue("a slice is missing", "far from the level", without_slices(1), findings=("slices_uneven",)),
    Untrue("a slice is missing", "two in a row", without_slices(4, 5), refused="2 slices are missing.*7.50 mm"),
    Untrue("no preamble", "begins with group 0008", rewritten(after_meta)),
    Untrue("no preamble", "begins with group 0002", rewritten(after_preamble)),
    Untrue("no preamble", "begins with DICM", rewritten(lambda data: data[128:])),
    *(
        Untrue(
            "files of file managers",
            f"{name} next to the slices",
            with_stranger(name, b"\0\5\x16\7"),
            unsaid=["files_left_aside"],
        )
        for name in ("._004.dcm", ".DS_Store", "Thumbs.db", "desktop.ini", "DESKTOP.INI")
    ),
    Untrue("files of file managers", "a second slice as ._", apple_double_of_a_slice, unsaid=["files_left_aside"]),
    Untrue(
        "files of file managers",
        "a folder __MACOSX",
        with_stranger("004.dcm", b"\0\5\x16\7", below="__MACOSX"),
        unsaid=["files_left_aside"],
    ),
)
