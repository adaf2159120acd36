import pytest

from LumbarHULib.files import html_text as html

NASTY = "<script>\"&'</script>"


@pytest.mark.parametrize(
    "made",
    [
        html.paragraph(NASTY),
        html.heading(NASTY),
        html.bullets([NASTY]),
        html.folded(NASTY, ""),
        html.table([NASTY], [[NASTY]], NASTY),
        html.page(NASTY, []),
    ],
)
def test_text_never_becomes_markup(made):
    assert "<script>" not in made
    assert "&lt;script&gt;" in made


def test_a_caption_cannot_leave_its_attribute(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    made = html.picture(tmp_path / "a.svg", 'x" onload="y')
    assert 'alt="x&quot; onload=&quot;y"' in made
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in made


def test_a_grouped_table_names_each_group_once():
    made = html.table(["g", "n"], [["a", "1"], ["a", "2"], ["b", "3"]], grouped=True)
    assert made.count(">a</td>") == 1
    assert made.count('<tr class="first">') == 2


def test_a_page_may_run_and_fetch_nothing():
    assert "default-src 'none'" in html.page("title", ["<p>x</p>"])
