"""What ties the panel's files together is there: names of widgets, parameters, sections."""

import ast
import re
import xml.etree.ElementTree as ElementTree

import pytest

from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.results import CLASSES, class_words

LONGEST_SECTION = 350  # lines
WRITTEN_BY_THE_PANEL = {"reading"}  # parameters without a widget


@pytest.fixture(scope="module")
def module_source(repository):
    return (repository / "LumbarHU" / "LumbarHU.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sections(repository):
    folder = repository / "LumbarHU" / "LumbarHULib" / "panel"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}


@pytest.fixture(scope="module")
def form(repository):
    return ElementTree.parse(repository / "LumbarHU" / "Resources" / "UI" / "LumbarHU.ui").getroot()


@pytest.fixture(scope="module")
def widget_names(form):
    return [widget.get("name") for widget in form.iter("widget")]


def test_each_parameter_of_a_widget_is_a_field_and_the_reverse(module_source, form):
    classes = [node for node in ast.parse(module_source).body if isinstance(node, ast.ClassDef)]
    (parameters,) = [node for node in classes if node.name == "LumbarHUParameterNode"]
    fields = [node.target.id for node in parameters.body if isinstance(node, ast.AnnAssign)]
    named = [item.findtext("string") for item in form.iter("property") if item.get("name") == "SlicerParameterName"]
    assert sorted(named) == sorted(set(fields) - WRITTEN_BY_THE_PANEL)
    assert set(fields) >= WRITTEN_BY_THE_PANEL


def test_each_widget_that_the_panel_names_is_in_the_form(module_source, sections, widget_names):
    named = {name for text in (module_source, *sections.values()) for name in re.findall(r"\bui\.(hu\w+)", text)}
    assert len(named) > 20
    assert named - set(widget_names) == set()


def test_names_in_the_form_are_unique_and_bear_our_prefix(widget_names):
    assert len(set(widget_names)) == len(widget_names)
    assert [name for name in widget_names if not name.startswith("hu") and name != "LumbarHU"] == []


def test_every_widget_that_can_be_used_tells_what_it_is_for(form):
    mute = {"QFrame", "QLabel", "ctkCollapsibleButton", "qMRMLWidget", "QTextBrowser"}
    mute |= {"QTabWidget", "QScrollArea", "QWidget"}
    without = [
        widget.get("name")
        for widget in form.iter("widget")
        if widget.get("class") not in mute
        and "toolTip" not in {item.get("name") for item in widget.findall("property")}
    ]
    assert without == []


def test_every_dialog_is_opened_where_the_wait_cursor_is_taken_away(sections):
    opens = re.compile(
        r"qt\.Q(?:File|Input|Message|Color|Font)?(?:Dialog|Box)\b|slicer\.util\.\w+Display\(|messageBox\("
    )
    assert [name for name, text in sections.items() if opens.search(text)] == ["questions.py"]


def test_people_read_the_same_classes_and_regions_in_the_panel_as_in_files(sections):
    words = {}
    for node in ast.walk(ast.parse(sections["words.py"])):
        if isinstance(node, ast.Dict):
            words |= {key.value: value.args[0].value for key, value in zip(node.keys, node.values, strict=True)}
    assert words == {name: class_words(name) for name in CLASSES} | {roi: roi for roi in ROIS}


def test_no_section_is_given_the_whole_panel(sections):
    knows = re.compile(r"\b_?panel\.panel\b|self\._panel\b")
    assert [name for name, text in sections.items() if knows.search(text)] == []


def test_each_section_is_named_by_a_test(repository, sections):
    texts = "".join(path.read_text(encoding="utf-8") for path in (repository / "Testing/Python/panel").glob("*.py"))
    names = [name.removesuffix(".py") for name in sections if name.endswith("_section.py")]
    assert len(names) > 10
    assert [name for name in names if name not in texts] == []


def test_no_section_is_too_long(sections):
    assert {name: text.count("\n") for name, text in sections.items() if text.count("\n") > LONGEST_SECTION} == {}


def test_every_step_of_the_walk_is_taken(repository):
    files = sorted((repository / "LumbarHU" / "LumbarHULib" / "self_test").glob("*.py"))
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files}
    steps = []
    for text in (text for name, text in texts.items() if name not in ("base", "walk", "synthetic_mouse", "__init__")):
        (walk,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
        names = [node.name for node in walk.body if isinstance(node, ast.FunctionDef)]
        steps += [f"PanelWalk.{name}" for name in names if not name.startswith("_")]
    listed = re.findall(r"^    (PanelWalk\.\w+),$", texts["walk"], re.MULTILINE)
    assert len(listed) > 30
    assert sorted(listed) == sorted(steps)
