"""Compare a cohort with the study's printed tables."""

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.check_cutoffs import check_areas
from LumbarHULib.cohort.study.check_quartiles import check_quartiles_of_the_mean
from LumbarHULib.cohort.study.tables import MEAN, StudyTables
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS


def compare_with_study(analysis: CohortAnalysis, study: StudyTables) -> tuple[str, ...]:
    """Return sentences on how a cohort's HU and areas compare with the study's.

    They state how many of its medians are between the study's quartiles and which are not, then its areas under the
    curve next to the printed ones, and last the contradictions among these printed numbers.
    """
    medians = {
        (record["level"], record["quantity"], record["group"]): record["median"]
        for record in analysis.tables["groups"].records()
    }
    inside, outside = 0, []
    for level in (*MEAN_LEVELS, MEAN):
        for roi in ROIS:
            for group in GROUPS:
                found, printed = medians.get((level, roi, group)), study.levels[level][roi][group]
                if found is not None and printed.q1 <= found <= printed.q3:
                    inside += 1
                elif found is not None:
                    outside.append(f"{level}, {roi}, {group} ({found:g} HU, printed {printed.q1:g} to {printed.q3:g})")
    sentences = [f"{inside} of {inside + len(outside)} medians of HU are between the study's printed quartiles."]
    if outside:
        sentences.append(f"Outside them: {'; '.join(outside)}.")
    areas = {(roc.roi, roc.target): roc.area for roc in analysis.rocs}
    area_pairs = [
        f"{printed.roi} {areas[printed.roi, printed.target].estimate:.3f} (printed {printed.area:.3f})"
        for printed in study.areas
        if (printed.roi, printed.target) in areas
    ]
    if area_pairs:
        sentences.append(f"Areas under the curve: {', '.join(area_pairs)}.")
    contradictions = [*check_areas(study), *check_quartiles_of_the_mean(study)]
    sentences += [f"The study contradicts itself: {check.sentence}" for check in contradictions if not check.agrees]
    return tuple(sentences)
