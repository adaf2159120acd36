"""Write a cohort's own cutoffs and measurement error as files that LumbarHU can measure with."""

import copy
from typing import Any

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.bootstrap import BootstrapCutoff
from LumbarHULib.cohort.class_tables import own_cutoffs, useless_text
from LumbarHULib.cohort.reading_sets import BETWEEN
from LumbarHULib.cohort.roc_tables import RegionRoc
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.targets import TARGETS, Target
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS
from LumbarHULib.files.protocol_file import load_protocol

# Targets by their names in the cutoffs file.
_TESTS = {"osteoporosis": "osteoporosis", "normal": "low_bmd"}
_VERSION = "1.0.0"


def cutoffs_document(analysis: CohortAnalysis) -> dict[str, Any]:
    """Return the cohort's cutoffs in the form of ``cutoffs.schema.json``.

    Raises
    ------
    InputError
        If the mean is not that over L1–L4, a region lacks one of its two cutoffs, the lower cutoff is not below the
        upper one, or a ROC curve does not show that low HU find the target (unless forced).
    """
    cohort, is_forced = analysis.cohort, analysis.options.force_cutoffs
    if not cohort.has_study_mean:
        raise InputError(
            f"lumbarhu measure compares cutoffs with the mean over {MEAN}, but these are for {cohort.mean_name}."
        )
    rocs = {(roc.roi, roc.target): roc for roc in analysis.rocs if roc.cutoff}
    cutoffs = {place: roc.cutoff for place, roc in rocs.items() if roc.cutoff}
    for roi in ROIS:
        try:
            own_cutoffs(analysis.rocs, MEAN, roi, even_useless=is_forced)
        except InputError as problem:
            raise InputError(f"{roi}: {problem}") from problem
    document: dict[str, Any] = {
        "schema": "lumbarhu-cutoffs-1",
        "name": f"{'SYNTHETIC ' if cohort.is_synthetic else ''}cohort {cohort.name}",
        "version": _VERSION,
        "whose": "the cohort's",
        "citation": f"Cohort {cohort.name}, n = {len(cohort)}, computed by LumbarHU {__version__}.",
        "population": {"source": _source(analysis), **cohort.group_sizes},
    }
    sizes = {
        name: {(rocs[roi, target].area.n_positive, rocs[roi, target].area.n_negative) for roi in ROIS}
        for name, target in _TESTS.items()
    }
    if all(len(test_sizes) == 1 for test_sizes in sizes.values()):
        document["tests"] = {name: _test(TARGETS[target], *next(iter(sizes[name]))) for name, target in _TESTS.items()}
    document["rois"] = {
        roi: {name: _cutoff(rocs[roi, target], cutoffs[roi, target], analysis) for name, target in _TESTS.items()}
        for roi in ROIS
    }
    medians = _level_medians(analysis)
    if medians:
        document["level_medians"] = medians
    useless = [roc for roc in rocs.values() if roc.target in _TESTS.values() and not roc.is_useful]
    document["notes"] = [
        *([cohort.note] if cohort.note else []),
        *([_FORCED.format(", ".join(f"{roc.roi} for {roc.target}" for roc in useless))] if useless else []),
        "A cutoff with the greatest Youden index is too optimistic for the cases it was derived from: the corrected "
        "sensitivity and specificity in each cutoff's note estimate its accuracy in other cases.",
    ]
    return document


_FORCED = (
    "Written because of --force-cutoffs: the ROC curves of {} do not show that low HU find the target. Do not use "
    "these cutoffs for patients."
)


def _source(analysis: CohortAnalysis) -> str:
    cohort = analysis.cohort
    return f"{cohort.note} Cohort {cohort.name}, n = {len(cohort)}, groups by DXA.".strip()


def _test(target: Target, n_positive: int, n_negative: int) -> dict[str, Any]:
    rule = "≤" if target.rule == "<=" else "<"
    return {
        "rule": f"mean HU over L1–L4 {rule} cutoff",
        "finds": target.positive,
        "positives": n_positive,
        "negatives": n_negative,
    }


def _cutoff(roc: RegionRoc, cutoff: BootstrapCutoff, analysis: CohortAnalysis) -> dict[str, Any]:
    at = cutoff.apparent
    return {
        "value": at.cutoff_hu,
        "unit": "HU",
        "source": _source(analysis),
        "note": (f"{useless_text(roc)} " if not roc.is_useful else "")
        + (
            f"Corrected for optimism: sensitivity {100 * cutoff.corrected_sensitivity:.1f} %, specificity "
            f"{100 * cutoff.corrected_specificity:.1f} %."
        ),
        "interval": {
            "low": cutoff.cutoff_hu.low,
            "high": cutoff.cutoff_hu.high,
            "source": f"95 %, {cutoff.cutoff_hu.method}, seed {cutoff.seed}",
        },
        "sensitivity": {"count": at.sensitivity.count, "total": at.sensitivity.n},
        "specificity": {"count": at.specificity.count, "total": at.specificity.n},
        "area_under_curve": {
            "value": roc.area.estimate,
            "low": roc.area.low,
            "high": roc.area.high,
            "source": f"this cohort, 95 %, {roc.area.method}",
        },
    }


def _level_medians(analysis: CohortAnalysis) -> dict[str, Any]:
    """Return the medians of osteopenia by level, from which the shift of a mean over fewer levels is computed."""
    records = analysis.tables["groups"].records(group="osteopenia")
    medians = {(record["quantity"], record["level"]): record["median"] for record in records}
    if any(medians.get((roi, level)) is None for roi in ROIS for level in MEAN_LEVELS):
        return {}
    return {
        "group": "osteopenia",
        "unit": "HU",
        "source": f"cohort {analysis.cohort.name} (osteopenia)",
        "rois": {roi: {level: medians[roi, level] for level in MEAN_LEVELS} for roi in ROIS},
    }


def protocol_document(analysis: CohortAnalysis) -> dict[str, Any]:
    """Return the study's protocol with this cohort's least significant change instead of the published one.

    It is the change between readers of the mean over L1–L4, and the greatest of the regions, because one value applies
    to all.

    Raises
    ------
    InputError
        If no readings of two readers can be compared.
    """
    rows = list(analysis.tables["agreement"].records(comparison=BETWEEN, split="all", level=MEAN))
    rows = [row for row in rows if row["lsc_hu"] > 0]
    if not rows:
        raise InputError("The cases have no differing readings of two readers.")
    worst = max(rows, key=lambda row: row["lsc_hu"])
    document = copy.deepcopy(load_protocol().document)
    cohort = analysis.cohort
    document["name"] = f"{document['name']}, measurement error of {cohort.name}"
    document["version"] = _VERSION
    document["values"]["lsc_hu"] = {
        "value": float(np.ceil(10 * worst["lsc_hu"]) / 10),
        "unit": "HU",
        "source": _source(analysis),
        "note": (
            f"Between the readers {worst['readers'].replace(';', ', ')} in {worst['n']} cases, mean over L1–L4, "
            f"{worst['roi']}, the greatest of the regions (95 % interval {worst['lsc_low']:.1f} to "
            f"{worst['lsc_high']:.1f} HU), rounded up."
        ),
    }
    return document


def documents_of(analysis: CohortAnalysis) -> tuple[dict[str, dict[str, Any]], list[tuple[str, str, str, str]]]:
    """Return the files that can be made, by name, and a row of the table of gaps for each missing file."""
    documents, missing = {}, []
    for name, make, needed in (
        ("cutoffs.json", cutoffs_document, "group or t_score, and hu_… of every region at L1–L4"),
        ("protocol.json", protocol_document, "audit, or the option --readings, of two readers"),
    ):
        try:
            documents[name] = make(analysis)
        except InputError as problem:
            missing.append((name, "", f"It is not written. {problem}", needed))
    return documents, missing
