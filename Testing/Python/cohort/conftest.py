"""The study's printed numbers, read from the project's files."""

import json

import pytest

from LumbarHULib.cohort.groups import TScoreCriteria
from LumbarHULib.cohort.study.tables import StudyTables, study_tables


@pytest.fixture(scope="session")
def study_files(repository) -> dict[str, dict]:
    """Return the contents of Resources/Study by file name."""
    folder = repository / "LumbarHU" / "Resources" / "Study"
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


@pytest.fixture(scope="session")
def tables(study_files) -> StudyTables:
    """Return the study's tables as values."""
    return study_tables(*(study_files[name] for name in ("table_1", "table_2", "table_3", "text")))


@pytest.fixture(scope="session")
def criteria(study_files) -> TScoreCriteria:
    """Return the WHO's criteria."""
    values = study_files["who_t_scores"]
    return TScoreCriteria(values["normal_at_least"]["value"], values["osteoporosis_at_most"]["value"])
