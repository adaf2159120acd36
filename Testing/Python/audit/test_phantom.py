"""From a rendered CT to an audit folder and back: an outline computed from the CT measures the same as a markup."""

import hashlib
import json

import pytest
from audit.readings import CUTOFFS, PROTOCOL

from LumbarHULib.audit.audit import Audit
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.markup_file import read_markups
from LumbarHULib.images.ct_file import read_ct, write_ct
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spines import demo_spine


@pytest.fixture(scope="module")
def phantom():
    return render(
        demo_spine(), 1.0, 5.0, field_of_view_mm=(90.0, 80.0, 40.0), center_ras_mm=(0.0, 0.0, 0.0), noise_hu=10
    )


def audited(ct: CtVolume, landmarks, destination):
    result = measure_ct(ct, landmarks, PROTOCOL.protocol, CUTOFFS.cutoffs, ScanFacts())
    assert result.refusals == ()
    write_audit_folder(destination, Audit("phantom", "truth", 1, result, ct, ScanFacts(), PROTOCOL, CUTOFFS))
    return destination


def test_a_phantoms_audit_folder_verifies_and_its_markups_measure_the_same_again(phantom, tmp_path):
    ct = CtVolume(phantom.voxels_hu, phantom.ras_from_ijk)
    first = audited(ct, [Landmarks("L3", phantom.truth["L3"].midline_ras_mm)], tmp_path / "first")
    write_ct(tmp_path / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    ct_again = read_ct(tmp_path / "ct.nrrd").ct
    assert verify_audit_folder(first, ct_again) == []

    again = audited(ct_again, read_markups([first / "markups"]).landmarks, tmp_path / "again")
    for folder in ("markups", "labelmaps"):
        hashes = [
            {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (place / folder).iterdir()}
            for place in (first, again)
        ]
        assert hashes[0] == hashes[1]
    assert (again / "results.csv").read_bytes() == (first / "results.csv").read_bytes()
    assert (again / "summary.csv").read_bytes() == (first / "summary.csv").read_bytes()

    (level,) = json.loads((first / "record.json").read_text(encoding="utf-8"))["levels"]
    assert level["outline"]["source"] == "found in the CT"
