"""Write the quantities of a region into the page on the audit folder: run it with ``make pages``."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "LumbarHU"))

from LumbarHULib.core.quantities import QUANTITIES  # noqa: E402

PAGE = Path(__file__).parent / "audit-folder.md"
_BEGIN, _END = "<!-- quantities: begin -->\n", "<!-- quantities: end -->\n"


def page() -> str:
    """Return the page with the current quantities."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = [f"| `{one.name}` | {one.shown_unit} | {one.description} |" for one in QUANTITIES]
    table = "\n".join(["| quantity | unit | content |", "|---|---|---|", *rows])
    return f"{before}{_BEGIN}{table}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
