"""The rules of the house that neither ruff nor a reviewer's eye can be trusted to keep."""

import re

LONGEST_FILE = 400  # lines
TEXT_OF_OTHERS = {"LICENSE.txt"}

MACHINE_PATH = re.compile(r"(?<![\w.:/*-])(?:/(?:home|root|Users|work|opt|mnt|srv|tmp)/\w|[A-Z]:\\Users\\)")
PACKAGE_HOST = re.compile(
    r"https?://[^/\s]*(?:pypi|pythonhosted|artifactory|registry|mirror|localhost|\d+\.\d+\.\d+\.\d+)"
)

# British endings of words that this project uses often; the whole project is written in US spelling.
BRITISH = re.compile(
    r"\b(?:colo[u]r\w*|cent[r]e[ds]?|behavio[u]r\w*|neighbo[u]r\w*|label[l](?:ed|ing)|gr[e]y\w*|arte[f]act\w*|"
    r"(?:normal|optim|minim|maxim|initial|recogn|organ|visual|summar|anonym)i[s](?:e[ds]?|ing|ation)|"
    r"licen[c]e\w*|catalog[u]e\w*|analy[s]e[ds]?|mode[l]l(?:ed|ing))\b",
    re.IGNORECASE,
)


def found(pattern, texts, suffixes=None) -> list[str]:
    return [
        f"{path.name}:{number}: {match.group()}"
        for path, text in texts.items()
        if path.name not in TEXT_OF_OTHERS and (suffixes is None or path.suffix in suffixes)
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]


def test_no_python_file_is_too_long(tracked_texts):
    lengths = {path.name: text.count("\n") for path, text in tracked_texts.items() if path.suffix == ".py"}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_contains_a_path_of_a_personal_machine(tracked_texts):
    assert found(MACHINE_PATH, tracked_texts) == []


def test_no_file_names_a_package_host(tracked_texts):
    assert found(PACKAGE_HOST, tracked_texts) == []


def test_the_spelling_is_american(tracked_texts):
    assert found(BRITISH, tracked_texts, {".py", ".md", ".txt", ".toml"}) == []


def test_the_patterns_find_their_targets():
    slash = "/"
    assert MACHINE_PATH.search(f"see {slash}home{slash}ann{slash}ct.nrrd")
    assert MACHINE_PATH.search(f'"{slash}root{slash}x"')
    assert not MACHINE_PATH.search("https://example.org/home/page")
    assert PACKAGE_HOST.search("https:" + "//mirror.example.org/simple")
    assert not PACKAGE_HOST.search("https:" + "//doi.org/10.1186/s13018-022-03348-2")
    assert BRITISH.search("colo" + "ur")
    assert not BRITISH.search("analysis of a color")
