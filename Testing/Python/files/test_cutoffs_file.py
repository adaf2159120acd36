"""The study's cutoffs as data, compared with the printed study, and the refusal of invalid cutoffs."""

import copy
import json

import pytest

from LumbarHULib.cohort.study.simulation import expected_classes, simulate_cutoff
from LumbarHULib.cohort_files.study_files import load_study_tables
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.files.cutoffs_file import DEFAULT_CUTOFFS, load_cutoffs

# Table 3 as printed: cutoff, "sensitivity", "specificity", Youden's index.
TABLE_3 = {
    "round": ((87.75, 79.5, 81.5, 0.61), (118.13, 84.8, 73.1, 0.58)),
    "oval": ((91.63, 76.7, 81.5, 0.58), (97.13, 90.9, 76.1, 0.55)),
    "right": ((106.38, 69.9, 92.6, 0.62), (107.63, 84.8, 65.7, 0.51)),
    "left": ((110.88, 69.9, 88.9, 0.56), (125.00, 88.9, 89.1, 0.78)),
    "front": ((91.75, 79.5, 81.5, 0.61), (121.25, 81.8, 74.6, 0.56)),
}
DOCUMENT = json.loads(DEFAULT_CUTOFFS.read_text(encoding="utf-8"))


def percent(proportion) -> float:
    return round(100 * proportion.count / proportion.total, 1)


@pytest.mark.parametrize("roi", ROIS)
def test_cutoffs_and_printed_values_are_those_of_table_3(roi):
    for which, (cutoff_hu, *printed) in zip(("osteoporosis", "normal"), TABLE_3[roi], strict=True):
        entry = load_cutoffs().document["rois"][roi][which]
        assert entry["value"] == getattr(load_cutoffs().cutoffs.rois[roi], which).cutoff_hu == cutoff_hu
        assert list(entry["printed"].values()) == printed


@pytest.mark.parametrize("roi", ROIS)
def test_the_counts_give_the_printed_percentages_of_the_opposite_test(roi):
    cutoffs = load_cutoffs().cutoffs.rois[roi]
    (_, sensitivity, specificity, _), (_, normal_sensitivity, normal_specificity, _) = TABLE_3[roi]
    assert percent(cutoffs.osteoporosis.specificity) == sensitivity
    assert percent(cutoffs.osteoporosis.sensitivity) == specificity
    assert (cutoffs.osteoporosis.sensitivity.total, cutoffs.osteoporosis.specificity.total) == (27, 73)
    if roi == "left":
        assert cutoffs.normal.sensitivity is cutoffs.normal.specificity is None
        assert not any(round(100 * count / 33, 1) == normal_sensitivity for count in range(34))
        assert not any(round(100 * count / 67, 1) == normal_specificity for count in range(68))
    else:
        assert percent(cutoffs.normal.specificity) == normal_sensitivity
        assert percent(cutoffs.normal.sensitivity) == normal_specificity
        assert (cutoffs.normal.sensitivity.total, cutoffs.normal.specificity.total) == (67, 33)


@pytest.mark.parametrize("roi", ROIS)
@pytest.mark.parametrize(("name", "target"), [("osteoporosis", "osteoporosis"), ("normal", "low_bmd")])
def test_every_cutoff_has_its_simulated_interval_and_states_the_simulation(roi, name, target):
    cutoff = getattr(load_cutoffs().cutoffs.rois[roi], name)
    simulated = simulate_cutoff(load_study_tables(), roi, target, studies=10_000, seed=1)
    assert (cutoff.low_hu, cutoff.high_hu) == (round(simulated.low_hu, 1), round(simulated.high_hu, 1))
    assert "simulated" in cutoff.interval_source
    assert f"{simulated.n_positive} against {simulated.n_negative} patients" in cutoff.interval_source


@pytest.mark.parametrize("roi", ROIS)
def test_the_recovered_share_of_osteopenia_follows_from_the_studys_quartiles(roi):
    share = expected_classes(load_study_tables(), roi).shares["osteopenia"]["osteopenia"]
    assert load_cutoffs().cutoffs.rois[roi].osteopenia_recovered_percent == round(100 * share, 1)


def test_the_interval_of_round_is_the_one_that_the_protocol_names():
    round_cutoff = load_cutoffs().cutoffs.rois["round"].osteoporosis
    assert (round_cutoff.low_hu, round_cutoff.high_hu) == (61.3, 126.3)


def test_the_cutoffs_include_the_notes_on_the_study():
    document = load_cutoffs()
    assert len(document.cutoffs.notes) == 8
    assert {document.cutoffs.rois[roi].normal.source for roi in ROIS} == {"study, Table 3"}
    assert [cutoff["value"] for cutoff in document.document["other_cutoffs"]] == [110, 136, 99, 90]
    acquisition = {name: fact["value"] for name, fact in document.document["acquisition"].items()}
    assert acquisition["contrast_medium"] is False
    assert (acquisition["tube_voltage"], acquisition["tube_current"], acquisition["slice_thickness"]) == (120, 250, 2.5)


def test_the_medians_give_the_shift_of_a_mean_over_fewer_levels():
    medians_hu = load_cutoffs().cutoffs.level_medians_hu["round"]
    whole = sum(medians_hu.values()) / 4
    assert round(sum(medians_hu[level] for level in ("L2", "L3", "L4")) / 3 - whole, 1) == -7.7
    assert round(medians_hu["L1"] - whole) == 23


def test_the_studys_cutoffs_are_called_the_studys():
    assert {roi_cutoffs.whose for roi_cutoffs in load_cutoffs().cutoffs.rois.values()} == {"the study's"}


def test_custom_cutoffs_need_only_source_and_values(tmp_path):
    document = {key: DOCUMENT[key] for key in ("schema", "name", "version", "citation")}
    document["rois"] = {
        roi: {
            "osteoporosis": {"value": 80, "unit": "HU", "source": "our ward"},
            "normal": {"value": 120, "unit": "HU", "source": "our ward"},
        }
        for roi in ROIS
    }
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    table = load_cutoffs(path).cutoffs
    assert (table.rois["left"].osteoporosis.cutoff_hu, table.notes, table.level_medians_hu) == (80.0, (), {})
    assert table.rois["left"].osteopenia_recovered_percent is None


def with_value(path: tuple, value) -> str:
    """Return the study's file, one line per value, with `value` at `path`."""
    document = copy.deepcopy(DOCUMENT)
    container = document
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = value
    return json.dumps(document, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(
    ("path", "value", "marked", "words"),
    [
        (("rois", "oval", "normal", "value"), "x97.13", '"x97.13"', "not a number"),
        (("rois", "oval", "normal", "value"), 90.125, '"oval"', "is not below the normal cutoff 90.125 HU"),
        (("rois", "round", "osteoporosis", "interval", "low"), 95.125, '"interval"', "is outside its interval"),
        (("rois", "left", "osteoporosis", "sensitivity", "count"), 2700, None, "2700 of 27 is not a proportion"),
        (("rois", "left", "osteoporosis", "sensitivity", "total"), 73125, "73125", "has 27 positives"),
        (("rois", "left", "osteoporosis", "specificity", "total"), 27125, "27125", "has 73 negatives"),
        (("rois", "back"), {}, '"back"', "“rois.back” is not a known name"),
        (("notes",), "none", '"none"', "not a list"),
        (("other_cutoffs", 1, "value"), 99999, "99999", "use -1024 to 3071"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(tmp_path, path, value, marked, words):
    text = with_value(path, value)
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_cutoffs(file)
    assert words in str(refusal.value)
    if marked:
        line = next(number for number, line in enumerate(text.splitlines(), start=1) if marked in line)
        assert str(refusal.value).startswith(f"own.json, line {line}: ")
