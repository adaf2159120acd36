"""Facts observed in the real application: expressions and their values there."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("facts.json")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+| \(?0x[0-9a-f]+\)?|\b0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True)
class Fact:
    """One observation.

    Parameters
    ----------
    topic : str
        What it is about.
    before, code : str
        Statements that come first, those of the topic and its own; `qt`, `ctk`, `vtk` and `slicer` are there already.
    value : str
        An expression.
    gives : str
        Its `repr` in the application, or "raises" and the error's class.
    """

    topic: str
    before: str
    code: str
    value: str
    gives: str

    @property
    def title(self) -> str:
        """Topic, code and expression in one line."""
        return f"{self.topic}: " + "; ".join([*self.code.splitlines(), self.value])


def known_facts() -> tuple[Fact, ...]:
    """Return the facts, in the order of the file."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Fact(topic, "\n".join(group.get("before", [])), "\n".join(item.get("code", [])), item["value"], item["gives"])
        for topic, group in document["topics"].items()
        for item in group["facts"]
    )


def observe(fact: Fact) -> str:
    """Return the value of the expression here, written as in `Fact.gives`."""
    import ctk
    import qt
    import slicer
    import vtk

    names = {"qt": qt, "ctk": ctk, "slicer": slicer, "vtk": vtk, "__name__": "facts_under_test"}
    try:
        exec(fact.before, names)
        exec(fact.code, names)
        reported = repr(eval(fact.value, names))
    except Exception as error:
        return f"raises {type(error).__name__}"
    return _ADDRESS.sub("", reported)
