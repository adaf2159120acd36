"""The page and the pictures of a cohort: complete, by themselves, and safe to open."""

import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from headless.cohort_files import random_cohort, write_table
from headless.command_runner import lumbarhu
from PIL import Image

OF = ("", "_qct", "_outcome")
# Of other sizes: sheets of a row per level, forest plots and the flow.
DIAGRAMS = {"flow", "correlation_levels", *(f"{name}{of}" for name in ("roc_levels", "forest") for of in OF)}


class Page(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.words.append(data)


def test_the_summary_is_self_contained(example_cohort):
    page = Page((example_cohort / "result" / "summary.html").read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "object", "form", "a"} & set(page.tags)
    addresses = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(addresses) == 15
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    text = " ".join(page.words)
    for part in ("Method", "DeLong", "Kruskal–Wallis", "Findings", "bmd_hip", "Kaplan–Meier"):
        assert part in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such file names")
def test_names_of_cases_and_files_never_become_markup(tmp_path):
    rows = random_cohort()
    rows[0] |= {"case": "<script>alert(1)</script>", "sex": "<b>x"}
    table, out = write_table(tmp_path / "<img src=x>&.csv", rows), tmp_path / "result"
    assert lumbarhu("cohort", table, "--out", out, "--bootstraps", "100").exit_code == 0
    page = Page((out / "summary.html").read_text(encoding="utf-8"))
    assert not {"script", "b"} & set(page.tags)
    assert page.tags.count("img") == 7
    assert "<img src=x>&" in " ".join(page.words)
    for path in (out / "figures").glob("*.svg"):
        assert "alert" not in path.read_text(encoding="utf-8")


def test_pictures_have_page_width_in_print_and_are_well_formed(example_cohort):
    for path in (example_cohort / "result" / "figures").iterdir():
        if path.suffix == ".png":
            with Image.open(path) as picture:
                width, height = picture.size
                assert (width, height) == (2160, 1500) or path.stem in DIAGRAMS
                assert width >= 1900
                assert height > 1000
                gray = np.asarray(picture.convert("L"))
            assert gray.min() < 40
            assert gray.max() == 255
        else:
            root = ElementTree.parse(path).getroot()
            assert not [child for child in root.iter() if child.tag.endswith("script")]
