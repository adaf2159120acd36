"""Read cutoffs from their file."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from LumbarHULib.core.cutoffs import Cutoff, CutoffTable, Proportion, RoiCutoffs
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.json_schema import check_against_schema
from LumbarHULib.files.located_json import LocatedValue, read_located_json
from LumbarHULib.files.resources import resource_path

DEFAULT_CUTOFFS = resource_path("Cutoffs", "shanghai-2022.json")

_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class CutoffsDocument:
    """Cutoffs and the file that states them.

    Parameters
    ----------
    cutoffs : CutoffTable
        The cutoffs that a mean is compared with.
    name, version, citation : str
        As the file states them.
    document : dict
        The whole file as plain JSON values; do not change it. It includes values that are only displayed: the printed
        percentages, cutoffs from other publications, and the acquisition that the cutoffs hold for.
    """

    cutoffs: CutoffTable
    name: str
    version: str
    citation: str
    document: dict[str, Any]


def load_cutoffs(path: Path | None = None) -> CutoffsDocument:
    """Read a cutoffs file; without a path, read the study's.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON, or if a value is missing, unknown, of the wrong type or contradicts
        another. The sentence names the file and the line.
    """
    return _shipped() if path is None else cutoffs_from(read_located_json(path))


@cache
def _shipped() -> CutoffsDocument:
    # Read once: a batch needs it for every case.
    return cutoffs_from(read_located_json(DEFAULT_CUTOFFS))


def cutoffs_from(document: LocatedValue) -> CutoffsDocument:
    """Return the cutoffs in a file or in part of one; raise InputError as `load_cutoffs` does."""
    check_against_schema(document, "cutoffs.schema.json")
    _check_totals(document)
    plain = document.plain()
    medians = plain.get("level_medians", {})
    table = CutoffTable(
        name=plain["name"],
        source=plain["citation"],
        rois={roi: _roi_cutoffs(document["rois"][roi], plain.get("whose", "the")) for roi in ROIS},
        notes=tuple(plain.get("notes", ())),
        level_medians_hu=medians.get("rois", {}),
        level_medians_source=medians.get("source", ""),
        tube_voltage_kv=plain.get("acquisition", {}).get("tube_voltage", {}).get("value"),
        contrast_medium=plain.get("acquisition", {}).get("contrast_medium", {}).get("value"),
    )
    return CutoffsDocument(table, plain["name"], plain["version"], plain["citation"], plain)


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
