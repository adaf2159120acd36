"""Two dates are compared only if scanner, tube voltage, contrast and protocol are known to agree."""

import pytest
from audit.forger import in_record
from follow_up.conftest import DATES

import lumbarhu


def compared(first, second, **options):
    return lumbarhu.follow_up({first: DATES["first"], second: DATES["second"]}, **options)


def mean_row(found):
    return next(row for row in found.rows() if row["level"] == "mean" and row["roi"] == "round")


def codes(found):
    return [finding.code for finding in found.findings]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"manufacturer": "GE"}, "the manufacturer differs (“SIEMENS” and “GE”)"),
        ({"scanner_model": "Force"}, "the scanner model differs (“Sensation 64” and “Force”)"),
        ({"tube_voltage_kv": 100.0}, "the tube voltage differs (120 and 100 kV)"),
        ({"contrast": True}, "contrast medium is in the CT of 2024-02-29 only"),
    ],
)
def test_a_known_difference_is_never_overruled(audit, headers, reason):
    for accept in (False, True):
        name = f"b{accept}"
        found = compared(audit(f"a{accept}", 120.0), audit(name, 60.0, headers=headers), accept_unknown=accept)
        row = mean_row(found)
        assert (row["changed"], row["reason"]) == ("not comparable", reason)
        assert [row[name] for name in ("change_low_hu", "lsc_hu", "hu_per_year")] == [None] * 3
        assert (row["from_hu"], row["to_hu"], row["change_hu"]) == (120.0, 60.0, -60.0)
        assert "not_comparable" in codes(found)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("manufacturer", "manufacturer"),
        ("scanner_model", "scanner model"),
        ("tube_voltage_kv", "tube voltage"),
        ("contrast", "contrast medium"),
    ],
)
def test_what_is_unknown_does_not_agree_until_the_user_states_it(audit, header, words):
    first, second = audit("a", 120.0), audit("b", 60.0, headers={header: None})
    found = compared(first, second)
    assert mean_row(found)["changed"] == "not comparable"
    assert mean_row(found)["reason"] == f"unknown whether these agree: {words}"
    assert "agreement_unknown" in codes(found)
    stated = compared(first, second, accept_unknown=True)
    assert mean_row(stated)["changed"] == "yes"
    assert "agreement_stated" in codes(stated)


def test_with_contrast_medium_at_both_dates_the_phase_is_unknown(audit):
    headers = {"contrast": True}
    found = compared(audit("a", headers=headers), audit("b", headers=headers))
    assert mean_row(found)["reason"] == "unknown whether these agree: contrast phase"


def test_contrast_medium_that_only_the_image_shows_counts(audit):
    seen = audit("b")
    finding = {"code": "contrast_seen", "sentence": "x", "remedy": "", "severity": "severe", "level": "", "roi": ""}
    in_record("findings", to=[finding])(seen)
    assert mean_row(compared(audit("a"), seen))["reason"] == "contrast medium is in the CT of 2024-02-29 only"


@pytest.mark.parametrize("spelling", ["Siemens", " SIEMENS "])
def test_case_and_blanks_of_a_name_do_not_matter(audit, spelling):
    assert mean_row(compared(audit("a"), audit("b", headers={"manufacturer": spelling})))["changed"] == "no"


def test_a_rounded_tube_voltage_is_the_same(audit):
    assert mean_row(compared(audit("a"), audit("b", headers={"tube_voltage_kv": 119.8})))["changed"] == "no"


def test_another_protocol_is_not_comparable(audit):
    other = audit("b", 60.0)
    in_record("protocol", "version", to="9.9.9")(other)
    assert mean_row(compared(audit("a"), other))["reason"].startswith("the protocol differs (“")


def test_another_value_of_the_protocol_is_not_comparable(audit):
    other = audit("b", 60.0)
    in_record("protocol_values", "cortical_margin_mm", to=4.0)(other)
    reason = "the protocol's values differ (cortical_margin_mm: 2.5 and 4.0)"
    assert mean_row(compared(audit("a"), other))["reason"] == reason


def test_another_definition_of_a_region_is_not_comparable(audit):
    other = audit("b", 60.0)

    def larger(regions):
        return {name: {**region, "title": "another"} if name == "round" else region for name, region in regions.items()}

    in_record("protocol", "regions", to=larger)(other)
    assert mean_row(compared(audit("a"), other))["reason"] == "the protocol's regions are defined differently"


def test_the_error_that_classes_are_compared_with_does_not_matter(audit):
    other = audit("b", 60.0)
    in_record("protocol_values", "lsc_hu", to=9.0)(other)
    found = compared(audit("a"), other)
    assert mean_row(found)["changed"] == "yes"
    assert mean_row(found)["lsc_hu"] == pytest.approx(0.21883 * 90)
    (finding,) = [finding for finding in found.findings if finding.code == "protocol_lsc_not_used"]
    assert "9 HU" in finding.sentence


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"kernel": "B70f"}, "kernel_differs"),
        ({"slice_thickness_mm": 5.0}, "slice_thickness_differs"),
        ({"kernel": None}, "reconstruction_unknown"),
        ({"slice_thickness_mm": None}, "reconstruction_unknown"),
    ],
)
def test_kernel_and_slices_give_a_finding_only(audit, headers, code):
    found = compared(audit("a", 120.0), audit("b", 60.0, headers=headers))
    assert mean_row(found)["changed"] == "yes"
    assert code in codes(found)


def test_another_reader_and_another_version_give_a_finding_each(audit):
    other = audit("b", reader="CD")
    in_record("software", "LumbarHU", to="0.0.1")(other)
    found = compared(audit("a"), other)
    assert {"readers_differ", "software_differs"} <= set(codes(found))


def test_a_severe_finding_of_either_date_makes_its_change_doubtful(audit):
    other = audit("b")
    finding = {"code": "body_low", "sentence": "x", "remedy": "", "severity": "severe", "level": "L3", "roi": ""}

    def doubtful(levels):
        for level in levels[1:]:
            # L2 is excluded, so its findings do not matter.
            level["findings"] = [finding, finding | {"code": "other", "severity": "warning"}]
        for roi in ("oval", "left"):
            levels[0]["rois"][roi]["findings"] = [finding | {"code": "leaves_bone"}]
        return levels

    in_record("levels", to=doubtful)(other)
    (found,) = [one for one in compared(audit("a"), other).findings if one.code == "measurement_doubtful"]
    assert "On 2024-02-29, the audit folder has severe findings on L1 oval, L1 left (leaves_bone); L3 (body_low):" in (
        found.sentence
    )


def test_equal_readings_have_no_finding_on_agreement(audit):
    assert codes(compared(audit("a"), audit("b"))) == ["published_lsc", "number_of_comparisons"]
