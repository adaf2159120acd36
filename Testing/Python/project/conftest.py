"""The repository's files, for the tests of the house itself."""

import subprocess
from pathlib import Path

import pytest

NOT_OURS = {"__pycache__", "build", "demo", "demo-cohort", "dist"}


@pytest.fixture(scope="session")
def tracked_files(repository) -> list[Path]:
    """Return the project's own files: those in Git; without Git, all except those that make created."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True, encoding="utf-8"
        )
        files = [repository / name for name in listing.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        files = [
            path
            for path in repository.rglob("*")
            if not any(
                part in NOT_OURS or (part.startswith(".") and part not in {".ci", ".gitignore"})
                for part in path.relative_to(repository).parts
            )
        ]
    return sorted(path for path in files if path.is_file())


@pytest.fixture(scope="session")
def tracked_texts(tracked_files) -> dict[Path, str]:
    """Return path → text of every tracked file that is text."""
    texts = {}
    for path in tracked_files:
        try:
            texts[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an icon
    return texts
