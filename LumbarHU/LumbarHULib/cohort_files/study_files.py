"""Read the study's printed tables and the limits for DXA from their files."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from LumbarHULib.cohort.groups import TScoreCriteria
from LumbarHULib.cohort.references import QctCriteria
from LumbarHULib.cohort.study.tables import StudyTables, study_tables
from LumbarHULib.files.located_json import read_located_json
from LumbarHULib.files.resources import resource_path


@dataclass(frozen=True)
class DxaLimits:
    """Limits for comparing a DXA with a CT.

    Parameters
    ----------
    days_ct_dxa_at_most : float
        Most days between CT and DXA.
    t_score_from_age : float
        Age in years from which T-scores apply to men.
    citation : str
        Source of that age.
    """

    days_ct_dxa_at_most: float
    t_score_from_age: float
    citation: str


@lru_cache
def load_study_tables() -> StudyTables:
    """Return the study's tables from ``Resources/Study``.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    return study_tables(*(_content(name) for name in ("table_1", "table_2", "table_3", "text")))


@lru_cache
def load_t_score_criteria() -> TScoreCriteria:
    """Return the WHO criteria; raise InputError as `load_study_tables` does."""
    values = _content("who_t_scores")
    return TScoreCriteria(values["normal_at_least"]["value"], values["osteoporosis_at_most"]["value"])


@lru_cache
def load_dxa_limits() -> DxaLimits:
    """Return the limits for DXA; raise InputError as `load_study_tables` does."""
    values = _content("dxa_limits")
    days, age = values["days_ct_dxa_at_most"], values["t_score_from_age"]
    return DxaLimits(days["value"], age["value"], age["source"])


@lru_cache
def load_qct_criteria() -> QctCriteria:
    """Return the limits of quantitative CT; raise InputError as `load_study_tables` does."""
    values = _content("qct_classes")
    below, above = values["osteoporosis_below"], values["normal_above"]
    return QctCriteria(below["value"], above["value"], values["citation"])


def _content(name: str) -> dict[str, Any]:
    return read_located_json(resource_path("Study", f"{name}.json")).plain()
