"""The words of the panel's table of means and classes: its headers, cells and tooltips."""

from slicer.i18n import tr as _

from LumbarHULib.core.results import RoiSummary
from LumbarHULib.core.summary_columns import SUMMARY_COLUMNS
from LumbarHULib.panel.words import class_word

MEAN_DIGITS = SUMMARY_COLUMNS["mean_hu"].digits


def summary_headers() -> dict[str, tuple[str, str]]:
    """Return for each column of the lower table its header, and what it tells."""
    return {
        "mean": (
            _("mean\nHU"),
            _(
                "The mean over the measured levels of L1–L4, each counting once; and by which standard deviation it "
                "moves when the midlines are moved by a reader's plausible error."
            ),
        ),
        "class": (
            _("class by\nthe cutoffs"),
            _(
                "Where the mean lies by the two cutoffs; a research aid, no diagnosis. Below it the share of trials, "
                "with the midlines moved by a reader's plausible error, in which it lies at or below the lower cutoff, "
                "between the two, and at or above the upper one."
            ),
        ),
        "cutoffs": (_("cutoffs\nHU"), _("The cutoff for osteoporosis, and below it that for normal.")),
        "distance": (_("to cut-\noff HU"), _("How far the mean lies above (+) or below (−) the nearest cutoff.")),
        "interval": (
            _("in cutoff\ninterval"),
            _("Whether the mean lies in the nearest cutoff's own 95 % interval: the class is uncertain then."),
        ),
        "error": (_("within\nerror"), _("Whether the mean is nearer to the cutoff than a measurement's error.")),
    }


def summary_text(summary: RoiSummary, name: str) -> str:
    """Return what a region's cell says in the column called `name`."""
    if name == "cutoffs":
        # Two decimals, as the study gives its own; a cohort's have more.
        return "\n".join(SUMMARY_COLUMNS[key].text(summary) for key in ("osteoporosis_cutoff_hu", "normal_cutoff_hu"))
    if name == "class":
        return "\n".join([class_word(summary.class_name), *_shares_of_trials(summary)])
    if summary.mean_hu is None:
        return "–"
    if name == "mean":
        mean = SUMMARY_COLUMNS["mean_hu"].text(summary)
        return mean if summary.placement is None else f"{mean}\n±{SUMMARY_COLUMNS['placement_sd_hu'].text(summary)}"
    if name == "distance":
        return SUMMARY_COLUMNS["distance_hu"].text(summary)
    told = summary.inside_interval if name == "interval" else summary.within_error
    return "?" if told is None else (_("yes") if told else _("no"))


def _shares_of_trials(summary: RoiSummary) -> tuple[str, ...]:
    """Return which share of the trials of placement lies in each class; nothing while there are none."""
    if summary.placement is None or summary.placement.class_shares is None:
        return ()
    shares = "/".join(f"{100 * share:.0f}" for share in summary.placement.class_shares.values())
    return (_("trials {shares}\N{NO-BREAK SPACE}%").format(shares=shares),)


def summary_hint(summary: RoiSummary, name: str) -> str:
    """Return what the tooltip of a cell tells: the interval of its cutoff, and what makes its class doubtful."""
    told = [finding.sentence for finding in summary.findings]
    if name in ("mean", "class") and summary.placement is not None:
        moved = _("With the midlines moved {count} times by a reader's plausible error the mean's SD is {sd} HU.")
        told.append(moved.format(count=summary.placement.trials, sd=f"{summary.placement.sd_hu:.2f}"))
    if name == "interval" and summary.mean_hu is not None and not summary.inside_interval:
        interval = _("The interval of the nearest cutoff is not known.")
        if summary.inside_interval is not None:
            interval = _("The interval of the nearest cutoff reaches from {low} to {high} HU.").format(
                low=f"{summary.cutoff_low_hu:g}", high=f"{summary.cutoff_high_hu:g}"
            )
        told.insert(0, interval)
    return " ".join(told)
