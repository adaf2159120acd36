"""Write self-contained HTML: escaped, without third-party scripts, without external resources."""

import base64
import hashlib
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path

_STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --back: #fff; --soft: #555; --line: #767676; --faint: #ddd;
  --link: #0b57d0; }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --back: #16181b; --soft: #b0b4ba;
  --line: #8a8f98; --faint: #3a3e44; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--text); background: var(--back);
  max-width: 66rem; margin: 2rem auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--faint); padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { max-width: 52rem; }
.note { color: var(--soft); font-size: .9rem; }
.banner { border: 2px solid var(--text); padding: .5rem .9rem; font-weight: 700; margin: 1rem 0; max-width: none; }
.wide { overflow-x: auto; position: relative; }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; margin: .5rem 0 1rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .22rem .7rem .22rem 0; text-align: right; white-space: nowrap; vertical-align: top; }
thead > tr > * { border-bottom: 1px solid var(--text); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; }
th.left, td.left { text-align: left; }
th.text, td.text { white-space: normal; text-align: left; min-width: 6rem; }
tbody tr.first td { border-top: 1px solid var(--faint); }
tbody tr:last-child > * { border-bottom: 1px solid var(--text); }
figure { margin: 1rem 0 2rem; }
figure img { width: 100%; height: auto; background: #fff; }
figcaption { font-size: .9rem; color: var(--soft); }
ul { padding-left: 1.2rem; }
li { margin: .15rem 0; max-width: 54rem; }
summary { cursor: pointer; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 10pt; } figure, tr { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 7.5pt; } th, td { padding-right: .4rem; }
  h2, caption, thead { break-after: avoid; }
  tbody tr:nth-child(-n+2), tbody tr:nth-last-child(-n+2) { break-before: avoid; } }
"""


class Html(str):
    """Text that is already HTML; the functions here escape any other text."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Return text as HTML: markup in it is shown literally, and a character that cannot be printed as “�”."""
    if isinstance(text, Html):
        return text
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
    return Html(escape(shown, quote=True))


def foreign(text: str, most: int = 2000) -> Html:
    """Return foreign text, isolated so that right-to-left writing does not reorder the words around it.

    If it has more than `most` characters, only the first `most` are shown, with the total number.
    """
    shown = text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
    return Html(f"<bdi>{escaped(shown)}</bdi>")


def page(title: str, parts: Iterable[str], style: str = "", script: str = "") -> str:
    """Return a complete page.

    Parameters
    ----------
    title : str
        The page's title, as text.
    parts : iterable of str
        The page's content, as HTML.
    style, script : str
        This page's own style, in addition to the shared one, and the one script that it may run.
    """
    body = "\n".join(parts)
    # Browsers enforce this policy: nothing else may run and nothing may be fetched.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
        policy += f"; script-src 'sha256-{digest}'"
        body += f"\n<script>{script}</script>"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escaped(title)}</title>\n'
        f"<style>{_STYLE}{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return text as a paragraph."""
    return f"<p{_class(kind)}>{escaped(text)}</p>"


def heading(text: str, level: int = 2) -> str:
    """Return text as a heading."""
    return f"<h{level}>{escaped(text)}</h{level}>"


def bullets(texts: Iterable[str]) -> str:
    """Return texts as a list."""
    return "<ul>\n" + "\n".join(f"<li>{escaped(text)}</li>" for text in texts) + "\n</ul>"


def folded(summary: str, inside: str) -> str:
    """Return HTML that opens when its summary is clicked."""
    return f"<details><summary>{escaped(summary)}</summary>\n{inside}\n</details>"


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str = "",
    left: int = 1,
    grouped: bool = False,
    text: Collection[int] = (),
    name: str = "",
) -> str:
    """Return a table of text that scrolls in its own box if it is wider than the page.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
    caption : str
    left : int
        Number of leading columns that are left-aligned; the others are right-aligned.
    grouped : bool
        Draw a line where the first column changes, and write its text only there. Otherwise, the first column is the
        row's header.
    text : collection of int
        Columns, counted from 0, whose text wraps.
    name : str
        Name of the box for screen readers; by default the caption.
    """

    def kind(at: int) -> str:
        return _class("text" if at in text else "left" if at < left else "")

    lines = [f"<caption>{escaped(caption)}</caption>"] if caption else []
    cells = "".join(
        # An empty header cell is not a header.
        f'<th scope="col"{kind(at)}>{escaped(cell)}</th>' if cell else "<td></td>"
        for at, cell in enumerate(header)
    )
    lines.append(f"<thead><tr>{cells}</tr></thead>\n<tbody>")
    before = None
    for row in rows:
        starts = grouped and row[0] != before
        shown = ["", *row[1:]] if grouped and row[0] == before else row
        before = row[0]
        cells = "".join(
            f'<th scope="row"{kind(at)}>{escaped(cell)}</th>'
            if at == 0 and not grouped
            else f"<td{kind(at)}>{escaped(cell)}</td>"
            for at, cell in enumerate(shown)
        )
        lines.append(f"<tr{_class('first' if starts else '')}>{cells}</tr>")
    # Keyboard users can scroll only a box that can have the focus.
    label = escaped(name or caption or "Table")
    box = f'<div class="wide" role="group" tabindex="0" aria-label="{label}">'
    return f"{box}<table>\n" + "\n".join(lines) + "\n</tbody></table></div>"


def picture(path: Path, caption: str) -> str:
    """Return an SVG file as a figure embedded in the page."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    label = escaped(caption)
    return (
        f'<figure><img alt="{label}" src="data:image/svg+xml;base64,{data}"><figcaption>{label}</figcaption></figure>'
    )


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
