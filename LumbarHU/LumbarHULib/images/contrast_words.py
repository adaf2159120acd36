"""Interpret the free text of a header about contrast medium: given, not given, or unknown."""

import json
import re
import unicodedata
from functools import lru_cache

from LumbarHULib.files.resources import resource_path

_BETWEEN_WORDS = re.compile(r"[\s,;:()\[\]+|]+")
_LETTERS = re.compile(r"[^\W\d_]+")

# Scanners and radiographers cut names of agents off; with fewer letters, such a beginning may be another word.
_LEAST_LETTERS = 4


@lru_cache
def _table() -> tuple[dict[str, bool | None], tuple[str, ...], frozenset[str]]:
    """Return the meaning of each whole text, the names of contrast agents, and words that only begin like one."""
    document = json.loads(resource_path("Acquisition", "contrast-words.json").read_text(encoding="utf-8"))
    says: dict[str, bool | None] = {}
    for kind, answer in (("not_given", False), ("unknown", None), ("given", True)):
        for texts in document[kind].values():
            says |= {_plain(text): answer for text in texts}
    agents = tuple(_plain(name) for names in document["agents"].values() for name in names)
    return says, agents, frozenset(document["not_agents"])


def contrast_said(text: str) -> bool | None:
    """Return whether a text states that contrast medium was given; None if unknown.

    Parameters
    ----------
    text : str
        The header's text; empty if there is none.
    """
    return _said(_plain(text))


def is_known_word(text: str) -> bool:
    """Return whether the table contains a text, including texts that mean “unknown”."""
    plain = _plain(text)
    return not plain or plain in _table()[0] or _said(plain) is not None


def _said(plain: str) -> bool | None:
    whole = _table()[0]
    if plain in whole:
        return whole[plain]
    # Match the longest phrases first: “without contrast” contains “contrast”.
    words = [word for word in _BETWEEN_WORDS.split(plain) if word]
    answers, at = set(), 0
    while at < len(words):
        for length in range(len(words) - at, 0, -1):
            phrase = " ".join(words[at : at + length])
            if phrase in whole:
                answers.add(whole[phrase])
                at += length
                break
        else:
            if _names_agent(words[at]):
                answers.add(True)
            at += 1
    answers.discard(None)
    return answers.pop() if len(answers) == 1 else None


def _names_agent(word: str) -> bool:
    """Return whether a word contains the name of a contrast agent or is the beginning of one."""
    _, agents, others = _table()
    if any(agent in word for agent in agents):
        return True
    letters = _LETTERS.match(word)
    beginning = letters.group() if letters else ""
    return len(beginning) >= _LEAST_LETTERS and beginning not in others and any(a.startswith(beginning) for a in agents)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.replace("“", "").replace('"', "").split()).strip()
