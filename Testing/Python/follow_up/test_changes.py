"""What counts as a change: the LSC, the levels that both dates have, and the interval."""

import json

import pytest
from audit.forger import record_of
from follow_up.conftest import DATES

import lumbarhu
from LumbarHULib.cohort_files.precision_file import published_precision


def dated(*folders):
    return dict(zip(folders, DATES.values(), strict=False))


def changes(found, **wanted):
    return [row for row in found.rows() if all(row[name] == value for name, value in wanted.items())]


def test_a_loss_above_the_published_lsc_counts_and_a_smaller_one_does_not(audit):
    found = lumbarhu.follow_up(dated(audit("a", 120.0), audit("b", 100.0), audit("c", 80.0)))
    first, both, last = changes(found, level="mean", roi="round")
    # 2.77 · 7.9 % of the mean of both dates.
    assert (first["change_hu"], first["lsc_hu"]) == pytest.approx((-20.0, 0.21883 * 110))
    assert (first["changed"], first["from_first"], first["consecutive"]) == ("no", True, True)
    assert (both["change_hu"], both["lsc_hu"]) == pytest.approx((-40.0, 21.883))
    assert (both["changed"], both["from_first"], both["consecutive"]) == ("yes", True, False)
    assert (last["changed"], last["from_first"], last["consecutive"]) == ("yes", False, True)
    assert (both["change_low_hu"], both["change_high_hu"]) == pytest.approx((-61.883, -18.117))
    assert (both["from_date"], both["to_date"], both["days"]) == ("2022-03-01", "2026-03-01", 1461)
    assert both["hu_per_year"] == pytest.approx(-10.0)
    assert both["lsc_source"] == "published LSC"


@pytest.mark.parametrize(
    ("mean_hu", "lsc_hu"), [(20.0, 16.0), (50.0, 16.0), (73.0, 16.0), (120.0, 26.26), (200.0, 43.77)]
)
def test_the_default_lsc_holds_at_low_and_at_high_means(mean_hu, lsc_hu):
    published = published_precision()
    assert published.lsc_hu(mean_hu) == pytest.approx(lsc_hu, abs=0.01)
    # Neither of the two published values is undercut.
    assert published.lsc_hu(mean_hu) >= max(16.0, 2.77 * 0.079 * mean_hu)


def test_every_published_value_has_unit_source_and_note():
    for name, quantity in published_precision().document.items():
        if name not in ("schema", "name"):
            assert all(quantity[key] for key in ("unit", "source", "note")), name
    lsc = published_precision().document["lsc"]
    assert "L1 and L4 HU %CV was 4.8-7.9% yielding least significant change values of 10-16 HU" in lsc["source"]


def test_the_dates_are_sorted(audit):
    first, second = audit("a", 120.0), audit("b", 100.0)
    found = lumbarhu.follow_up({second: "2024-02-29", first: "20220301"})
    assert [audit.name for audit in found.audits] == ["a", "b"]
    assert changes(found, level="mean", roi="oval")[0]["change_hu"] == pytest.approx(-20.0)


def test_an_excluded_level_is_in_the_mean_of_neither_date(audit, template):
    """L2 is excluded at both dates; at the second date, L1 is excluded too: only L3 is left, too few for a mean."""
    whole = audit("a", {("L1", "round"): 150.0, ("L3", "round"): 90.0})
    found = lumbarhu.follow_up(dated(whole, audit("b", {("L1", "round"): 140.0, ("L3", "round"): 86.0})))
    (mean,) = changes(found, level="mean", roi="round")
    assert (mean["from_hu"], mean["to_hu"], mean["levels"]) == (120.0, 113.0, "L1;L3")
    (level,) = changes(found, level="L2", roi="round")
    assert (level["changed"], level["from_hu"]) == ("not comparable", None)
    assert level["reason"] == (
        "L2 is excluded on 2022-03-01 (fracture, old); L2 is excluded on 2024-02-29 (fracture, old)"
    )


def test_a_mean_over_too_few_common_levels_is_not_compared(audit):
    one = audit("b", {("L1", "round"): "", ("L3", "round"): 100.0})
    found = lumbarhu.follow_up(dated(audit("a"), one))
    (mean,) = changes(found, level="mean", roi="round")
    assert (mean["changed"], mean["change_hu"]) == ("not comparable", None)
    assert mean["reason"] == "a mean needs at least 2 levels that both dates have, and there is only L3"
    (level,) = changes(found, level="L1", roi="round")
    assert level["reason"] == "L1 was not measured on 2024-02-29"
    assert changes(found, level="L3", roi="round")[0]["changed"] == "no"


def test_the_measurements_are_those_of_the_audit_folders(audit):
    found = lumbarhu.follow_up(dated(audit("a", 120.0), audit("b", 100.0)))
    rows = [dict(row) for row in found.measurements.records(roi="front")]
    assert [(row["date"], row["level"], row["mean_hu"]) for row in rows if row["level"] in ("L1", "mean")] == [
        *[("2022-03-01", "L1", 120.0), ("2022-03-01", "mean", 120.0)],
        *[("2024-02-29", "L1", 100.0), ("2024-02-29", "mean", 100.0)],
    ]
    assert [row["excluded"] for row in rows if row["level"] == "L2"] == ["fracture, old"] * 2


def test_the_data_frame_has_a_row_for_each_change(audit):
    found = lumbarhu.follow_up(dated(audit("a"), audit("b")))
    assert len(found.to_dataframe()) == len(found.rows()) == 5 * 4


def test_regions_of_any_name_are_followed(audit):
    """A protocol of another shape has other regions than the five."""
    folders = [audit("a", 120.0), audit("b", 90.0)]
    for folder in folders:
        path = folder / "results.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(",round,", ",circle_200mm2,"), encoding="utf-8")
        record = record_of(folder)
        from audit.forger import rehash

        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        rehash(folder)
    found = lumbarhu.follow_up(dated(*folders))
    assert changes(found, level="mean", roi="circle_200mm2")[0]["changed"] == "yes"
    assert changes(found, roi="round") == []
