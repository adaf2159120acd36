"""The table of findings lists exactly the findings that the sources can make."""

import ast

import pytest

from LumbarHULib.core.findings import MEANINGS, MEANINGS_BY_SUBJECT


def firsts(tree: ast.AST, names: set[str]) -> list[ast.expr | None]:
    """Return the first argument of every call of these functions."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in names]
    return [call.args[0] if call.args else None for call in calls]


def hands_on(function: ast.AST) -> bool:
    """Return whether a function makes a finding of the code that is its first argument."""
    if not isinstance(function, ast.FunctionDef) or not function.args.args:
        return False
    return any(ast.unparse(first) == function.args.args[0].arg for first in firsts(function, {"Finding"}) if first)


def codes_made(tree: ast.AST) -> set[str]:
    """Return the codes in the text of Finding("code", …) and of functions that pass their code on to it."""
    makers = {"Finding"} | {node.name for node in ast.walk(tree) if hands_on(node)}
    return {first.value for first in firsts(tree, makers) if isinstance(first, ast.Constant)}


@pytest.fixture(scope="module")
def trees(tracked_texts, repository):
    library = repository / "LumbarHU" / "LumbarHULib"
    return {
        path.relative_to(library).as_posix(): ast.parse(text)
        for path, text in tracked_texts.items()
        if path.suffix == ".py" and library in path.parents and path != library / "core" / "findings.py"
    }


def test_codes_are_found_where_they_are_passed_on():
    tree = ast.parse('Finding("a")\ndef tell(code, what):\n    Finding(code, what)\ntell("b", "c")\nother("d")')
    assert codes_made(tree) == {"a", "b"}


def test_no_code_is_assembled_from_parts(trees):
    whole = (ast.Constant, ast.Name, ast.Attribute, type(None))
    unfound = [
        f"{name}: {ast.unparse(of)}"
        for name, tree in trees.items()
        for of in firsts(tree, {"Finding"})
        if not isinstance(of, whole)
    ]
    assert unfound == [], (
        "write the code out, or pass it on as the first argument of the function that makes the finding"
    )


def test_every_code_in_the_sources_is_in_the_table(trees):
    unknown = {f"{name}: {code}" for name, tree in trees.items() for code in codes_made(tree) - set(MEANINGS)}
    assert unknown == set(), "state what they mean in LumbarHULib/core/findings.py"


def test_every_code_in_the_table_is_in_the_sources(trees):
    texts = {
        node.value
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(MEANINGS) - texts == set()


def test_each_code_has_one_sentence():
    codes = [code for subject_codes in MEANINGS_BY_SUBJECT.values() for code in subject_codes]
    assert len(codes) == len(set(codes))
    for meaning in MEANINGS.values():
        assert meaning.endswith(".")
        assert meaning[0].isupper()
