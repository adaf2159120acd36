"""Where the report's numbers come from: the CT, the protocol, the cutoffs, the software and the files."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.report.words import NONE, number_text, yes_no
from LumbarHULib.core.patient import slice_spacing_mm
from LumbarHULib.files import html_text as html
from LumbarHULib.files.html_text import Html
from LumbarHULib.files.protocol_file import changed_values, shipped_protocol_of

_NOT_STATED = "not stated"

# The protocol values that characterize the measurement; record.json contains all of them.
_MAIN_VALUES = (
    "mean_levels",
    "minimum_levels",
    "boundary_fraction",
    "cortical_margin_mm",
    "slab_mm",
    "front_width_fraction",
    "lateral_extent",
    "lsc_hu",
)


def acquisition_table(audit: Audit) -> str:
    """Return the CT's acquisition next to that of the cutoffs, in HTML."""
    held = {name: _fact_text(fact) for name, fact in audit.cutoffs.document.get("acquisition", {}).items()}
    rows = [
        [title, html.foreign(stated or _NOT_STATED), html.foreign(held.pop(name, NONE))]
        for title, name, stated in _facts(audit)
    ]
    rows += [[html.foreign(name.replace("_", " ").capitalize()), NONE, html.foreign(of)] for name, of in held.items()]
    return html.table(["", "This CT", "The cutoffs hold for"], rows, text={0, 1, 2}, name="Acquisition")


def protocol_parts(audit: Audit) -> list[str]:
    """Return the protocol's name, citation, state and chief values, in HTML."""
    document, values = audit.protocol.document["values"], audit.protocol.protocol.values
    rows = []
    for name in _MAIN_VALUES:
        of_file = document.get(name, {})
        rows.append(
            [
                Html(f"<code>{name}</code>"),
                f"{_plain(values[name])} {of_file.get('unit', '')}".removesuffix(" 1"),
                html.foreign(of_file.get("source", "")),
            ]
        )
    return [
        html.paragraph(_named(audit.protocol.name, audit.protocol.version, audit.protocol.citation)),
        html.paragraph(_protocol_state(audit)),
        html.table(["Value", "Used", "Source"], rows, left=2, text={2}, name="Main values of the protocol"),
    ]


def cutoffs_parts(audit: Audit) -> list[str]:
    """Return the cutoffs' name, citation, what must be known of them, and those of others, in HTML."""
    parts = [html.paragraph(_named(audit.cutoffs.name, audit.cutoffs.version, audit.cutoffs.citation))]
    sources = dict.fromkeys(
        cutoff.interval_source
        for roi in audit.cutoffs.cutoffs.rois.values()
        for cutoff in (roi.osteoporosis, roi.normal)
        if cutoff.interval_source
    )
    if sources:
        parts.append(html.paragraph(Html(f"Their 95 % intervals: {html.foreign('; '.join(sources))}."), "note"))
    notes = audit.cutoffs.cutoffs.notes
    if notes:
        listed = "\n".join(f"<li>{html.foreign(note)}</li>" for note in notes)
        parts.append(f'<ol class="notes">\n{listed}\n</ol>')
    others = [
        f"{other['comparison']} {other['value']:g} {other['unit']} at {other['region']}, {other['finds']} "
        f"({other['source']})"
        for other in audit.cutoffs.document.get("other_cutoffs", ())
    ]
    if others:
        parts.append(html.paragraph(Html(f"Other published cutoffs: {html.foreign('; '.join(others))}."), "note"))
    return parts


def software_parts(versions: Mapping[str, str], audit: Audit, file_sha256: Mapping[str, str]) -> list[str]:
    """Return versions and hashes, in HTML."""
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    hashes = {"the CT's voxels": audit.voxels_sha256, **file_sha256}
    rows = [[name, Html(f"<code>{html.escaped(digest)}</code>")] for name, digest in hashes.items()]
    return [
        html.paragraph(listed),
        '<div class="hashes">',
        html.table(["File", "SHA-256"], rows, left=2, text={1}, name="Hashes"),
        "</div>",
    ]


def _named(name: str, version: str, citation: str) -> Html:
    return Html(f"<strong>{html.foreign(name)}</strong>, version {html.foreign(version)}. {html.foreign(citation)}")


def _protocol_state(audit: Audit) -> Html:
    """Return which values are otherwise than in the protocol that LumbarHU comes with."""
    own, values = shipped_protocol_of(audit.protocol), audit.protocol.protocol.values
    changed = [
        f"{name} {_plain(values[name])} (there {_plain(of_own)})"
        for name, of_own in changed_values(audit.protocol).items()
    ]
    of_own = f"those of “{own.name}” {own.version}"
    if not changed:
        return Html(f"Not modified: all {len(values)} values are {html.escaped(of_own)}.")
    return Html(
        f"<strong>Modified</strong>: {len(changed)} of {len(values)} values differ from {html.escaped(of_own)}: "
        f"{html.foreign(', '.join(changed))}."
    )


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _fact_text(fact: Mapping[str, Any]) -> str:
    value = fact["value"]
    return yes_no(value) if isinstance(value, bool) else f"{_plain(value)} {fact.get('unit', '')}".strip()


def _facts(audit: Audit) -> list[tuple[str, str, str]]:
    """Return title, name in a cutoffs file and value of each fact; the value is empty if it is unknown."""
    facts = audit.scan_facts
    steps_mm = np.linalg.norm(audit.ct.ras_from_ijk[:3, :3], axis=0)
    levels = audit.result.levels
    spacing_mm = facts.slice_spacing_mm or (slice_spacing_mm(levels[0]) if levels else None)
    thickness = _value_text(facts.slice_thickness_mm, "mm")
    if not thickness and spacing_mm:
        thickness = f"{_NOT_STATED}; from slice to slice {_value_text(spacing_mm, 'mm')}"
    scanner = " ".join(filter(None, (facts.manufacturer, facts.scanner_model)))
    return [
        ("Tube voltage", "tube_voltage", _value_text(facts.tube_voltage_kv, "kV")),
        ("Contrast medium", "contrast_medium", "" if facts.contrast is None else yes_no(facts.contrast)),
        ("Tube current", "tube_current", _value_text(facts.tube_current_ma, "mA")),
        ("Slice thickness", "slice_thickness", thickness),
        ("From slice to slice", "slice_spacing", _value_text(spacing_mm, "mm")),
        ("Gantry tilt", "gantry_tilt", _value_text(facts.gantry_tilt_deg, "°")),
        ("Kernel", "kernel", facts.kernel or ""),
        ("Scanner", "scanner", scanner),
        ("Voxels, as stored", "voxels", " × ".join(str(size) for size in audit.ct.voxels_hu.shape[::-1])),
        ("Steps between voxels", "steps", " × ".join(number_text(step, 3) for step in steps_mm) + " mm"),
        ("Orientation", "orientation", "stated" if facts.orientation_known else ""),
        ("Read from", "source", facts.source),
    ]


def _value_text(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.5g} {unit}".replace(" °", "°")
