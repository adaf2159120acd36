"""Every kind of false input gives the right number or one true sentence, and no partial output."""

import re
from collections import Counter

import pytest
from headless.untrue_dicom import DICOM
from headless.untrue_files import FILES
from headless.untrue_headers import HEADERS
from headless.untrue_inputs import findings_of, means_of, measured
from headless.untrue_label_maps import LABEL_MAPS
from headless.untrue_padding import PADDING
from headless.untrue_segmentations import SEGMENTATIONS

ROWS = (*DICOM, *HEADERS, *PADDING, *SEGMENTATIONS, *LABEL_MAPS, *FILES)


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
