"""What the README tells people to type exists."""

import functools
import re
import subprocess
import sys

import pytest

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
def makefile(repository) -> str:
    return (repository / "Makefile").read_text(encoding="utf-8")


def test_every_make_target_in_the_readme_is_in_the_makefile(readme, makefile):
    named = set(re.findall(r"\bmake ([a-z]+)", code_of(readme)))
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_script_in_the_makefile_is_there(makefile, repository):
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


def test_every_command_in_the_readme_exists_with_its_options(readme, options_of):
    commands = re.findall(r"\blumbarhu ([a-z]+)(.*)", code_of(readme))
    assert {"demo", "measure", "verify", "study", "cohort"} <= {subcommand for subcommand, _ in commands}
    for subcommand, arguments in commands:
        assert set(OPTION.findall(arguments)) <= options_of(subcommand)


def test_every_option_in_the_readmes_table_is_one_of_measure(readme, options_of):
    tabled = set(OPTION.findall("\n".join(re.findall(r"^\| `--.*?\|", readme, re.MULTILINE))))
    assert tabled
    assert tabled <= options_of("measure")


def test_every_link_and_picture_in_the_documents_is_there(tracked_texts):
    missing = []
    for path, text in tracked_texts.items():
        if path.suffix == ".md":
            targets = re.findall(r"\]\(([^)#\s]+)", text)
            local = [target for target in targets if "://" not in target]
            missing += [f"{path.name}: {target}" for target in local if not (path.parent / target).exists()]
    assert missing == []


def test_the_continuous_integration_runs_make_test(repository):
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"\bmake .*", script) == ["make test"]
