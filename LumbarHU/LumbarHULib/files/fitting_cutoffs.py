"""Decide whether cutoffs are for a measurement: by its protocol, its levels, and the acquisition of its CT."""

from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES, acquisition_findings
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import STUDY_ID, ProtocolDocument


def why_cutoffs_do_not_fit(
    cutoffs: CutoffsDocument, protocol: ProtocolDocument, facts: ScanFacts, accept_off_protocol: bool = False
) -> str:
    """Return why cutoffs are not for a measurement, as a sentence; empty if they are.

    An acquisition that the CT or the cutoffs do not state fits: the measurement then has a finding.

    Parameters
    ----------
    cutoffs : CutoffsDocument
    protocol : ProtocolDocument
        The protocol of the measurement.
    facts : ScanFacts
        The CT's acquisition.
    accept_off_protocol : bool
        Whether the user wants classes although the acquisition differs.
    """
    if not cutoffs.cutoffs.rois:
        return ""
    try:
        cutoffs.require_protocol(protocol)
    except InputError as problem:
        return str(problem)
    used = tuple(protocol.protocol.patient.mean_levels)
    if cutoffs.protocol_id == STUDY_ID and "levels" not in cutoffs.document.get("protocol", {}) and used != MEAN_LEVELS:
        return (
            f"The cutoffs “{cutoffs.name}” are for the mean over {', '.join(MEAN_LEVELS)}, but the protocol's mean is "
            f"over {', '.join(used)}: use cutoffs for these levels, or measure without them."
        )
    if accept_off_protocol:
        return ""
    off = [one for one in acquisition_findings(facts, cutoffs.cutoffs) if one.code in OFF_PROTOCOL_CODES]
    if not off:
        return ""
    sentences = " ".join(one.sentence for one in off)
    advice = "Use cutoffs for this acquisition, or accept the acquisition."
    return f"The cutoffs “{cutoffs.name}” do not fit. {sentences} {advice}"
