"""Remedies of what is wrong with a CT: files of one volume, and slices that do not make one CT."""

import shutil

import numpy as np
import pydicom
import SimpleITK
from headless.remedies import Bench, Remedy, independent, measure
from headless.untrue_dicom import moved, odd, upper
from headless.untrue_headers import bits, overlay_above, packed
from headless.untrue_inputs import brighter, on, set_pixels, stated

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.images.dicom_file import write_dataset


def _file(name: str, make):
    """Return a function that measures a file that `make(bench, path)` writes."""

    def fault(bench: Bench) -> list[object]:
        path = bench.folder / name
        make(bench, path)
        return measure(path, "--markups", bench.files.markups)

    return fault


@independent
def _source(bench: Bench) -> list[object]:
    """Measure the CT loaded, copied or saved again from its source."""
    return measure(shutil.copy(bench.files.ct, bench.folder / "again.nrrd"), "--markups", bench.files.markups)


def _saved_as(name: str):
    """Return a function that saves the CT in this format by SimpleITK and measures it."""

    def follow(bench: Bench) -> list[object]:
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(bench.files.ct)), str(bench.folder / name))
        return measure(bench.folder / name, "--markups", bench.files.markups)

    return follow


def _voxels(change):
    """Return a function that writes the CT with its voxels changed."""
    return lambda bench, path: write_ct(path, change(bench.honest.voxels_hu), bench.files.phantom.ras_from_ijk)


def _image(make):
    """Return a function that writes the image that `make(voxels)` gives."""
    return lambda bench, path: SimpleITK.WriteImage(make(bench.honest.voxels_hu), str(path))


def _bytes(change):
    """Return a function that changes the bytes of the CT's file."""
    return lambda bench, path: path.write_bytes(change(bench.files.ct.read_bytes()))


def _nifti(change):
    """Return a function that changes the bytes of the CT saved as NIfTI."""

    def make(bench: Bench, path) -> None:
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(bench.files.ct)), str(path))
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return make


def _metaimage(line: bytes):
    """Return a function that adds a line to the header of the CT saved as MetaImage."""

    def make(bench: Bench, path) -> None:
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(bench.files.ct)), str(path))
        path.write_bytes(path.read_bytes().replace(b"ElementDataFile", line + b"\nElementDataFile", 1))

    return make


def _with_nan(voxels: np.ndarray) -> np.ndarray:
    voxels = voxels.astype(np.float32)
    voxels[1, 2, 3] = np.nan
    return voxels


def _nan_replaced(bench: Bench) -> list[object]:
    voxels = _with_nan(bench.honest.voxels_hu)
    write_ct(bench.folder / "new.nrrd", np.where(np.isnan(voxels), -1024, voxels), bench.files.phantom.ras_from_ijk)
    return measure(bench.folder / "new.nrrd", "--markups", bench.files.markups)


def _intercept_applied(bench: Bench) -> list[object]:
    stored = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(bench.folder / "ct.nrrd"))).astype(np.int32)
    write_ct(bench.folder / "new.nrrd", (stored - 1024).astype(np.int16), bench.files.phantom.ras_from_ijk)
    return measure(bench.folder / "new.nrrd", "--markups", bench.files.markups)


def _cropped_by_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _other_qform(data: bytearray) -> None:
    data[252:256] = b"\1\0\1\0"
    data[268:272] = np.float32(33.0).tobytes()


def _number(at: int, value: int):
    def change(data: bytearray) -> None:
        data[at : at + 2] = np.int16(value).tobytes()

    return change


def _colors(voxels: np.ndarray):
    return SimpleITK.GetImageFromArray(np.stack([voxels] * 3, axis=-1), isVector=True)


FILES = (
    Remedy("1 voxels? that .* finite.*: replace them", _file("ct.nrrd", _voxels(_with_nan)), _nan_replaced),
    Remedy(
        "no negative values.*: apply the rescale intercept",
        _file("ct.nrrd", _voxels(lambda voxels: (voxels.astype(np.int32) + 1024).astype(np.uint16))),
        _intercept_applied,
    ),
    Remedy("Every voxel of the CT is -1000: load it again", _file("ct.nrrd", _voxels(lambda v: v * 0 - 1000)), _source),
    Remedy(
        "has 2 dimensions: choose a volume with three",
        _file("ct.nrrd", _image(lambda voxels: SimpleITK.GetImageFromArray(voxels[0]))),
        _source,
    ),
    Remedy(
        "has 4 dimensions: choose a volume with three",
        _file("ct.nrrd", _image(lambda v: SimpleITK.GetImageFromArray(np.stack([v] * 2), isVector=False))),
        _source,
    ),
    Remedy("3 numbers per voxel, such as colors.*: choose the original", _file("ct.mha", _image(_colors)), _source),
    Remedy(
        "2 numbers per voxel.*: choose the original image",
        _file("ct.mha", _image(lambda v: SimpleITK.GetImageFromArray(v.astype(np.complex64)))),
        _source,
    ),
    Remedy("has a damaged header: copy it again", _file("ct.nrrd", _bytes(lambda _: bytes(range(256)) * 40)), _source),
    Remedy(
        "(cut off before its last voxel|are damaged): copy it again",
        _file("ct.nrrd", _bytes(_cropped_by_half)),
        _source,
    ),
    Remedy("is empty: copy it again", _file("ct.nrrd", _bytes(lambda _: b"")), _source),
    Remedy("unsupported format: choose", _file("ct.txt", _bytes(lambda data: data)), _source),
    Remedy("There is no file or folder .*: check the path", _file("ct.nrrd", lambda bench, path: None), _source),
    Remedy("folder “ct” is empty: choose the folder with", _file("ct", lambda bench, path: path.mkdir()), _source),
    Remedy(
        "positions in inch: save it in millimeters",
        _file(
            "ct.nrrd",
            _bytes(lambda d: d.replace(b"space origin", b'space units: "inch" "inch" "inch"\nspace origin', 1)),
        ),
        _source,
    ),
    Remedy(
        "does not state the patient's orientation.*or use the DICOM series",
        _file(
            "ct.nrrd", _bytes(lambda data: data.replace(b"space: left-posterior-superior", b"space: scanner-xyz", 1))
        ),
        lambda bench: measure(bench.honest.series(bench.folder / "dicom"), "--markups", bench.files.markups),
        "orientation_unknown",
    ),
    Remedy("NIfTI type 1792|contains complex", _file("ct.nii", _nifti(_number(70, 32))), _saved_as("new.nii.gz")),
    Remedy("contains colors or vectors.*: choose the CT itself", _file("ct.nii", _nifti(_number(70, 128))), _source),
    Remedy(
        "voxels of NIfTI type 1536: save it as 16-bit", _file("ct.nii", _nifti(_number(70, 1536))), _saved_as("new.nii")
    ),
    Remedy(
        "two geometries .* differ by up to .*save the CT with one geometry",
        _file("ct.nii", _nifti(_other_qform)),
        _saved_as("new.nrrd"),
        "two_geometries",
    ),
)


def series(*changes, **options):
    """Return a function that measures the series with these changes."""

    def change(k, dataset, stored):
        for one in changes:
            one(k, dataset, stored)

    def command(bench: Bench) -> list[object]:
        shutil.rmtree(bench.folder / "ct", ignore_errors=True)
        return measure(bench.honest.series(bench.folder / "ct", change, **options), "--markups", bench.files.markups)

    return command


@independent
def _exported_again(bench: Bench) -> list[object]:
    """Measure the series copied or exported again."""
    return measure(bench.honest.series(bench.folder / "again"), "--markups", bench.files.markups)


def _of_two(bench: Bench) -> list[object]:
    return series(on(odd, stated(PatientID="OTHER"), brighter))(bench)


def _any_file(bench: Bench) -> list[object]:
    return measure(bench.folder / "ct" / "004.dcm", "--markups", bench.files.markups)


def _halves(bench: Bench) -> list[object]:
    return series(on(upper, stated(PatientID="OTHER"), brighter))(bench)


def _one_in_its_folder(bench: Bench) -> list[object]:
    (bench.folder / "own").mkdir()
    for k in range(7):
        shutil.copy(bench.folder / "ct" / f"{k:03d}.dcm", bench.folder / "own")
    return measure(bench.folder / "own", "--markups", bench.files.markups)


def _two_series(bench: Bench) -> list[object]:
    bench.honest.series(bench.folder / "two" / "a")
    bench.honest.series(bench.folder / "two" / "b", stated(SeriesInstanceUID="1.2.3", PatientID="OTHER"))
    return measure(bench.folder / "two", "--markups", bench.files.markups)


def _chosen(*parts: str):
    def follow(bench: Bench) -> list[object]:
        return measure(bench.folder.joinpath(*parts), "--markups", bench.files.markups)

    return follow


def _copy_with_other_pixels(bench: Bench) -> list[object]:
    series = bench.honest.series(bench.folder / "ct")
    dataset = pydicom.dcmread(series / "004.dcm")
    set_pixels(dataset, dataset.pixel_array + 1)
    write_dataset(series / "copy.dcm", dataset)
    return measure(series, "--markups", bench.files.markups)


def _damaged_slice(bench: Bench) -> list[object]:
    series = bench.honest.series(bench.folder / "ct")
    (series / "004.dcm").write_bytes((series / "004.dcm").read_bytes()[:-5000])
    return measure(series, "--markups", bench.files.markups)


def _broken_link(bench: Bench) -> list[object]:
    series = bench.honest.series(bench.folder / "ct")
    (series / "more.dcm").symlink_to(bench.folder / "nowhere")
    return measure(series, "--markups", bench.files.markups)


def _link_removed(bench: Bench) -> list[object]:
    (bench.folder / "ct" / "more.dcm").unlink()
    return measure(bench.folder / "ct", "--markups", bench.files.markups)


def _removed(keyword: str):
    return lambda k, dataset, stored: delattr(dataset, keyword)


def _colored(k, dataset, stored):
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    set_pixels(dataset, np.stack([stored] * 3, axis=-1))


SLICES = (
    Remedy("2 CTs with the same SeriesInstanceUID.*: choose any file of the CT", _halves, _any_file),
    Remedy("or export each CT into its own folder", _halves, _one_in_its_folder),
    Remedy("contains 2 CT series .*: choose one, by its folder", _two_series, _chosen("two", "a")),
    Remedy("choose one, by its folder or by any of its files", _two_series, _chosen("two", "a", "003.dcm")),
    Remedy("two phases or reconstructions are mixed: export one", _copy_with_other_pixels, _exported_again),
    Remedy("are damaged or cut off: copy the series again", _damaged_slice, _exported_again),
    Remedy("is a link to a missing file: copy the whole series, or remove the link", _broken_link, _link_removed),
    Remedy("a slice is missing.*: ", series(skip=[4]), _exported_again),
    Remedy("spacing varies from 1.80 to 3.20 mm.*: ", series(moved(lambda k: k == 4, lambda k: 0.7)), _exported_again),
    Remedy("only one slice .*: choose a whole series", series(skip=[0, 1, 2, 3, 5, 6, 7, 8]), _exported_again),
    Remedy("does not state its .*: export the series again", series(_removed("PixelSpacing")), _exported_again),
    Remedy("impossible pixel spacing: export the series again", series(stated(PixelSpacing=[0, 0])), _exported_again),
    Remedy(
        "impossible orientation: export", series(stated(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])), _exported_again
    ),
    Remedy("color pixels.*: choose the original CT slices", series(_colored), _exported_again),
    Remedy("declared as .*, not HU: choose the original CT series", series(stated(RescaleType="OD")), _exported_again),
    Remedy("no rescale slope and intercept.*: export it again", series(_removed("RescaleIntercept")), _exported_again),
    Remedy("contains no pixels: copy the series again", series(_removed("PixelData")), _exported_again),
    Remedy(
        "beyond the 12 bits .*export the series again without overlays",
        series(bits(12), overlay_above, packed("JPEG2000")),
        series(bits(12), packed("JPEG2000")),
    ),
    Remedy(
        "contains no CT slices, only .*: choose the folder of the axial CT series",
        series(stated(SOPClassUID="1.2.840.10008.5.1.4.1.1.7")),
        _exported_again,
    ),
    Remedy(
        "differ in .*, so they are not one stack: export one",
        series(on(odd, stated(PixelSpacing=[1, 1]))),
        _exported_again,
    ),
    Remedy(
        "Check that the series is one scan",
        series(stated(AcquisitionTime=""), on(upper, stated(AcquisitionNumber=2))),
        _exported_again,
        "mixed_series",
    ),
    Remedy(
        "only the 7 evenly spaced slices.*Measure an evenly spaced series",
        series(moved(lambda k: k < 2, lambda k: -2.5 * (2 - k))),
        _exported_again,
        "slices_uneven",
    ),
)
