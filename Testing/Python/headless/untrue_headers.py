"""False or incomplete headers of a DICOM series: contrast medium, gray values, compression."""

import tempfile
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from headless.untrue_inputs import Untrue, series_with, set_pixels, stated

GIVEN, NOT_GIVEN = ("contrast_medium",), ("contrast_medium", "acquisition_unknown", "contrast_word_unknown")


def agent(text: str, **tags):
    return series_with(stated(ContrastBolusAgent=text, SpecificCharacterSet="ISO_IR 192", **tags))


def packed(compressor: str):
    """Return a change that compresses the stored pixels by GDCM, as SimpleITK brings it along."""

    def change(k, dataset, stored):
        writer = SimpleITK.ImageFileWriter()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "packed.dcm"
            writer.SetFileName(str(path))
            writer.UseCompressionOn()
            writer.SetCompressor(compressor)
            held = np.frombuffer(dataset.PixelData, stored.dtype).reshape(stored.shape)
            writer.Execute(SimpleITK.GetImageFromArray(held[None]))
            other = pydicom.dcmread(path)
            dataset.file_meta.TransferSyntaxUID = other.file_meta.TransferSyntaxUID
            dataset.PixelData = other.PixelData
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"

    return change


def run_length(k, dataset, stored):
    dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)


def bits(count: int):
    """Return a change to a header of so many bits."""
    return stated(BitsStored=count, HighBit=count - 1)


def overlay_above(k, dataset, stored):
    """Put a drawing into bit 15 above an image of 12 bits, as scanners of the last century do."""
    drawn = stored.astype(np.uint16)
    drawn[:20, :20] |= 0x8000
    set_pixels(dataset, drawn)


INVERTED = "inverted gray (MONOCHROME1)"
WORDS = "a word for the contrast agent"
LOSSY = "compressed with loss, unsaid"
MONOCHROME1 = stated(PhotometricInterpretation="MONOCHROME1")
CODES = {"findings": ("lossy_compression",)}


def syntax(uid: str, **tags):
    """Return a change to another transfer syntax of compressed pixels."""

    def change(k, dataset, stored):
        dataset.file_meta.TransferSyntaxUID = uid
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)

    return change


HEADERS = (
    *(
        Untrue(WORDS, repr(word), agent(word), unsaid=NOT_GIVEN)
        for word in (
            *(
                "NONE GIVEN",
                "None given",
                "nativ",
                "ohne KM",
                "w/o",
                "Sin contraste",
                "WITHOUT",
                "non-contrast",
                "0 ml",
            ),
            *("sans injection", "平扫", "造影なし", "kein Kontrastmittel", "No IV contrast"),
        )
    ),
    *(
        Untrue(WORDS, repr(word), agent(word), findings=("acquisition_unknown",), unsaid=("contrast_medium",))
        for word in ("NA", "UNKNOWN", "-", ".", "n/a", "k.A.", "不明")
    ),
    *(
        Untrue(WORDS, repr(word), agent(word), findings=GIVEN, unsaid=("contrast_word_unknown",))
        for word in (
            "OMNIPAQUE 350",
            "Iomeron 400 80ml",
            "mit KM",
            "IV",
            "APPLIED",
            "增强",
            "oral contrast",
            "造影あり",
            *("OMNI", "Omnipaq350 100ML", "VISI"),
        )
    ),
    *(
        Untrue(
            WORDS,
            repr(word),
            agent(word),
            findings=("contrast_word_unknown", "acquisition_unknown"),
            unsaid=("contrast_medium",),
            says=f"“{word}”",
        )
        for word in ("XQ7", "SCAN", "OMN", "with and without contrast")
    ),
    *(
        Untrue(WORDS, f"'XQ7' with a {name}", agent("XQ7", **tags), findings=GIVEN, unsaid=("contrast_word_unknown",))
        for name, tags in (
            ("volume", {"ContrastBolusVolume": "80"}),
            ("route", {"ContrastBolusRoute": "IV"}),
        )
    ),
    Untrue(INVERTED, "as stored", series_with(MONOCHROME1)),
    Untrue(INVERTED, "run length", series_with(MONOCHROME1, run_length)),
    *(
        Untrue(INVERTED, f"{compressor}, {count} bits", series_with(MONOCHROME1, bits(count), packed(compressor)))
        for compressor in ("JPEG", "JPEG2000", "JPEGLS")
        for count in (16, 12)
    ),
    *(
        Untrue(
            INVERTED,
            f"{compressor}, signed",
            series_with(MONOCHROME1, packed(compressor), intercept=0),
        )
        for compressor in ("JPEG", "JPEG2000", "JPEGLS")
    ),
    Untrue(
        LOSSY, "JPEG 2000 of either kind", series_with(packed("JPEG2000"), syntax("1.2.840.10008.1.2.4.91")), **CODES
    ),
    Untrue(
        LOSSY,
        "JPEG 2000 of either kind, said to be lossless",
        series_with(packed("JPEG2000"), syntax("1.2.840.10008.1.2.4.91", LossyImageCompression="00")),
        unsaid=("lossy_compression",),
    ),
    Untrue(LOSSY, "a method is named", series_with(stated(LossyImageCompressionMethod="ISO_15444_1")), **CODES),
    Untrue("overlay in the bits above the image", "as stored", series_with(bits(12), overlay_above)),
    Untrue("overlay in the bits above the image", "run length", series_with(bits(12), overlay_above, run_length)),
    Untrue("overlay in the bits above the image", "JPEG", series_with(bits(12), overlay_above, packed("JPEG"))),
    Untrue(
        "overlay in the bits above the image",
        "JPEG 2000",
        series_with(bits(12), overlay_above, packed("JPEG2000")),
        refused="beyond the 12 bits .* overlay",
    ),
)
