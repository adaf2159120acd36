"""Decide whether changes can be given in mg/cm³ as well as in HU, and compute them."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from LumbarHULib.audit.replay import recorded_calibration
from LumbarHULib.cohort.cases import CohortFinding
from LumbarHULib.cohort_files.precision_file import SitePrecision
from LumbarHULib.core.calibration import Calibration
from LumbarHULib.core.checks.calibration import NOT_OF_THE_CT
from LumbarHULib.core.density_change import DensityChange, density_change, lsc_in_mg_cc
from LumbarHULib.follow_up.dated_audit import DatedAudit

_UNCHECKED = "calibration_unchecked"


@lru_cache(maxsize=64)
def calibration_of(audit: DatedAudit) -> Calibration | None:
    """Return the calibration in the record of a reading; None without one."""
    document = recorded_calibration(audit.record)
    return None if document is None else document.calibration


def mineral_of(audits: Sequence[DatedAudit]) -> str:
    """Return the mineral of the densities, if every reading has densities of the same one; otherwise empty."""
    units = {"" if (found := calibration_of(audit)) is None else found.unit for audit in audits}
    return units.pop() if len(units) == 1 else ""


def why_no_density(audit: DatedAudit, accept_unknown: bool) -> str:
    """Return why the calibration of a reading is not valid for its CT, as part of a sentence; empty if it is."""
    codes = {finding["code"] for finding in audit.record["findings"]}
    why = [words for code, words in NOT_OF_THE_CT.items() if code in codes]
    if _UNCHECKED in codes and not accept_unknown:
        why.append("possibly of another scan protocol or date, which the files do not state")
    return f"the calibration on {audit.when} is {' and '.join(why)}" if why else ""


def change_in_mg_cc(
    first: DatedAudit,
    second: DatedAudit,
    hu: tuple[float, float],
    lsc_hu: float | None,
    site: SitePrecision | None,
    place: tuple[str, tuple[str, ...]],
) -> DensityChange:
    """Return a change in mg/cm³.

    Parameters
    ----------
    first, second : DatedAudit
        Calibrated readings of one mineral.
    hu : tuple of float
        The mean of each.
    lsc_hu : float or None
        The least significant change in HU; None if the two are not comparable.
    site : SitePrecision or None
        The site's precision study, whose LSC in mg/cm³ of this mineral is used in place of that in HU.
    place : tuple
        Region and levels.
    """
    one, other = calibration_of(first), calibration_of(second)
    if one is None or other is None:
        raise ValueError("Both readings need a calibration.")
    if lsc_hu is None:
        return density_change(one, other, *hu, None)
    own = None if site is None else site.lsc_mg_cc(*place, mineral=one.unit)
    lsc_mg_cc = lsc_in_mg_cc(one, other, lsc_hu) if own is None else own
    includes = own is not None and site is not None and site.includes_calibrations
    return density_change(one, other, *hu, lsc_mg_cc, includes)


def density_findings(audits: Sequence[DatedAudit], accept_unknown: bool) -> Iterator[CohortFinding]:
    """Yield the findings on changes in mg/cm³; none if no reading is calibrated."""
    calibrations = [calibration_of(audit) for audit in audits]
    known = [calibration for calibration in calibrations if calibration is not None]
    if not known:
        return
    with_one, without = (
        [a.when for a, c in zip(audits, calibrations, strict=True) if (c is None) == no] for no in (False, True)
    )
    if without:
        yield CohortFinding(
            "density_missing",
            f"Only the CT of {_listed(with_one)} is calibrated, that of {_listed(without)} is not: changes are in HU "
            "only.",
            "Measure each CT with a calibration of its scanner and date.",
            "note",
        )
        return
    if not mineral_of(audits):
        units = ", ".join(f"{a.when}: {c.unit}" for a, c in zip(audits, calibrations, strict=True) if c is not None)
        yield CohortFinding(
            "density_minerals_differ",
            f"The densities are of different minerals ({units}), which cannot be converted: changes are in HU only.",
            "Use calibrations of one kind of phantom.",
        )
        return
    yield from _validity_findings(audits, accept_unknown)
    phantoms = {(one.phantom.name, one.phantom.serial_number): one.phantom for one in known}
    if len(phantoms) > 1:
        names = " and ".join(" ".join(filter(None, key)) for key in phantoms)
        yield CohortFinding(
            "density_phantoms_differ",
            f"The calibrations are from different phantoms ({names}): a difference between their certificates looks "
            "like a change in mg/cm³.",
            "Use one phantom, or compare both phantoms in one scan.",
        )
    if any(one.phantom.is_phantomless for one in known):
        yield CohortFinding(
            "density_phantomless",
            "A calibration is experimental and has no phantom: changes in mg/cm³ have the error that the site states "
            "for it.",
            "Use the changes in HU, or a phantom.",
            "severe",
        )
    if not all(one.has_interval for one in known):
        yield CohortFinding(
            "density_without_interval",
            "A calibration has only two rods: changes in mg/cm³ have no interval and are not judged.",
            "Use a phantom with three rods or more.",
        )


def _validity_findings(audits: Sequence[DatedAudit], accept_unknown: bool) -> Iterator[CohortFinding]:
    for audit in audits:
        why = why_no_density(audit, accept_unknown)
        if why:
            remedy = "Calibrate with a scan of the phantom on that scanner, with that tube voltage, kernel and date"
            if NOT_OF_THE_CT["calibration_contrast"] in why:
                remedy = "Compare CTs without contrast medium"
            elif "possibly" in why:
                remedy += ", or state with --accept-unknown that they agree"
            sentence = f"{why[0].upper()}{why[1:]}: its changes in mg/cm³ are not judged."
            yield CohortFinding("density_not_valid", sentence, f"{remedy}.")


def _listed(dates: Sequence[str]) -> str:
    return " and ".join(dates) if len(dates) < 3 else f"{', '.join(dates[:-1])} and {dates[-1]}"
