"""LumbarHU in Python: Hounsfield units of five regions in the lumbar vertebrae of a CT.

>>> import lumbarhu
>>> ct = lumbarhu.read_ct("ct.nrrd")
>>> measured = lumbarhu.measure(ct, midlines={"L1": [anterior_ras, posterior_ras]})
>>> measured.levels["L1"].rois["round"].mean_hu
>>> measured.means["round"].mean_hu

What is listed in `__all__` is public: it changes by semantic versioning. For research only; not a medical device.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from LumbarHULib import __version__

if TYPE_CHECKING:
    from LumbarHULib.api.audit_folders import verify
    from LumbarHULib.api.calibrations import Calibration, calibrate, read_calibration
    from LumbarHULib.api.cohorts import analyze_cohort
    from LumbarHULib.api.comparisons import compare_methods
    from LumbarHULib.api.cts import Ct, ct_from_array, ct_from_node, read_ct
    from LumbarHULib.api.follow_ups import follow_up, precision_study
    from LumbarHULib.api.measurement import Measurement
    from LumbarHULib.api.measuring import measure, protocol_ids
    from LumbarHULib.api.midlines import Midlines
    from LumbarHULib.api.pooled_calibrations import pool_calibrations
    from LumbarHULib.api.proposals import propose_from_points, propose_from_segmentation, read_midlines
    from LumbarHULib.audit.verify import Verification
    from LumbarHULib.cohort_files.job import CohortOutcome
    from LumbarHULib.cohort_files.methods.job import ComparisonOutcome
    from LumbarHULib.cohort_files.precision_study import PrecisionStudy
    from LumbarHULib.core.errors import InputError
    from LumbarHULib.core.findings import Finding
    from LumbarHULib.core.levels import LABEL_VALUES, LEVELS, ROIS
    from LumbarHULib.core.results import LevelResult, RoiResult, RoiSummary
    from LumbarHULib.core.scan_facts import ScanFacts
    from LumbarHULib.follow_up.job import FollowUp

__all__ = [
    "LABEL_VALUES",
    "LEVELS",
    "ROIS",
    "Calibration",
    "CohortOutcome",
    "ComparisonOutcome",
    "Ct",
    "Finding",
    "FollowUp",
    "InputError",
    "LevelResult",
    "Measurement",
    "Midlines",
    "PrecisionStudy",
    "RoiResult",
    "RoiSummary",
    "ScanFacts",
    "Verification",
    "__version__",
    "analyze_cohort",
    "calibrate",
    "compare_methods",
    "ct_from_array",
    "ct_from_node",
    "follow_up",
    "measure",
    "pool_calibrations",
    "precision_study",
    "propose_from_points",
    "propose_from_segmentation",
    "protocol_ids",
    "read_calibration",
    "read_ct",
    "read_midlines",
    "verify",
]

# Imported when they are first used: `import lumbarhu` alone costs next to nothing.
_HOME = {
    "LABEL_VALUES": "core.levels",
    "LEVELS": "core.levels",
    "ROIS": "core.levels",
    "Calibration": "api.calibrations",
    "CohortOutcome": "cohort_files.job",
    "ComparisonOutcome": "cohort_files.methods.job",
    "Ct": "api.cts",
    "Finding": "core.findings",
    "FollowUp": "follow_up.job",
    "InputError": "core.errors",
    "LevelResult": "core.results",
    "Measurement": "api.measurement",
    "Midlines": "api.midlines",
    "PrecisionStudy": "cohort_files.precision_study",
    "RoiResult": "core.results",
    "RoiSummary": "core.results",
    "ScanFacts": "core.scan_facts",
    "Verification": "audit.verify",
    "analyze_cohort": "api.cohorts",
    "calibrate": "api.calibrations",
    "compare_methods": "api.comparisons",
    "ct_from_array": "api.cts",
    "ct_from_node": "api.cts",
    "follow_up": "api.follow_ups",
    "measure": "api.measuring",
    "pool_calibrations": "api.pooled_calibrations",
    "precision_study": "api.follow_ups",
    "propose_from_points": "api.proposals",
    "propose_from_segmentation": "api.proposals",
    "protocol_ids": "api.measuring",
    "read_calibration": "api.calibrations",
    "read_ct": "api.cts",
    "read_midlines": "api.proposals",
    "verify": "api.audit_folders",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lumbarhu' has no attribute {name!r}")
    value = getattr(import_module(f"LumbarHULib.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
