"""A cohort beside the study's printed tables: where it lands, and where the study leaves no place to land."""

from LumbarHULib.cohort.analysis import CohortAnalysis
from LumbarHULib.cohort.groups import GROUPS
from LumbarHULib.cohort.study.check_cutoffs import check_areas
from LumbarHULib.cohort.study.check_quartiles import check_quartiles_of_the_mean
from LumbarHULib.cohort.study.tables import MEAN, StudyTables
from LumbarHULib.core.levels import MEAN_LEVELS, ROIS


def compare_with_study(analysis: CohortAnalysis, study: StudyTables) -> tuple[str, ...]:
    """Return sentences on how a cohort's HU and areas compare with the study's.

    First how many of its medians lie between the study's quartiles, and which do not; then its areas under the curve
    beside the printed ones; last what in these printed numbers contradicts others.
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
    told = [f"{inside} of {inside + len(outside)} medians of HU lie between the study's printed quartiles."]
    if outside:
        told.append(f"Outside them: {'; '.join(outside)}.")
    areas = {(roc.roi, roc.target): roc.area for roc in analysis.rocs}
    beside = [
        f"{printed.roi} {areas[printed.roi, printed.target].estimate:.3f} (printed {printed.area:.3f})"
        for printed in study.areas
        if (printed.roi, printed.target) in areas
    ]
    if beside:
        told.append(f"Areas under the curve: {', '.join(beside)}.")
    contradictions = [*check_areas(study), *check_quartiles_of_the_mean(study)]
    told += [f"The study contradicts itself: {check.sentence}" for check in contradictions if not check.agrees]
    return tuple(told)
