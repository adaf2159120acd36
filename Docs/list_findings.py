"""Write the page with the meaning of every finding from the table in the code: run it with ``make pages``."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "LumbarHU"))

import LumbarHULib  # noqa: E402
from LumbarHULib.core.findings import MEANINGS_BY_SUBJECT, SEVERITIES  # noqa: E402

PAGE = Path(__file__).parent / "findings.md"

_HEAD = """\
# What each finding means

A *finding* reports what makes a number doubtful but not impossible. The tables contain it as a code; `record.json`, the
report and the panel as a sentence with the value and its limit, and a remedy. The limits are values of the protocol.
This page is generated from `LumbarHU/LumbarHULib/core/findings.py`.

## How grave it is

| severity | meaning |
|---|---|
| `severe` | the number may be wrong: check the images before you use it; its meaning states if it forbids a class |
| `warning` | the number may be inaccurate: check what the sentence names, and use the class with caution |
| `note` | for information; the number is valid |

Report and panel show the most severe findings first. The terminal omits notes on single levels; the audit folder has
them. A finding never excludes a level from a mean: only the reader can exclude a level.
"""

# The code of a level without numbers, which is not a Finding in the sources.
_NOT_MEASURED = {"not_measured": "severe"}
_BY_DEFAULT = "warning"


def page() -> str:
    """Return the page as Markdown."""
    severities = severities_in_sources() | _NOT_MEASURED
    parts = [_HEAD]
    for subject, meanings in MEANINGS_BY_SUBJECT.items():
        rows = [f"| `{code}` | {severities.get(code, _BY_DEFAULT)} | {meaning} |" for code, meaning in meanings.items()]
        parts.append("\n".join([f"## {subject}\n", "| code | severity | meaning |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def severities_in_sources() -> dict[str, str]:
    """Return the severity of each code in calls of Finding; a call without a severity is a warning."""
    severities = {}
    for path in sorted(Path(LumbarHULib.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding" and len(node.args) > 1):
                continue
            rest = [*node.args[3:], *(keyword.value for keyword in node.keywords if keyword.arg == "severity")]
            texts = {of.value for one in rest for of in ast.walk(one) if isinstance(of, ast.Constant)}
            stated = [severity for severity in reversed(SEVERITIES) if severity in texts]
            if stated and isinstance(node.args[0], ast.Constant):
                severities[node.args[0].value] = " or ".join(stated)
    return severities


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
