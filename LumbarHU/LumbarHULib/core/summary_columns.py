"""The columns of a table of means and classes, each defined once, for files, reports and the panel."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from LumbarHULib.core.results import GIVEN_CLASSES, RoiSummary

Value = float | str | bool | None


@dataclass(frozen=True)
class SummaryColumn:
    """One column of a table with a row for each region.

    Parameters
    ----------
    key : str
        Its name in files, with the unit.
    title, unit : str
        As shown to users.
    value : callable
        From a `RoiSummary` to an unrounded number, a word, a yes or no, or None without a value.
    digits : int
        Decimals shown to users.
    is_signed : bool
        Whether a plus sign is shown.
    """

    key: str
    title: str
    unit: str
    value: Callable[[RoiSummary], Value]
    digits: int = 1
    is_signed: bool = False

    def text(self, summary: RoiSummary, none: str = "–", unknown: str = "unknown") -> str:
        """Return the text shown to users in the column.

        Parameters
        ----------
        summary : RoiSummary
        none : str
            Shown where the region has no mean, or the column has no value for it.
        unknown : str
            Shown where a yes or no is unknown although there is a mean.
        """
        value = self.value(summary)
        if value is None:
            return unknown if self.unit == "yes or no" and summary.mean_hu is not None else none
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return value
        # Adding 0 turns a negative zero into zero.
        return f"{round(value, self.digits) + 0.0:{'+' if self.is_signed else ''}.{self.digits}f}"


def _share(name: str) -> Callable[[RoiSummary], float | None]:
    def share(summary: RoiSummary) -> float | None:
        if summary.placement is None or summary.placement.class_shares is None:
            return None
        return summary.placement.class_shares.get(name)

    return share


def _class_stays_percent(summary: RoiSummary) -> float | None:
    share = _share(summary.class_name)(summary)
    return None if share is None else 100 * share


SUMMARY_COLUMNS = MappingProxyType(
    {
        column.key: column
        for column in (
            SummaryColumn("mean_hu", "mean", "HU", lambda summary: summary.mean_hu),
            SummaryColumn("class", "class", "", lambda summary: summary.class_words),
            SummaryColumn(
                "osteoporosis_cutoff_hu",
                "osteoporosis cutoff",
                "HU",
                lambda summary: None if summary.cutoffs is None else summary.cutoffs.osteoporosis.cutoff_hu,
                digits=2,
            ),
            SummaryColumn(
                "normal_cutoff_hu",
                "normal cutoff",
                "HU",
                lambda summary: None if summary.cutoffs is None else summary.cutoffs.normal.cutoff_hu,
                digits=2,
            ),
            SummaryColumn("cutoff_low_hu", "interval from", "HU", lambda summary: summary.cutoff_low_hu),
            SummaryColumn("cutoff_high_hu", "interval to", "HU", lambda summary: summary.cutoff_high_hu),
            SummaryColumn(
                "nearest_cutoff_hu", "nearest cutoff", "HU", lambda summary: summary.nearest_cutoff_hu, digits=2
            ),
            SummaryColumn(
                "distance_hu", "to nearest cutoff", "HU", lambda summary: summary.distance_hu, is_signed=True
            ),
            SummaryColumn(
                "distance_lsc", "to nearest cutoff", "LSC", lambda summary: summary.distance_lsc, is_signed=True
            ),
            SummaryColumn(
                "inside_interval", "in the cutoff's interval", "yes or no", lambda summary: summary.inside_interval
            ),
            SummaryColumn("within_error", "within error", "yes or no", lambda summary: summary.within_error),
            SummaryColumn(
                "placement_sd_hu",
                "placement SD",
                "HU",
                lambda summary: None if summary.placement is None else summary.placement.sd_hu,
            ),
            *(SummaryColumn(f"share_{name}", f"trials with {name}", "1", _share(name)) for name in GIVEN_CLASSES),
            SummaryColumn("class_stays_percent", "class stays in trials", "%", _class_stays_percent, digits=0),
        )
    }
)
