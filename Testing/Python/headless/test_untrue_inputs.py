"""Every kind of false input gives the right number or one true sentence, and no partial output."""

import re
from collections import Counter

import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import PhantomFiles, one_level_phantom, write_midlines
from headless.untrue_dicom import DICOM
from headless.untrue_files import FILES
from headless.untrue_headers import HEADERS
from headless.untrue_inputs import Honest, SegmentedSpine, findings_of, means_of, measured
from headless.untrue_label_maps import LABEL_MAPS
from headless.untrue_padding import PADDING
from headless.untrue_segmentations import SEGMENTATIONS
from placement.phantom_masks import vertebra_mask

from LumbarHULib.images.ct_file import write_ct
from LumbarHULib.phantom.grid import axial_grid
from LumbarHULib.phantom.render import render_on_grid
from LumbarHULib.phantom.spines import lumbar_spine

LEVELS = ("L1", "L2", "L3", "L4")

ROWS = (*DICOM, *HEADERS, *PADDING, *SEGMENTATIONS, *LABEL_MAPS, *FILES)


@pytest.fixture(scope="session")
def segmented(tmp_path_factory) -> SegmentedSpine:
    folder = tmp_path_factory.mktemp("segmented")
    spec = lumbar_spine(LEVELS, table=False, rotation_deg={"L1": 4, "L2": 2, "L3": -1, "L4": -3})
    grid = axial_grid((0.0, -9.0, 17.0), (96.0, 96.0, 165.0), 0.8, 5.0)
    phantom = render_on_grid(spec, grid, noise_hu=10.0, noise_fwhm_mm=1.0, seed=6)
    files = _written(folder, phantom)
    masks = {level: vertebra_mask(spec.vertebra(level), grid) for level in LEVELS}
    made = SegmentedSpine(files, masks, folder / "audit", folder / "from-masks")
    labels = made.write(folder / "labels.nii.gz", made.labels({"L1": 20, "L2": 21, "L3": 22, "L4": 23}))
    for given, audit in ((("--markups", files.markups), made.audit), (("--segmentation", labels), made.from_masks)):
        run = lumbarhu("measure", files.ct, *given, "--out", audit)
        assert (run.exit_code, run.err) == (0, "")
    return made


def _written(folder, phantom) -> PhantomFiles:
    write_ct(folder / "ct.nrrd", phantom.voxels_hu, phantom.ras_from_ijk)
    return PhantomFiles(phantom, folder / "ct.nrrd", write_midlines(folder / "markups", phantom))


@pytest.fixture(scope="session")
def honest(segmented, tmp_path_factory) -> Honest:
    folder = tmp_path_factory.mktemp("honest")
    files = _written(folder, one_level_phantom(slices=9, noise_hu=10, rotation_deg=4))
    run = lumbarhu("measure", files.ct, "--markups", files.markups, "--out", folder / "audit")
    assert (run.exit_code, run.err) == (0, "")
    return Honest(files, folder / "audit", segmented)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}: {row.name}")
def test_an_untrue_input_gives_the_right_number_or_one_sentence(honest, row, tmp_path):
    run, audit = measured(honest, row, tmp_path)
    others = {path for path in audit.parent.iterdir() if path.name != "audit" and not any(path.iterdir())}
    if row.refused:
        assert (run.exit_code, run.out) == (2, "")
        assert re.fullmatch(r"lumbarhu: [^\n]+[.]\n", run.err)
        assert re.search(row.refused, run.err)
        assert set(audit.parent.iterdir()) == others
        return
    assert (run.exit_code, run.err) == (0, "")
    expected = honest.means_hu if row.mean_hu is None else row.mean_hu(honest)
    found = means_of(audit)
    assert {name: found.get(name) for name in expected} == pytest.approx(dict(expected), abs=row.within_hu)
    assert {name.split()[0] for name in found} == {name.split()[0] for name in expected}
    sentences = findings_of(audit)
    assert set(row.findings) <= sentences.keys()
    assert not set(row.unsaid) & sentences.keys()
    assert re.search(row.says, " ".join(sentences.values()))
    assert set(audit.parent.iterdir()) == {audit, *others}


def test_the_table_is_wide_and_names_each_input_once():
    names = Counter((row.kind, row.name) for row in ROWS)
    assert max(names.values()) == 1
    assert len(names) >= 120
    assert len({kind for kind, _ in names}) >= 25
