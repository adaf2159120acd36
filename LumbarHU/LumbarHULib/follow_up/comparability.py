"""Decide whether two readings of one patient may be compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort_files.precision_file import ERROR_VALUES, SitePrecision
from LumbarHULib.core.scan_facts import is_same_name, is_same_voltage, printable
from LumbarHULib.follow_up.dated_audit import DatedAudit

_THICKNESS_TOLERANCE_MM = 0.05


@dataclass(frozen=True)
class Comparability:
    """Whether two readings may be compared.

    Parameters
    ----------
    differs : tuple of str
        What is known to differ, as parts of a sentence: the two are not comparable.
    unknown : tuple of str
        What must agree but is unknown: the two are comparable only if the user states that it agrees.
    """

    differs: tuple[str, ...]
    unknown: tuple[str, ...]


def compare(first: DatedAudit, second: DatedAudit) -> Comparability:
    """Return what differs between two readings, and what is unknown, of all that must agree."""
    differs, unknown = [*_protocol_differences(first, second)], []
    for name, key in (("manufacturer", "manufacturer"), ("scanner model", "scanner_model")):
        values = [_plain(audit.headers[key]) for audit in (first, second)]
        if "" in values:
            unknown.append(name)
        elif not is_same_name(*values):
            differs.append(f"the {name} differs (“{values[0]}” and “{values[1]}”)")
    voltages = [audit.headers["tube_voltage_kv"] for audit in (first, second)]
    if None in voltages:
        unknown.append("tube voltage")
    elif not is_same_voltage(*voltages):
        differs.append(f"the tube voltage differs ({voltages[0]:g} and {voltages[1]:g} kV)")
    contrast = [first.contrast, second.contrast]
    if None in contrast:
        unknown.append("contrast medium")
    elif contrast[0] != contrast[1]:
        given = (first if contrast[0] else second).when
        differs.append(f"contrast medium is in the CT of {given} only")
    elif contrast[0]:
        # HU of bone depend on the time since the injection.
        unknown.append("contrast phase")
    return Comparability(tuple(differs), tuple(unknown))


def _protocol_differences(first: DatedAudit, second: DatedAudit) -> Iterator[str]:
    if first.protocol_title != second.protocol_title:
        yield f"the protocol differs (“{first.protocol_title}” and “{second.protocol_title}”)"
        return
    regions = [audit.record["protocol"].get("regions") for audit in (first, second)]
    if None not in regions and regions[0] != regions[1]:
        yield "the protocol's regions are defined differently"
    values = [audit.facts.protocol_values for audit in (first, second)]
    # A value that one of the two versions of LumbarHU does not have is a matter of the software: see `findings_on`.
    both = [name for name in values[0] if name in values[1] and name not in ERROR_VALUES]
    changed = [name for name in both if values[0][name] != values[1][name]]
    if changed:
        name = changed[0]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"the protocol's values differ ({name}: {values[0][name]} and {values[1][name]}{more})"


def why_lsc_is_for_others(precision: SitePrecision, audit: DatedAudit) -> str:
    """Return why a precision study is not for this reading, as part of a sentence; empty if it is."""
    stated = precision.document["protocol"]
    if precision.protocol_title != audit.protocol_title:
        return f"the precision study is for the protocol “{precision.protocol_title}”, not “{audit.protocol_title}”"
    regions = stated.get("regions"), audit.record["protocol"].get("regions")
    if None not in regions and regions[0] != regions[1]:
        return "the precision study is for other definitions of the protocol's regions"
    own = audit.facts.protocol_values
    for name, value in stated["values"].items():
        if name in own and name not in ERROR_VALUES and own[name] != value:
            return f"the precision study is for another value of {name} ({value}, not {own[name]})"
    acquisition = precision.document["acquisition"]
    for name, key in (("manufacturer", "manufacturer"), ("scanner model", "scanner_model")):
        values = [_plain(acquisition[key]), _plain(audit.headers[key])]
        if "" not in values and not is_same_name(*values):
            return f"the precision study is for another {name} (“{values[0]}”, not “{values[1]}”)"
    voltages = [acquisition["tube_voltage_kv"], audit.headers["tube_voltage_kv"]]
    if None not in voltages and not is_same_voltage(*voltages):
        return f"the precision study is for another tube voltage ({voltages[0]:g} kV, not {voltages[1]:g} kV)"
    return ""


def acquisition_findings(audits: Sequence[DatedAudit]) -> list[CohortFinding]:
    """Return the findings on what should agree between neighboring dates without deciding on the comparison."""
    found = []
    for first, second in pairwise(audits):
        dates = f"{first.when} and {second.when}"
        kernels = [_plain(audit.headers["kernel"]) for audit in (first, second)]
        if "" not in kernels and not is_same_name(*kernels):
            found.append(
                CohortFinding(
                    "kernel_differs",
                    f"The kernel differs between {dates} (“{kernels[0]}” and “{kernels[1]}”), which changes HU and "
                    "noise.",
                    "Use reconstructions with the same kernel.",
                )
            )
        thicknesses = [audit.headers["slice_thickness_mm"] for audit in (first, second)]
        if None not in thicknesses and abs(thicknesses[0] - thicknesses[1]) > _THICKNESS_TOLERANCE_MM:
            found.append(
                CohortFinding(
                    "slice_thickness_differs",
                    f"The slice thickness differs between {dates} ({thicknesses[0]:g} and {thicknesses[1]:g} mm).",
                    "Use reconstructions with the same slices.",
                )
            )
        unknown = [
            name
            for name, values in (("kernel", kernels), ("slice thickness", thicknesses))
            if "" in values or None in values
        ]
        if unknown:
            found.append(
                CohortFinding(
                    "reconstruction_unknown",
                    f"The {' and the '.join(unknown)} of {dates} cannot be compared: the files do not state "
                    f"{'it' if len(unknown) == 1 else 'them'}.",
                    "Check the source of the CTs, such as the PACS.",
                    "note",
                )
            )
        versions = [audit.record["software"]["LumbarHU"] for audit in (first, second)]
        names = [set(audit.facts.protocol_values) for audit in (first, second)]
        if versions[0] != versions[1] or names[0] != names[1]:
            found.append(
                CohortFinding(
                    "software_differs",
                    f"The readings of {dates} were made with different versions of LumbarHU ({versions[0]} and "
                    f"{versions[1]}), which may draw outlines differently.",
                    "Measure both CTs again with one version, from the markups in the audit folders.",
                )
            )
        if first.reader != second.reader:
            found.append(
                CohortFinding(
                    "readers_differ",
                    f"{first.reader} read the CT of {first.when} and {second.reader} that of {second.when}: the change "
                    "includes the difference between the readers.",
                    "Let one reader measure both CTs, or use a precision study with both readers.",
                    "note",
                )
            )
    return found


def _plain(text: str | None) -> str:
    return printable(text or "")
