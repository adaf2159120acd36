"""What a CT's acquisition means for the cutoffs: findings from the facts that its headers state."""

from LumbarHULib.core.findings import Finding
from LumbarHULib.core.protocol import Protocol
from LumbarHULib.core.scan_facts import ScanFacts

# Findings that forbid a class unless the user accepts the acquisition.
OFF_PROTOCOL_CODES = frozenset({"tube_voltage_off_protocol", "contrast_medium"})

# Headers round the tube voltage to whole kilovolts at the coarsest.
_VOLTAGE_TOLERANCE_KV = 0.5


def acquisition_findings(facts: ScanFacts, protocol: Protocol) -> tuple[Finding, ...]:
    """Return what the headers tell about tube voltage and contrast medium."""
    findings = []
    voltage_kv = facts.tube_voltage_kv
    if voltage_kv is not None and abs(voltage_kv - protocol.tube_voltage_kv) > _VOLTAGE_TOLERANCE_KV:
        findings.append(
            Finding(
                "tube_voltage_off_protocol",
                f"The CT was taken at {voltage_kv:g} kV; the cutoffs hold for {protocol.tube_voltage_kv:g} kV.",
                "No class is given unless you accept the acquisition, which is recorded.",
                "severe",
            )
        )
    if facts.contrast:
        findings.append(
            Finding(
                "contrast_medium",
                "The CT was taken with contrast medium; the cutoffs hold without.",
                "No class is given unless you accept the acquisition, which is recorded.",
                "severe",
            )
        )
    unknown = [
        name for name, value in (("tube voltage", voltage_kv), ("contrast medium", facts.contrast)) if value is None
    ]
    if unknown:
        findings.append(
            Finding(
                "acquisition_unknown",
                f"The CT does not tell its {' or '.join(unknown)}; the cutoffs hold for {protocol.tube_voltage_kv:g} "
                "kV without contrast medium.",
                "Check it where the CT came from.",
            )
        )
    return tuple(findings)
