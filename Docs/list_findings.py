"""Write the page that tells what every finding means from the table in the code: run it with ``make pictures``."""

from pathlib import Path

from LumbarHULib.core.finding_codes import MEANINGS_BY_SUBJECT

PAGE = Path(__file__).parent / "findings.md"

_HEAD = """\
# What each finding means

What makes a number doubtful but not impossible is a *finding*. In the tables it stands as a code; in `record.json`, in
the report and in the panel as a sentence with the value and its limit, with a remedy. The limits are values of the
protocol. `LumbarHU/LumbarHULib/core/finding_codes.py` is the source of this page.
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for subject, meanings in MEANINGS_BY_SUBJECT.items():
        rows = [f"| `{code}` | {meaning} |" for code, meaning in meanings.items()]
        parts.append("\n".join([f"## {subject}\n", "| code | meaning |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
