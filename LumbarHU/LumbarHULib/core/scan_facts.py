"""The acquisition of a CT as its headers state it; None means that they do not state it."""

from dataclasses import asdict, dataclass
from typing import Any

# No CT has another tube voltage.
LEAST_KV, MOST_KV = 20, 300
# Some headers round the tube voltage to whole kilovolts.
_VOLTAGE_TOLERANCE_KV = 0.5


@dataclass(frozen=True)
class ScanFacts:
    """Acquisition facts of one CT series.

    Parameters
    ----------
    tube_voltage_kv, tube_current_ma, slice_thickness_mm, gantry_tilt_deg : float or None
        As the headers state them.
    slice_spacing_mm : float or None
        Distance between two slices, from the positions in the headers.
    contrast : bool or None
        Whether contrast medium was given.
    kernel, manufacturer, scanner_model, modality, series_uid : str or None
        As the headers state them.
    orientation_known : bool
        False when the file does not state the patient orientation.
    acquired_on : str or None
        Day of the acquisition as YYYY-MM-DD, to compare with that of a calibration; it is not exported.
    source : str
        What the facts were read from: ``"DICOM"`` or the name of the file format; empty when nothing was read.
    """

    tube_voltage_kv: float | None = None
    tube_current_ma: float | None = None
    slice_thickness_mm: float | None = None
    slice_spacing_mm: float | None = None
    gantry_tilt_deg: float | None = None
    contrast: bool | None = None
    kernel: str | None = None
    manufacturer: str | None = None
    scanner_model: str | None = None
    modality: str | None = None
    series_uid: str | None = None
    orientation_known: bool = True
    source: str = ""
    acquired_on: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return the facts as plain JSON values to export, without the date, which may identify a patient."""
        values = asdict(self)
        del values["acquired_on"]
        return values

    @property
    def described(self) -> tuple[str, ...]:
        """The known facts in words, to show with the classes; empty when nothing is known."""
        contrast = {None: "", True: "with contrast medium", False: "without contrast medium"}[self.contrast]
        values = (
            (self.tube_voltage_kv, "{:g} kV"),
            (contrast, "{}"),
            (self.tube_current_ma, "{:g} mA"),
            (self.slice_thickness_mm, "slices {:g} mm thick"),
            (self.slice_spacing_mm, "{:.4g} mm from slice to slice"),
            (self.gantry_tilt_deg, "gantry tilt {:g}°"),
            (self.kernel, "kernel {}"),
            (self.manufacturer, "{}"),
            (self.scanner_model, "{}"),
        )
        return tuple(printable(form.format(value)) for value, form in values if value not in (None, ""))


def is_same_voltage(one_kv: float, other_kv: float) -> bool:
    """Return whether two tube voltages are the same, although one may be rounded."""
    return abs(one_kv - other_kv) <= _VOLTAGE_TOLERANCE_KV


def is_same_name(one: str, other: str) -> bool:
    """Return whether two names of a scanner or a kernel differ at most in case and blanks."""
    return printable(one).casefold() == printable(other).casefold()


def printable(text: str) -> str:
    """Return a header's text on one line, without control characters, which could steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
