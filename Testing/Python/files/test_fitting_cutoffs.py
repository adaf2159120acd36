"""Cutoffs fit a measurement by their protocol, its levels, and the acquisition of the CT; all else is refused."""

import copy
import json

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.cutoffs_file import NO_CUTOFFS, cutoffs_for, cutoffs_from, load_cutoffs
from LumbarHULib.files.fitting_cutoffs import why_cutoffs_do_not_fit
from LumbarHULib.files.located_json import parse_located_json
from LumbarHULib.files.protocol_file import load_protocol, protocol_from

STUDY = load_protocol()
PLAIN_120_KV = ScanFacts(tube_voltage_kv=120.0, contrast=False)


def cutoffs(**changes):
    document = copy.deepcopy(load_cutoffs().document) | changes
    return cutoffs_from(parse_located_json(json.dumps(document), "cutoffs.json"))


def protocol_of(*levels):
    document = copy.deepcopy(STUDY.document)
    document["values"]["mean_levels"]["value"] = list(levels)
    return protocol_from(parse_located_json(json.dumps(document), "protocol.json"))


def test_the_studys_cutoffs_fit_a_ct_like_the_studys():
    assert why_cutoffs_do_not_fit(load_cutoffs(), STUDY, PLAIN_120_KV) == ""


def test_an_unknown_acquisition_fits():
    assert why_cutoffs_do_not_fit(load_cutoffs(), STUDY, ScanFacts()) == ""
    assert why_cutoffs_do_not_fit(cutoffs(acquisition={}), STUDY, ScanFacts(tube_voltage_kv=80.0, contrast=True)) == ""


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (ScanFacts(tube_voltage_kv=100.0), "The CT was acquired at 100 kV; the cutoffs hold for 120 kV."),
        (ScanFacts(contrast=True), "The CT was acquired with contrast medium; the cutoffs hold for CTs without."),
    ],
)
def test_another_acquisition_does_not_fit_unless_it_is_accepted(facts, sentence):
    assert sentence in why_cutoffs_do_not_fit(load_cutoffs(), STUDY, facts)
    assert why_cutoffs_do_not_fit(load_cutoffs(), STUDY, facts, accept_off_protocol=True) == ""


@pytest.mark.parametrize("protocol", [{"id": "three-slice", "version": "1.0.0"}, {"id": STUDY.id, "version": "7.0.0"}])
def test_cutoffs_of_another_protocol_or_major_version_do_not_fit(protocol):
    problem = why_cutoffs_do_not_fit(cutoffs(protocol=protocol), STUDY, PLAIN_120_KV, accept_off_protocol=True)
    assert f"belong to the protocol {protocol['id']}, version {protocol['version']}" in problem


def test_the_studys_cutoffs_do_not_fit_a_mean_over_other_levels():
    problem = why_cutoffs_do_not_fit(load_cutoffs(), protocol_of("L1", "L2"), PLAIN_120_KV)
    assert "are for the mean over L1, L2, L3, L4, but the protocol's mean is over L1, L2:" in problem


def test_cutoffs_that_state_their_levels_are_for_these_levels_only(tmp_path):
    given = cutoffs(protocol={"id": STUDY.id, "version": "1", "levels": ["L1", "L2"]})
    assert why_cutoffs_do_not_fit(given, protocol_of("L1", "L2"), PLAIN_120_KV) == ""
    problem = why_cutoffs_do_not_fit(given, STUDY, PLAIN_120_KV)
    assert "are for the mean over L1, L2, but the protocol's mean is over L1, L2, L3, L4" in problem
    path = tmp_path / "cutoffs.json"
    path.write_text(json.dumps(given.document), encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        cutoffs_for(STUDY, path)
    assert str(refusal.value) == problem


def test_no_cutoffs_fit_everything():
    assert why_cutoffs_do_not_fit(load_cutoffs(NO_CUTOFFS), protocol_of("L1", "L2"), ScanFacts(contrast=True)) == ""
