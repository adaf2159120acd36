"""Every finding that the sources can make is told of in the table of findings, and no other."""

import ast

import pytest

from LumbarHULib.core.finding_codes import MEANINGS, MEANINGS_BY_SUBJECT


def codes_made(tree: ast.AST) -> set[str]:
    """Return the codes that stand in the text of calls such as Finding("code", …)."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"]
    firsts = [call.args[0] if call.args else None for call in calls]
    return {first.value for first in firsts if isinstance(first, ast.Constant)}


@pytest.fixture(scope="module")
def trees(tracked_texts, repository):
    library = repository / "LumbarHU" / "LumbarHULib"
    return {
        path.relative_to(library).as_posix(): ast.parse(text)
        for path, text in tracked_texts.items()
        if path.suffix == ".py" and library in path.parents and path.name != "finding_codes.py"
    }


def test_every_code_in_the_sources_is_in_the_table(trees):
    unknown = {f"{name}: {code}" for name, tree in trees.items() for code in codes_made(tree) - set(MEANINGS)}
    assert unknown == set(), "tell what they mean in LumbarHULib/core/finding_codes.py"


def test_every_code_in_the_table_is_in_the_sources(trees):
    texts = {
        node.value
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(MEANINGS) - texts == set()


def test_a_code_stands_once_with_one_sentence():
    codes = [code for of_subject in MEANINGS_BY_SUBJECT.values() for code in of_subject]
    assert len(codes) == len(set(codes))
    for meaning in MEANINGS.values():
        assert meaning.endswith(".")
        assert meaning[0].isupper()
