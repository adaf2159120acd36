"""Every kind of input that states what is not so: the right number or one true sentence, and nothing half-written."""

import re
from collections import Counter

import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles, one_level_phantom, write_midlines
from headless.untrue_dicom import DICOM
from headless.untrue_inputs import Honest, findings_of, means_of, measured
from headless.untrue_padding import PADDING

from LumbarHULib.images.ct_file import write_ct

ROWS = (*DICOM, *PADDING)


@pytest.fixture(scope="session")
def honest(tmp_path_factory) -> Honest:
    folder = tmp_path_factory.mktemp("honest")
    phantom = one_level_phantom(slices=9, noise_hu=10, rotation_deg=4)
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    files = PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "markups", phantom))
    run = lumbarhu("measure", files.ct, "--markups", files.markups, "--out", folder / "audit")
    assert (run.exit_code, run.err) == (0, "")
    return Honest(files, folder / "audit")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}: {row.name}")
def test_an_untrue_input_gives_the_right_number_or_one_sentence(honest, row, tmp_path):
    run, audit = measured(honest, row, tmp_path)
    if row.refused:
        assert (run.exit_code, run.out) == (2, "")
        assert re.fullmatch(r"lumbarhu: [^\n]+[.]\n", run.err)
        assert re.search(row.refused, run.err)
        assert list(audit.parent.iterdir()) == []
        return
    assert (run.exit_code, run.err) == (0, "")
    expected = honest.means_hu if row.mean_hu is None else row.mean_hu(honest)
    found = means_of(audit)
    assert {roi: found[roi] for roi in expected} == pytest.approx(dict(expected), abs=row.within_hu)
    sentences = findings_of(audit)
    assert set(row.findings) <= sentences.keys()
    assert not set(row.unsaid) & sentences.keys()
    assert re.search(row.says, " ".join(sentences.values()))
    assert [path.name for path in audit.parent.iterdir()] == ["audit"]


def test_the_table_is_wide_and_names_each_input_once():
    names = Counter((row.kind, row.name) for row in ROWS)
    assert max(names.values()) == 1
