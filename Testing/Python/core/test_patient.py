import statistics
from dataclasses import replace

import numpy as np
import pytest
from core.builders import PROTOCOL, UPRIGHT, cutoff_table

from LumbarHULib.core.checks.acquisition import OFF_PROTOCOL_CODES
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.landmarks import MANUAL
from LumbarHULib.core.levels import LABEL_VALUES, LEVELS, ROIS
from LumbarHULib.core.patient import summarize
from LumbarHULib.core.results import LevelRefusal, LevelResult, RoiMask, RoiResult
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import load_cutoffs

ON_PROTOCOL = ScanFacts(tube_voltage_kv=120, contrast=False)
CUTOFFS = cutoff_table()
# The study's Table 2, osteopenia: medians of the round ROI, L1 to L4.
ROUND_MEDIANS_HU = {"L1": 131.0, "L2": 106.0, "L3": 95.5, "L4": 99.0}


def level(name, mean_hu, excluded="") -> LevelResult:
    """Return a level with the same mean in every region."""
    nothing = RoiMask(np.zeros((1, 1, 1), dtype=bool), (0, 0, 0))
    rois = {roi: RoiResult(name, roi, LABEL_VALUES[name], {"mean_hu": float(mean_hu)}, nothing) for roi in ROIS}
    midline = UPRIGHT.to_ras_mm([(0, 17), (0, -17)])
    return LevelResult(name, midline, None, None, midline, False, None, (0, 0), 2.5, rois, None, MANUAL, excluded)


def reading(*levels, facts=ON_PROTOCOL, cutoffs=CUTOFFS, **options):
    return summarize(levels, facts, PROTOCOL, cutoffs, **options)


def codes(of) -> list[str]:
    return [finding.code for finding in of.findings]


FOUR = [level("L1", 131), level("L2", 106.5), level("L3", 95.25), level("L4", 99.1)]


def test_a_patients_value_is_the_mean_over_l1_to_l4_each_counting_once():
    of = reading(*FOUR)
    assert [summary.roi for summary in of.summaries] == list(ROIS)
    for summary in of.summaries:
        assert summary.mean_hu == pytest.approx(statistics.fmean([131, 106.5, 95.25, 99.1]), abs=1e-12)
        assert summary.levels == ("L1", "L2", "L3", "L4")
        assert "levels_missing" not in codes(summary)
    # 107.96 HU is between the cutoffs for round and front, over the upper for oval and right, below the lower for left.
    classes = {summary.roi: summary.class_name for summary in of.summaries}
    assert of.class_counts == (2, 2, 1)
    assert of.scan_facts is ON_PROTOCOL
    assert classes == {
        "round": "osteopenia",
        "oval": "normal",
        "right": "normal",
        "front": "osteopenia",
        "left": "osteoporosis",
    }


def test_levels_out_of_anatomical_order_get_a_finding():
    heights = {"L1": 30, "L2": 40, "L3": 20, "L4": 10}
    of = reading(*(replace(each, slices=(heights[each.level],) * 2) for each in FOUR))
    (finding,) = (finding for finding in of.findings if finding.code == "levels_out_of_order")
    assert finding.sentence == "The mid-slice of L2 is above that of L1."
    heights |= {"L2": 25}
    of = reading(*(replace(each, slices=(heights[each.level],) * 2) for each in FOUR))
    assert "levels_out_of_order" not in codes(of)


def test_order_does_not_matter_and_levels_come_out_from_cranial_to_caudal():
    of = reading(
        FOUR[3], level("L5", 50), FOUR[0], LevelRefusal("L2", "L2 has no midline."), level("T12", 300), FOUR[2]
    )
    assert [one.level for one in of.levels] == ["T12", "L1", "L3", "L4", "L5"]
    assert [one.level for one in of.refusals] == ["L2"]
    assert of.summaries[0].levels == ("L1", "L3", "L4")


def test_t12_and_l5_are_shown_and_never_enter_a_mean():
    alone = reading(level("T12", 300), level("L5", 20))
    assert [summary.mean_hu for summary in alone.summaries] == [None] * 5
    assert {summary.class_name for summary in alone.summaries} == {"not_classified"}
    assert "0 of L1, L2, L3, L4 are measured" in alone.findings[-1].sentence
    assert len(alone.levels) == 2
    together = reading(level("T12", 300), *FOUR, level("L5", 20))
    assert [s.mean_hu for s in together.summaries] == [s.mean_hu for s in reading(*FOUR).summaries]


def test_an_excluded_level_is_shown_with_its_reason_and_left_out_of_the_mean():
    of = reading(FOUR[0], level("L2", 700, "cement"), FOUR[2])
    assert [one.level for one in of.levels] == ["L1", "L2", "L3"]
    summary = of.summaries[0]
    assert summary.mean_hu == pytest.approx((131 + 95.25) / 2)
    (missing,) = (finding for finding in summary.findings if finding.code == "levels_missing")
    assert missing.sentence == "The round mean is over L1, L3, without L2 (cement), L4 (not measured)."
    assert missing.roi == "round"


def test_a_refused_level_counts_as_not_measured_and_an_excluded_one_without_markups_by_its_reason():
    refused = [LevelRefusal("L1", "No."), LevelRefusal("L2", "No.", "fracture")]
    sentence = reading(*refused, FOUR[2], FOUR[3]).summaries[0].findings[-1].sentence
    assert "without L1 (not measured), L2 (fracture)." in sentence


@pytest.mark.parametrize("count", range(5))
def test_fewer_than_two_levels_are_not_classified(count):
    of = reading(*FOUR[:count])
    assert all((summary.class_name == "not_classified") == (count < 2) for summary in of.summaries)
    assert ("too_few_levels" in codes(of)) == (count < 2)
    assert (of.summaries[0].mean_hu is None) == (count == 0)


def medians_table():
    rois = {roi: ROUND_MEDIANS_HU for roi in ROIS}
    return cutoff_table(level_medians_hu=rois, level_medians_source="Table 2, osteopenia")


@pytest.mark.parametrize("table", [medians_table(), load_cutoffs().cutoffs], ids=["typed here", "file"])
@pytest.mark.parametrize(
    ("levels", "shift"), [(("L2", "L3", "L4"), "-7.7"), (("L1",), "+23.1"), (("L1", "L2"), "+10.6"), (("L4",), "-8.9")]
)
def test_the_expected_shift_of_missing_levels_is_the_difference_of_the_studys_medians(table, levels, shift):
    whole = statistics.fmean(ROUND_MEDIANS_HU.values())
    assert f"{statistics.fmean(ROUND_MEDIANS_HU[name] for name in levels) - whole:+.1f}" == shift
    of = reading(*(level(name, 100) for name in levels), cutoffs=table)
    (missing,) = (finding for finding in of.summaries[0].findings if finding.code == "levels_missing")
    assert f"this shifts the mean by {shift} HU" in missing.sentence


def test_caution_about_the_class_is_advised_only_where_there_is_one():
    for levels, remedy in (
        (FOUR[:2], "The mean is not corrected for it: interpret the class with caution."),
        (FOUR[:1], "The mean is not corrected for it."),
    ):
        findings = reading(*levels).summaries[0].findings
        assert [finding.remedy for finding in findings if finding.code == "levels_missing"] == [remedy]


def test_a_class_that_depends_on_the_missing_levels_gets_a_finding():
    # Without L3 and L4 the medians lie 10.6 HU higher: 125 HU is normal, 114.4 HU is not; at 140 HU both are.
    for mean_hu, reported in ((125, True), (140, False)):
        of = reading(level("L1", mean_hu), level("L2", mean_hu), cutoffs=medians_table())
        (missing,) = (finding for finding in of.summaries[0].findings if finding.code == "levels_missing")
        assert of.summaries[0].class_name == "normal"
        assert ("the class would be “osteopenia”" in missing.sentence) == reported


@pytest.mark.parametrize(
    "facts", [{"tube_voltage_kv": 100, "contrast": False}, {"tube_voltage_kv": 120, "contrast": True}]
)
def test_a_known_acquisition_off_protocol_is_not_classified_unless_accepted_which_is_recorded(facts):
    of = reading(*FOUR, facts=ScanFacts(**facts))
    assert {summary.class_name for summary in of.summaries} == {"not_classified"}
    assert of.summaries[0].mean_hu == pytest.approx(107.9625)
    assert "off_protocol_accepted" not in codes(of)
    accepted = reading(*FOUR, facts=ScanFacts(**facts), accept_off_protocol=True)
    assert accepted.summaries[0].class_name == "osteopenia"
    assert "off_protocol_accepted" in codes(accepted)
    remedies = [
        next(finding.remedy for finding in result.findings if finding.code in OFF_PROTOCOL_CODES)
        for result in (of, accepted)
    ]
    assert remedies[0].startswith("No class is given unless you accept the acquisition")
    assert remedies[1].startswith("The acquisition was accepted, which is recorded: a class is given anyway")
    # Accepting an acquisition does not make a patient of one level.
    assert reading(FOUR[0], accept_off_protocol=True).summaries[0].class_name == "not_classified"


def test_an_unknown_acquisition_is_classified_and_says_so():
    of = reading(*FOUR, facts=ScanFacts())
    assert of.summaries[0].class_name == "osteopenia"
    assert codes(of) == ["acquisition_unknown"]
    assert "off_protocol_accepted" not in codes(reading(*FOUR, facts=ScanFacts(), accept_off_protocol=True))


def test_a_mean_that_equals_a_cutoff_belongs_to_the_class_beyond_it():
    of = reading(level("L1", 80.75), level("L2", 94.75))
    assert (of.summaries[0].mean_hu, of.summaries[0].class_name) == (87.75, "osteoporosis")
    assert reading(level("L1", 110), level("L2", 140)).summaries[-1].class_name == "normal"


def test_a_duplicate_level_is_refused():
    with pytest.raises(InputError, match="L2 occurs 2 times") as caught:
        reading(FOUR[0], FOUR[1], level("L2", 90))
    assert caught.value.level == "L2"
    with pytest.raises(InputError, match="L3 occurs 2 times"):
        reading(FOUR[2], LevelRefusal("L3", "No."))


def test_each_finding_is_reported_once():
    of = reading(FOUR[0], FOUR[1])
    assert len(of.all_findings) == len(set(of.all_findings))
    assert {finding.roi for finding in of.all_findings if finding.code == "levels_missing"} == set(ROIS)
    assert LEVELS[1:5] == PROTOCOL.patient.mean_levels


@pytest.mark.parametrize(
    ("mean_hu", "classified"), [(-925, False), (-151, False), (-40, True), (600, True), (1482, False)]
)
def test_an_implausible_mean_gets_no_class_and_a_finding(mean_hu, classified):
    of = reading(level("L1", mean_hu), level("L2", mean_hu))
    assert all((summary.class_name != "not_classified") == classified for summary in of.summaries)
    assert all(("implausible_mean" in codes(summary)) != classified for summary in of.summaries)
