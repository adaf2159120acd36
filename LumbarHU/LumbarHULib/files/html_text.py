"""HTML that needs nothing but itself: escaped, without scripts, without anything from elsewhere."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 66rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
p { max-width: 52rem; }
.note { color: #555; font-size: .9rem; }
.banner { border: 2px solid #1a1a1a; padding: .5rem .9rem; font-weight: 700; margin: 1rem 0; max-width: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; margin: .5rem 0 1rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .22rem .7rem .22rem 0; text-align: right; white-space: nowrap; vertical-align: top; }
th { border-bottom: 1px solid #1a1a1a; font-weight: 600; vertical-align: bottom; }
th.left, td.left { text-align: left; }
td.text { white-space: normal; text-align: left; }
tbody tr.first td { border-top: 1px solid #ddd; }
tbody tr:last-child td { border-bottom: 1px solid #1a1a1a; }
figure { margin: 1rem 0 2rem; }
figure img { width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #333; }
ul { padding-left: 1.2rem; }
li { margin: .15rem 0; max-width: 54rem; }
summary { cursor: pointer; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } figure, table { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 7.5pt; } th, td { padding-right: .4rem; } h2 { break-after: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page; `parts` are HTML, the title is text."""
    body = "\n".join(parts)
    # Says to browsers, too, that nothing may be run or fetched.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return text as a paragraph."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def heading(text: str, level: int = 2) -> str:
    """Return text as a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def bullets(texts: Iterable[str]) -> str:
    """Return texts as a list."""
    return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in texts) + "\n</ul>"


def folded(summary: str, inside: str) -> str:
    """Return HTML that is shown when its summary is clicked."""
    return f"<details><summary>{escape(summary)}</summary>\n{inside}\n</details>"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", left: int = 1, grouped: bool = False
) -> str:
    """Return a table of text.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
    caption : str
    left : int
        Number of first columns that stand to the left; the others stand to the right.
    grouped : bool
        Draw a line where the first column changes, and write it there only.
    """
    lines = [f"<caption>{escape(caption)}</caption>"] if caption else []
    cells = "".join(f"<th{_class('left' if at < left else '')}>{escape(text)}</th>" for at, text in enumerate(header))
    lines.append(f"<thead><tr>{cells}</tr></thead>\n<tbody>")
    before = None
    for row in rows:
        starts = grouped and row[0] != before
        shown = ["", *row[1:]] if grouped and row[0] == before else row
        before = row[0]
        cells = "".join(
            f"<td{_class('left' if at < left else '')}>{escape(text)}</td>" for at, text in enumerate(shown)
        )
        lines.append(f"<tr{_class('first' if starts else '')}>{cells}</tr>")
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</tbody></table></div>"


def picture(path: Path, caption: str) -> str:
    """Return an SVG file as a figure of the page itself."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    told = escape(caption, quote=True)
    return f'<figure><img alt="{told}" src="data:image/svg+xml;base64,{data}"><figcaption>{told}</figcaption></figure>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
