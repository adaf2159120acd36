"""Write the page that tells what every finding means from the table in the code: run it with ``make pictures``."""

import ast
from pathlib import Path

import LumbarHULib
from LumbarHULib.core.findings import MEANINGS_BY_SUBJECT, SEVERITIES

PAGE = Path(__file__).parent / "findings.md"

_HEAD = """\
# What each finding means

What makes a number doubtful but not impossible is a *finding*. In the tables it stands as a code; in `record.json`, in
the report and in the panel as a sentence with the value and its limit, with a remedy. The limits are values of the
protocol. `LumbarHU/LumbarHULib/core/findings.py` is the source of this page.

## How grave it is

| severity | meaning |
|---|---|
| `severe` | the number may be wrong: look at the images before you use it; its meaning says where it forbids a class |
| `warning` | the number may be off: check what the sentence names, and take the class with care |
| `note` | good to know; the number stands |

Report and panel show the gravest first. On the terminal, notes on single levels are left to the audit folder. Nothing
is left out of a mean because of a finding: to exclude a level is for the reader.
"""

# What a level that gave no number stands for; it is no Finding in the sources.
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
    """Return the severities that stand beside a code in a call of Finding; what states none is a warning."""
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
