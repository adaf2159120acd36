"""The remedy in a sentence works: the sentence is provoked, its remedy followed, and the command repeated."""

import pytest
from headless.remedies import Bench, Remedy, problems_of
from headless.remedies_acquisition import ACQUISITION
from headless.remedies_cts import FILES, SLICES
from headless.remedies_documents import DOCUMENTS, FOLDERS
from headless.remedies_levels import LEVELS
from headless.remedies_markups import MARKUPS
from headless.remedies_options import OPTIONS, OUTPUT
from headless.remedies_proposals import SEEDS, SEGMENTATIONS

ROWS: tuple[Remedy, ...] = (
    *(*MARKUPS, *OPTIONS, *OUTPUT, *FILES, *SLICES),
    *(*ACQUISITION, *LEVELS, *SEGMENTATIONS, *SEEDS, *DOCUMENTS, *FOLDERS),
)


@pytest.mark.parametrize("remedy", ROWS, ids=lambda remedy: f"{remedy.code} {remedy.says}".strip())
def test_a_remedy_works_when_it_is_followed(remedy, honest, tmp_path):
    _, problems = problems_of(remedy, Bench(honest, tmp_path))
    assert problems == []


def test_the_table_has_a_hundred_sentences():
    assert len({(remedy.code, remedy.says) for remedy in ROWS}) >= 100
