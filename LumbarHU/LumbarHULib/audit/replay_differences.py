"""Compare an audit folder with its repeated measurement: record, label maps, tables, report."""

import csv
import json
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.folder import RECORD, REPORT, SCENE, VERTEBRAE, write_markups
from LumbarHULib.audit.record import record_of
from LumbarHULib.audit.replay import Replay
from LumbarHULib.audit.report.page import report_page
from LumbarHULib.audit.tables import results_columns, results_rows, summary_columns_of, summary_rows
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import MEANINGS_BY_SUBJECT, PLACEMENT_CODES, Finding
from LumbarHULib.core.levels import LABEL_VALUES
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.csv_text import Cell, cell_text
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_for
from LumbarHULib.files.protocol_file import ProtocolDocument, shipped_protocol_of

# For mm, degrees and fractions: finer than any effect on voxels, coarser than rounding by another version of numpy.
_TOLERANCE = 1e-4
# For HU and fractions of the trials: a geometry stored in single precision may change a voxel's membership.
_TRIALS_TOLERANCE = 0.01
_OF_TRIALS = ("placement", "share_")

# Findings that come from files that are no longer available: those next to the CT, the sources of proposals, and the
# signed-off scene.
_FROM_OUTSIDE = frozenset(
    {
        *("files_left_aside", "markup_left_aside", "outline_found_anew", "changed_after_sign_off", "segment_empty"),
        *PLACEMENT_CODES,
    }
)
# Findings of reading the CT's own file, which are unknown if the CT comes from another file than at the measurement.
_FROM_CT_FILE = frozenset(
    {
        *MEANINGS_BY_SUBJECT["Files"],
        *("unit_unspecified", "derived_images", "monoenergetic_images", "lossy_compression", "contrast_word_unknown"),
        *("slices_overlap", "slices_apart", "sharp_kernel", "gantry_tilt", "tilt_contradicted"),
    }
)
# Findings that depend on the folder of a series and concern no number.
_OF_PLACE = frozenset({"files_left_aside"})


def document_differences(record: Mapping[str, Any], documents: tuple[ProtocolDocument, CutoffsDocument]) -> list[str]:
    """Return differences of protocol and cutoffs from the shipped ones with their name, and from the values used."""
    differences = []
    protocol = shipped_protocol_of(documents[0])
    for name, document, shipped in (
        ("protocol", documents[0], protocol),
        ("cutoffs", documents[1], cutoffs_for(protocol)),
    ):
        if (document.name, document.version) == (shipped.name, shipped.version):
            # A protocol that states neither has the study's, as before protocols could define regions.
            implied = {"id", "regions"} - document.document.keys() if name == "protocol" else set()
            own = {key: value for key, value in shipped.document.items() if key not in implied}
            changed = list(_unlike(own, document.document, 0.0))
            differences += [
                f"{RECORD}, {name}{place}: expected {_short(one)}, as in “{shipped.name}” {shipped.version}, which has "
                f"the same name and version, found {_short(other)}."
                for place, one, other in changed
            ]
    stated = documents[0].protocol.values
    used = dict(record["protocol_values"]) | {"mean_levels": tuple(record["protocol_values"]["mean_levels"])}
    differences += [
        f"{RECORD}, protocol_values.{name}: expected {_short(stated[name])}, as the protocol in it states, found "
        f"{_short(used.get(name))}."
        for name in stated
        if name in used and used[name] != stated[name]
    ]
    return differences


def replay_differences(
    folder: Path, record: Mapping[str, Any], again: Replay, labels: Mapping[str, np.ndarray], same_software: bool
) -> Iterator[str]:
    """Yield the differences between the folder and its repeated measurement.

    Parameters
    ----------
    folder : pathlib.Path
    record : mapping
    again : Replay
    labels : mapping of str to numpy.ndarray
        As for `replay`.
    same_software : bool
        Whether the folder was made with the same versions: only then is the report identical.
    """
    yield from _record_differences(record, again)
    yield from _label_differences(record, again.audit, labels)
    calibrated = again.audit.calibration is not None
    yield from _table_differences(folder / "results.csv", 5, results_columns(calibrated), results_rows(again.audit))
    yield from _table_differences(folder / "summary.csv", 4, summary_columns_of(calibrated), summary_rows(again.audit))
    yield from _markup_differences(folder, again.audit.result)
    yield from _unexpected_files(record, again.audit.result)
    if same_software:
        yield from _report_differences(folder, record, again.audit)


def _record_differences(record: Mapping[str, Any], again: Replay) -> Iterator[str]:
    expected = json.loads(json.dumps(record_of(again.audit, {})))
    levels = {level["level"]: level for level in record["levels"]}
    for level in expected["levels"]:
        name = level["level"]
        if name not in levels:
            yield f"{RECORD}, {name}: expected a level, because the folder has its markups, found none."
            continue
        yield from _level_differences(name, level, levels.pop(name), again.knows_headers)
    for name in levels:
        yield f"{RECORD}, {name}: expected no level, because the folder has no markups for it, found one."
    yield from _finding_differences("reading", expected["findings"], record["findings"], again.knows_headers)
    for one, other in zip(expected["summaries"], record["summaries"], strict=False):
        yield from _finding_differences(one["roi"], one.pop("findings"), other["findings"], again.knows_headers)
        plain = {name: value for name, value in other.items() if name != "findings"}
        yield from _value_differences(one["roi"], one, plain)
    not_measured = [{"level": one["level"], "excluded": one["excluded"]} for one in record["not_measured"]]
    expected_not_measured = [{"level": one["level"], "excluded": one["excluded"]} for one in expected["not_measured"]]
    yield from _value_differences("not_measured", expected_not_measured, not_measured)
    yield from _value_differences("notice", expected["notice"], record["notice"])
    in_time = "calibration_in_time"
    yield from _value_differences(in_time, expected.get(in_time), record.get(in_time))
    if again.knows_headers:
        for name in ("headers", "series_uid"):
            one, other = expected["ct"].get(name), record["ct"].get(name)
            for place, wanted, found in _unlike(one, other, _TOLERANCE):
                yield (
                    f"{RECORD}, ct.{name}{place}: expected {_short(wanted)}, as the CT's own headers state, found "
                    f"{_short(found)}."
                )
    yield from _value_differences("ct.spacing_ijk_mm", expected["ct"]["spacing_ijk_mm"], record["ct"]["spacing_ijk_mm"])


def _level_differences(
    name: str, expected: dict[str, Any], found: Mapping[str, Any], knows_headers: bool
) -> Iterator[str]:
    yield from _finding_differences(name, expected.pop("findings"), found["findings"], knows_headers)
    for roi, one in expected.pop("rois").items():
        other = found["rois"][roi]
        yield from _finding_differences(f"{name}, {roi}", one.pop("findings"), other["findings"], knows_headers)
        yield from _value_differences(f"{name}, {roi}", one, {key: other[key] for key in one})
    yield from _value_differences(name, expected, {key: found[key] for key in expected})


def _finding_differences(
    where: str, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], knows_headers: bool
) -> Iterator[str]:
    """Yield missing and additional findings, in any order."""
    wanted, there = (Counter(map(_as_key, some)) for some in (expected, found))
    unknown = _FROM_OUTSIDE if knows_headers else _FROM_OUTSIDE | _FROM_CT_FILE
    for code, severity, level, roi, sentence, remedy in (wanted - there).elements():
        if code not in _OF_PLACE:
            text = f"the {severity} finding {code} ({sentence} {remedy}".rstrip()
            yield f"{RECORD}, {where}, findings{_of(level, roi)}: expected {text}), but it is missing or was changed."
    for code, severity, level, roi, sentence, remedy in (there - wanted).elements():
        if code not in unknown:
            text = f"the {severity} finding {code} ({sentence} {remedy}".rstrip()
            yield f"{RECORD}, {where}, findings{_of(level, roi)}: found {text}), but measuring again does not give it."


def _as_key(finding: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(finding[name] for name in ("code", "severity", "level", "roi", "sentence", "remedy"))


def _of(level: str, roi: str) -> str:
    return f" of {' '.join(filter(None, (level, roi)))}" if level or roi else ""


def _label_differences(record: Mapping[str, Any], audit: Audit, labels: Mapping[str, np.ndarray]) -> Iterator[str]:
    edited = {
        (level["level"], roi) for level in record["levels"] for roi, one in level["rois"].items() if one["edited"]
    }
    for roi, array in labels.items():
        for level in audit.result.levels:
            if (level.level, roi) in edited:
                continue
            mask = level.rois[roi].mask
            inside, offset = audit.stack.stored_crop(mask.inside, mask.offset_kji)
            held = array == LABEL_VALUES[level.level]
            box = tuple(slice(start, start + size) for start, size in zip(offset, inside.shape, strict=True))
            outside = int(np.count_nonzero(held)) - int(np.count_nonzero(held[box]))
            differing = int(np.count_nonzero(held[box] != inside)) + outside
            if differing:
                yield (
                    f"labelmaps/{roi}.nrrd, {level.level}: {differing} voxels differ from the region that the "
                    "markups give, and the record does not state that it was edited by hand."
                )


def _table_differences(path: Path, keys: int, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Yield unexpected cells of a table; its form and sums are checked elsewhere."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    names = columns[3:keys]
    by_key = {tuple(row.get(name) for name in names): row for row in found}
    for cells in rows:
        expected = dict(zip(columns, cells, strict=True))
        row = by_key.get(tuple(cell_text(expected[name]) for name in names))
        if row is None:
            continue
        where = f"{path.name}, {' '.join(str(expected[name]) for name in names)}"
        for column, value in expected.items():
            if row.get(column) is not None and not _is_same_cell(column, row[column], value):
                yield f"{where}, {column}: expected {cell_text(value) or 'nothing'}, found {row[column] or 'nothing'}."


def _is_same_cell(column: str, found: str, expected: Cell) -> bool:
    if column == "findings":  # the record is asked about each of them
        known = set(cell_text(expected).split(";"))
        return known - _OF_PLACE <= set(found.split(";"))
    if not isinstance(expected, float):
        return found == cell_text(expected)
    try:
        number = float(found)
    except ValueError:
        return False
    tolerance = _TRIALS_TOLERANCE if column.startswith(_OF_TRIALS) else 1e-6 * max(1.0, abs(expected))
    return abs(number - expected) <= tolerance


def _markup_differences(folder: Path, result: ReadingResult) -> Iterator[str]:
    """Yield differences between the markups and those of the repeated measurement."""
    with tempfile.TemporaryDirectory() as temporary:
        for level in result.levels:
            write_markups(Path(temporary), level, result.findings)
        for path in sorted(Path(temporary).iterdir()):
            name = f"markups/{path.name}"
            try:
                found = _points_of(folder / "markups" / path.name)
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                yield f"{name}: cannot be read as a markup of LumbarHU: the file was changed."
                continue
            expected = _points_of(path)
            if len(found) != len(expected) or np.abs(found - expected).max() > _TOLERANCE:
                yield (
                    f"{name}: its points differ from those that midline, CT and protocol give: they were moved without "
                    "a record."
                )


def _points_of(path: Path) -> np.ndarray:
    (markup,) = json.loads(path.read_text(encoding="utf-8-sig"))["markups"]
    points = np.array([point["position"] for point in markup["controlPoints"]], dtype=float).reshape(-1, 3)
    return points * ([-1, -1, 1] if markup.get("coordinateSystem", "LPS") == "LPS" else 1)


def _unexpected_files(record: Mapping[str, Any], result: ReadingResult) -> Iterator[str]:
    expected = {"results.csv", "summary.csv", REPORT, *(f"labelmaps/{roi}.nrrd" for roi in result.rois)}
    if any(level.vertebra is not None for level in result.levels):
        expected.add(VERTEBRAE)
    for level in result.levels:
        expected |= {f"markups/{level.level}-{role}.mrk.json" for role in ("midline", "boundary", "outline")}
    for name in sorted(expected - record["files"].keys()):
        yield f"{name}: expected in an audit folder with these levels, but missing from the folder and the record."
    for name in sorted(record["files"].keys() - expected - {SCENE}):
        yield f"{name}: in the record, but not expected in an audit folder with these levels."


def _report_differences(folder: Path, record: Mapping[str, Any], audit: Audit) -> Iterator[str]:
    hashes = {name: digest for name, digest in record["files"].items() if name not in (REPORT, SCENE)}
    try:
        found = (folder / REPORT).read_text(encoding="utf-8-sig")
        expected = report_page(_with_findings_of(audit, record), folder / "labelmaps", hashes)
    except (OSError, InputError, ValueError, IndexError, zlib.error):
        return  # what is missing, or a label map that LumbarHU did not write, is reported elsewhere
    for number, (one, other) in enumerate(zip(expected.splitlines(), found.splitlines(), strict=False), start=1):
        if one != other:
            at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
            yield (
                f"{REPORT}, line {number}: expected “{one[max(0, at - 20) : at + 40]}”, found "
                f"“{other[max(0, at - 20) : at + 40]}”: the report was changed or is from another folder."
            )
            return
    if len(expected.splitlines()) != len(found.splitlines()):
        yield (
            f"{REPORT}: expected {len(expected.splitlines())} lines, found {len(found.splitlines())}: the report was "
            "changed or is from another folder."
        )


def _with_findings_of(audit: Audit, record: Mapping[str, Any]) -> Audit:
    """Return the audit with the record's order of findings and its external findings."""
    result = audit.result
    levels = {level["level"]: level for level in record["levels"]}
    of_summaries = {summary["roi"]: summary for summary in record["summaries"]}
    replaced = []
    for level in result.levels:
        found = levels.get(level.level)
        if found is None:
            continue
        rois = {
            roi: replace(measured, findings=_findings(found["rois"][roi]["findings"]))
            for roi, measured in level.rois.items()
        }
        replaced.append(replace(level, rois=rois, findings=_findings(found["findings"])))
    summaries = tuple(
        replace(summary, findings=_findings(of_summaries[summary.roi]["findings"])) for summary in result.summaries
    )
    refusals = tuple(
        replace(refusal, sentence=found["sentence"])
        for refusal, found in zip(result.refusals, record["not_measured"], strict=False)
    )
    whole = replace(
        result,
        levels=tuple(replaced),
        summaries=summaries,
        refusals=refusals,
        findings=_findings(record["findings"]),
    )
    again = replace(audit, result=whole)
    again.__dict__["voxels_sha256"] = audit.voxels_sha256
    return again


def _findings(plain: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(**one) for one in plain)


def _value_differences(where: str, expected: object, found: object) -> Iterator[str]:
    for place, one, other in _unlike(expected, found, _TOLERANCE):
        within = f", {place[1:]}" if place.startswith(".") else place
        yield f"{RECORD}, {where}{within}: expected {_short(one)}, found {_short(other)}."


def _unlike(expected: object, found: object, tolerance: float, place: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield location, expected and found value of every difference between two documents of the same form."""
    if any(part in place for part in ("placement_sd_hu", "class_shares", ".sd_hu")):
        tolerance = max(tolerance, _TRIALS_TOLERANCE)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in (*expected, *(name for name in found if name not in expected)):
            yield from _unlike(expected.get(name), found.get(name), tolerance, f"{place}.{name}")
    elif _is_list(expected) and _is_list(found) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
            yield from _unlike(one, other, tolerance, f"{place}[{number}]")
    elif _is_number(expected) and _is_number(found):
        if abs(expected - found) > tolerance:
            yield place, expected, found
    elif expected != found:
        yield place, expected, found


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
