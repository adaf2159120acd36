"""What the documents say to type exists, and the numbers that they state are those in use."""

import csv
import dataclasses
import functools
import importlib.util
import io
import re
import subprocess
import sys
import textwrap
from fractions import Fraction

import pytest

from LumbarHULib.cohort_files import columns as cohort_columns
from LumbarHULib.core import value_group
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.headless import batch_columns

OPTION = re.compile(r"--[a-z][a-z-]*")


def code_of(markdown: str) -> str:
    """Return the fenced blocks and the inline code of a Markdown text, one a line."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*fenced, *inline]).replace("\\\n", " ")


@pytest.fixture(scope="module")
def readme(repository) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def documents(repository, readme) -> str:
    """The README and every page of the documents, one after the other."""
    pages = sorted((repository / "Docs").glob("*.md"))
    return "\n".join([readme, *(page.read_text(encoding="utf-8") for page in pages)])


@pytest.fixture(scope="module")
def makefile(repository) -> str:
    return (repository / "Makefile").read_text(encoding="utf-8")


def test_every_make_target_in_the_documents_is_in_the_makefile(documents, makefile):
    named = set(re.findall(r"\bmake ([a-z]+)", code_of(documents)))
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_script_in_the_makefile_exists(makefile, repository):
    scripts = re.findall(r"\$\(RUN\) (\S+\.py)", makefile)
    assert [script for script in scripts if not (repository / script).is_file()] == []


@pytest.fixture(scope="module")
def options_of(repository):
    """Return a function from a subcommand to the options that its own help names."""

    @functools.lru_cache
    def options(subcommand: str) -> set[str]:
        shown = subprocess.run(
            [sys.executable, "-m", "LumbarHULib.headless.command_line", subcommand, "--help"],
            cwd=repository / "LumbarHU",
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        return set(OPTION.findall(shown.stdout))

    return options


def test_every_command_in_the_documents_exists_with_its_options(documents, options_of):
    commands = re.findall(r"\blumbarhu ([a-z-]+)(.*)", code_of(documents))
    assert {"demo", "measure", "verify", "study", "cohort"} <= {subcommand for subcommand, _ in commands}
    for subcommand, arguments in commands:
        assert set(OPTION.findall(arguments)) <= options_of(subcommand)


def test_every_option_in_a_table_of_options_is_one_of_the_command_above_it(documents, options_of):
    tabled = {}
    for section in re.split(r"^## ", documents, flags=re.MULTILINE):
        options = set(OPTION.findall("\n".join(re.findall(r"^\| `--.*?\|", section, re.MULTILINE))))
        if options:
            (subcommand, *_) = re.findall(r"\blumbarhu ([a-z-]+)", code_of(section))
            tabled[subcommand] = options
    assert {"measure", "precision", "follow-up"} <= set(tabled)
    wrong = {name: options - options_of(name) for name, options in tabled.items() if options - options_of(name)}
    assert wrong == {}


def test_every_link_and_picture_in_the_documents_exists(tracked_texts):
    missing = []
    for path, text in tracked_texts.items():
        if path.suffix == ".md":
            targets = re.findall(r"\]\(([^)#\s]+)", text)
            local = [target for target in targets if "://" not in target]
            missing += [f"{path.name}: {target}" for target in local if not (path.parent / target).exists()]
    assert missing == []


def test_every_link_to_a_heading_has_its_heading(tracked_texts):
    texts = {path.resolve(): text for path, text in tracked_texts.items() if path.suffix == ".md"}
    links = [
        (path, (path.parent / target).resolve() if target else path, heading)
        for path, text in texts.items()
        for target, heading in re.findall(r"\]\(([^)#\s:]*)#([^)]+)\)", text)
    ]
    assert len(links) >= 5
    lost = [f"{path.name}: #{heading}" for path, page, heading in links if heading not in anchors_of(texts[page])]
    assert lost == []


def anchors_of(page):
    """Return the anchors of the page's headings, as GitHub derives them from their words."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_continuous_integration_runs_make_test(repository):
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"\bmake .*", script) == ["make test"]


def test_the_protocol_page_states_the_cutoffs_in_use(repository):
    page = (repository / "Docs" / "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) HU \| ([\d.]+) HU \|$", page, re.MULTILINE)
    stated = {roi: (float(low_hu), float(high_hu)) for roi, low_hu, high_hu in rows}
    rois = load_cutoffs(None).cutoffs.rois
    assert stated == {
        roi: (roi_cutoffs.osteoporosis.cutoff_hu, roi_cutoffs.normal.cutoff_hu) for roi, roi_cutoffs in rois.items()
    }


def test_the_page_on_custom_files_states_the_defaults_in_use(repository):
    page = (repository / "Docs" / "own-files.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `(\w+)` \| .* \| `?([^|`]+?)`? \|$", page, re.MULTILINE))
    values = load_protocol(None).protocol.values
    numbers = {name: text.split()[0] for name, text in stated.items() if isinstance(values[name], float)}
    assert {name: float(Fraction(text)) for name, text in numbers.items()} == pytest.approx(
        {name: values[name] for name in numbers}
    )
    assert len(numbers) >= 5
    assert stated["lateral_extent"] == values["lateral_extent"]


@pytest.mark.parametrize("name", ["list_findings", "list_quantities"])
def test_a_page_that_a_script_writes_is_up_to_date(name, repository):
    spec = importlib.util.spec_from_file_location(name, repository / "Docs" / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    is_same = script.PAGE.read_text(encoding="utf-8") == script.page()
    assert is_same, f"run python Docs/{name}.py"


def test_every_row_of_a_table_in_the_documents_has_as_many_cells_as_its_head(repository):
    uneven = []
    for path in sorted([*repository.glob("*.md"), *(repository / "Docs").glob("*.md")]):
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            rows = [re.sub(r"`[^`]*`", "", row).replace("\\|", "").strip() for row in table.splitlines()]
            uneven += [f"{path.name}: {row}" for row in rows if row.count("|") != rows[0].count("|")]
            uneven += [f"{path.name}: {row}" for row in rows if not row.endswith("|")]
    assert uneven == []


def test_the_tables_that_the_documents_show_are_tables_that_the_program_reads(repository):
    page = (repository / "Docs" / "command-line.md").read_text(encoding="utf-8")
    tables = [list(csv.reader(io.StringIO(text))) for text in re.findall(r"^```\n(case,.*?)^```", page, re.M | re.S)]
    known = [set(batch_columns.COLUMNS), set(cohort_columns.COLUMNS)]
    assert len(tables) == len(known)
    for (header, *rows), columns in zip(tables, known, strict=True):
        assert set(header) <= columns
        assert {len(row) for row in rows} == {len(header)}


def test_the_protocol_value_of_the_contributors_page_can_be_added(repository):
    page = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names = dict(vars(value_group))
    exec(f"class Added(ValueGroup):\n{textwrap.indent(example, '    ')}", names)
    added = dataclasses.dataclass(frozen=True)(names["Added"])
    ((_, _, declaration),) = added.declarations()
    assert re.fullmatch(r"[A-Z][^.]*\.", declaration.meaning)
    assert declaration.default == 65
