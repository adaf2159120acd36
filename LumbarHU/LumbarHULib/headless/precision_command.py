"""lumbarhu precision: compute a site's precision error and least significant change, and write them to a file."""

import argparse
from pathlib import Path

from LumbarHULib.api.follow_ups import precision_study
from LumbarHULib.cohort.cases import name_of_mean
from LumbarHULib.cohort_files.page_tables import interval_text, number_text
from LumbarHULib.cohort_files.precision_file import OF_EACH_SCAN, SHARED
from LumbarHULib.cohort_files.precision_study import PrecisionStudy
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.headless.console import aligned
from LumbarHULib.headless.option_values import tube_voltage_kv


def run_precision(options: argparse.Namespace) -> int:
    """Make the study, write its file, print the main numbers, and return 0.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    study = precision_study(
        options.table,
        options.out,
        audits=options.audits,
        protocol=options.protocol,
        repeated=options.repeated,
        manufacturer=options.manufacturer,
        scanner_model=options.scanner,
        tube_voltage_kv=tube_voltage_kv("--tube-voltage", options.tube_voltage),
        overwrite=options.overwrite,
    )
    print(precision_text(study, options.out))
    return 0


def precision_text(study: PrecisionStudy, out: Path) -> str:
    """Return the precision of levels and of the mean over all levels, and the findings, as text for a terminal."""
    whole = sorted_levels(study.document["protocol"]["values"]["mean_levels"])
    rows = [["ROI", "Level", "Patients", "df", "Mean HU", "RMS-SD (95 %), HU", "LSC (95 %), HU", "RMS-%CV", "ρ, p"]]
    for record, error in zip(study.table.records(), study.errors, strict=True):
        if len(error.levels) == 1 or error.levels == whole:
            rows.append(
                [
                    record["roi"],
                    name_of_mean(error.levels),
                    *(str(record[name]) for name in ("patients", "degrees_of_freedom")),
                    number_text(record["mean_hu"]),
                    interval_text(record, "rms_sd_hu", "rms_sd", 2),
                    interval_text(record, "lsc_hu", "lsc", 1),
                    number_text(record["rms_cv_percent"]),
                    f"{number_text(record['sd_rank_correlation'], 2)}, {number_text(record['sd_rank_p'], 2)}",
                ]
            )
    protocol = study.document["protocol"]
    parts = [
        f"Protocol {protocol['name']} {protocol['version']}.",
        aligned(rows, left_columns=2),
        f"LSC: {study.document['lsc_factor']:g} times RMS-SD (1.96 · √2, by the ISCD). RMS-%CV is for information: the "
        "ISCD advises against it.\nρ, p: Spearman's correlation of the patients' SD with their mean.",
    ]
    if "density" in study.document:
        parts.append(_density_text(study, whole))
    if study.findings:
        lines = [f"- {finding.sentence} {finding.remedy}".rstrip() for finding in study.findings]
        parts.append("\n".join(["Findings:", *lines]))
    return "\n\n".join([*parts, f"Precision: {out}"])


def _density_text(study: PrecisionStudy, whole: tuple[str, ...]) -> str:
    """Return the precision of densities, of levels and of the mean over all levels."""
    density = study.document["density"]
    rows = [["ROI", "Level", "RMS-SD, mg/cm³", "LSC (95 %), mg/cm³"]]
    for record, error in zip(study.table.records(), study.errors, strict=True):
        if len(error.levels) == 1 or error.levels == whole:
            lsc = interval_text(record, "lsc_mg_cc", "lsc_mg_cc", 1)
            rows.append([record["roi"], name_of_mean(error.levels), number_text(record["rms_sd_mg_cc"], 2), lsc])
    shared = {
        OF_EACH_SCAN: "each scan has its own calibration, so its error is included",
        SHARED: "scans of a patient share a calibration, so its error is not included",
    }
    return f"In mg/cm³ {density['mineral']}; {shared[density['calibrations']]}.\n{aligned(rows, left_columns=2)}"
