"""Answer the items of reporting checklists (STARD 2015, GRRAS) from what a cohort's analysis knows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from LumbarHULib import __version__
from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.cases import Cohort
from LumbarHULib.cohort.flow import main_flows
from LumbarHULib.cohort.reading_sets import reading_sets
from LumbarHULib.cohort.study.tables import MEAN
from LumbarHULib.cohort.tables import Table
from LumbarHULib.cohort_files.method import accuracy_sentences, agreement_sentence, joined
from LumbarHULib.cohort_files.page_tables import interval_text, number_text
from LumbarHULib.core.levels import LEVELS
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path

CHECKLIST = "checklist"
BY_AUTHORS = "To be added by the authors"
_COLUMNS = ("list", "item", "asks", "answer", "source", "citation")
_NO_REPEATED = "No case has repeated readings, so the cohort has no result on reliability or agreement."
Answer = tuple[str, str]


@dataclass(frozen=True)
class Checklist:
    """Items of a checklist.

    Parameters
    ----------
    name, citation, source : str
        The list's name, its publication, and the pages where it was read.
    items : mapping of str to str
        What each item asks, in short, by its number in the list.
    """

    name: str
    citation: str
    source: str
    items: Mapping[str, str]


@lru_cache
def load_checklists() -> tuple[Checklist, ...]:
    """Return the checklists from ``Resources/Checklists``.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    paths = (resource_path("Checklists", f"{name}.json") for name in ("stard-2015", "grras"))
    return tuple(Checklist(**read_located_json(path).plain()) for path in paths)


def checklist_table(analysis: CohortAnalysis) -> Table:
    """Return a row for each item: what it asks, the answer as far as it is known, and where the answer comes from."""
    rows = []
    for checklist in load_checklists():
        for item, asks in checklist.items.items():
            answer, source = _ANSWERS[checklist.name, item](analysis)
            citation = f"{checklist.citation} ({checklist.source})"
            rows.append([checklist.name, item, asks, answer, source, citation])
    return Table(CHECKLIST, "Checklists of reporting, as far as the analysis can fill them", _COLUMNS, rows)


def _by_authors(what: str) -> str:
    return f"{BY_AUTHORS}: {what}."


def _said(parts: Iterable[str]) -> str:
    return " ".join(part for part in parts if part)


def _counted(words: Iterable[str]) -> str:
    """Return words, each with the number of its occurrences."""
    return "; ".join(f"{word} ({count})" for word, count in Counter(words).items())


def _places(cohort: Cohort) -> str:
    mean = cohort.mean_name
    over = f", and of their mean over {mean}" if cohort.rois(mean) and mean not in LEVELS else ""
    return f"{joined(cohort.measured_levels, 'and')}{over}"


def _device(analysis: CohortAnalysis) -> Answer:
    cohort = analysis.cohort
    rois = joined(cohort.measured_rois, "and")
    measured = ""
    if rois:
        regions = "regions" if len(cohort.measured_rois) > 1 else "region"
        measured = f"Mean HU of the {regions} {rois} in {_places(cohort)}, measured by LumbarHU {__version__}."
    if not cohort.audits:
        missing = "the protocol and version that measured the HU in the table; scanner and acquisition"
        return _said([measured, _by_authors(missing)]), "the cohort's table"
    protocols = _counted(f"{one.protocol}, SHA-256 of its values {one.protocol_sha256}" for one in cohort.audits)
    acquisition = _counted(one.acquisition or "not stated" for one in cohort.audits)
    without = len(cohort) - len({one.case for one in cohort.audits})
    parts = [
        measured,
        f"Protocol, by readings: {protocols}.",
        f"Acquisition, by readings: {acquisition}.",
        f"{without} cases have no audit folder; their protocol is not known." if without else "",
        _by_authors("scanner, reconstruction and the qualification of the readers"),
    ]
    return _said(parts), "record.json of the audit folders"


def _cutoffs(analysis: CohortAnalysis) -> Answer:
    parts = []
    if any(analysis.tables[name].rows for name in ("study_cutoffs", "study_cutoffs_levels")):
        parts.append(
            f"Prespecified: the published cutoffs of {analysis.published.name}, applied unchanged "
            f"({analysis.published.source})."
        )
    cutoff = analysis.options.outcome_cutoff_hu
    if cutoff is not None:
        parts.append(f"Prespecified: {cutoff:g} HU for the Kaplan–Meier curves, stated by the user.")
    own = [roc for roc in (*analysis.rocs, *analysis.level_rocs) if roc.cutoff]
    if own:
        parts.append(
            f"Exploratory: {len(own)} cutoffs with the greatest Youden index, derived from these cases "
            f"({analysis.options.resamples} bootstrap resamples, seed {analysis.options.seed})."
        )
    if not parts:
        parts.append("No cutoff was applied or derived.")
    parts.append(_by_authors("the rationale for the cutoffs, and whether they were chosen before the data were seen"))
    return _said(parts), "study_cutoffs.csv, cutoff_accuracy.csv, cutoffs.json"


def _knowledge(analysis: CohortAnalysis) -> Answer:
    missing = "whether the readers knew clinical information or the reference standard's results"
    return _said([_blinding(analysis.cohort), _by_authors(missing)]), "audit folders, or the table of readings"


def _blinding(cohort: Cohort) -> str:
    if not cohort.readings:
        return "No single reading is known."
    words = {True: "without seeing another reading or a proposal", False: "not blinded", None: "blinding not recorded"}
    return f"Readings by blinding: {_counted(words[reading.blinded] for reading in cohort.readings)}."


def _accuracy_methods(analysis: CohortAnalysis) -> Answer:
    sentences = accuracy_sentences(analysis)
    return _said(sentences) or "No measure of accuracy was computed (gaps.csv).", "summary.html, Method"


def _indeterminate(analysis: CohortAnalysis) -> Answer:
    cohort, parts = analysis.cohort, []
    not_classified = [f"{roi}, {reason}" for one in cohort.audits for roi, reason in one.not_classified.items()]
    if not_classified:
        parts.append(f"Readings without a class in their audit folder: {_counted(not_classified)}.")
    elif cohort.audits:
        parts.append("Every region of every audit folder has a class.")
    mean = cohort.mean_name
    for roi in cohort.rois(mean):
        missing = int(np.isnan(cohort.hu(mean, roi)).sum())
        if missing:
            parts.append(f"{missing} of {len(cohort)} cases have no {roi} mean over {mean} and are not classified.")
    parts.append(
        "Means are compared with the cutoffs whatever their distance; no class is called indeterminate. Values that "
        "are not numbers or outside the plausible range count as missing."
    )
    codes = Counter(finding.code for finding in cohort.findings)
    for code, words in (
        ("group_contradicts_t_score", "groups that contradict the T-score were used as given"),
        ("t_score_does_not_apply", "cases to which T-scores do not apply were kept, with a finding"),
        ("off_protocol", "findings on readings off protocol, which were kept"),
        ("severe_findings", "readings with severe findings, which were kept"),
        ("out_of_range", "values outside the plausible range were omitted"),
    ):
        if codes[code]:
            parts.append(f"{codes[code]} {words}.")
    return _said(parts), "cases.csv, rows.csv, record.json of the audit folders"


def _missing(analysis: CohortAnalysis) -> Answer:
    cohort = analysis.cohort
    parts = [
        "Each analysis uses the cases with all of its values; nothing is imputed, and every table counts the others."
    ]
    for flow in main_flows(cohort):
        reasons = [step.reason_text for step in flow.steps if step.left_out]
        if not reasons:
            parts.append(f"No case was omitted ({flow.reference or 'no reference'}, {flow.level}).")
        if reasons:
            parts.append(f"Omitted ({flow.reference or 'no reference'}, {flow.level}): {'; '.join(reasons)}.")
    excluded = [f"{level}, {reason}" for one in cohort.audits for level, reason in one.excluded.items()]
    if not cohort.audits:
        excluded = [level for reading in cohort.readings for level in reading.excluded]
    if excluded:
        parts.append(f"Levels excluded by readers: {_counted(excluded)}.")
    refused = [level for one in cohort.audits for level in one.not_measured]
    if refused:
        parts.append(f"Levels that could not be measured: {_counted(refused)}.")
    parts += [finding.sentence for finding in analysis.findings if finding.code == "levels_missing"]
    parts.append(
        f"A mean over {cohort.mean_name} needs {min(cohort.minimum_levels, len(cohort.mean_levels))} levels and is not "
        "corrected for missing ones."
    )
    return _said(parts), "flow.csv, cases.csv, rows.csv"


def _flow(analysis: CohortAnalysis) -> Answer:
    parts = []
    for flow in main_flows(analysis.cohort):
        steps = " → ".join(f"{step.name} {step.n}" for step in flow.steps)
        classes = "; ".join(f"{name} {n}" for name, n in flow.classes.items())
        parts.append(f"{flow.reference or 'No reference'}, {flow.level}: {steps}{f' ({classes})' if classes else ''}.")
    parts.append(_by_authors("the steps from eligible patients to the table"))
    return _said(parts), "figures/flow.svg, flow.csv"


def _numbers_of_readings(analysis: CohortAnalysis) -> list[str]:
    sentences = []
    for found in reading_sets(analysis.cohort.readings):
        who = f"{found.kind} {', '.join(found.names)}"
        some = f"; {found.left_out} cases with only some of them were omitted" if found.left_out else ""
        sentences.append(f"{who}: {len(found.cases)} cases, {len(found.names)} readings of each{some}.")
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]


def _has_agreement(analysis: CohortAnalysis) -> bool:
    return bool(analysis.tables["agreement"].rows)


def _sample_size(analysis: CohortAnalysis) -> Answer:
    missing = _by_authors("how the sample size was chosen, and the planned numbers")
    readings = analysis.cohort.readings
    if not readings:
        return _said([_NO_REPEATED, missing]), "the cohort's table"
    raters = sorted({reading.reader for reading in readings})
    cases = len({reading.case for reading in readings})
    repeated = Counter((reading.case, reading.reader) for reading in readings)
    most = max(repeated.values())
    text = (
        f"{len(raters)} rater{'s' if len(raters) > 1 else ''} ({', '.join(raters)}), {cases} subjects, {len(readings)} "
        f"readings; at most {most} by one rater of one subject."
    )
    return _said([text, missing]), "audit folders, or the table of readings"


def _process(analysis: CohortAnalysis) -> Answer:
    cohort = analysis.cohort
    if not cohort.readings:
        return _said([_NO_REPEATED, _by_authors("the process of measurement")]), "the cohort's table"
    origins = [origin or "not recorded" for reading in cohort.readings for origin in reading.origins.values()]
    words = f"Midlines by origin, of all levels: {_counted(origins)}." if origins else ""
    missing = _by_authors("the interval between readings and the clinical information available to the readers")
    return _said([words, _blinding(cohort), missing]), "audit folders, or the table of readings"


def _independence(analysis: CohortAnalysis) -> Answer:
    cohort = analysis.cohort
    if not cohort.readings:
        return _said([_NO_REPEATED, _by_authors("whether readings were independent")]), "the cohort's table"
    blinded = sum(reading.blinded is True for reading in cohort.readings)
    accepted = sum("proposal_accepted" in reading.origins.values() for reading in cohort.readings)
    parts = [
        f"{blinded} of {len(cohort.readings)} readings are recorded as made without seeing another one or a proposal.",
        f"{accepted} readings accept a proposed midline unchanged: readers who accept the same proposal do not measure "
        "independently."
        if accepted
        else "",
        "" if blinded == len(cohort.readings) else _by_authors("whether the other readings were independent"),
    ]
    return _said(parts), "audit folders, or the table of readings"


def _agreement_methods(analysis: CohortAnalysis) -> Answer:
    sentence = agreement_sentence(analysis)
    return (sentence or _NO_REPEATED), "summary.html, Method"


def _actual_numbers(analysis: CohortAnalysis) -> Answer:
    return _said(_numbers_of_readings(analysis)) or _NO_REPEATED, "agreement.csv, readings.csv"


def _estimates(analysis: CohortAnalysis) -> Answer:
    if not _has_agreement(analysis):
        return _NO_REPEATED, "agreement.csv"
    records = list(analysis.tables["agreement"].records(split="all"))
    shown = [record for record in records if record["level"] == MEAN] or records
    first = (shown[0]["comparison"], shown[0]["readers"])
    kind = first[0][0].upper() + first[0][1:]
    parts = [f"{kind} {first[1].replace(';', ', ')}, {shown[0]['level']} (95 % intervals):"]
    for record in shown:
        if (record["comparison"], record["readers"], record["level"]) != (*first, shown[0]["level"]):
            continue
        limits = ""
        if record["bias_hu"] is not None:
            ends = [number_text(record[f"{end}_limit_hu"]) for end in ("lower", "upper")]
            limits = f"bias {interval_text(record, 'bias_hu', 'bias', 1)} HU, limits {ends[0]} to {ends[1]} HU, "
        parts.append(
            f"{record['roi']}, n = {record['n']}: ICC(2,1) {interval_text(record, 'icc_2_1', digits=3)}, {limits}"
            f"LSC {interval_text(record, 'lsc_hu', 'lsc', 1)} HU;"
        )
    parts[-1] = f"{parts[-1][:-1]}."
    return " ".join(parts), "agreement.csv"


def _detailed(analysis: CohortAnalysis) -> Answer:
    if not analysis.tables["readings"].rows:
        return _NO_REPEATED, "agreement.csv, readings.csv"
    rows = len(analysis.tables["readings"].rows)
    text = f"Each case's readings side by side ({rows} rows), and agreement by level, region, origin and blinding."
    return _said([text, _by_authors("where these tables are published")]), "readings.csv, agreement.csv"


_ANSWERS: Mapping[tuple[str, str], Callable[[CohortAnalysis], Answer]] = {
    ("STARD 2015", "10a"): _device,
    ("STARD 2015", "12a"): _cutoffs,
    ("STARD 2015", "13a"): _knowledge,
    ("STARD 2015", "14"): _accuracy_methods,
    ("STARD 2015", "15"): _indeterminate,
    ("STARD 2015", "16"): _missing,
    ("STARD 2015", "19"): _flow,
    ("GRRAS", "2"): _device,
    ("GRRAS", "6"): _sample_size,
    ("GRRAS", "8"): _process,
    ("GRRAS", "9"): _independence,
    ("GRRAS", "10"): _agreement_methods,
    ("GRRAS", "11"): _actual_numbers,
    ("GRRAS", "13"): _estimates,
    ("GRRAS", "15"): _detailed,
}
