"""Read cutoffs from their file."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, Proportion, RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.file_bytes import read_file
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, decode_located_json, read_located_json
from LumbarHULib.files.protocol_file import STUDY_ID, ProtocolDocument
from LumbarHULib.files.resources import resource_path

DEFAULT_CUTOFFS = resource_path("Cutoffs", "shanghai-2022.json")

# For protocols without cutoffs: means have no class.
NO_CUTOFFS = resource_path("Cutoffs", "none.json")

_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class CutoffsDocument:
    """Cutoffs and the file that states them.

    Parameters
    ----------
    cutoffs : CutoffTable
        The cutoffs that a mean is compared with.
    protocol_id, protocol_version : str
        The protocol that the cutoffs belong to; a file that names none belongs to the study's.
    name, version, citation : str
        As the file states them.
    document : dict
        The whole file as plain JSON values; do not change it. It includes values that are only displayed: the printed
        percentages, cutoffs from other publications, and the acquisition that the cutoffs hold for.
    """

    cutoffs: CutoffTable
    protocol_id: str
    protocol_version: str
    name: str
    version: str
    citation: str
    document: dict[str, Any]

    def require_protocol(self, protocol: ProtocolDocument) -> None:
        """Raise InputError unless the cutoffs belong to this protocol, in this major version and for its levels.

        Parameters
        ----------
        protocol : ProtocolDocument
            The protocol of the measurement.
        """
        if not self.cutoffs.rois:
            return
        own, major = self.protocol_id, self.protocol_version.partition(".")[0]
        if (own, major) != (protocol.id, protocol.major_version):
            raise InputError(
                f"The cutoffs “{self.name}” belong to the protocol {own}, version {self.protocol_version}, not to "
                f"{protocol.id}, version {protocol.version}: use cutoffs of the protocol, or measure without them."
            )
        self.cutoffs.require_regions(protocol.protocol.region_names)
        levels, used = self.document.get("protocol", {}).get("levels"), list(protocol.protocol.patient.mean_levels)
        if levels is not None and levels != used:
            raise InputError(
                f"The cutoffs “{self.name}” are for the mean over {', '.join(levels)}, but the protocol's mean is over "
                f"{', '.join(used)}: use cutoffs for these levels, or measure without them."
            )


def cutoffs_for(protocol: ProtocolDocument, path: Path | None = None) -> CutoffsDocument:
    """Read a cutoffs file for measurements by a protocol; without a path, take those that LumbarHU comes with.

    Raises
    ------
    InputError
        If the file cannot be read, as `load_cutoffs` does, or its cutoffs belong to another protocol.
    """
    if path is not None:
        document = load_cutoffs(path)
        document.require_protocol(protocol)
        return document
    return _shipped() if protocol.id == STUDY_ID else _without_cutoffs()


def load_cutoffs(path: Path | None = None) -> CutoffsDocument:
    """Read a cutoffs file; without a path, read the study's.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON, or if a value is missing, unknown, of the wrong type or contradicts
        another. The sentence names the file and the line.
    """
    return _shipped() if path is None else _own(Path(path).name, read_file(path))


@lru_cache(maxsize=8)
def _own(name: str, content: bytes) -> CutoffsDocument:
    # The same content is checked once, because a batch needs it for every case.
    return cutoffs_from(decode_located_json(content, name))


@cache
def _without_cutoffs() -> CutoffsDocument:
    return cutoffs_from(read_located_json(NO_CUTOFFS))


@cache
def _shipped() -> CutoffsDocument:
    # Read once: a batch needs it for every case.
    return cutoffs_from(read_located_json(DEFAULT_CUTOFFS))


def cutoffs_from(document: LocatedValue) -> CutoffsDocument:
    """Return the cutoffs in a file or in part of one; raise InputError as `load_cutoffs` does."""
    _check_region_names(document)
    check_against_schema(document, "cutoffs.schema.json")
    plain = document.plain()
    protocol = plain.get("protocol", {"id": STUDY_ID, "version": "1"})
    if protocol["id"] == STUDY_ID and plain["rois"]:
        _require_regions(document["rois"])
        if "level_medians" in plain:
            _require_regions(document["level_medians"]["rois"])
    _check_totals(document)
    medians = plain.get("level_medians", {})
    table = CutoffTable(
        name=plain["name"],
        source=plain["citation"],
        rois={roi: _roi_cutoffs(document["rois"][roi], plain.get("whose", "the")) for roi in plain["rois"]},
        notes=tuple(plain.get("notes", ())),
        level_medians_hu=medians.get("rois", {}),
        level_medians_source=medians.get("source", ""),
        tube_voltage_kv=plain.get("acquisition", {}).get("tube_voltage", {}).get("value"),
        contrast_medium=plain.get("acquisition", {}).get("contrast_medium", {}).get("value"),
    )
    words = plain["name"], plain["version"], plain["citation"]
    return CutoffsDocument(table, protocol["id"], protocol["version"], *words, plain)


def _check_region_names(document: LocatedValue) -> None:
    """Raise InputError where a file that names no protocol, and so belongs to the study's, has another region."""
    plain = document.plain()
    if not isinstance(plain, dict) or "protocol" in plain or not isinstance(plain.get("rois"), dict):
        return
    for name, entry in document["rois"].value.items():
        if name not in ROIS:
            close = get_close_matches(name, ROIS, 1)
            advice = f"write “{close[0]}”." if close else "remove it or correct its name."
            raise entry.error(f"“rois.{name}” is not a known name: {advice}")


def _require_regions(place: LocatedValue) -> None:
    for roi in ROIS:
        if roi not in place.value:
            raise place.error(f"“rois” lacks “{roi}”: add it.")


def _roi_cutoffs(place: LocatedValue, whose: str) -> RoiCutoffs:
    osteoporosis, normal = _cutoff(place["osteoporosis"]), _cutoff(place["normal"])
    recovered = place["osteopenia_recovered"]["value"].plain() if "osteopenia_recovered" in place else None
    recovered = None if recovered is None else float(recovered)
    return _located(place, RoiCutoffs, osteoporosis, normal, recovered, whose)


def _cutoff(place: LocatedValue) -> Cutoff:
    plain = place.plain()
    interval = plain.get("interval", {})
    proportions = {
        name: _located(place[name], Proportion, **{key: int(count) for key, count in plain[name].items()})
        for name in ("sensitivity", "specificity")
        if name in plain
    }
    low, high = interval.get("low"), interval.get("high")
    area = plain.get("area_under_curve", {})
    return _located(
        place["interval"] if interval else place,
        Cutoff,
        float(plain["value"]),
        None if low is None else float(low),
        None if high is None else float(high),
        interval.get("source", ""),
        **proportions,
        note=plain.get("note", ""),
        source=plain["source"],
        area=area.get("value"),
        area_low=area.get("low"),
        area_high=area.get("high"),
    )


def _located(place: LocatedValue, kind: Callable[..., _Value], *values: Any, **named_values: Any) -> _Value:
    """Return a value of `kind`, or raise InputError with the line if the values are invalid."""
    try:
        return kind(*values, **named_values)
    except InputError as problem:
        raise place.error(str(problem)) from problem


def _check_totals(document: LocatedValue) -> None:
    """Raise InputError unless sensitivities refer to the test's positives and specificities to its negatives."""
    if "tests" not in document:
        return
    for name, test in document["tests"].value.items():
        for roi in document["rois"].value.values():
            for share, group in (("sensitivity", "positives"), ("specificity", "negatives")):
                if share in roi[name] and roi[name][share]["total"].value != test[group].value:
                    total = roi[name][share]["total"]
                    raise total.error(
                        f"The {share} is stated for {total.value}, but the test for {test['finds'].value} has "
                        f"{test[group].value} {group}: correct one of them."
                    )
