"""Remedies of findings on the acquisition, on cutoffs and on means."""

import numpy as np
import SimpleITK
from headless.remedies import Bench, Remedy, independent, measure
from headless.remedies_cts import series
from headless.untrue_inputs import set_pixels, stated

from LumbarHULib.files.resources import resource_path

CUTOFFS = resource_path("Cutoffs", "shanghai-2022.json")
PROTOCOL = resource_path("Protocols", "lumbarhu-2022-study.json")


_SERIES = independent(series())


def _series_finding(code: str, says: str, fault, follow=None) -> Remedy:
    """Return a remedy: measure the series that it names."""
    return Remedy(says, fault, follow or _SERIES, code)


def _spine(*options: object):
    """Return a function that measures two of four levels, or those in the options."""
    levels = () if "--levels" in options else ("--levels", "L2,L3")
    return lambda bench: measure(bench.spine.ct, "--markups", bench.spine.markups, *levels, *options)


def _with_cutoffs(change):
    """Return a function that measures with cutoffs that `change(document)` changed."""

    def command(bench: Bench) -> list[object]:
        return _spine("--cutoffs", bench.changed_json(CUTOFFS, "cutoffs.json", change))(bench)

    return command


def _with_protocol(**values: object):
    def change(document: dict) -> None:
        for name, value in values.items():
            document["values"][name]["value"] = value

    def command(bench: Bench) -> list[object]:
        return _spine("--protocol", bench.changed_json(PROTOCOL, "protocol.json", change))(bench)

    return command


def _shifted(by_hu: float):
    def change(k, dataset, stored):
        set_pixels(dataset, (stored.astype(int) + by_hu).clip(0).astype(stored.dtype))

    return change


def _useless(document: dict) -> None:
    for kind in ("osteoporosis", "normal"):
        area = {"value": 0.52, "low": 0.4, "high": 0.64, "source": "a small cohort"}
        document["rois"]["round"][kind]["area_under_curve"] = area


def _uncropped(bench: Bench) -> list[object]:
    """Measure the CT with air all around, as wide as a scanner's field of view."""
    ct = SimpleITK.ReadImage(str(bench.spine.ct))
    SimpleITK.WriteImage(
        SimpleITK.ConstantPad(ct, [100, 100, 0], [100, 100, 0], -1000.0), str(bench.folder / "wide.nrrd")
    )
    return measure(bench.folder / "wide.nrrd", "--markups", bench.spine.markups, "--levels", "L2,L3")


def _bright_spine(bench: Bench) -> list[object]:
    voxels_hu = bench.spine.phantom.voxels_hu
    ct = bench.image("bright.nrrd", np.where(voxels_hu > 60, voxels_hu + 900, voxels_hu).astype(np.int16), bench.spine)
    return measure(ct, "--markups", bench.spine.markups, "--levels", "L2,L3")


ACQUISITION = (
    _series_finding("unit_unspecified", "Check that air is near −1000", series(stated(RescaleType="US"))),
    _series_finding(
        "monoenergetic_images",
        "Measure the conventional series",
        series(stated(ImageType=["DERIVED", "PRIMARY", "MONO_70KEV"])),
    ),
    _series_finding(
        "derived_images", "Measure the original series", series(stated(ImageType=["DERIVED", "SECONDARY", "MPR"]))
    ),
    _series_finding("lossy_compression", "Measure the original series", series(stated(LossyImageCompression="01"))),
    _series_finding(
        "sharp_kernel",
        "Measure a reconstruction with a standard kernel",
        series(stated(ConvolutionKernel="B70f", Manufacturer="SIEMENS")),
        series(stated(ConvolutionKernel="B30f", Manufacturer="SIEMENS")),
    ),
    _series_finding("tilt_contradicted", "Check on a sagittal view", series(stated(GantryDetectorTilt="12"))),
    _series_finding("slices_thick", "Use a reconstruction with thinner slices", series(stated(SliceThickness="8"))),
    _series_finding("slices_apart", "Measure a series without gaps", series(stated(SliceThickness="1"))),
    _series_finding("contrast_medium", "No class is given", series(stated(ContrastBolusAgent="OMNIPAQUE 350"))),
    _series_finding("tube_voltage_off_protocol", "No class is given", series(stated(KVP="100"))),
    Remedy(
        "No class is given unless you accept the acquisition, which is recorded",
        series(stated(KVP="100")),
        lambda bench: [*series(stated(KVP="100"))(bench), "--accept-off-protocol"],
        "tube_voltage_off_protocol",
        becomes="The acquisition was accepted, which is recorded: a class is given anyway",
    ),
    _series_finding("contrast_word_unknown", "Look at the aorta", series(stated(ContrastBolusAgent="XQ7"))),
    _series_finding("values_not_hu", "rescale slope and intercept", series(_shifted(-200))),
    _series_finding("slices_overlap", "neighboring slices overlap", series(stated(SliceThickness="3"))),
    Remedy(
        "do not state the tube voltage or contrast medium that they hold for. Enter it in the cutoffs file",
        _with_cutoffs(lambda document: document.pop("acquisition")),
        _with_cutoffs(lambda document: None),
        "cutoffs_acquisition_unknown",
    ),
    Remedy(
        "does not show that HU discriminates.*use cutoffs from another cohort, or the study's",
        _with_cutoffs(_useless),
        _spine(),
        "cutoff_of_useless_curve",
    ),
    Remedy(
        "within measurement error.*enter your site's own least significant change",
        _spine(),
        _with_protocol(lsc_hu=0.5),
        "within_measurement_error",
    ),
    Remedy("a class needs at least 2. Measure more levels", _spine("--levels", "L1"), _spine(), "too_few_levels"),
    Remedy(
        "is over L1, L2, L3, without L4", _spine("--levels", "L1-L3"), _spine("--levels", "L1-L4"), "levels_missing"
    ),
    Remedy("vessels that would show .*Use the uncropped CT", _spine(), _uncropped, "small_field_of_view"),
    Remedy(
        "outside the range of trabecular bone.*check that the CT is in HU",
        _bright_spine,
        _spine(),
        "implausible_mean",
    ),
)
