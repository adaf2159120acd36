"""The harness refuses a form that the application would load with parts left out, and a module it would half build."""

import pytest

FORM = """<ui version="4.0"><class>X</class><widget class="QWidget" name="x"><layout class="QVBoxLayout" name="l">
<item><widget class="{kind}" name="y">{properties}</widget></item></layout></widget></ui>"""
TEXT = '<property name="{name}"><string>a</string></property>'
FILTERS = '<property name="filters"><set>ctkPathLineEdit::{name}</set></property>'


@pytest.fixture
def load(application, tmp_path):
    """Return a function that loads a form as the panel's is loaded."""
    forms = []  # a form that nobody holds takes its widgets along

    def load_form(kind, properties=""):
        import slicer

        path = tmp_path / "x.ui"
        path.write_text(FORM.format(kind=kind, properties=properties), encoding="utf-8")
        forms.append(slicer.util.loadUI(str(path)))
        return slicer.util.childWidgetVariables(forms[-1]).y

    return load_form


def test_a_form_is_taken_as_it_is_or_not_at_all(load):
    assert load("QLabel", TEXT.format(name="text")).text == "a"
    assert load("ctkPathLineEdit", FILTERS.format(name="Files")).filters == 2
    for kind, properties, reported in (
        ("QLable", "", "no class QLable"),
        ("ctkPathLineEdit", TEXT.format(name="currntPath"), "no currntPath"),
        ("QLabel", TEXT.format(name="txt"), "no txt"),
        ("ctkPathLineEdit", FILTERS.format(name="Fils"), "no .*Fils"),
    ):
        with pytest.raises(RuntimeError, match=reported):
            load(kind, properties)


def test_a_real_ct_with_a_home_is_offered_by_its_name(application, tmp_path, monkeypatch):
    import json

    from SampleData import SampleDataLogic

    import LumbarHU

    entry = {"name": "A spine", "uri": "https://example.org/a.nrrd", "file_name": "a.nrrd", "sha256": 64 * "0"}
    listed = tmp_path / "sample_data.json"
    listed.write_text(json.dumps({"cts": [entry | {"license": "CC BY 4.0", "citation": "somebody"}]}), encoding="utf-8")
    monkeypatch.setattr(LumbarHU, "resource_path", lambda *_parts: listed)
    LumbarHU.registerSampleData()
    assert "A spine" in [source[1] for source in SampleDataLogic.sources]


def test_the_module_is_loaded_opened_and_left_without_an_error(application, capfd):
    import slicer

    slicer.util.selectModule("LumbarHU")
    slicer.util.selectModule("Data")
    assert slicer.modules.LumbarHUWidget.panel is not None
    from SampleData import SampleDataLogic

    assert [source[:2] for source in SampleDataLogic.sources] == [("LumbarHU", "LumbarHU phantom")]
    reported = capfd.readouterr()
    assert "Traceback" not in reported.out + reported.err
    assert "does not exist" not in reported.out
