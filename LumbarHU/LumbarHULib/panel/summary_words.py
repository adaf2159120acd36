"""The words of the panel's table of means and classes: its headers, cells, badge and tooltips."""

import html
import textwrap
from collections.abc import Sequence

from slicer.i18n import tr as _

from LumbarHULib.core.calibration import Density
from LumbarHULib.core.results import RoiSummary, class_heading
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS
from LumbarHULib.panel.words import class_word, roi_title

MEAN_DIGITS = SUMMARY_COLUMNS["mean_hu"].digits
UNCERTAIN, CERTAIN = "≈", "✓"

_SURE_PERCENT = 95.0
_HEADING_CHARACTERS = 16
_COPIED = ("mean_hu", "class", "osteoporosis_cutoff_hu", "normal_cutoff_hu", "distance_hu", "inside_interval")


def class_header(whose: str) -> str:
    """Return the heading of the column of classes, in short lines."""
    return "\n".join(textwrap.wrap(class_heading(whose), _HEADING_CHARACTERS))


def badge(summary: RoiSummary) -> str:
    """Return the one sign that shows whether a class can be relied on; empty where there is no class."""
    if summary.class_name == "not_classified":
        return ""
    return UNCERTAIN if doubts(summary) else CERTAIN


def badge_hint(summary: RoiSummary) -> str:
    """Return as HTML what the sign of a class means; empty where it has none."""
    meanings = {
        UNCERTAIN: _("≈ means that the mean is near a cutoff, so that another class is also possible."),
        CERTAIN: _("✓ means that the mean is far enough from the cutoffs for the class to be clear."),
    }
    sign = badge(summary)
    return f"<p>{html.escape(meanings[sign])}</p>" if sign else ""


def doubts(summary: RoiSummary) -> tuple[str, ...]:
    """Return why a class may as well be another."""
    found = []
    if summary.inside_interval:
        text = _("The mean is inside the 95 % interval of the nearest cutoff, {low} to {high} HU.")
        found.append(text.format(low=f"{summary.cutoff_low_hu:g}", high=f"{summary.cutoff_high_hu:g}"))
    if summary.within_error:
        found.append(_("The mean is within measurement error of the nearest cutoff."))
    stays = SUMMARY_COLUMNS["class_stays_percent"]
    percent = stays.value(summary)
    if isinstance(percent, float) and percent < _SURE_PERCENT:
        text = _("The class stays the same in {percent} % of the trials with randomly moved midlines.")
        found.append(text.format(percent=stays.text(summary)))
    return tuple(found)


def summary_hint(summary: RoiSummary) -> str:
    """Return the tooltip of a region's row, as HTML: cutoffs, distance, and what makes the class doubtful."""
    sentences = (
        [_("No cutoffs belong to this protocol.")]
        if summary.cutoffs is None
        else [
            _("Osteoporosis at or below {low} HU, normal at or above {high} HU.").format(
                low=SUMMARY_COLUMNS["osteoporosis_cutoff_hu"].text(summary),
                high=SUMMARY_COLUMNS["normal_cutoff_hu"].text(summary),
            )
        ]
    )
    if summary.mean_hu is not None and summary.cutoffs is not None:
        distance = SUMMARY_COLUMNS["distance_hu"].text(summary).replace("-", "−")
        sentences.append(_("Distance from the nearest cutoff: {distance} HU.").format(distance=distance))
        if summary.inside_interval is None:
            sentences.append(_("The interval of the nearest cutoff is unknown."))
    if summary.density is not None:
        sentences.append(density_sentence(summary.density))
    if summary.placement is not None:
        text = _("SD of the mean in {trials} trials with randomly moved midlines: {sd} HU.")
        sentences.append(text.format(sd=f"{summary.placement.sd_hu:.2f}", trials=summary.placement.trials))
    sentences += doubts(summary)
    sentences += [finding.sentence for finding in summary.findings if finding.code == "too_few_levels"]
    return "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)


def density_sentence(density: Density) -> str:
    """Return a density with its 95 % interval, if it has one, in a sentence."""
    mean = f"{density.mean_mg_cc:.1f}"
    if density.low_mg_cc is None or density.high_mg_cc is None:
        return _("Density: {mean} mg/cm³, without an interval.").format(mean=mean)
    low, high = f"{density.low_mg_cc:.1f}", f"{density.high_mg_cc:.1f}"
    return _("Density: {mean} mg/cm³ (95 % {low} to {high}).").format(mean=mean, low=low, high=high)


def summaries_text(summaries: Sequence[RoiSummary]) -> str:
    """Return the whole table of classes, as spreadsheets take it."""
    columns = [SUMMARY_COLUMNS[key] for key in _COPIED]
    whose = next((summary.cutoffs.whose for summary in summaries if summary.cutoffs is not None), "")
    titles = [class_heading(whose) if column.key == "class" else _titled(column) for column in columns]
    is_calibrated = any(summary.density is not None for summary in summaries)
    if is_calibrated:
        titles += ["mg/cm³", _("95 % from"), _("to")]
    lines = ["\t".join(["", *titles])]
    for summary in summaries:
        cells = [class_word(summary.class_name) if one.key == "class" else one.text(summary) for one in columns]
        if is_calibrated:
            density = summary.density
            values = (None,) * 3 if density is None else (density.mean_mg_cc, density.low_mg_cc, density.high_mg_cc)
            cells += ["–" if value is None else f"{value:.1f}" for value in values]
        lines.append("\t".join([roi_title(summary.roi), *cells]))
    return "\n".join(lines)


def _titled(column) -> str:
    return f"{column.title} ({column.unit})" if column.unit == "HU" else column.title
